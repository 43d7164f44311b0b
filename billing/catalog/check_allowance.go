package catalog

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"tollhouse/billing/money"
)

func (c *checker) debtLimit() {
	limit := c.offering.DebtLimit
	if limit == nil {
		return
	}
	c.minorDigits(*limit, "debt_limit")
	if c.offering.Billing != Prepaid {
		c.add("debt_limit", "is for prepaid accounts; what others may owe is their credit limit")
	}
}

func (c *checker) commitment() {
	minimum := c.offering.Commitment
	if minimum == nil {
		return
	}
	c.minorDigits(minimum.Amount, "commitment.amount")
	if minimum.Amount.Sign() <= 0 {
		c.add("commitment.amount", "is above zero")
	}
	if c.offering.Billing != Postpaid {
		c.add("commitment", "is for postpaid accounts: prepaid ones pay before they use")
	}
}

func (c *checker) allowances() {
	seen := map[string]string{}
	for i := range c.offering.Allowances {
		a := &c.offering.Allowances[i]
		at := allowanceCheck{c, a, fmt.Sprintf("allowances[%d]", i)}
		c.unique(seen, a.Code, at.path+".code")
		c.knowDestinations(a.Destinations, at.path)
		at.amount()
		at.kinds()
		at.terms()
		at.validity()
		at.rollover()
		at.shared()
		at.refill()
		at.behindOthers()
	}
}

// allowanceCheck checks one allowance.
type allowanceCheck struct {
	*checker
	*Allowance
	path string
}

func (c allowanceCheck) say(field, format string, args ...any) {
	c.add(c.path+"."+field, format, args...)
}

func (c allowanceCheck) unit() money.Unit { return c.Amount.Unit() }

// ofUsage says whether the allowance counts use and not money or points.
func (c allowanceCheck) ofUsage() bool { return !c.unit().IsCurrency() && c.unit() != money.Point }

func (c allowanceCheck) amount() {
	if c.Amount.Decimal().IsZero() {
		c.say("amount", "must be more than nothing")
	}
	if !c.unit().IsCurrency() {
		return
	}
	if c.unit() != c.offering.Currency.Unit() {
		c.say("amount", "is in %s, the offering in %s", c.unit(), c.offering.Currency)
		return
	}
	c.minorDigits(c.Amount.Decimal(), c.path+".amount")
}

func (c allowanceCheck) kinds() {
	switch {
	case c.unit() == money.Point:
		c.pointsPayNothing()
	case c.ofUsage() && len(c.Kinds) == 0:
		c.say("kinds", "is missing: name the usage that the allowance covers")
	case c.ofUsage():
		for j, kind := range c.Kinds {
			if kind.Unit() != c.unit() {
				c.say(fmt.Sprintf("kinds[%d]", j), "%s usage counts %ss, the amount %q counts %ss", kind, kind.Unit(), c.Amount, c.unit())
			}
		}
	}
	ruleCheck{c.checker, c.path, c.unit()}.windows(c.Windows)
}

// pointsPayNothing: points are burnt by a command, not by usage.
func (c allowanceCheck) pointsPayNothing() {
	for _, field := range []struct {
		name  string
		given bool
	}{
		{"kinds", len(c.Kinds) > 0}, {"destinations", len(c.Destinations) > 0}, {"windows", len(c.Windows) > 0}, {"qualities", len(c.Qualities) > 0},
		{"price", c.Price != nil}, {"factors", len(c.Factors) > 0}, {"blocks", c.Blocks},
	} {
		if field.given {
			c.say(field.name, "points pay for no usage")
		}
	}
}

func (c allowanceCheck) terms() {
	if c.Price != nil && c.unit() != money.Point {
		c.ownPrice(*c.Price)
	}
	for _, quality := range slices.Sorted(maps.Keys(c.Factors)) {
		field, factor := "factors."+quality, c.Factors[quality]
		switch {
		case c.unit().IsCurrency():
			c.say(field, "money pays a price, not units of usage")
		case factor.IsZero():
			c.say(field, "must be more than nothing")
		case len(c.Qualities) > 0 && quality != AnyQuality && !slices.Contains(c.Qualities, quality):
			c.say(field, "is never used: the allowance is not for the quality %q", quality)
		}
	}
}

