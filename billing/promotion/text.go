package promotion

import (
	_ "embed" // the promotion's schema
	"fmt"
	"sync"

	"tollhouse/billing/catalog/document"
)

// SchemaJSON is the JSON Schema of a promotion, the same text as
// docs/promotion.schema.json.
//
//go:embed promotion.schema.json
var SchemaJSON []byte

var schema = sync.OnceValue(func() *document.Schema { return document.MustCompileSchema(SchemaJSON) })

// Parse reads a promotion as YAML or JSON. A refused document gives a
// *document.InvalidError that names every field; Check comes after.
func Parse(text []byte) (Promotion, error) {
	p, _, err := ParseLines(text)
	return p, err
}

// ParseLines is Parse and tells on which line each field stands.
func ParseLines(text []byte) (Promotion, document.Lines, error) {
	var p Promotion
	lines, err := schema().Decode(text, &p)
	if err != nil {
		return Promotion{}, nil, fmt.Errorf("read promotion: %w", err)
	}
	return p, lines, nil
}
