package bill

import (
	"slices"
	"time"

	"github.com/google/uuid"

	"tollhouse/billing/calendar"
	"tollhouse/billing/money"
	"tollhouse/billing/tax"
)

// rateBounds are the instants at which some rate of tax changes, or one of the
// accounts begins or ceases to be exempt.
func (f *frame) rateBounds(byID map[uuid.UUID]*openCycle) []time.Time {
	days := f.rates.Days()
	for _, c := range byID {
		if c.Taxed != nil && len(c.Taxed.Exempt) > 0 {
			days = tax.Merge(days, c.Taxed.Days())
		}
	}
	bounds := []time.Time{}
	for _, day := range days {
		bounds = append(bounds, day.Start(f.profile.Zone))
	}
	return bounds
}

// splitByRate parts fees whose tax changes within their period, by days: each
// part is taxed at its own rate. Usage has been parted by when it was. An item is
// parted as well, unless it gives something of a line back, which was taxed, or
// is no price (a deposit, an advance).
func (f *frame) splitByRate(c *closing) error {
	for i := 0; i < len(c.entries); i++ {
		e := c.entries[i]
		if e.item != nil && !e.item.spread() || !e.taxDay.IsZero() || e.Period.From.IsZero() || e.source == fromNothing {
			continue
		}
		changes := f.rates.For(c.Taxed).Changes(e.Category, e.Period)
		if len(changes) == 0 {
			continue
		}
		parts, err := f.partsByRate(c, e, changes)
		if err != nil {
			return err
		}
		c.entries = slices.Replace(c.entries, i, i+1, parts...)
		i += len(parts) - 1
	}
	return nil
}

// spread says whether an item is a price for its period, so that each of its
// days has its part of it.
func (i *Item) spread() bool {
	return i.Of == nil && i.From.Ledger.Kind == "" && i.Kind != ItemAdvance && i.Kind != ItemDeposit && i.Kind != ItemInstalment && !i.Period.To.IsZero()
}

func (f *frame) partsByRate(c *closing, e entry, changes []calendar.Date) ([]entry, error) {
	periods := cut(e.Period, changes)
	prices, err := shareByDays(e.Price, periods, c.Currency.DocumentDigits())
	if err != nil {
		return nil, err
	}
	parts := make([]entry, len(periods))
	for n := range periods {
		parts[n] = e
		parts[n].Period, parts[n].Price = periods[n], prices[n]
		if e.source == feeAhead {
			parts[n].fee.period, parts[n].fee.amount = periods[n], prices[n].Decimal()
		}
	}
	return parts, nil
}

// cut parts a period at days within it.
func cut(p calendar.Period, at []calendar.Date) []calendar.Period {
	var parts []calendar.Period
	for _, day := range at {
		parts = append(parts, calendar.Period{From: p.From, To: day})
		p.From = day
	}
	return append(parts, p)
}

// shareByDays shares a price over parts of its period, by local days.
func shareByDays(price money.Amount, parts []calendar.Period, digits int32) ([]money.Amount, error) {
	days := make([]money.Decimal, len(parts))
	for i, p := range parts {
		days[i] = money.NewDecimal(int64(p.Days()))
	}
	return price.Split(days, digits)
}

// taxDay is the day whose rate an entry is taxed at: of a use its own, of a fee
// the last of its period, when the service is rendered.
func (c *closing) taxDay(e *entry) calendar.Date {
	switch {
	case !e.taxDay.IsZero():
		return e.taxDay
	case !e.Period.To.IsZero():
		return e.Period.To.AddDays(-1)
	}
	return c.Cycle.To.AddDays(-1)
}

// netAhead is the net of a fee that an earlier closing charged, in parts where
// its rate changed, each with the days that it is for.
func (f *frame) netAhead(c *closing, category string, one fee) ([]discounted, error) {
	period := one.period
	parts := cut(period, f.rates.For(c.Taxed).Changes(category, period))
	prices, err := shareByDays(money.New(one.amount, c.Currency), parts, c.Currency.DocumentDigits())
	if err != nil {
		return nil, err
	}
	nets := make([]discounted, len(parts))
	for i, p := range parts {
		rate, err := f.rates.For(c.Taxed).At(category, p.To.AddDays(-1))
		if err != nil {
			return nil, err
		}
		split, err := tax.Split(prices[i], rate, c.doc.Basis, c.Currency.DocumentDigits())
		if err != nil {
			return nil, err
		}
		nets[i] = discounted{p, split.Net.Decimal()}
	}
	return nets, nil
}

// joinCharges puts sums together again that a change of some other category's
// rate has parted.
func (f *frame) joinCharges(c *closing) []chargeSum {
	var joined []chargeSum
	for _, s := range c.charges {
		if last := len(joined) - 1; last >= 0 && joined[last].alike(s) && f.sameRate(c, s.Category, joined[last].First, s.First) {
			joined[last].take(s)
			continue
		}
		joined = append(joined, s)
	}
	return joined
}

func (f *frame) sameRate(c *closing, category string, a, b time.Time) bool {
	from, to := calendar.DateOf(a, f.profile.Zone), calendar.DateOf(b, f.profile.Zone)
	if to.Before(from) {
		from, to = to, from
	}
	return len(f.rates.For(c.Taxed).Changes(category, calendar.Period{From: from, To: to.AddDays(1)})) == 0
}

// alike says whether two sums would be one line but for the days they are of.
func (s *chargeSum) alike(o chargeSum) bool {
	return s.Subscription == o.Subscription && s.Offering == o.Offering && s.Kind == o.Kind && s.Code == o.Code && s.Unit == o.Unit &&
		s.Category == o.Category && s.OwnCycle == o.OwnCycle
}

func (s *chargeSum) take(o chargeSum) {
	s.Quantity, s.Allowance = s.Quantity.Add(o.Quantity), s.Allowance.Add(o.Allowance)
	s.Price, s.Net, s.Tax, s.Events = s.Price.Add(o.Price), s.Net.Add(o.Net), s.Tax.Add(o.Tax), s.Events+o.Events
	if s.Corrects == nil {
		s.Corrects, s.CorrectsPeriod = o.Corrects, o.CorrectsPeriod
	}
}
