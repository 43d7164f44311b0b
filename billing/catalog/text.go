package catalog

import (
	_ "embed" // the offering's schema
	"encoding/json"
	"fmt"
	"sync"

	"github.com/goccy/go-yaml"

	"tollhouse/billing/catalog/document"
)

// SchemaJSON is the JSON Schema of an offering, the same text as
// docs/offering.schema.json.
//
//go:embed offering.schema.json
var SchemaJSON []byte

var schema = sync.OnceValue(func() *document.Schema { return document.MustCompileSchema(SchemaJSON) })

// Parse reads an offering as YAML or JSON. A refused document gives a
// *document.InvalidError that names every field; Check comes after.
func Parse(text []byte) (Offering, error) {
	o, _, err := ParseLines(text)
	return o, err
}

// ParseLines is Parse and tells on which line each field stands.
func ParseLines(text []byte) (Offering, document.Lines, error) {
	var o Offering
	lines, err := schema().Decode(text, &o)
	if err != nil {
		return Offering{}, nil, fmt.Errorf("read offering: %w", err)
	}
	return o, lines, nil
}

// YAML returns the offering as the text that Parse reads: keys in the order
// of the format, amounts as texts in their shortest form.
func (o Offering) YAML() ([]byte, error) {
	text, err := json.Marshal(o)
	if err != nil {
		return nil, fmt.Errorf("export offering %s: %w", o.Code, err)
	}
	out, err := yaml.JSONToYAML(text)
	if err != nil {
		return nil, fmt.Errorf("export offering %s: %w", o.Code, err)
	}
	return out, nil
}
