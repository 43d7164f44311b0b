package intake

import (
	"maps"
	"slices"

	"tollhouse/billing/account"
	"tollhouse/billing/catalog"
	"tollhouse/billing/onboarding"
)

// judge asks the gate of activation about every service, and finds identities
// that two lines want.
func (c *content) judge() {
	wanted := map[account.Identity]bool{}
	for _, owner := range c.subscribers {
		for _, s := range owner.services {
			if s.offering.Code == "" {
				continue // found already
			}
			known := maps.Clone(owner.facts)
			maps.Copy(known, s.facts)
			c.completeFacts(owner, known)
			for _, one := range onboarding.Missing(c.world.requirements(s.offering), known, c.world.today) {
				c.lacks(owner, s, one)
			}
			s.facts = known
			identities := onboarding.IdentitiesOf(s.facts)
			for _, field := range slices.Sorted(maps.Keys(identities)) {
				if identity := identities[field]; wanted[identity] {
					s.fault(columnOf(field), Twice, "one that no other line of the batch has")
				} else {
					wanted[identity] = true
					c.world.wantedIdentities = append(c.world.wantedIdentities, wantedIdentity{identity, s, field})
				}
			}
			if s.pending && (s.hasTerm || len(s.discounts) > 0) {
				s.fault("service", OtherThan, "no contract or discount: it becomes an order")
			}
		}
	}
}

// completeFacts adds what an empty column stands for.
func (c *content) completeFacts(owner *subscriber, known onboarding.Facts) {
	known["party.language"] = string(owner.account.Party.Language)
	known["address.country"] = owner.account.Party.Address.Country
}

// lacks finds that the gate would not let a service through: an error, or what
// makes it an order for the desk.
func (c *content) lacks(owner *subscriber, s *service, lack onboarding.Finding) {
	at, column := s.row, columnOf(lack.Field)
	for name, field := range partyFacts {
		if field == lack.Field {
			at, column = owner.row, name
		}
	}
	code := Wrong
	if lack.Fault == onboarding.IsMissing {
		code = Missing
	}
	pending := c.world.pendingOrders
	s.pending = s.pending || pending
	value := at.text(column)
	if secretColumns[column] {
		value = ""
	}
	want := lack.Want
	if lack.Reason != "" {
		want += " (" + lack.Reason + ")"
	}
	c.found.add(Finding{File: at.file, Line: at.line, Column: column, Code: code, Value: value, Want: want, Pending: pending})
}

// columnOf is the services file's column of a fact.
func columnOf(field string) string {
	for column, known := range serviceFacts {
		if known == field {
			return column
		}
	}
	return field
}

// orderFacts are what an order is given of a service that lacks something:
// what is wrong is left for the desk to ask for again.
func (s *service) orderFacts(required []onboarding.Requirement, w *world) onboarding.Facts {
	facts := maps.Clone(s.facts)
	for _, one := range onboarding.Missing(required, facts, w.today) {
		delete(facts, one.Field)
	}
	return facts
}

// requirements are what the gate asks for, kept by version.
func (w *world) requirements(o catalog.Stored) []onboarding.Requirement {
	list, known := w.required[o.ID]
	if !known {
		list = onboarding.Requirements(o.Offering, w.profile.Country)
		w.required[o.ID] = list
	}
	return list
}

// askedFacts are the facts that offerings ask for themselves.
func (w *world) askedFacts() []string {
	var facts []string
	for _, versions := range w.versions {
		for _, o := range versions {
			facts = append(facts, o.Offering.RequiredFacts...)
		}
	}
	slices.Sort(facts)
	return slices.Compact(facts)
}

// takes says whether an order of the offering has a field.
func (w *world) takes(o catalog.Offering, field string) bool {
	return slices.Contains(o.RequiredFacts, field)
}
