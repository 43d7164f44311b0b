package bill

import (
	"time"

	"tollhouse/billing/account"
	"tollhouse/billing/calendar"
	"tollhouse/billing/catalog"
	"tollhouse/billing/money"
)

// span is when a subscription was there: local days, and the bounds to which
// parts of a period are counted. A zero end is open.
type span struct {
	from, to     calendar.Date
	since, until time.Time
	pauses       []stretch
	// resumed: it took the place back that a subscription of the same offering had
	resumed bool
}

// stretch is a part of a span between two bounds; a zero end is open.
type stretch struct{ from, to time.Time }

// lifeOf cuts a subscription's life to what is counted by.
func lifeOf(by calendar.Counted, activated time.Time, terminated *time.Time, pauses []account.Pause) span {
	there := span{since: by.Cut(activated)}
	there.from = calendar.DateOf(there.since, by.Zone)
	if terminated != nil {
		there.until = by.Cut(*terminated)
		there.to = by.Through(there.until)
	}
	for _, p := range pauses {
		rest := stretch{from: by.Cut(p.From)}
		if p.To != nil {
			rest.to = by.Cut(*p.To)
		}
		if rest.to.IsZero() || rest.from.Before(rest.to) {
			there.pauses = append(there.pauses, rest)
		}
	}
	return there
}

// fee is what one price period of a recurring price costs one subscription.
type fee struct {
	period calendar.Period // the days it is for, cut to the subscription's
	amount money.Decimal   // as the price is written, in document units
	fresh  bool            // charged by this closing, not by one before
	// periods is how many of the price's periods it is for
	periods int64
}

// feeFrame is what fees are reckoned by: the account's laid of cycles, the
// cycle that closes and the one that begins.
type feeFrame struct {
	cycle   calendar.Cycle // the series of the closing cycle
	before  []laid         // those that were before, each up to a day
	after   *calendar.Cycle
	closing calendar.Period
	next    calendar.Period
	digits  int32
	by      calendar.Counted
}

// laid are cycles up to a day.
type laid struct {
	calendar.Cycle
	until calendar.Date // zero: open
}

// all are the series in which fees may lie, in order.
func (f feeFrame) all() []laid {
	list := append([]laid(nil), f.before...)
	if f.after == nil {
		return append(list, laid{Cycle: f.cycle})
	}
	return append(list, laid{f.cycle, f.closing.To}, laid{Cycle: *f.after})
}

// recurring lists a price's fees that this closing charges, and, for a price
// in advance, those charged before that reach past the closing's end (fresh is
// false): a part of them is still deferred.
//
// A price in advance is charged when one of its own periods begins before the
// end of the next cycle, from the day up to which the subscription is charged;
// a price in arrears when one of its periods, or the subscription, ends within
// the closing cycle. Periods come from the account's original anchor, whatever
// their length, so a yearly price on a monthly account is charged once a year.
// Where the account's laid of cycles changed, a period of the new one begins
// where the last of the old one ended: the bridge costs its share.
func (f feeFrame) recurring(price catalog.RecurringPrice, there span, chargedThrough calendar.Date) ([]fee, error) {
	charged := later(there.from, chargedThrough)
	first := earlier(charged, f.closing.To.AddDays(-1))
	if price.Timing == catalog.Arrears {
		first = f.closing.From
		if chargedThrough.IsZero() {
			first = earlier(there.from, first)
		}
	}
	if len(f.before) == 0 && f.after == nil {
		return f.within(nil, price, there, charged, laid{Cycle: f.cycle}, first, calendar.Date{}, first)
	}
	var fees []fee
	var err error
	start := calendar.Date{} // up to which the series before charged
	for _, s := range f.all() {
		if fees, err = f.within(fees, price, there, charged, s, later(first, start), start, first); err != nil {
			return nil, err
		}
		start = covered(price, s)
	}
	return fees, nil
}

// covered is the day up to which a price has been charged when a series ends: a
// period in arrears that was under way has not been.
func covered(price catalog.RecurringPrice, s laid) calendar.Date {
	if s.until.IsZero() {
		return s.until
	}
	last := price.Cycle(s.Cycle).Containing(s.until.AddDays(-1))
	if price.Timing == catalog.Arrears && last.To.After(s.until) {
		return last.From
	}
	return last.To
}

// within adds the fees of periods that begin in a series, from a day on.
func (f feeFrame) within(fees []fee, price catalog.RecurringPrice, there span, charged calendar.Date, s laid, first, start, oldest calendar.Date) ([]fee, error) {
	own := price.Cycle(s.Cycle)
	for p := own.Containing(first); p.From.Before(f.next.To); p = own.Containing(p.To) {
		if !s.until.IsZero() && (!p.From.Before(s.until) || price.Timing == catalog.Arrears && p.To.After(s.until)) {
			break
		}
		part := p
		part.From = later(p.From, later(there.from, start))
		if !there.to.IsZero() {
			part.To = earlier(p.To, there.to)
		}
		if !part.From.Before(part.To) || !f.matters(price.Timing, part, charged, oldest) {
			continue
		}
		amount, err := f.amount(price, there, part, p)
		if err != nil {
			return nil, err
		}
		fresh := price.Timing == catalog.Arrears || !part.From.Before(charged)
		fees = append(fees, fee{part, amount, fresh, 1})
	}
	return fees, nil
}

