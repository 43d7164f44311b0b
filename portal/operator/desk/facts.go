package desk

import (
	"slices"
	"strings"

	"tollhouse/billing/catalog"
	"tollhouse/billing/desk"
	"tollhouse/billing/onboarding"
	"tollhouse/portal/ui"
	"tollhouse/portal/web"
)

// anything is an offering that carries no service: what is needed for it is
// needed for all.
var anything = catalog.Offering{}

// formName is a fact's field in a form; ids of elements can't hold a dot well.
func formName(field string) string { return strings.ReplaceAll(field, ".", "-") }

// factChoices are the facts that are chosen from a few.
var factChoices = map[string][]string{
	"party.kind": {"individual", "organization"}, "party.language": {"en", "id", "ru"}, "party.id_verified": {"desk", "post", "video", "eid"},
	"account.cycle_months": {"1", "3", "12"}, onboarding.DepositMethod: {"cash", "bank"},
}

// factKinds are the input types of facts, where they are no plain text.
var factKinds = map[string]string{"party.email": "email", "party.phone": "tel", "party.birth_date": "date", "account.anchor": "date", "mobile.msisdn": "tel", "voice.line": "tel"}

// factModes are the keyboards that facts are typed on.
var factModes = map[string]string{"mobile.imsi": "numeric", "mobile.iccid": "numeric", "account.credit_limit": "decimal"}

// numbers are facts that are telephone numbers: people write them in many ways.
var numbers = []string{"party.phone", "mobile.msisdn", "voice.line"}

// factWords names a fact; one that an offering has made up is told by its name.
func factWords(r ui.Reader, field string) string {
	key := "desk.fact." + field
	if words := r.T(key); words != key {
		return words
	}
	_, name, found := strings.Cut(field, ".")
	if !found {
		name = field
	}
	return strings.ReplaceAll(name, "_", " ")
}

// factControl is the control of a fact.
func factControl(v *web.Visit, field, value string, required bool) control {
	r := v.Reader
	c := control{Field: ui.Field{ID: formName(field), Name: formName(field), Label: factWords(r, field), Value: value, Optional: !required,
		Kind: factKinds[field], InputMode: factModes[field], MaxLength: "200", Autocomplete: "off"}}
	if hint := r.T("desk.hint." + field); hint != "desk.hint."+field {
		c.Hint = hint
	}
	if field == "party.id_document" && v.Profile.Country == "ID" {
		c.Label, c.Hint, c.InputMode = r.T("desk.fact.nik"), r.T("desk.hint.nik"), "numeric"
	}
	if value == onboarding.Hidden {
		c.Value, c.Optional, c.Hint = "", true, r.T("desk.hint.kept")
	}
	if options, few := factChoices[field]; few {
		c.kind = selects
		if !required {
			c.choices = append(c.choices, ui.Choice{Label: r.T("desk.unknown")})
		} else if value == "" && field != "party.kind" {
			c.choices = append(c.choices, ui.Choice{Label: r.T("desk.choose")})
		}
		for _, option := range options {
			c.choices = append(c.choices, ui.Choice{Value: option, Label: r.T("desk.option." + field + "." + option)})
		}
		c.choices = chosen(c.choices, value)
	}
	return c
}

// normalize writes telephone numbers as they are kept, however they were typed.
func normalize(v *web.Visit, facts onboarding.Facts) {
	for _, field := range numbers {
		if ways := desk.Numbers(facts[field], v.Profile.Country); len(ways) > 0 {
			facts[field] = ways[0]
		}
	}
}

// findingWords says beside a field what is wrong with it and what is right.
func findingWords(r ui.Reader, f onboarding.Finding) string {
	switch f.Fault {
	case onboarding.IsMissing:
		return r.T("desk.fault.missing", "field", factWords(r, f.Field))
	case onboarding.IsTaken:
		return r.T("desk.fault.taken")
	case onboarding.IsUnknown:
		return r.T("desk.fault.unknown")
	}
	if want := r.T("desk.want." + f.Field); want != "desk.want."+f.Field {
		return want
	}
	return r.T("desk.fault.wrong", "want", f.Want)
}

// step is one page of connecting: a group of facts that belong together.
type step struct {
	name   string
	fields []string
	must   map[string]bool // those that cannot be left out; an "or" leaves one of two
}

// The steps, in order. The law's and the offering's own facts that belong to
// no other section are asked together.
const (
	stepPerson  = "person"
	stepAddress = "address"
	stepNetwork = "network"
	stepLaw     = "law"
	stepReview  = "review"
)

// optional facts that people may want to give, by step.
var extras = map[string][]string{
	stepPerson:  {"party.kind", "party.name", "party.email", "party.phone", "party.language"},
	stepAddress: {"address.street", "address.postcode", "address.city", "address.region", "address.country"},
	stepLaw:     {"account.anchor", "account.cycle_months"},
}

// stepsOf are the steps of an order: what its offering needs in the operator's
// country, in groups. An order for an account that is there asks for nothing
// that is known of its party. deposit asks how the offering's deposit was paid.
func stepsOf(o catalog.Offering, country, kind string, known onboarding.Facts, deposit bool) []step {
	groups := map[string]*step{}
	for _, name := range []string{stepPerson, stepAddress, stepNetwork, stepLaw} {
		groups[name] = &step{name: name, must: map[string]bool{}}
		if known == nil && name != stepLaw {
			groups[name].fields = slices.Clone(extras[name])
		}
	}
	for _, r := range onboarding.Requirements(o, country) {
		if r.Party != "" && string(r.Party) != kind || known[r.Field] != "" && known != nil {
			continue
		}
		s := groups[groupOf(r)]
		s.add(r.Field)
		if r.Or == "" {
			s.must[r.Field] = true
		} else if known[r.Or] == "" {
			s.add(r.Or)
		}
	}
	if deposit {
		groups[stepLaw].add(onboarding.DepositMethod)
		groups[stepLaw].add(onboarding.DepositReference)
		groups[stepLaw].must[onboarding.DepositMethod] = true
	}
	var steps []step
	if known == nil { // what may be left out stands last
		for _, field := range extras[stepLaw] {
			groups[stepLaw].add(field)
		}
	}
	for _, name := range []string{stepPerson, stepAddress, stepLaw, stepNetwork} {
		if s := groups[name]; len(s.fields) > 0 {
			steps = append(steps, *s)
		}
	}
	return append(steps, step{name: stepReview})
}

func (s *step) add(field string) {
	if !slices.Contains(s.fields, field) {
		s.fields = append(s.fields, field)
	}
}

// groupOf is the step on which a requirement is asked.
func groupOf(r onboarding.Requirement) string {
	section, _, _ := strings.Cut(r.Field, ".")
	switch {
	case slices.Contains(extras[stepPerson], r.Field):
		return stepPerson
	case section == "address":
		return stepAddress
	case r.NeededBy == onboarding.Network:
		return stepNetwork
	}
	return stepLaw
}
