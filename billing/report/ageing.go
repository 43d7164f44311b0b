package report

import (
	"context"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"tollhouse/billing/calendar"
	"tollhouse/billing/money"
	"tollhouse/billing/tenant"
)

// buckets are days overdue: not due yet, then up to 30, 60 and 90, and more.
const buckets = 5

var ageingColumns = []Column{{"customer", Text, false}, {"customer_name", Text, false}, {"currency", Text, false}, {"legal_entity", Text, false},
	{"not_due", Amount, true}, {"to_30", Amount, true}, {"to_60", Amount, true}, {"to_90", Amount, true}, {"over_90", Amount, true}, {"total", Amount, true}}

var bucketColumns = []Column{{"bucket", Text, false}, {"currency", Text, false}, {"customers", Number, false}, {"amount", Amount, true}}

func bucketOf(due, day calendar.Date) int {
	late := due.DaysUntil(day)
	switch {
	case late <= 0:
		return 0
	case late <= 30:
		return 1
	case late <= 60:
		return 2
	case late <= 90:
		return 3
	}
	return 4
}

// Open items as of a day: what was made until then, as it stood before the first
// change since. The receivable of that day is today's less what the ledger has
// moved since.
const agedItems = `
	with since as (
	    select coalesce(x.debit_id, x.credit_id) as account_id, sum(x.amount) as amount from (
	        select debit_id, null::uuid as credit_id, amount from ledger_transfer where period >= date_trunc('month', $3::date)::date and at >= $1 and debit = 'receivable'
	        union all
	        select null, credit_id, -amount from ledger_transfer where period >= date_trunc('month', $3::date)::date and at >= $1 and credit = 'receivable') x
	     group by 1),
	owing as (
	    select a.id, a.number, a.currency, a.legal_entity, a.branch, a.party_id, a.receivable - coalesce(s.amount, 0) as receivable
	      from billing_account a left join since s on s.account_id = a.id
	     where a.receivable - coalesce(s.amount, 0) <> 0)
	select w.id, w.number, p.name, w.currency, e.name, w.receivable, o.due_date, coalesce(o.open, 0)
	  from owing w
	  join party p on p.id = w.party_id
	  join legal_entity e on e.id = w.legal_entity
	  left join lateral (
	      select coalesce((x.was ->> 'due')::date, o.due_date) as due_date, coalesce((x.was ->> 'open')::numeric, o.open) as open
	        from open_item o
	        left join lateral (select e.was from jsonb_array_elements(o.past) with ordinality as e (was, n)
	                            where not $2 and (e.was ->> 'until')::timestamptz >= $1 order by (e.was ->> 'until')::timestamptz, e.n limit 1) x on true
	       where o.account_id = w.id and o.created_at < $1 and (o.open > 0 or not $2)) o on o.open > 0
	 where ($4::uuid is null or w.legal_entity = $4) and ($5::uuid is null or w.branch = $5) and ($6 = '' or w.currency = $6)
	 order by w.number, w.id, o.due_date nulls last`

// aged is one account's debt by age.
type aged struct {
	id                             uuid.UUID
	number, name, currency, entity string
	receivable                     money.Decimal
	sums                           [buckets]money.Decimal
}

// agree makes the buckets sum to the ledger's receivable. They do by themselves,
// but for days before an import that was undone: the oldest debt is then taken
// to have been paid first.
func (a *aged) agree() {
	rest := a.receivable
	for _, s := range a.sums {
		rest = rest.Sub(s)
	}
	for n := buckets - 1; n >= 0 && rest.Sign() < 0; n-- {
		part := a.sums[n]
		if part.Cmp(rest.Neg()) > 0 {
			part = rest.Neg()
		}
		a.sums[n], rest = a.sums[n].Sub(part), rest.Add(part)
	}
	a.sums[0] = a.sums[0].Add(rest)
}

func eachAged(ctx context.Context, tx tenant.Tx, q query, each func(a *aged) error) error {
	end := q.endOf(q.To)
	rows, err := tx.Query(ctx, agedItems, end, end.After(tx.At), q.To, q.LegalEntity, q.Branch, q.Currency)
	if err != nil {
		return err
	}
	var now aged
	var due *calendar.Date
	var open money.Decimal
	var a aged
	_, err = pgx.ForEachRow(rows, []any{&a.id, &a.number, &a.name, &a.currency, &a.entity, &a.receivable, &due, &open}, func() error {
		if a.id != now.id {
			if now.id != uuid.Nil {
				now.agree()
				if err := each(&now); err != nil {
					return err
				}
			}
			now = aged{id: a.id, number: a.number, name: a.name, currency: a.currency, entity: a.entity, receivable: a.receivable}
		}
		if due != nil {
			n := bucketOf(*due, q.To)
			now.sums[n] = now.sums[n].Add(open)
		}
		return nil
	})
	if err != nil || now.id == uuid.Nil {
		return err
	}
	now.agree()
	return each(&now)
}

func ageing(ctx context.Context, tx tenant.Tx, q query, emit Emit) error {
	return eachAged(ctx, tx, q, func(a *aged) error {
		return emit(a.number, a.name, a.currency, a.entity, a.sums[0], a.sums[1], a.sums[2], a.sums[3], a.sums[4], a.receivable)
	})
}

var bucketKeys = [buckets]string{"not_due", "to_30", "to_60", "to_90", "over_90"}

func ageingBuckets(ctx context.Context, tx tenant.Tx, q query, emit Emit) error {
	type sum struct {
		amounts [buckets]money.Decimal
		counts  [buckets]int64
	}
	sums, order := map[string]*sum{}, []string(nil)
	err := eachAged(ctx, tx, q, func(a *aged) error {
		s := sums[a.currency]
		if s == nil {
			s = &sum{}
			sums[a.currency], order = s, append(order, a.currency)
		}
		for n, amount := range a.sums {
			if !amount.IsZero() {
				s.amounts[n], s.counts[n] = s.amounts[n].Add(amount), s.counts[n]+1
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	for _, currency := range order {
		for n, key := range bucketKeys {
			if err := emit(Word(q.language(), "col."+key), currency, sums[currency].counts[n], sums[currency].amounts[n]); err != nil {
				return err
			}
		}
	}
	return nil
}
