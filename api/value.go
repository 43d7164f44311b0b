package api

import (
	"encoding/json"
	"fmt"

	"github.com/google/uuid"

	"tollhouse/billing/calendar"
	"tollhouse/billing/money"

	"tollhouse/api/oapi"
)

// value is what an optional field holds, or nothing.
func value[T any](p *T) T {
	if p == nil {
		var nothing T
		return nothing
	}
	return *p
}

// unless leaves an optional field out where it says nothing.
func unless[T comparable](nothing, v T) *T {
	if v == nothing {
		return nil
	}
	return &v
}

func optionalText(text string) *string   { return unless("", text) }
func optionalID(id uuid.UUID) *uuid.UUID { return unless(uuid.Nil, id) }
func quantity(d money.Decimal, u money.Unit) oapi.Quantity {
	return oapi.Quantity{Quantity: d, Unit: u}
}

// mapped turns a list into the API's form; an empty one is [], never null.
func mapped[T, R any](items []T, turn func(T) R) []R {
	out := make([]R, len(items))
	for i, item := range items {
		out[i] = turn(item)
	}
	return out
}

// document writes a domain document as JSON. Its types are ours, so that it
// cannot fail but by a bug.
func document(v any) json.RawMessage {
	text, err := json.Marshal(v)
	if err != nil {
		panic(fmt.Sprintf("api: write %T: %v", v, err))
	}
	return text
}

func optionalDate(d calendar.Date) *calendar.Date { return unless(calendar.Date{}, d) }
