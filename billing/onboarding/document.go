package onboarding

import (
	"bytes"
	"encoding/json"
	"maps"
	"slices"
	"strings"
)

// ParseFacts reads facts as a caller writes them: an object of sections, such
// as {"party": {"name": "Ada"}}. A null takes a fact away (RFC 7396).
// It returns a *FactError for what is no text, number or truth value.
func ParseFacts(document []byte) (Facts, error) {
	decoder := json.NewDecoder(bytes.NewReader(document))
	decoder.UseNumber() // a long number must not lose digits
	var sections map[string]any
	if err := decoder.Decode(&sections); err != nil {
		return nil, &FactError{[]Finding{{Field: "facts", Fault: IsWrong, Want: "an object of sections with facts"}}}
	}
	facts := Facts{}
	var refused []Finding
	for _, section := range slices.Sorted(maps.Keys(sections)) {
		inner, nested := sections[section].(map[string]any)
		if !nested {
			refused = append(refused, facts.put(section, sections[section])...)
			continue
		}
		for _, name := range slices.Sorted(maps.Keys(inner)) {
			refused = append(refused, facts.put(section+"."+name, inner[name])...)
		}
	}
	if len(refused) > 0 {
		return nil, &FactError{refused}
	}
	return facts, nil
}

func (f Facts) put(field string, value any) []Finding {
	switch v := value.(type) {
	case nil:
		f[field] = ""
	case string:
		f[field] = v
	case json.Number:
		f[field] = v.String()
	case bool:
		f[field] = map[bool]string{true: "true", false: "false"}[v]
	default:
		return []Finding{{Field: field, Fault: IsWrong, Want: formats[formatOf(field)].want}}
	}
	return nil
}

// Document writes facts the way ParseFacts reads them.
func (f Facts) Document() (json.RawMessage, error) {
	sections := map[string]any{}
	for field, value := range f {
		section, name, nested := strings.Cut(field, ".")
		if !nested {
			sections[field] = value
			continue
		}
		inner, begun := sections[section].(map[string]any)
		if !begun {
			inner = map[string]any{}
			sections[section] = inner
		}
		inner[name] = value
	}
	return json.Marshal(sections)
}
