package bill

import (
	"context"
	"fmt"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"tollhouse/billing/money"
	"tollhouse/billing/tenant"
)

// Difference is by how much the lines of a kind, without tax, differ from those
// of the last period.
type Difference struct {
	Kind      LineKind
	Last, Now money.Amount
}

// Change is what is more now or, below zero, less.
func (d Difference) Change() money.Amount {
	return money.New(d.Now.Decimal().Sub(d.Last.Decimal()), d.Now.Currency())
}

// kindsInOrder are the kinds of line that ask for something, as bills have them.
var kindsInOrder = []LineKind{Recurring, OneTime, Usage, Discount, Correction, ItemLine}

// Differences compares a preview with the account's documents of the last
// period, by kind of line; kinds that stand on neither are left out. An account
// without a document before differs by all of it.
func (p Previewed) Differences() []Difference {
	now := map[LineKind]money.Decimal{}
	for _, d := range append([]Document{p.Document}, p.Others...) {
		for _, l := range d.Lines {
			now[l.Kind] = now[l.Kind].Add(l.Net.Decimal())
		}
	}
	currency := p.Document.Total.Currency()
	var list []Difference
	for _, kind := range kindsInOrder {
		last, before := p.LastKinds[kind]
		sum, is := now[kind]
		if before || is {
			list = append(list, Difference{kind, money.New(last, currency), money.New(sum, currency)})
		}
	}
	return list
}

// An account may have several documents of a period: one for each service, or a
// part that was billed on demand. bill_account finds them. Money of another
// currency does not compare.
const selectLastKinds = `
	select b.account_id, l.kind, sum(l.net)
	  from unnest($1::uuid[], $2::text[]) as a (id, currency)
	  cross join lateral (select cycle_start from bill
	                       where account_id = a.id and state = 'final' and kind in ('bill', 'statement') order by cycle_start desc limit 1) as n
	  join bill as b on b.account_id = a.id and b.cycle_start = n.cycle_start and b.state = 'final' and b.kind in ('bill', 'statement') and b.currency = a.currency
	  join bill_line as l on l.bill_id = b.id
	 where l.kind <> 'allowance'
	 group by 1, 2`

// lastKinds completes previews with what the last period came to.
func lastKinds(ctx context.Context, tx tenant.Tx, list []Previewed, at map[uuid.UUID]int) error {
	ids, currencies := make([]uuid.UUID, len(list)), make([]string, len(list))
	for i := range list {
		ids[i], currencies[i] = list[i].AccountID, list[i].Document.Total.Currency().Code()
	}
	rows, err := tx.Query(ctx, selectLastKinds, ids, currencies)
	if err != nil {
		return fmt.Errorf("last lines by kind: %w", err)
	}
	var id uuid.UUID
	var kind LineKind
	var net money.Decimal
	_, err = pgx.ForEachRow(rows, []any{&id, &kind, &net}, func() error {
		p := &list[at[id]]
		if p.LastKinds == nil {
			p.LastKinds = map[LineKind]money.Decimal{}
		}
		p.LastKinds[kind] = net
		return nil
	})
	if err != nil {
		return fmt.Errorf("last lines by kind: %w", err)
	}
	return nil
}
