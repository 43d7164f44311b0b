package bill

import (
	"cmp"
	"context"
	"fmt"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"tollhouse/billing/calendar"
	"tollhouse/billing/ledger"
	"tollhouse/billing/money"
	"tollhouse/billing/tenant"
)

// loadItems gives cycles the items that wait for their bills. bill_item_open
// finds them; where there are none it is a walk over an empty index.
func loadItems(ctx context.Context, tx tenant.Tx, due []dueAccount, byID map[uuid.UUID]*openCycle) error {
	ids, ends := make([]uuid.UUID, len(due)), make([]calendar.Date, len(due))
	for n, a := range due {
		ids[n], ends[n] = a.ID, a.Cycle.To
	}
	rows, err := tx.Query(ctx, selectItems+`
		  join unnest($1::uuid[], $2::date[]) as due (account_id, cycle_end) on i.account_id = due.account_id and i.due_from <= due.cycle_end
		 where i.bill_id is null
		 order by i.account_id, i.id`, ids, ends)
	if err != nil {
		return fmt.Errorf("load items: %w", err)
	}
	list, err := pgx.CollectRows(rows, scanItem)
	if err != nil {
		return fmt.Errorf("load items: %w", err)
	}
	for n := range list {
		o := byID[list[n].Account]
		o.items = append(o.items, list[n])
	}
	return nil
}

// addItems puts what waits for the bill on it, as it stands.
func (c *closing) addItems() {
	for n := range c.items {
		i := &c.items[n]
		c.add(fromItem, Line{
			Kind: ItemLine, Code: i.Code, Description: cmp.Or(i.Words[c.Language], i.Words["en"], anyWords(i.Words)), Subscription: i.Subscription,
			Period: i.Period, Quantity: money.NewDecimal(1), Unit: UnitFee, Category: i.Category, Price: i.Price,
		})
		c.entries[len(c.entries)-1].item = i
	}
}

func anyWords(words map[string]string) string {
	for _, w := range words {
		return w
	}
	return ""
}

// itemPostings moves an item's net between the receivable and where it comes
// from. What is given back of a deferred fee takes what is deferred still, left
// says how much that is, and the rest from revenue.
func (c *closing) itemPosting(post *poster, e *entry, left map[uuid.UUID]money.Decimal) {
	receivable, net := ledger.Of(ledger.Receivable, c.ID), e.Net.Decimal()
	switch from := e.item.From; {
	case from.Deferred:
		deferred, rest := splitDeferred(net, left[e.Subscription])
		post.move(receivable, ledger.Of(ledger.Deferred, e.Subscription), deferred)
		post.move(receivable, ledger.General(ledger.Revenue), rest)
		left[e.Subscription] = left[e.Subscription].Add(deferred)
	case from.Ledger.Kind != "":
		post.move(receivable, from.Ledger, net)
	default:
		post.move(receivable, ledger.General(ledger.Revenue), net)
	}
}

// splitDeferred says how much of an item's net moves what is deferred.
func splitDeferred(net, left money.Decimal) (deferred, rest money.Decimal) {
	if net.Sign() >= 0 || left.Cmp(net.Neg()) >= 0 {
		return net, money.Decimal{}
	}
	return left.Neg(), net.Add(left)
}

// takeItems notes on which bills items stand now.
func takeItems(ctx context.Context, tx tenant.Tx, documents []*closing) error {
	var items, bills []uuid.UUID
	taken := map[uuid.UUID]bool{}
	for _, c := range documents {
		for n := range c.entries {
			i := c.entries[n].item
			if i != nil && !taken[i.ID] { // several parts of one have rates of their own
				taken[i.ID] = true
				items, bills = append(items, i.ID), append(bills, c.doc.ID)
			}
		}
	}
	if len(items) == 0 {
		return nil
	}
	done, err := tx.Exec(ctx, `
		update bill_item i set bill_id = n.bill
		  from unnest($1::uuid[], $2::uuid[]) as n (id, bill)
		 where i.id = n.id and i.bill_id is null`, items, bills)
	if err != nil {
		return fmt.Errorf("take items: %w", err)
	}
	if done.RowsAffected() != int64(len(items)) {
		return fmt.Errorf("take items: %d of %d found waiting", done.RowsAffected(), len(items))
	}
	return nil
}
