package onboarding

import (
	_ "embed" // what is wanted
	"encoding/json"
	"fmt"
	"slices"

	"tollhouse/billing/account"
	"tollhouse/billing/catalog"
)

// Needer says who needs a fact.
type Needer string

// Who needs facts.
const (
	Tariff  Needer = "tariff"
	Network Needer = "network"
	Law     Needer = "law"
)

// Requirement is one fact that must be there before an order is activated.
type Requirement struct {
	Field    string            `json:"field"`     // section.name
	Or       string            `json:"or"`        // another field that will do
	NeededBy Needer            `json:"needed_by"` //
	Reason   string            `json:"reason"`
	Format   string            `json:"format"` // empty: the field's usual one
	Party    account.PartyKind `json:"party"`  // only for this kind of party; empty: any

	// When a requirement of the list applies.
	Country  string                `json:"country"`  // empty: anywhere
	Services []catalog.ServiceKind `json:"services"` // empty: any
}

//go:embed requirements.json
var requirementsList []byte

// allRequirements is the list as it stands in the file, which is part of the
// program: a fault in it is a bug, found by the first test.
var allRequirements = func() []Requirement {
	var list []Requirement
	if err := json.Unmarshal(requirementsList, &list); err != nil {
		panic("onboarding: requirements.json: " + err.Error())
	}
	for _, r := range list {
		if _, known := formats[r.format()]; !known {
			panic(fmt.Sprintf("onboarding: requirements.json: %s has an unknown format", r.Field))
		}
	}
	return list
}()

// format is the name of the format that the field's value must have.
func (r Requirement) format() string {
	if r.Format != "" {
		return r.Format
	}
	return formatOf(r.Field)
}

// Requirements lists what an offering needs in a country: the country's own
// line for a field takes the place of the general one, and what the offering
// asks for itself comes last.
func Requirements(o catalog.Offering, country string) []Requirement {
	var wanted []Requirement
	for _, r := range allRequirements {
		if r.Country != "" && r.Country != country {
			continue
		}
		if len(r.Services) > 0 && !slices.ContainsFunc(r.Services, func(k catalog.ServiceKind) bool { return slices.Contains(o.Services, k) }) {
			continue
		}
		if r.Country != "" {
			wanted = slices.DeleteFunc(wanted, func(general Requirement) bool { return general.Field == r.Field && general.Party == r.Party })
		}
		wanted = append(wanted, r)
	}
	for _, field := range o.RequiredFacts {
		if !slices.ContainsFunc(wanted, func(r Requirement) bool { return r.Field == field && r.Party == "" && r.Or == "" }) {
			wanted = append(wanted, Requirement{Field: field, NeededBy: Tariff, Reason: "the offering " + o.Code + " asks for it"})
		}
	}
	return wanted
}
