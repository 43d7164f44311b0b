package onboarding

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"

	"tollhouse/billing/calendar"
)

// Facts are what is known of an order, by field. A secret one holds what the
// sealer made of it.
type Facts map[string]string

// Fault says what is wrong with a fact.
type Fault string

// What can be wrong.
const (
	IsMissing Fault = "missing"
	IsWrong   Fault = "wrong" // not written as it must be
	IsTaken   Fault = "taken" // belongs to another service
	IsUnknown Fault = "unknown"
)

// Finding is one thing that keeps an order from being activated.
type Finding struct {
	Field    string `json:"field"`
	Fault    Fault  `json:"fault"`
	NeededBy Needer `json:"needed_by,omitempty"`
	Reason   string `json:"reason,omitempty"`
	Want     string `json:"want"`
}

func (f Finding) String() string { return fmt.Sprintf("%s is %s: %s", f.Field, f.Fault, f.Want) }

// Missing compares facts with what is required, and with how those that are
// there must be written. Nothing missing is an empty list. today is the
// operator's local day.
func Missing(required []Requirement, facts Facts, today calendar.Date) []Finding {
	var findings []Finding
	judged := map[string]bool{}
	for _, r := range required {
		if r.Party != "" && string(r.Party) != facts["party.kind"] {
			continue
		}
		f := formats[r.format()]
		judged[r.Field] = true
		switch value := facts[r.Field]; {
		case blank(value) && (r.Or == "" || blank(facts[r.Or])):
			findings = append(findings, Finding{r.Field, IsMissing, r.NeededBy, r.Reason, r.wanted()})
		case !blank(value) && !isSealed(r.Field, value) && !f.valid(value, today):
			findings = append(findings, Finding{r.Field, IsWrong, r.NeededBy, r.Reason, f.want})
		}
	}
	findings = append(findings, malformed(facts, today, judged)...)
	return unique(findings)
}

func (r Requirement) wanted() string {
	want := formats[r.format()].want
	if r.Or != "" {
		want += ", or " + formats[formatOf(r.Or)].want + " in " + r.Or
	}
	return want
}

// malformed looks at the facts that nothing requires: they go into the same
// places, so they must be right too.
func malformed(facts Facts, today calendar.Date, judged map[string]bool) []Finding {
	var findings []Finding
	for field, value := range facts {
		f := formats[formatOf(field)]
		if !judged[field] && !blank(value) && !isSealed(field, value) && !f.valid(value, today) {
			findings = append(findings, Finding{Field: field, Fault: IsWrong, Want: f.want})
		}
	}
	slices.SortFunc(findings, func(a, b Finding) int { return cmp.Compare(a.Field, b.Field) })
	return findings
}

// unique keeps the first finding of each field.
func unique(findings []Finding) []Finding {
	seen := map[string]bool{}
	return slices.DeleteFunc(findings, func(f Finding) bool {
		twice := seen[f.Field]
		seen[f.Field] = true
		return twice
	})
}

func blank(value string) bool { return strings.TrimSpace(value) == "" }

// Errors of facts and of the gate.
var (
	// ErrIncomplete is wrapped by every IncompleteError.
	ErrIncomplete = errors.New("the order is not complete")
	// ErrFact is wrapped by every FactError.
	ErrFact = errors.New("not a fact that an order takes")
)

// IncompleteError names all that keeps orders from being activated: those of
// the first order that is not complete.
type IncompleteError struct {
	Order    string // its id
	Findings []Finding
}

func (e *IncompleteError) Error() string {
	return fmt.Sprintf("order %s is not complete: %s", e.Order, list(e.Findings))
}

// Is lets errors.Is find ErrIncomplete.
func (e *IncompleteError) Is(target error) bool { return target == ErrIncomplete }

// FactError names facts that an order cannot take.
type FactError struct{ Findings []Finding }

func (e *FactError) Error() string { return list(e.Findings) }

// Is lets errors.Is find ErrFact.
func (e *FactError) Is(target error) bool { return target == ErrFact }

func list(findings []Finding) string {
	texts := make([]string, len(findings))
	for i, f := range findings {
		texts[i] = f.String()
	}
	return strings.Join(texts, "; ")
}