func (c allowanceCheck) ownPrice(p AllowancePrice) {
	if c.unit().IsCurrency() {
		c.say("price", "money pays the price of usage and has none of its own")
		return
	}
	q := ruleCheck{c.checker, c.path + ".price", c.unit()}
	switch {
	case p.Price != nil && p.Per == nil:
		c.say("price.per", "is missing")
	case p.Per != nil && p.Price == nil:
		c.say("price.price", "is missing")
	case p.Per != nil:
		q.quantity(*p.Per, q.path+".per")
	}
	if p.Increment != nil {
		q.quantity(*p.Increment, q.path+".increment")
	}
	if p.ConnectFee == nil && p.Price == nil && p.Increment == nil {
		c.say("price", "must have at least one of connect_fee, price with per, increment")
	}
}

func (c allowanceCheck) validity() {
	given := 0
	for _, is := range []bool{c.ValidityMonths > 0, c.ValidityDays > 0, c.Validity != ""} {
		if is {
			given++
		}
	}
	if given != 1 {
		c.add(c.path, "must have exactly one of validity_months, validity_days, validity")
	}
}

func (c allowanceCheck) rollover() {
	r := c.Rollover
	if r == nil {
		return
	}
	if r.Share != nil && (r.Share.Sign() <= 0 || r.Share.Cmp(money.NewDecimal(100)) > 0) {
		c.say("rollover.share", "must be above 0 and at most 100")
	}
	if r.Amount != nil {
		c.part(*r.Amount, "rollover.amount")
	}
	if r.Use == UseLast && c.Priority >= mostPriority {
		c.say("rollover.use", "no priority is left behind %d", c.Priority)
	}
	if r.Use != UseLast && r.Periods > 1 && c.Priority == 1 {
		c.say("rollover.use", "no priority is left before 1: what rolls over for %d periods would be used after the new one; give the allowance priority 2 or more, or use last", r.Periods)
	}
}

// mostPriority is that of an account's own money.
const mostPriority = 1000

// part checks an amount that is some of the allowance's.
func (c allowanceCheck) part(part Contents, field string) {
	switch {
	case part.Unit() != c.unit():
		c.say(field, "%q counts %ss, the allowance %ss", part, part.Unit(), c.unit())
	case part.Decimal().IsZero():
		c.say(field, "must be more than nothing")
	case part.Decimal().Cmp(c.Amount.Decimal()) > 0:
		c.say(field, "%s is more than the allowance of %s", part, c.Amount)
	}
}

func (c allowanceCheck) shared() {
	if c.Shared != nil && c.unit() == money.Point {
		c.say("shared", "points belong to one account")
	}
	if c.Shared != nil && c.Shared.Limit != nil {
		c.part(*c.Shared.Limit, "shared.limit")
	}
}

func (c allowanceCheck) refill() {
	r := c.Refill
	if r == nil {
		return
	}
	if r.Minimum != nil {
		c.minorDigits(*r.Minimum, c.path+".refill.minimum")
		if r.On != OnPayment {
			c.say("refill.minimum", "belongs to refills on payment")
		}
	}
	switch {
	case r.On == OnEvent && r.Event == "":
		c.say("refill.event", "is missing: activation, birthday, or a name that the API tells of")
	case r.On != OnEvent && r.Event != "":
		c.say("refill.event", "belongs to refills on event")
	}
	if r.Times > 0 && r.On == OnCycle {
		c.say("refill.times", "a cycle gives the allowance each time; promotions end after some")
	}
	if r.Times > 1 && r.Event == ActivationEvent {
		c.say("refill.times", "a subscription is activated once")
	}
}

// behindOthers finds an allowance that another one, always there and before
// it, keeps from ever being used.
func (c allowanceCheck) behindOthers() {
	for i := range c.offering.Allowances {
		b := &c.offering.Allowances[i]
		if !b.Blocks || b.Priority >= c.Priority || b.RefillsOn() != OnCycle || len(b.Destinations)+len(b.Windows)+len(b.Qualities) > 0 {
			continue
		}
		if c.unit() == money.Point || len(c.Kinds) == 0 || !subset(c.Kinds, b.Kinds) {
			continue
		}
		c.add(c.path, "is never used: %s blocks all %s usage before it", b.Code, joinKinds(c.Kinds))
	}
}

func subset(part, whole []UsageKind) bool {
	for _, k := range part {
		if !slices.Contains(whole, k) {
			return false
		}
	}
	return true
}

func joinKinds(kinds []UsageKind) string {
	names := make([]string, len(kinds))
	for i, k := range kinds {
		names[i] = string(k)
	}
	return strings.Join(names, " and ")
}
