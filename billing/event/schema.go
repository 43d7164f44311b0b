package event

import (
	"encoding/json"
	"reflect"
	"strings"
	"time"

	"github.com/google/uuid"

	"tollhouse/billing/calendar"
	"tollhouse/billing/money"
)

// Schema is the JSON Schema of a type's whole message, made from its payload.
func (k Kind) Schema() map[string]any {
	id := map[string]any{"type": "string", "format": "uuid"}
	return map[string]any{
		"$schema":     "https://json-schema.org/draft/2020-12/schema",
		"title":       string(k.Type),
		"description": k.Meaning,
		"type":        "object",
		"required":    []string{"type", "timestamp", "id", "object", "sequence", "data"},
		"properties": map[string]any{
			"type":      map[string]any{"const": string(k.Type)},
			"timestamp": map[string]any{"type": "string", "format": "date-time", "description": "When it happened, in business time."},
			"id":        map[string]any{"type": "string", "format": "uuid", "description": "Of the event, as in the header webhook-id: the same each time it is sent."},
			"object": map[string]any{"type": "object", "required": []string{"type", "id"}, "description": "By which events are ordered.",
				"properties": map[string]any{"type": map[string]any{"const": string(k.Object)}, "id": id}},
			"sequence":   map[string]any{"type": "integer", "minimum": 1, "description": "Counts the object's events. It begins anew for an object without an event for 30 days."},
			"account_id": map[string]any{"type": "string", "format": "uuid", "description": "The billing account concerned."},
			"data":       schemaOf(reflect.TypeOf(k.Data)),
		},
	}
}

// leaves are types with a text of their own.
var leaves = map[reflect.Type]func() map[string]any{
	reflect.TypeFor[uuid.UUID]():     func() map[string]any { return map[string]any{"type": "string", "format": "uuid"} },
	reflect.TypeFor[time.Time]():     func() map[string]any { return map[string]any{"type": "string", "format": "date-time"} },
	reflect.TypeFor[calendar.Date](): func() map[string]any { return map[string]any{"type": "string", "format": "date"} },
	reflect.TypeFor[money.Amount](): func() map[string]any {
		return map[string]any{"type": "object", "required": []string{"amount", "currency"}, "properties": map[string]any{
			"amount": map[string]any{"type": "string", "description": "A decimal number."}, "currency": map[string]any{"type": "string", "description": "ISO 4217."}}}
	},
}

func schemaOf(t reflect.Type) map[string]any {
	if t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	if leaf, known := leaves[t]; known {
		return leaf()
	}
	switch t.Kind() {
	case reflect.String:
		return map[string]any{"type": "string"}
	case reflect.Bool:
		return map[string]any{"type": "boolean"}
	case reflect.Int:
		return map[string]any{"type": "integer"}
	case reflect.Struct:
		properties, required := map[string]any{}, []string{}
		for i := range t.NumField() {
			field := t.Field(i)
			name, options, _ := strings.Cut(field.Tag.Get("json"), ",")
			p := schemaOf(field.Type)
			p["description"] = field.Tag.Get("doc")
			properties[name] = p
			if !strings.Contains(options, "omitempty") {
				required = append(required, name)
			}
		}
		return map[string]any{"type": "object", "required": required, "properties": properties}
	}
	panic("event: no schema for " + t.String()) // a payload's field of a new type
}

// SchemaText is the schema as JSON.
func (k Kind) SchemaText() json.RawMessage {
	text, err := json.Marshal(k.Schema())
	if err != nil {
		panic(err) // maps of texts
	}
	return text
}
