package bill

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"tollhouse/billing/account"
	"tollhouse/billing/calendar"
	"tollhouse/billing/ledger"
	"tollhouse/billing/money"
	"tollhouse/billing/tenant"
)

// AccountStatement is what happened on an account in a span of time. A balance
// is the customer's: money it has is above zero, what it owes below. Usage of a
// postpaid account moves no balance before it is billed; it is told beside.
type AccountStatement struct {
	Span             Span
	Opening, Closing money.Amount
	Unbilled         money.Amount // net, used and not yet billed at the end of the span
	Entries          []Entry
}

// Span is half-open.
type Span struct{ From, To time.Time }

// Entry is one bill, payment, top-up or refund, or one day's usage or fees.
type Entry struct {
	Kind   ledger.EventKind
	Day    calendar.Date // in the operator's zone
	At     time.Time     // of the first of it
	ID     uuid.UUID     // bill, payment, …; uuid.Nil for a day's usage
	Number string        // a bill's, or that of a document from before us
	Count  int64         // postings summed up
	// Amount is what the customer's balance moved by.
	Amount money.Amount
	// Unbilled is what a postpaid customer used, net, or with a bill what it billed.
	Unbilled money.Amount
}

// MonthOf is the span of a local day's calendar month.
func MonthOf(day calendar.Date, zone *time.Location) Span {
	day.Day = 1
	return spanOf(calendar.Period{From: day, To: day.AddMonths(1)}, zone)
}

// YearOf is the span of a local day's calendar year.
func YearOf(day calendar.Date, zone *time.Location) Span {
	day.Month, day.Day = time.January, 1
	return spanOf(calendar.Period{From: day, To: day.AddMonths(12)}, zone)
}

func spanOf(p calendar.Period, zone *time.Location) Span {
	from, to := p.Instants(zone)
	return Span{from, to}
}

// SinceLastPayment begins with the account's last payment or top-up, which it
// includes, and goes to now. Without any it begins with the account.
func SinceLastPayment(ctx context.Context, tx tenant.Tx, accountID uuid.UUID) (Span, error) {
	var from *time.Time
	// ledger_transfer_account is walked backwards to the first match
	err := tx.QueryRow(ctx, `
		select coalesce(
		    (select t.at from ledger_transfer t
		      where t.account_id = $1 and t.event in ('payment', 'topup')
		      order by t.at desc limit 1),
		    (select created_at from billing_account where id = $1))`, accountID).Scan(&from)
	if err != nil {
		return Span{}, fmt.Errorf("last payment: %w", err)
	}
	if from == nil {
		return Span{}, ErrNotFound
	}
	return Span{from.UTC(), tx.At.Add(time.Microsecond)}, nil
}

// One pass over what an account posted from the span's beginning on: what the
// customer's own accounts moved by, and what was added to or taken from the
// unbilled. Usage and fees are summed by day, everything else by event. What
// came after the span is one row, so that the present balance leads back to
// the closing one without reading the account's whole past.
const selectEntries = `
	with moved as (
	    select t.event, t.at, t.at >= $3 as after,
	           case when t.event in ('usage', 'fee') then null else t.event_id end as event_id,
	           (t.at at time zone $5)::date as day,
	           case when t.credit in ('prepaid', 'receivable', 'customer_credit') then t.amount else 0 end
	         - case when t.debit  in ('prepaid', 'receivable', 'customer_credit') then t.amount else 0 end as amount,
	           case when t.debit  = 'unbilled' then t.amount else 0 end
	         - case when t.credit = 'unbilled' then t.amount else 0 end as unbilled
	    from ledger_transfer t
	    where t.account_id = $1 and t.unit = $4 and t.at >= $2
	),
	summed as (
	    select after, case when after then '' else event end as event, case when after then null else event_id end as event_id,
	           case when after then null else day end as day,
	           min(at) as at, count(*) as count, sum(amount) as amount, sum(unbilled) as unbilled
	    from moved
	    group by 1, 2, 3, 4
	)
	select s.after, s.event, s.event_id, s.day, s.at, s.count, s.amount, s.unbilled, coalesce(b.number, i.number, '')
	from summed s
	left join bill b on b.id = s.event_id
	left join open_item i on s.event = 'import' and i.id = s.event_id
	where s.after or s.amount <> 0 or s.unbilled <> 0
	order by s.after, s.at, s.event, s.event_id`

const selectPosition = `
	select a.currency, a.credit - a.receivable + coalesce((
	           select sum(b.value) from bucket b where b.account_id = a.id and b.unit = a.currency), 0),
	       a.unbilled
	from billing_account a where a.id = $1`

// Statement tells an account's span. Its balances are the ledger's: closing is
// the running totals of now less what was posted since, opening is closing
// less the entries.
func Statement(ctx context.Context, tx tenant.Tx, accountID uuid.UUID, span Span) (AccountStatement, error) {
	profile, err := account.GetProfile(ctx, tx)
	if err != nil {
		return AccountStatement{}, err
	}
	var currency money.Currency
	var position, unbilled money.Decimal
	err = tx.QueryRow(ctx, selectPosition, accountID).Scan(&currency, &position, &unbilled)
	if errors.Is(err, pgx.ErrNoRows) {
		return AccountStatement{}, fmt.Errorf("account %s: %w", accountID, ErrNotFound)
	}
	if err != nil {
		return AccountStatement{}, fmt.Errorf("statement: %w", err)
	}
	rows, err := tx.Query(ctx, selectEntries, accountID, span.From, span.To, currency.Code(), profile.Zone.String())
	if err != nil {
		return AccountStatement{}, fmt.Errorf("statement: %w", err)
	}
	s := AccountStatement{Span: span}
	within := money.Decimal{}
	var row entryRow
	_, err = pgx.ForEachRow(rows, row.scan(), func() error {
		if row.after {
			position, unbilled = position.Sub(row.amount), unbilled.Sub(row.unbilled)
			return nil
		}
		within = within.Add(row.amount)
		s.Entries = append(s.Entries, row.entry(currency))
		return nil
	})
	if err != nil {
		return AccountStatement{}, fmt.Errorf("statement: %w", err)
	}
	s.Closing, s.Unbilled = money.New(position, currency), money.New(unbilled, currency)
	s.Opening = money.New(position.Sub(within), currency)
	return s, nil
}

type entryRow struct {
	after            bool
	kind             ledger.EventKind
	id               *uuid.UUID
	day              *calendar.Date
	at               time.Time
	count            int64
	amount, unbilled money.Decimal
	number           string
}

func (r *entryRow) scan() []any {
	return []any{&r.after, &r.kind, &r.id, &r.day, &r.at, &r.count, &r.amount, &r.unbilled, &r.number}
}

func (r *entryRow) entry(c money.Currency) Entry {
	e := Entry{
		Kind: r.kind, At: r.at.UTC(), Number: r.number, Count: r.count,
		Amount: money.New(r.amount, c), Unbilled: money.New(r.unbilled, c),
	}
	if r.id != nil {
		e.ID = *r.id
	}
	if r.day != nil {
		e.Day = *r.day
	}
	return e
}
