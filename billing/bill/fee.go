package bill

import (
	"tollhouse/billing/calendar"
	"tollhouse/billing/catalog"
	"tollhouse/billing/money"
)

// span is when a subscription was there, in local days; a zero end is open.
type span struct{ from, to calendar.Date }

// fee is what one price period of a recurring price costs one subscription.
type fee struct {
	period calendar.Period // the days it is for, cut to the subscription's
	amount money.Decimal   // as the price is written, in document units
	fresh  bool            // charged by this closing, not by one before
	// periods is how many of the price's periods it is for
	periods int64
}

// feeFrame is what fees are reckoned by: the account's own cycle, the one that
// closes and the one that begins.
type feeFrame struct {
	cycle   calendar.Cycle
	closing calendar.Period
	next    calendar.Period
	digits  int32
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
func (f feeFrame) recurring(price catalog.RecurringPrice, there span, chargedThrough calendar.Date) ([]fee, error) {
	own := price.Cycle(f.cycle)
	charged := later(there.from, chargedThrough)
	first := earlier(charged, f.closing.To.AddDays(-1))
	if price.Timing == catalog.Arrears {
		first = f.closing.From
	}
	var fees []fee
	for p := own.Containing(first); p.From.Before(f.next.To); p = own.Containing(p.To) {
		part := p
		part.From = later(p.From, there.from)
		if !there.to.IsZero() {
			part.To = earlier(p.To, there.to)
		}
		if !part.From.Before(part.To) || !f.matters(price.Timing, part, charged) {
			continue
		}
		amount, err := f.amount(price, part, p)
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

func (f feeFrame) matters(timing catalog.Timing, part calendar.Period, charged calendar.Date) bool {
	if timing == catalog.Arrears {
		return part.To.After(f.closing.From) && !part.To.After(f.closing.To)
	}
	return part.From.Before(f.next.To) && (!part.From.Before(charged) || part.To.After(f.closing.To))
}

// amount is the price of a part of a period, by local days.
func (f feeFrame) amount(price catalog.RecurringPrice, part, whole calendar.Period) (money.Decimal, error) {
	if price.Prorate != catalog.ProrateDay || part == whole {
		return price.Amount.Round(f.digits, money.HalfAwayFromZero), nil
	}
	days, of := money.NewDecimal(int64(part.Days())), money.NewDecimal(int64(whole.Days()))
	return price.Amount.MulDiv(days, of, f.digits, money.HalfAwayFromZero)
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