// gather puts the fees of days or weeks that one closing charges for one cycle
// of the account into one: a bill has a line for a month of days, not thirty.
func (f feeFrame) gather(fees []fee) []fee {
	var kept []fee
	for _, one := range fees {
		if last := len(kept) - 1; last >= 0 && one.fresh && kept[last].fresh && kept[last].period.To == one.period.From &&
			f.cycle.Containing(kept[last].period.From).Contains(one.period.From) {
			kept[last].period.To = one.period.To
			kept[last].amount = kept[last].amount.Add(one.amount)
			kept[last].periods++
			continue
		}
		kept = append(kept, one)
	}
	return kept
}

// matters says whether a closing has to do with a part of a period. What was
// never charged and is older than the cycle was put on the account since then.
func (f feeFrame) matters(timing catalog.Timing, part calendar.Period, charged, oldest calendar.Date) bool {
	if timing == catalog.Arrears {
		return part.To.After(earlier(oldest, f.closing.From)) && !part.To.After(f.closing.To)
	}
	return part.From.Before(f.next.To) && (!part.From.Before(charged) || part.To.After(f.closing.To))
}

// amount is the price of a part of a period, as the operator counts: what the
// subscription was there for, at the holding price while it rested.
func (f feeFrame) amount(price catalog.RecurringPrice, there span, part, whole calendar.Period) (money.Decimal, error) {
	full := part == whole && len(there.pauses) == 0
	if full && f.by.By != calendar.BySecond || price.Prorate != catalog.ProrateDay && len(there.pauses) == 0 {
		return price.Amount.Round(f.digits, money.HalfAwayFromZero), nil
	}
	return there.cost(f.by, price, part, whole, f.digits)
}

// cost is what a price comes to for a part of one of its periods.
func (s span) cost(by calendar.Counted, price catalog.RecurringPrice, part, whole calendar.Period, digits int32) (money.Decimal, error) {
	units, of := int64(part.Days()), int64(whole.Days())
	resting := int64(0)
	if by.By == calendar.BySecond || len(s.pauses) > 0 {
		units, resting, of = s.measure(by, part), s.rested(by, part), by.Whole(whole)
	}
	holding := money.Decimal{}
	if price.Holding != nil {
		holding = *price.Holding
	}
	switch {
	case price.Prorate != catalog.ProrateDay && resting > 0 && resting == units:
		return holding.Round(digits, money.HalfAwayFromZero), nil
	case price.Prorate != catalog.ProrateDay || units == of && resting == 0:
		return price.Amount.Round(digits, money.HalfAwayFromZero), nil
	case s.resumed && resting == 0 && part.From == s.from && part.To == whole.To:
		// what the one before had used of the period was rounded, and the rest given back
		used, err := price.Amount.MulDiv(money.NewDecimal(of-units), money.NewDecimal(of), digits, money.HalfAwayFromZero)
		return price.Amount.Round(digits, money.HalfAwayFromZero).Sub(used), err
	}
	sum := price.Amount.Mul(money.NewDecimal(units - resting)).Add(holding.Mul(money.NewDecimal(resting)))
	return sum.Div(money.NewDecimal(of), digits, money.HalfAwayFromZero)
}

// measure counts the units of a part that lie in the span.
func (s span) measure(by calendar.Counted, part calendar.Period) int64 {
	from, to := s.cut(by, part)
	return by.Units(from, to)
}

func (s span) cut(by calendar.Counted, part calendar.Period) (from, to time.Time) {
	from, to = part.Instants(by.Zone)
	if s.since.After(from) {
		from = s.since
	}
	if !s.until.IsZero() && s.until.Before(to) {
		to = s.until
	}
	return from, to
}

// rested counts the units of a part in which the subscription rested.
func (s span) rested(by calendar.Counted, part calendar.Period) (units int64) {
	from, to := s.cut(by, part)
	for _, p := range s.pauses {
		begin, end := p.from, p.to
		if begin.Before(from) {
			begin = from
		}
		if end.IsZero() || end.After(to) {
			end = to
		}
		units += by.Units(begin, end)
	}
	return units
}

// unearned is the part of a fee's net that is for days after a bound.
func (f fee) unearned(net money.Decimal, after calendar.Date) (money.Decimal, error) {
	from := later(f.period.From, after)
	if !from.Before(f.period.To) {
		return money.Decimal{}, nil
	}
	days := money.NewDecimal(int64(from.DaysUntil(f.period.To)))
	return net.MulDiv(days, money.NewDecimal(int64(f.period.Days())), money.Scale, money.HalfAwayFromZero)
}

func later(a, b calendar.Date) calendar.Date {
	if b.After(a) {
		return b
	}
	return a
}

func earlier(a, b calendar.Date) calendar.Date {
	if b.Before(a) {
		return b
	}
	return a
}
