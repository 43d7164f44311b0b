package document

import (
	"encoding/json"
	"fmt"
	"regexp"
	"strings"

	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/parser"
)

// plainNumber is what JSON calls a number. YAML's other spellings (1_000,
// 0x1F, .inf) would mean something else to most readers, so they stay text
// and fail the schema.
var plainNumber = regexp.MustCompile(`^-?(0|[1-9][0-9]*)(\.[0-9]+)?$`)

func readYAML(text []byte, lines Lines) (value any, err error) {
	// The parser is not ours, and it has met input before that made it panic;
	// a document must never take the process down.
	defer func() {
		if p := recover(); p != nil {
			value, err = nil, refuse("", 0, "not YAML")
		}
	}()
	if err := boundYAML(text); err != nil {
		return nil, err
	}
	// Repeated keys are refused below, where their path is known.
	file, err := parser.ParseBytes(text, 0, parser.AllowDuplicateMapKey())
	if err != nil {
		return nil, explainYAML(err)
	}
	var bodies []ast.Node
	for _, doc := range file.Docs {
		if doc.Body != nil {
			bodies = append(bodies, doc.Body)
		}
	}
	if len(bodies) != 1 {
		return nil, refuse("", 1, fmt.Sprintf("holds %d documents, must hold one", len(bodies)))
	}
	return yamlReader{lines}.value(bodies[0], "", 0)
}

// explainYAML takes line and words out of the parser's error, which prints
// "[line:column] words" above an excerpt.
func explainYAML(err error) error {
	var line, column int
	first, _, _ := strings.Cut(err.Error(), "\n")
	if _, scan := fmt.Sscanf(first, "[%d:%d]", &line, &column); scan == nil {
		_, first, _ = strings.Cut(first, "] ")
	}
	return refuse("", line, "not YAML: "+first)
}

type yamlReader struct{ lines Lines }

func (r yamlReader) value(node ast.Node, path string, depth int) (any, error) {
	line := node.GetToken().Position.Line
	if _, seen := r.lines[path]; !seen || path == "" {
		r.lines[path] = line
	}
	if depth > maxDepth {
		return nil, refuse(path, line, "nested too deeply")
	}
	switch n := node.(type) {
	case *ast.MappingNode:
		return r.object(n.Values, path, depth)
	case *ast.MappingValueNode:
		return r.object([]*ast.MappingValueNode{n}, path, depth)
	case *ast.SequenceNode:
		return r.list(n, path, depth)
	case *ast.StringNode:
		return n.Value, nil
	case *ast.LiteralNode:
		return n.Value.Value, nil
	case *ast.IntegerNode:
		return number(n.Token.Value), nil
	case *ast.FloatNode:
		return number(n.Token.Value), nil
	case *ast.BoolNode:
		return n.Value, nil
	case *ast.NullNode:
		return nil, nil
	}
	return nil, refuse(path, line, "anchors, aliases, tags and special numbers are not read; write the value out")
}

func number(text string) any {
	if plainNumber.MatchString(text) {
		return json.Number(text)
	}
	return text
}

func (r yamlReader) object(values []*ast.MappingValueNode, path string, depth int) (any, error) {
	object := map[string]any{}
	for _, value := range values {
		line := value.Key.GetToken().Position.Line
		key, ok := keyText(value.Key)
		if !ok {
			return nil, refuse(path, line, "a key must be a plain text")
		}
		child := childKey(path, key)
		if _, twice := object[key]; twice {
			return nil, refuse(child, line, "key stands twice")
		}
		r.lines[child] = line
		item, err := r.value(value.Value, child, depth+1)
		if err != nil {
			return nil, err
		}
		object[key] = item
	}
	return object, nil
}

func keyText(key ast.MapKeyNode) (string, bool) {
	switch k := key.(type) {
	case *ast.StringNode:
		return k.Value, true
	case *ast.IntegerNode, *ast.FloatNode, *ast.BoolNode, *ast.NullNode:
		return k.GetToken().Value, true
	}
	return "", false
}

func (r yamlReader) list(node *ast.SequenceNode, path string, depth int) (any, error) {
	list := make([]any, 0, len(node.Values))
	for i, value := range node.Values {
		item, err := r.value(value, childIndex(path, i), depth+1)
		if err != nil {
			return nil, err
		}
		list = append(list, item)
	}
	return list, nil
}
