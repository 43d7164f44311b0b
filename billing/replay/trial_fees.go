package replay

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"tollhouse/billing/account"
	"tollhouse/billing/calendar"
	"tollhouse/billing/catalog"
	"tollhouse/billing/money"
	"tollhouse/billing/tax"
	"tollhouse/billing/tenant"
)

// fees are the recurring fees of the account's subscriptions for the days of
// the period on which each was active: of what it has, and of what is tried.
// Both are by the day and less the subscription's own discounts, so that they
// can be compared. Parts that a bundle's price pays for have none.
func (p *pricing) fees(a *trialAccount) (Cell, error) {
	var sum Cell
	for i := range a.subscriptions {
		s := &a.subscriptions[i]
		if s.Included {
			continue
		}
		if p.trial.Document.OnTop() {
			fees, err := p.optionFees(a, s)
			if err != nil {
				return sum, err
			}
			sum.Old, sum.New = sum.Old.Add(fees.Old), sum.New.Add(fees.New)
			continue
		}
		days := p.activeDays(s)
		if days.Days() <= 0 {
			continue
		}
		have := p.offerings[s.Offering]
		old, err := p.feesOf(a, p.discounts[s.ID], &have, days)
		if err != nil {
			return sum, err
		}
		fresh, err := p.feesOf(a, p.discounts[s.ID], &p.trial.Document, days)
		if err != nil {
			return sum, err
		}
		sum.Old, sum.New = sum.Old.Add(old), sum.New.Add(fresh)
	}
	return sum, nil
}

func (p *pricing) activeDays(s *heldSubscription) calendar.Period {
	days := p.trial.Days
	if from := calendar.DateOf(s.ActivatedAt, p.charging.Zone()); from.After(days.From) {
		days.From = from
	}
	if s.Terminated != nil {
		if to := calendar.DateOf(*s.Terminated, p.charging.Zone()); to.Before(days.To) {
			days.To = to
		}
	}
	return days
}

// feesOf is what an offering's recurring prices come to for some days, net, with
// a subscription's discounts off: of each of its periods, the part of the days
// in it.
func (p *pricing) feesOf(a *trialAccount, discounts []account.Discount, o *catalog.Offering, days calendar.Period) (money.Decimal, error) {
	var sum money.Decimal
	parts := partsOf(a, o, days)
	if err := reduce(parts, a, discounts); err != nil {
		return sum, fmt.Errorf("fees of %s: %w", o.Code, err)
	}
	for i := range parts {
		part := &parts[i]
		amount, err := part.left.Decimal().MulDiv(money.NewDecimal(int64(part.days.Days())), money.NewDecimal(int64(part.period.Days())), money.Scale, money.HalfAwayFromZero)
		if err != nil {
			return sum, fmt.Errorf("fee %s of %s: %w", part.Code, o.Code, err)
		}
		net, err := p.charging.NetOf(o, part.TaxCategory, amount, a.Currency, part.days.To.AddDays(-1))
		if err != nil {
			return sum, fmt.Errorf("fee %s of %s: %w", part.Code, o.Code, err)
		}
		sum = sum.Add(net)
	}
	tiers, err := p.tierFeesOf(a, o, days)
	return sum.Add(tiers), err
}

// feePart is one period of a recurring price and the days of it that count.
type feePart struct {
	*catalog.RecurringPrice
	period, days calendar.Period
	cycle        calendar.Period // of the account, in which the period begins
	left         money.Amount    // of the whole period's price
}

func partsOf(a *trialAccount, o *catalog.Offering, days calendar.Period) (parts []feePart) {
	for i := range o.Prices.Recurring {
		price := &o.Prices.Recurring[i]
		own := price.Cycle(a.Cycle)
		for period := own.Containing(days.From); period.From.Before(days.To); period = own.Containing(period.To) {
			part := feePart{RecurringPrice: price, period: period, days: period, cycle: a.Cycle.Containing(period.From), left: money.New(price.Amount, a.Currency)}
			if period.From.Before(days.From) {
				part.days.From = days.From
			}
			if days.To.Before(period.To) {
				part.days.To = days.To
			}
			parts = append(parts, part)
		}
	}
	return parts
}

