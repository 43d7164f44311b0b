package bill

import (
	"context"
	"fmt"
	"slices"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"tollhouse/billing/account"
	"tollhouse/billing/calendar"
	"tollhouse/billing/money"
	"tollhouse/billing/tax"
	"tollhouse/billing/tenant"
)

// discounted is what an earlier bill took off a fee, net, for a period that
// reaches past the cycle.
type discounted struct {
	period calendar.Period
	net    money.Decimal
}

// addDiscounts takes a subscription's discounts off the recurring fees that
// this closing charges, the entries from first on, cycle by cycle: each fee
// gets a line below zero, of its own tax category, period and source.
func (c *closing) addDiscounts(s subscription, first int, frame feeFrame) error {
	discounts := slices.Clone(c.discounts[s.ID])
	for _, cycle := range c.cyclesCharged(first, frame) {
		left := c.prices(first, cycle)
		for i := range discounts {
			d := &discounts[i]
			if !d.Covers(cycle.From) || len(left.amounts) == 0 {
				continue
			}
			off, err := tax.Off(left.amounts, d.Percent, d.Amount, frame.digits)
			if err != nil {
				return fmt.Errorf("discount %s: %w", d.Code, err)
			}
			for n, at := range left.at {
				if left.amounts[n], err = left.amounts[n].Sub(off[n]); err != nil {
					return err
				}
				c.addDiscount(d, c.entries[at], off[n])
			}
			d.Count(cycle)
			left = left.positive()
		}
	}
	for i, d := range discounts {
		if d.CountedThrough != c.discounts[s.ID][i].CountedThrough {
			c.counted = append(c.counted, d)
		}
	}
	return c.keepDiscounted(s)
}

// cyclesCharged are the account's cycles in which fresh fees begin, in order.
func (c *closing) cyclesCharged(first int, frame feeFrame) []calendar.Period {
	var cycles []calendar.Period
	for _, e := range c.entries[first:] {
		if cycle := frame.cycle.Containing(e.Period.From); e.Kind == Recurring && !slices.Contains(cycles, cycle) {
			cycles = append(cycles, cycle)
		}
	}
	slices.SortFunc(cycles, func(a, b calendar.Period) int { return a.From.Compare(b.From) })
	return cycles
}

// reducible are fees that something can still be taken off, by their entries.
type reducible struct {
	at      []int
	amounts []money.Amount
}

func (c *closing) prices(first int, cycle calendar.Period) (r reducible) {
	for i, e := range c.entries[first:] {
		if e.Kind == Recurring && cycle.Contains(e.Period.From) && e.Price.Sign() > 0 {
			r.at, r.amounts = append(r.at, first+i), append(r.amounts, e.Price)
		}
	}
	return r
}

func (r reducible) positive() (left reducible) {
	for i, amount := range r.amounts {
		if amount.Sign() > 0 {
			left.at, left.amounts = append(left.at, r.at[i]), append(left.amounts, amount)
		}
	}
	return left
}

func (c *closing) addDiscount(d *account.Discount, of entry, off money.Amount) {
	if off.IsZero() {
		return
	}
	c.add(of.source, Line{
		Kind: Discount, Code: d.Code, Description: d.Words(), Subscription: of.Subscription, Period: of.Period,
		Quantity: money.NewDecimal(1), Unit: UnitFee, Category: of.Category, Price: off.Neg(),
	})
	c.entries[len(c.entries)-1].fee = of.fee
}

// keepDiscounted lowers what stays deferred of fees charged before by what
// was taken off them.
func (c *closing) keepDiscounted(s subscription) error {
	for _, one := range c.ahead[s.ID] {
		left, err := fee{period: one.period}.unearned(one.net, c.Cycle.To)
		if err != nil {
			return err
		}
		c.kept[s.ID] = c.kept[s.ID].Add(left)
	}
	return nil
}

func (c *closing) discountWords(subscription uuid.UUID, code string) string {
	for _, d := range c.discounts[subscription] {
		if d.Code == code {
			return d.Words()
		}
	}
	return code
}

// bill_account leads to an account's documents and the lines' key to what was
// taken off in them: read only for accounts that have discounts.
const selectAhead = `
	select b.account_id, l.subscription_id, l.period_from, l.period_to, l.net
	from unnest($1::uuid[], $2::date[]) as due (account_id, cycle_to)
	join bill b on b.account_id = due.account_id and b.state = 'final'
	join bill_line l on l.bill_id = b.id
	where l.kind = 'discount' and l.period_to > due.cycle_to and l.subscription_id is not null`

func loadDiscounts(ctx context.Context, tx tenant.Tx, byID map[uuid.UUID]*openCycle) error {
	var subscriptions []uuid.UUID
	for _, c := range byID {
		for _, s := range c.subscriptions {
			subscriptions = append(subscriptions, s.ID)
		}
	}
	found, err := account.Discounts(ctx, tx, subscriptions...)
	if err != nil || len(found) == 0 {
		return err
	}
	var accounts []uuid.UUID
	var ends []calendar.Date
	for id, c := range byID {
		for _, s := range c.subscriptions {
			if list := found[s.ID]; len(list) > 0 {
				if c.discounts == nil {
					c.discounts, c.ahead = map[uuid.UUID][]account.Discount{}, map[uuid.UUID][]discounted{}
					accounts, ends = append(accounts, id), append(ends, c.Cycle.To)
				}
				c.discounts[s.ID] = list
			}
		}
	}
	rows, err := tx.Query(ctx, selectAhead, accounts, ends)
	if err != nil {
		return fmt.Errorf("load discounts given ahead: %w", err)
	}
	var owner, subscription uuid.UUID
	var one discounted
	_, err = pgx.ForEachRow(rows, []any{&owner, &subscription, &one.period.From, &one.period.To, &one.net}, func() error {
		byID[owner].ahead[subscription] = append(byID[owner].ahead[subscription], one)
		return nil
	})
	if err != nil {
		return fmt.Errorf("load discounts given ahead: %w", err)
	}
	return nil
}
