package catalog

import (
	"fmt"

	"tollhouse/billing/money"
)

// ruleCheck checks one rule by itself.
type ruleCheck struct {
	*checker
	path string
	unit money.Unit
}

func (c ruleCheck) windows(windows []Window) {
	for i := range windows {
		path := fmt.Sprintf("%s.windows[%d]", c.path, i)
		if from, to := windows[i].Span(); to <= from {
			c.add(path+".to",
				"%s is not later than %s; write a window over midnight as two, %s to 24:00 and 00:00 to %s", to, from, from, to)
		}
		c.dates(&windows[i], path)
	}
}

// pricing checks that the rule has one way to a price and that it is whole.
func (c ruleCheck) pricing(r *Rule, kind UsageKind) {
	ways := 0
	if r.Price != nil || r.Per != nil {
		ways++
		c.plain(r)
	}
	if r.EventPrice != nil {
		ways++
	}
	if r.Percent != nil {
		ways++
		c.percent(r, kind)
	}
	if r.Steps != nil {
		ways++
		c.steps(r.Steps)
	}
	if r.Tiers != nil {
		ways++
		c.tiers(*r.Tiers)
	}
	if ways != 1 {
		c.add(c.path, "must have exactly one of price with per, steps, tiers, event_price, percent; it has %d", ways)
	}
	c.increments(r)
	c.bounds(r)
	if r.Cost != nil && r.Cost.Per != nil {
		c.quantity(*r.Cost.Per, c.path+".cost.per")
	}
}

func (c ruleCheck) increments(r *Rule) {
	if r.Increments == nil {
		return
	}
	switch {
	case r.Steps != nil:
		c.add(c.path+".increments", "steps have increments of their own")
	case r.EventPrice != nil, r.Percent != nil:
		c.add(c.path+".increments", "the price does not depend on the quantity, so it has no increments")
	}
	c.quantity(r.Increments.First, c.path+".increments.first")
	c.quantity(r.Increments.Next, c.path+".increments.next")
}

// bounds checks minimum and cap against each other and the price.
func (c ruleCheck) bounds(r *Rule) {
	if r.Cap != nil && r.Minimum != nil && r.Minimum.Cmp(r.Cap.Amount) > 0 {
		c.add(c.path+".cap", "is less than the minimum of %s", r.Minimum)
	}
	if r.Cap != nil && r.Cap.Then == ThenEnd && (r.EventPrice != nil || r.Percent != nil) {
		c.add(c.path+".cap.then", "the price does not grow while the event lasts, so there is nothing to end; use free")
	}
	if r.Tiers == nil || r.Tiers.Kind != Volume && r.Tiers.Kind != Stair {
		return
	}
	if r.Minimum != nil || r.Cap != nil {
		c.add(c.path+".tiers.kind", "%s prices the period as a whole, so an event has no minimum or cap of its own", r.Tiers.Kind)
	}
}

func (c ruleCheck) plain(r *Rule) {
	if r.Price == nil {
		c.add(c.path+".price", "is missing")
	}
	if r.Per == nil {
		c.add(c.path+".per", "is missing")
		return
	}
	c.quantity(*r.Per, c.path+".per")
}

// percent checks that the event has an amount to take a part of.
func (c ruleCheck) percent(r *Rule, kind UsageKind) {
	if kind != TransactionUsage && kind != ContentUsage {
		c.add(c.path+".percent", "%s usage has no amount of its own; transaction and content have", kind)
	}
	if r.Currency != nil && *r.Currency != c.offering.Currency {
		c.add(c.path+".currency", "a percentage is of the event's amount, which is in %s", c.offering.Currency)
	}
}

// quantity checks a divisor or step: of the usage's unit and not zero.
func (c ruleCheck) quantity(q Quantity, path string) {
	c.sameUnit(q, path)
	if q.Base() == 0 {
		c.add(path, "must be more than nothing")
	}
}

func (c ruleCheck) sameUnit(q Quantity, path string) {
	if q.Unit() != c.unit && q.Base() != 0 {
		c.add(path, "%q counts %ss; this usage is counted in %ss", q, q.Unit(), c.unit)
	}
}

func (c ruleCheck) steps(steps []PriceStep) {
	for i, s := range steps {
		path := fmt.Sprintf("%s.steps[%d]", c.path, i)
		c.sameUnit(s.From, path+".from")
		c.quantity(s.Per, path+".per")
		c.quantity(s.Increment, path+".increment")
		switch {
		case i == 0 && s.From.Base() != 0:
			c.add(path+".from", "leaves a gap: the first step must begin at 0")
		case i > 0 && s.From.Base() <= steps[i-1].From.Base():
			c.add(path+".from", "%s is not after %s, so the step before it is never reached", s.From, steps[i-1].From)
		}
	}
}