// reduce takes discounts off the fees that begin in each cycle, as a bill does.
func reduce(parts []feePart, a *trialAccount, discounts []account.Discount) error {
	seen := map[calendar.Date]bool{}
	for i := range parts {
		cycle := parts[i].cycle.From
		if seen[cycle] {
			continue
		}
		seen[cycle] = true
		for n := range discounts {
			if !discounts[n].Covers(cycle) {
				continue
			}
			var of []*feePart
			var left []money.Amount
			for j := range parts {
				if parts[j].cycle.From == cycle && parts[j].left.Sign() > 0 {
					of, left = append(of, &parts[j]), append(left, parts[j].left)
				}
			}
			off, err := tax.Off(left, discounts[n].Percent, discounts[n].Amount, a.Currency.DocumentDigits())
			if err != nil {
				return fmt.Errorf("discount %s: %w", discounts[n].Code, err)
			}
			for j, one := range of {
				if one.left, err = one.left.Sub(off[j]); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

// tierFeesOf is what an offering's tiers ask at zero usage, net, of the cycles
// that begin, or the subscription with them, within some days.
func (p *pricing) tierFeesOf(a *trialAccount, o *catalog.Offering, days calendar.Period) (sum money.Decimal, err error) {
	for _, asked := range o.PeriodFees() {
		for cycle := a.Cycle.Containing(days.From); cycle.From.Before(days.To); cycle = a.Cycle.Containing(cycle.To) {
			if cycle.From.Before(p.trial.Days.From) && days.From == p.trial.Days.From {
				continue // asked before the period on trial
			}
			from := cycle.From
			if from.Before(days.From) {
				from = days.From
			}
			price, err := asked.In(a.Currency, p.exchange, from)
			if err != nil {
				return sum, err
			}
			net, err := p.charging.NetOf(o, asked.TaxCategory, price, a.Currency, from)
			if err != nil {
				return sum, fmt.Errorf("fee %s of %s: %w", asked.Code, o.Code, err)
			}
			sum = sum.Add(net)
		}
	}
	return sum, nil
}

// loadExchange reads the exchange rates of offerings whose tiers ask a fee in
// another currency than their own.
func (p *pricing) loadExchange(ctx context.Context, tx tenant.Tx) (err error) {
	var currencies []money.Currency
	see := func(o catalog.Offering) {
		if len(o.PeriodFees()) > 0 && len(o.Currencies()) > 1 {
			currencies = append(currencies, o.Currencies()...)
		}
	}
	see(p.trial.Document)
	for _, o := range p.offerings {
		see(o)
	}
	if len(currencies) > 0 {
		p.exchange, err = catalog.LoadRates(ctx, tx, currencies)
	}
	return err
}

func zoneOf(ctx context.Context, tx tenant.Tx) (*time.Location, error) {
	var name string
	if err := tx.QueryRow(ctx, `select zone from operator where id = 1`).Scan(&name); err != nil {
		return nil, fmt.Errorf("read zone: %w", err)
	}
	return time.LoadLocation(name)
}

// markTried notes on a draft that it was tried, if it is still what was tried.
func markTried(ctx context.Context, tx tenant.Tx, t *Trial) error {
	now, err := catalog.LoadVersion(ctx, tx, t.Offering)
	if err != nil {
		return err
	}
	tried, err := json.Marshal(t.Document)
	if err != nil {
		return fmt.Errorf("offering on trial: %w", err)
	}
	stands, err := json.Marshal(now)
	if err != nil {
		return fmt.Errorf("offering on trial: %w", err)
	}
	if !bytes.Equal(tried, stands) {
		return nil
	}
	_, err = catalog.MarkTried(ctx, tx, t.Offering)
	if errors.Is(err, catalog.ErrPublished) {
		return nil // one on sale can be tried as well
	}
	return err
}
