package intake

import (
	"strconv"

	"tollhouse/billing/account"
	"tollhouse/billing/catalog"
	"tollhouse/billing/money"
	"tollhouse/billing/onboarding"
)

// serviceFacts are the facts that a services file tells, by its columns.
var serviceFacts = map[string]string{
	"msisdn": "mobile.msisdn", "imsi": "mobile.imsi", "iccid": "mobile.iccid", "login": "internet.login", "password": "internet.password",
	"ont": "internet.ont", "port": "internet.port", "line": "voice.line", "stb": "iptv.stb", "host": "hosting.host",
}

const maxKey = 80

func (c *content) service(r row) {
	owner := c.owner(r)
	key := r.needed("service")
	if len([]rune(key)) > maxKey {
		r.fault("service", Wrong, "")
		return
	}
	if key == "" || !c.once(r, "service", key) {
		return
	}
	s := &service{row: r, key: key, of: owner, facts: c.factsOf(r), state: account.SubscriptionActive}
	c.byService[key] = s
	if owner == nil {
		return
	}
	owner.services = append(owner.services, s)
	if r.oneOf("state", "active", "active", "suspended") == "suspended" {
		s.state = account.SubscriptionSuspended
	}
	s.offering = c.offeringOf(r, owner)
	c.datesOf(r, s)
	c.termsOf(r, s)
}

func (c *content) factsOf(r row) onboarding.Facts {
	facts := onboarding.Facts{}
	for column, field := range serviceFacts {
		if value := r.line1(column); value != "" {
			facts[field] = value
		}
	}
	for _, field := range r.asked {
		if value := r.line1(field); value != "" {
			facts[field] = value
		}
	}
	return facts
}

func (c *content) offeringOf(r row, owner *subscriber) catalog.Stored {
	code := r.needed("offering")
	if code == "" {
		return catalog.Stored{}
	}
	version := r.whole("offering_version", 1, 1_000_000)
	o, known := c.world.offering(code, version)
	switch {
	case !known && version != nil:
		r.fault("offering_version", UnknownName, "a version of "+code+" that was published")
	case !known:
		r.fault("offering", UnknownName, "one of "+c.world.onSale())
	case string(o.Billing) != string(owner.account.Kind):
		r.fault("offering", OtherThan, "an offering for a "+string(owner.account.Kind)+" account")
	case o.Currency != c.world.profile.Currency:
		r.fault("offering", OtherThan, "an offering in "+c.world.profile.Currency.Code())
	default:
		for _, field := range r.asked {
			if r.text(field) != "" && !c.world.takes(o.Offering, field) {
				r.fault(field, UnknownName, "a fact that "+code+" asks for")
			}
		}
		return o
	}
	return catalog.Stored{}
}

// furthest is how far ahead fees may have been charged.
const furthestMonths = 60

func (c *content) datesOf(r row, s *service) {
	if on, ok := r.neededDate("activated_on"); ok {
		if on.After(c.world.today) {
			r.fault("activated_on", Wrong, "")
		}
		s.activatedAt = on.Start(c.world.profile.Zone).UTC()
	}
	cycle := s.of.account.Cycle
	s.chargedThrough = cycle.To
	if through := r.date("charged_through"); through != nil && !cycle.To.IsZero() {
		s.chargedThrough = *through
		if through.Before(cycle.From) || through.After(cycle.To.AddMonths(furthestMonths)) {
			r.fault("charged_through", Wrong, "a day from "+cycle.From.String()+", when the open cycle began, up to five years after it ends")
		}
	}
}

// contract is a line of a contracts file: what termsOf reads in services files.
func (c *content) contract(r row) {
	key := r.needed("service")
	if key == "" {
		return
	}
	s := c.byService[key]
	if s == nil || s.of == nil {
		if s == nil && !c.broken[Services] {
			r.fault("service", UnknownName, "")
		}
		return
	}
	if s.pending {
		r.fault("service", OtherThan, "a service whose facts are complete: this one becomes an order")
		return
	}
	c.termsOf(r, s)
}

func (c *content) termsOf(r row, s *service) {
	term := account.Term{From: r.date("contract_from"), Until: r.date("contract_until"), TerminationFee: r.decimal("termination_fee", c.digits())}
	if term.From != nil || term.Until != nil || term.TerminationFee != nil {
		switch {
		case s.hasTerm:
			r.fault("contract_from", Twice, "one term for a service")
		case term.From != nil && term.Until != nil && !term.From.Before(*term.Until):
			r.fault("contract_until", Wrong, "")
		case term.TerminationFee != nil && term.TerminationFee.Sign() < 0:
			r.fault("termination_fee", Wrong, "")
		}
		s.term, s.hasTerm = term, true
	}
	c.discountOf(r, s)
}

func (c *content) discountOf(r row, s *service) {
	d := account.Discount{
		Code: withDefault(r.text("discount_code"), "discount"), Reason: r.line1("discount_reason"),
		Percent: r.decimal("discount_percent", 6), Amount: r.decimal("discount_amount", c.digits()), CyclesLeft: r.whole("discount_cycles", 1, 1200),
		ValidFrom: s.of.account.Cycle.From,
	}
	if d.Percent == nil && d.Amount == nil {
		for _, column := range []string{"discount_reason", "discount_code", "discount_cycles"} {
			if r.text(column) != "" && r.text("discount_percent") == "" && r.text("discount_amount") == "" {
				r.fault("discount_percent", Missing, "a percentage or an amount, or no "+column)
				return
			}
		}
		return
	}
	switch {
	case d.Percent != nil && d.Amount != nil:
		r.fault("discount_amount", Wrong, "either a percentage or an amount")
	case d.Percent != nil && (d.Percent.Sign() <= 0 || d.Percent.Cmp(money.NewDecimal(100)) > 0):
		r.fault("discount_percent", Wrong, "")
	case d.Amount != nil && d.Amount.Sign() <= 0:
		r.fault("discount_amount", Wrong, "an amount above zero")
	case d.Reason == "":
		r.fault("discount_reason", Missing, "")
	case !discountCode.MatchString(d.Code):
		r.fault("discount_code", Wrong, "")
	}
	for _, other := range s.discounts {
		if other.Code == d.Code {
			r.fault("discount_code", Twice, "another code for each discount of a service: "+strconv.Quote(d.Code)+" is there already")
		}
	}
	d.ID = c.id("discount", s.key, d.Code)
	s.discounts = append(s.discounts, d)
}
