package charging

import (
	"fmt"
	"slices"

	"github.com/google/uuid"

	"tollhouse/billing/account"
	"tollhouse/billing/calendar"
	"tollhouse/billing/money"
	"tollhouse/billing/tax"
)

// prepaidSubscriptions are those that a renewal may take fees of.
func (s *cycleScene) prepaidSubscriptions() []uuid.UUID {
	var ids []uuid.UUID
	for i := range s.subscriptions {
		if s.payers[s.subscriptions[i].AccountID].prepaid {
			ids = append(ids, s.subscriptions[i].ID)
		}
	}
	return ids
}

// reduce takes a subscription's discounts off its recurring fees, cycle by
// cycle as a bill does, and gives the discounts as they count afterwards.
func (r *renewal) reduce(sub *subscribed, p *payer, t *tariff, fees []fee) ([]account.Discount, error) {
	known := r.discounts[sub.ID]
	if len(known) == 0 {
		return nil, nil
	}
	discounts := slices.Clone(known)
	for _, cycle := range cyclesOf(fees) {
		for i := range discounts {
			d := &discounts[i]
			if !d.Covers(cycle.From) {
				continue
			}
			if err := r.reduceBy(d, cycle, p, t, fees); err != nil {
				return nil, fmt.Errorf("discount %s: %w", d.Code, err)
			}
			d.Count(cycle)
		}
	}
	return slices.DeleteFunc(discounts, func(d account.Discount) bool {
		return slices.ContainsFunc(known, func(k account.Discount) bool { return k.ID == d.ID && k.CountedThrough == d.CountedThrough })
	}), nil
}

// reduceBy takes one discount off what is left of a cycle's recurring fees.
func (r *renewal) reduceBy(d *account.Discount, cycle calendar.Period, p *payer, t *tariff, fees []fee) error {
	digits := p.currency.DocumentDigits()
	var of []*fee
	var left []money.Amount
	for i := range fees {
		price := fees[i].left()
		if fees[i].kind == RecurringCharge && !fees[i].tier && fees[i].cycle == cycle && price.Sign() > 0 {
			of, left = append(of, &fees[i]), append(left, money.New(price, p.currency))
		}
	}
	off, err := tax.Off(left, d.Percent, d.Amount, digits)
	if err != nil {
		return err
	}
	for i, f := range of {
		if off[i].IsZero() {
			continue
		}
		one, err := r.feeOf(DiscountCharge, d.Code, f.tax, off[i].Neg().Decimal(), p, t)
		if err != nil {
			return err
		}
		f.off = append(f.off, one)
	}
	return nil
}

// left is the fee's price, as the offering writes it, less what is off it.
func (f *fee) left() money.Decimal {
	price := f.cost.price
	for i := range f.off {
		price = price.Add(f.off[i].cost.price)
	}
	return price
}

// cyclesOf are the account's cycles in which recurring fees begin, in order.
func cyclesOf(fees []fee) []calendar.Period {
	var cycles []calendar.Period
	for i := range fees {
		if f := &fees[i]; f.kind == RecurringCharge && !f.tier && !slices.Contains(cycles, f.cycle) {
			cycles = append(cycles, f.cycle)
		}
	}
	slices.SortFunc(cycles, func(a, b calendar.Period) int { return a.From.Compare(b.From) })
	return cycles
}
