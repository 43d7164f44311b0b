package onboarding_test

import (
	"errors"
	"maps"
	"testing"

	"tollhouse/billing/onboarding"
)

func TestParseFacts_readsSections(t *testing.T) {
	t.Parallel()
	got, err := onboarding.ParseFacts([]byte(`{"party": {"name": "Ada", "email": null}, "account": {"cycle_months": 3}, "mobile": {"imsi": 262010000000001}, "contract_signed": true}`))
	want := onboarding.Facts{"party.name": "Ada", "party.email": "", "account.cycle_months": "3", "mobile.imsi": "262010000000001", "contract_signed": "true"}
	if err != nil || !maps.Equal(got, want) {
		t.Errorf("got %v, %v", got, err)
	}
}

func TestParseFacts_namesWhatIsNoFact(t *testing.T) {
	t.Parallel()
	for document, field := range map[string]string{
		`[]`: "facts", `{`: "facts", `"x"`: "facts",
		`{"party": {"name": ["Ada"]}}`:        "party.name",
		`{"party": {"name": {"first": "A"}}}`: "party.name",
		`{"contract_signed": [1]}`:            "contract_signed",
	} {
		_, err := onboarding.ParseFacts([]byte(document))
		var refused *onboarding.FactError
		if !errors.As(err, &refused) || refused.Findings[0].Field != field {
			t.Errorf("%s: %v", document, err)
		}
	}
}

func TestDocument_readsBack(t *testing.T) {
	t.Parallel()
	want := tripleFacts(1)
	document, err := want.Document()
	if err != nil {
		t.Fatal(err)
	}
	got, err := onboarding.ParseFacts(document)
	if err != nil || !maps.Equal(got, want) {
		t.Errorf("%s read back as %v, %v", document, got, err)
	}
}
