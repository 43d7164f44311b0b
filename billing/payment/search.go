package payment

import (
	"context"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"tollhouse/billing/money"
	"tollhouse/billing/tenant"
)

// Kept narrows a list to payments with money that paid for nothing yet.
type Kept string

// What Kept can ask for.
const (
	KeptAny   Kept = "any"
	KeptOwing Kept = "owing" // although the account owes something
)

// Search narrows the list of all payments; zero values do not.
type Search struct {
	From, To time.Time // received from, up to but not including
	Method   Method
	Branch   uuid.UUID
	Kept     Kept
}

// Listed is a payment with whom it is from.
type Listed struct {
	Payment
	AccountNumber, Name string
}

// KeptOwing is written out, so that the partial index payment_kept is used.
func (s Search) where() string {
	condition := `
		where received_at >= $1 and received_at < $2 and ($3 = '' or method = $3)
		  and ($4 = '00000000-0000-0000-0000-000000000000'::uuid or branch = $4)`
	if s.Kept != "" {
		condition += ` and unapplied > 0`
	}
	if s.Kept == KeptOwing {
		condition += ` and exists (select from open_item o where o.account_id = p.account_id and o.open > 0)`
	}
	return condition
}

func (s Search) args() []any {
	from, to := s.From, s.To
	if to.IsZero() {
		to = time.Date(9999, 1, 1, 0, 0, 0, 0, time.UTC)
	}
	return []any{from, to, string(s.Method), s.Branch}
}

// Find reads the payments of all accounts that fit, newest first, after the
// cursor. payment_received gives the order.
func Find(ctx context.Context, tx tenant.Tx, s Search, after Cursor, limit int) ([]Listed, error) {
	if after.At.IsZero() {
		after = Cursor{At: time.Date(9999, 1, 1, 0, 0, 0, 0, time.UTC), ID: uuid.Max}
	}
	rows, err := tx.Query(ctx, `select `+paymentColumns+` from payment p`+s.where()+`
		and received_at <= $5 and (received_at, id) < ($5, $6)
		order by received_at desc, id desc limit $7`, append(s.args(), after.At, after.ID, max(limit, 1))...)
	if err != nil {
		return nil, fmt.Errorf("find payments: %w", err)
	}
	payments, err := pgx.CollectRows(rows, scanPayment)
	if err != nil {
		return nil, fmt.Errorf("find payments: %w", err)
	}
	return withNames(ctx, tx, payments)
}

func withNames(ctx context.Context, tx tenant.Tx, payments []Payment) ([]Listed, error) {
	list, ids := make([]Listed, len(payments)), make([]uuid.UUID, len(payments))
	for i, p := range payments {
		list[i].Payment, ids[i] = p, p.AccountID
	}
	rows, err := tx.Query(ctx, `select a.id, a.number, p.name from billing_account a join party p on p.id = a.party_id where a.id = any($1)`, ids)
	if err != nil {
		return nil, fmt.Errorf("name payers: %w", err)
	}
	known := map[uuid.UUID][2]string{}
	var id uuid.UUID
	var number, name string
	_, err = pgx.ForEachRow(rows, []any{&id, &number, &name}, func() error {
		known[id] = [2]string{number, name}
		return nil
	})
	for i := range list {
		list[i].AccountNumber, list[i].Name = known[list[i].AccountID][0], known[list[i].AccountID][1]
	}
	return list, err
}

// Sum is what payments of one method come to in one currency.
type Sum struct {
	Method                      Method
	Count                       int64
	Amount, Unapplied, Refunded money.Amount
}

// Sums adds up all payments that fit, by method and currency.
func Sums(ctx context.Context, tx tenant.Tx, s Search) ([]Sum, error) {
	rows, err := tx.Query(ctx, `select method, currency, count(*), sum(amount), sum(unapplied), sum(refunded) from payment p`+s.where()+`
		group by method, currency order by currency, method`, s.args()...)
	if err != nil {
		return nil, fmt.Errorf("sum up payments: %w", err)
	}
	return pgx.CollectRows(rows, func(row pgx.CollectableRow) (s Sum, err error) {
		var c money.Currency
		var amount, unapplied, refunded money.Decimal
		err = row.Scan(&s.Method, &c, &s.Count, &amount, &unapplied, &refunded)
		s.Amount, s.Unapplied, s.Refunded = money.New(amount, c), money.New(unapplied, c), money.New(refunded, c)
		return s, err
	})
}
