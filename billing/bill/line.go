package bill

import (
	"fmt"
	"slices"

	"github.com/google/uuid"

	"tollhouse/billing/calendar"
	"tollhouse/billing/catalog"
	"tollhouse/billing/money"
)

func (c *closing) add(from source, l Line) {
	c.entries = append(c.entries, entry{Line: l, source: from})
}

// printed is the order of kinds within a service.
var printed = map[LineKind]int{Recurring: 1, OneTime: 2, Usage: 3, Allowance: 4, Discount: 5, Correction: 6, ItemLine: 7}

// arrange puts the lines in printing order, service by service in the order in
// which they were taken, what belongs to the whole account last, and numbers them.
func (c *closing) arrange(services map[uuid.UUID]string) {
	place := map[uuid.UUID]int{}
	for i, s := range c.subscriptions {
		place[s.ID] = i - len(c.subscriptions)
	}
	slices.SortStableFunc(c.entries, func(a, b entry) int {
		if n := place[a.Subscription] - place[b.Subscription]; n != 0 {
			return n
		}
		return printed[a.Kind] - printed[b.Kind]
	})
	for i := range c.entries {
		e := &c.entries[i]
		e.No, e.Service = i+1, services[e.Subscription]
		if e.source == fromNothing {
			e.Net, e.Tax = money.Zero(c.Currency), money.Zero(c.Currency)
		}
	}
}

// addFees adds a postpaid subscription's one-time and recurring fees.
func (f *frame) addFees(c *closing, s subscription, o catalog.Offering, frame feeFrame) error {
	if o.Currency != c.Currency {
		return fmt.Errorf("%s: %w", o.Code, ErrCurrency)
	}
	if o.Tax.Included != f.profile.PricesIncludeTax {
		return fmt.Errorf("%s: %w", o.Code, ErrMixedBasis)
	}
	there := lifeOf(f.counted, s.ActivatedAt, s.TerminatedAt, s.Pauses)
	there.resumed = c.resumed(s)
	if !there.from.Before(c.Cycle.To) && !s.succeedsOn(there.from, c.Cycle.To) {
		return nil // connected after the cycle: the next close charges it
	}
	if !there.to.IsZero() && !there.to.After(c.Cycle.From) && s.ChargedThrough != nil {
		return nil // gone before the cycle: charged to its end by then
	}
	if err := f.addTierFees(c, s, o, there); err != nil {
		return err
	}
	if !s.PaysFees {
		c.moves = append(c.moves, subscriptionMove{s.ID, frame.next.To})
		return nil
	}
	if !s.SetupCharged {
		for _, p := range o.Prices.OneTime {
			c.add(feeEarned, Line{
				Kind: OneTime, Code: p.Code, Description: p.Names.In(c.Language), Subscription: s.ID,
				Quantity: money.NewDecimal(1), Unit: UnitFee, Category: category(p.TaxCategory, o),
				Price: money.New(p.Amount, c.Currency).Round(frame.digits, money.HalfAwayFromZero),
			})
		}
	}
	through := calendar.Date{}
	if s.ChargedThrough != nil {
		through = *s.ChargedThrough
	}
	first := len(c.entries)
	for _, p := range o.Prices.Recurring {
		fees, err := frame.recurring(p, there, through)
		if err != nil {
			return err
		}
		if p.Period().Daily() {
			fees = frame.gather(fees)
		}
		for _, one := range fees {
			if err := f.addFee(c, s, o, p, one); err != nil {
				return err
			}
		}
	}
	c.moves = append(c.moves, subscriptionMove{s.ID, frame.next.To})
	if len(c.discounts[s.ID]) == 0 {
		return nil
	}
	return c.addDiscounts(s, first, frame)
}

// succeedsOn says whether a subscription took another's place on the day that
// ends the cycle: the fee of the cycle to come is then charged in advance as
// the other's would have been. Only a successor has never been charged and is
// not to be set up.
func (s subscription) succeedsOn(from, cycleEnd calendar.Date) bool {
	return from == cycleEnd && s.SetupCharged && s.ChargedThrough == nil
}

// resumed says whether a subscription took the place back that one of the same
// offering had.
func (c *closing) resumed(s subscription) bool {
	if !s.SetupCharged {
		return false
	}
	for i := range c.subscriptions {
		if other := &c.subscriptions[i]; other.ID != s.ID && other.Offering == s.Offering && other.TerminatedAt != nil && other.TerminatedAt.Equal(s.ActivatedAt) {
			return true
		}
	}
	return false
}

// addFee adds one recurring fee, or, for one charged before, what of it is
// still to be earned after this cycle.
func (f *frame) addFee(c *closing, s subscription, o catalog.Offering, p catalog.RecurringPrice, one fee) error {
	if one.fresh {
		from := feeEarned
		if p.Timing == catalog.Advance {
			from = feeAhead
		}
		c.add(from, Line{
			Kind: Recurring, Code: p.Code, Description: p.Names.In(c.Language), Subscription: s.ID, Period: one.period,
			Quantity: money.NewDecimal(one.periods), Unit: UnitFee, Category: category(p.TaxCategory, o), Price: money.New(one.amount, c.Currency),
		})
		c.entries[len(c.entries)-1].fee = one
		return nil
	}
	if one.period.From.Before(calendar.DateOf(s.CreatedAt, f.profile.Zone)) {
		return nil // charged by the system that it came from: nothing of it is deferred here
	}
	parts, err := f.netAhead(c, category(p.TaxCategory, o), one)
	if err != nil {
		return err
	}
	for _, part := range parts {
		left, err := fee{period: part.period}.unearned(part.net, c.Cycle.To)
		if err != nil {
			return err
		}
		c.kept[s.ID] = c.kept[s.ID].Add(left)
	}
	return nil
}

// category is the tax category of a price, or else of its offering.
func category(own string, o catalog.Offering) string {
	if own != "" {
		return own
	}
	return o.Tax.Category
}
