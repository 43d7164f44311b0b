package bill

import (
	"context"
	"slices"
	"time"

	"tollhouse/billing/calendar"
	"tollhouse/billing/charging"
	"tollhouse/billing/tenant"
)

// corrected is what a line is called that sets right what was billed before, by language.
var corrected = map[string]string{
	"en": "Correction of usage: ",
	"id": "Koreksi pemakaian: ",
	"ru": "Корректировка использования: ",
}

func correctionWords(language, of string) string {
	words, known := corrected[language]
	if !known {
		words = corrected["en"]
	}
	return words + of
}

// cycleOf is how an account's cycles follow each other.
func (f *frame) cycleOf(c *closing) calendar.Cycle {
	return calendar.Cycle{Anchor: c.Anchor, Months: c.Months, Days: c.Days, Policy: f.profile.AnchorPolicy}
}

// following is the cycle after the one that closes, in the series that then holds.
func (f *frame) following(c *closing) calendar.Period {
	series := f.cycleOf(c)
	if c.Changes != nil && c.Changes.Next != nil {
		series = c.Changes.Next.Cycle(f.profile.AnchorPolicy)
	}
	return calendar.Period{From: c.Cycle.To, To: series.Containing(c.Cycle.To).To}
}

// fees is what the fees of an account's closing are reckoned by.
func (f *frame) fees(c *closing) feeFrame {
	fees := feeFrame{cycle: f.cycleOf(c), closing: c.Cycle, next: f.following(c), digits: c.Currency.DocumentDigits(), by: f.counted}
	if c.Changes == nil {
		return fees
	}
	for _, b := range c.Changes.Before {
		fees.before = append(fees.before, laid{b.Cycle(f.profile.AnchorPolicy), b.Until})
	}
	if c.Changes.Next != nil {
		after := c.Changes.Next.Cycle(f.profile.AnchorPolicy)
		fees.after = &after
	}
	return fees
}

// carry leaves the greatest correction or item in the customer's favour for the next
// bill, where the bill would be below zero with it: a bill asks for money, and
// what is given back beyond it waits. It says whether there was one.
func (c *closing) carry() bool {
	most := -1
	for i := range c.entries {
		e := &c.entries[i]
		if e.item == nil && (e.sum == nil || e.sum.Corrects == nil) || e.Price.Sign() >= 0 {
			continue
		}
		if most < 0 || e.Price.Decimal().Cmp(c.entries[most].Price.Decimal()) < 0 {
			most = i
		}
	}
	if most < 0 {
		return false
	}
	left := c.entries[most]
	c.entries = slices.DeleteFunc(c.entries, func(e entry) bool { return left.item != nil && e.item == left.item })
	if left.item != nil {
		c.left = append(c.left, *left.item)
		return true // it is not taken, so the next closing finds it
	}
	c.entries = slices.Delete(c.entries, most, most+1)
	s := *left.sum
	c.taxTaken = c.taxTaken.Sub(s.Tax)
	c.uncharge(s)
	c.carried = append(c.carried, s)
	return true
}

// carryOver takes what is left for the next bill off this cycle's charges, and
// puts it on the next one's.
func carryOver(ctx context.Context, tx tenant.Tx, zone *time.Location, part []*closing) error {
	var carried []charging.Carried
	for _, c := range part {
		for _, s := range c.carried {
			carried = append(carried, charging.Carried{
				Account: s.Account, Subscription: s.Subscription, Offering: s.Offering, From: c.Cycle.From, To: c.Cycle.To, OwnCycle: s.OwnCycle,
				LineCode: s.Code, Unit: s.Unit, Category: s.Category, Currency: c.Currency, Quantity: s.Quantity, Allowance: s.Allowance,
				Price: s.Price, Net: s.Net, Tax: s.Tax, Corrects: *s.Corrects, CorrectsPeriod: *s.CorrectsPeriod,
			})
		}
	}
	return charging.CarryOver(ctx, tx, zone, carried)
}
