package document

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"github.com/santhosh-tekuri/jsonschema/v6/kind"
	"golang.org/x/text/language"
	"golang.org/x/text/message"

	"tollhouse/billing/money"
)

// Schema is a compiled JSON Schema. A definition's "description" is shown to
// whoever breaks it, so it has to say what is right.
type Schema struct {
	compiled *jsonschema.Schema
	hints    map[string]string // definition name → what is right
}

// CompileSchema reads a JSON Schema (draft 2020-12) that refers to nothing
// outside itself.
func CompileSchema(text []byte) (*Schema, error) {
	raw, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
	if err != nil {
		return nil, fmt.Errorf("read schema: %w", err)
	}
	compiler := jsonschema.NewCompiler()
	compiler.AssertFormat()
	compiler.RegisterFormat(&jsonschema.Format{Name: "currency", Validate: currency})
	compiler.RegisterFormat(&jsonschema.Format{Name: "every", Validate: every})
	if err := compiler.AddResource("document.json", raw); err != nil {
		return nil, fmt.Errorf("add schema: %w", err)
	}
	compiled, err := compiler.Compile("document.json")
	if err != nil {
		return nil, fmt.Errorf("compile schema: %w", err)
	}
	var defs struct {
		Defs map[string]struct {
			Description string `json:"description"`
		} `json:"$defs"`
	}
	if err := json.Unmarshal(text, &defs); err != nil {
		return nil, fmt.Errorf("read definitions: %w", err)
	}
	s := &Schema{compiled, map[string]string{}}
	for name, def := range defs.Defs {
		s.hints[name] = def.Description
	}
	return s, nil
}

// currency is a format: a pattern cannot tell EUR from XYZ, and the path of
// the field is known only here.
func currency(value any) error {
	code, isText := value.(string)
	if !isText {
		return nil // the type's business
	}
	_, err := money.ParseCurrency(code)
	return err
}

// every bounds a period to ten years; its pattern has let it through.
func every(value any) error {
	text, isText := value.(string)
	if !isText {
		return nil // the type's business
	}
	number, unit, counted := strings.Cut(text, " ")
	if !counted {
		return nil
	}
	count, err := strconv.Atoi(number)
	if most := map[string]int{"day": 3660, "week": 522, "month": 120, "quarter": 40, "year": 10}[strings.TrimSuffix(unit, "s")]; err == nil && count > most {
		return fmt.Errorf("at most %d", most)
	}
	return err
}

// MustCompileSchema is CompileSchema for embedded schemas; it panics on a bad
// one.
func MustCompileSchema(text []byte) *Schema {
	s, err := CompileSchema(text)
	if err != nil {
		panic(err)
	}
	return s
}

// Decode reads text, checks it against s and fills into, a pointer to a
// struct with json tags. A refused document gives an *InvalidError.
func (s *Schema) Decode(text []byte, into any) (Lines, error) {
	value, lines, err := Read(text)
	if err != nil {
		return nil, err
	}
	if err := s.Validate(value); err != nil {
		var invalid *InvalidError
		if errors.As(err, &invalid) {
			lines.Locate(invalid.Findings)
		}
		return nil, err
	}
	canonical, err := json.Marshal(value)
	if err != nil {
		return nil, fmt.Errorf("encode document: %w", err)
	}
	dec := json.NewDecoder(bytes.NewReader(canonical))
	dec.DisallowUnknownFields()
	if err := dec.Decode(into); err != nil {
		// What the schema lets through and the types do not; the type's words
		// have to do.
		return nil, refuse("", 1, err.Error())
	}
	return lines, nil
}

// Validate checks a value as Read returns it. The error is an *InvalidError.
func (s *Schema) Validate(value any) error {
	err := s.compiled.Validate(value)
	if err == nil {
		return nil
	}
	var failed *jsonschema.ValidationError
	if !errors.As(err, &failed) {
		return fmt.Errorf("validate: %w", err)
	}
	var findings []Finding
	s.collect(failed, value, &findings)
	return &InvalidError{findings}
}

var english = message.NewPrinter(language.English)

func (s *Schema) collect(e *jsonschema.ValidationError, root any, findings *[]Finding) {
	path := pathOf(root, e.InstanceLocation)
	add := func(path, message string) {
		*findings = append(*findings, Finding{Path: path, Message: message})
	}
	switch k := e.ErrorKind.(type) {
	case *kind.Required:
		for _, name := range k.Missing {
			add(childKey(path, name), "is missing")
		}
		return
	case *kind.AdditionalProperties:
		for _, name := range k.Properties {
			add(childKey(path, name), "is no key of this document")
		}
		return
	case *kind.Enum:
		add(path, "must be one of "+words(k.Want))
		return
	case *kind.AnyOf, *kind.OneOf, *kind.Not:
		if hint := s.hint(e.SchemaURL); hint != "" {
			add(path, hint)
			return
		}
	case *kind.MinProperties, *kind.MinItems:
		if hint := s.hint(e.SchemaURL); hint != "" {
			add(path, hint)
		} else {
			add(path, "is missing")
		}
		return
	case *kind.MaxItems:
		add(path, fmt.Sprintf("must be at most %d entries", k.Want))
		return
	case *kind.MaxLength:
		add(path, fmt.Sprintf("must be at most %d characters", k.Want))
		return
	case *kind.Pattern, *kind.Type, *kind.Minimum, *kind.Format:
		if hint := s.hint(e.SchemaURL); hint != "" && len(e.Causes) == 0 {
			add(path, hint)
			return
		}
	}
	for _, cause := range e.Causes {
		s.collect(cause, root, findings)
	}
	if len(e.Causes) == 0 {
		add(path, e.ErrorKind.LocalizedString(english))
	}
}

// hint returns the description of the definition that a schema address lies
// in directly: ".../$defs/amount".
func (s *Schema) hint(url string) string {
	_, name, ok := strings.Cut(url, "/$defs/")
	if !ok || strings.Contains(name, "/properties/") {
		return ""
	}
	name, _, _ = strings.Cut(name, "/")
	return s.hints[name]
}

func words(options []any) string {
	texts := make([]string, len(options))
	for i, o := range options {
		texts[i] = fmt.Sprint(o)
	}
	return strings.Join(texts, ", ")
}

// pathOf turns a location into a path, with brackets where the document has a
// list.
func pathOf(root any, location []string) string {
	path := ""
	for _, step := range location {
		list, isList := root.([]any)
		if !isList {
			path = childKey(path, step)
			object, _ := root.(map[string]any)
			root = object[step]
			continue
		}
		i, err := strconv.Atoi(step)
		if err != nil || i >= len(list) {
			return path
		}
		path = childIndex(path, i)
		root = list[i]
	}
	return path
}
