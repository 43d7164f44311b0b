package api

import (
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
)

func TestWanted_showsWhatItLooksLike(t *testing.T) {
	t.Parallel()
	day := &openapi3.Schema{Type: &openapi3.Types{openapi3.TypeString}, Format: "date", Description: "A day in the operator's zone.", Example: "2026-05-01"}
	money := &openapi3.Schema{Type: &openapi3.Types{openapi3.TypeObject}, Description: "An amount of money. More words.", Example: map[string]any{"amount": "12.34", "currency": "EUR"}}
	for _, c := range []struct {
		name, got, want string
	}{
		{"a day", wanted(day), "A day in the operator's zone, such as 2026-05-01"},
		{"money", wanted(money), `An amount of money. More words, such as {"amount":"12.34","currency":"EUR"}`},
		{"a parameter's own words", described("The last day, inclusive.", day), "The last day, inclusive, such as 2026-05-01"},
		{"words that have the example", described("A day such as 2026-05-01.", day), "A day such as 2026-05-01"},
		{"no example", described("A name.", &openapi3.Schema{}), "A name"},
	} {
		if c.got != c.want {
			t.Errorf("%s: %q, want %q", c.name, c.got, c.want)
		}
	}
}
