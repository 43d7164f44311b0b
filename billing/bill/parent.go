package bill

import (
	"context"
	"fmt"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"tollhouse/billing/money"
	"tollhouse/billing/tenant"
)

// Children whose parent pays are closed with it, in its document. Who has
// children is found by billing_account_parent. They are locked after the
// parents, which nobody takes the other way round for long.
const selectChildren = `
	select ` + dueColumns + `, a.parent_id
	from billing_account a
	join billing_account o on o.id = a.parent_id and o.cycle_end = a.cycle_end
	join party p on p.id = a.party_id
	where a.parent_id = any ($1) and a.billed_to_parent and a.state = 'active'
	order by a.id`

// loadChildren lists the accounts that are closed with due ones, and with which.
func (f *frame) loadChildren(ctx context.Context, tx tenant.Tx, due []dueAccount) (children []dueAccount, parents []uuid.UUID, err error) {
	ids := make([]uuid.UUID, len(due))
	for i := range due {
		ids[i] = due[i].ID
	}
	query := selectChildren
	if f.locks {
		query += ` for update of a`
	}
	rows, err := tx.Query(ctx, query, ids)
	if err != nil {
		return nil, nil, fmt.Errorf("load accounts that a parent pays for: %w", err)
	}
	children, err = pgx.CollectRows(rows, func(row pgx.CollectableRow) (a dueAccount, err error) {
		var parent uuid.UUID
		err = row.Scan(append(a.fields(), &parent)...)
		parents = append(parents, parent)
		return a, err
	})
	if err != nil {
		return nil, nil, fmt.Errorf("load accounts that a parent pays for: %w", err)
	}
	return children, parents, nil
}

// absorb takes what a child's closing came to into its parent's: its lines stand
// together, under its number, and its charges are documented there and nowhere
// else.
func (c *closing) absorb(child *closing, services, of map[uuid.UUID]string) {
	for id, name := range of {
		services[id] = child.Number + " " + child.Name + " · " + name
	}
	for _, e := range child.entries {
		if e.Subscription == uuid.Nil {
			e.Description = child.Number + " " + child.Name + ": " + e.Description
		}
		c.entries = append(c.entries, e)
	}
	c.subscriptions = append(c.subscriptions, child.subscriptions...)
	c.items = append(c.items, child.items...)
	c.moves, c.counted = append(c.moves, child.moves...), append(c.counted, child.counted...)
	c.lateNotes = append(c.lateNotes, child.lateNotes...)
	for id, kept := range child.kept {
		c.kept[id] = c.kept[id].Add(kept)
	}
	if c.owed == nil {
		c.owed = map[uuid.UUID]money.Decimal{}
	}
	c.owed[child.ID] = child.charged
	c.absorbed = append(c.absorbed, child.ID)
}

// uncharge takes off what of an account's charges is left for the next bill.
func (c *closing) uncharge(s chargeSum) {
	if owed, child := c.owed[s.Account]; child {
		c.owed[s.Account] = owed.Sub(s.Net)
		return
	}
	c.charged = c.charged.Sub(s.Net)
}

// allCharged is what charging posted of all that the document is for.
func (c *closing) allCharged() money.Decimal {
	sum := c.charged
	for _, owed := range c.owed {
		sum = sum.Add(owed)
	}
	return sum
}
