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

// Cursor is the last row a reader has seen. The zero value begins at the newest.
type Cursor struct {
	At time.Time
	ID uuid.UUID
}

// Cursor is where the list goes on after this payment.
func (p Payment) Cursor() Cursor { return Cursor{p.ReceivedAt, p.ID} }

// pageLimit bounds a page, whatever is asked for.
const pageLimit = 500

// List reads an account's payments after the cursor, newest first.
func List(ctx context.Context, tx tenant.Tx, accountID uuid.UUID, after Cursor, limit int) ([]Payment, error) {
	if after.At.IsZero() {
		after = Cursor{At: time.Date(9999, 1, 1, 0, 0, 0, 0, time.UTC), ID: uuid.Max}
	}
	// index payment_account bounds the rows; few share an instant
	rows, err := tx.Query(ctx, `select `+paymentColumns+` from payment
		where account_id = $1 and received_at <= $2 and (received_at, id) < ($2, $3)
		order by received_at desc, id desc limit $4`, accountID, after.At, after.ID, min(max(limit, 1), pageLimit))
	if err != nil {
		return nil, fmt.Errorf("list payments: %w", err)
	}
	payments, err := pgx.CollectRows(rows, scanPayment)
	if err != nil {
		return nil, fmt.Errorf("list payments: %w", err)
	}
	return payments, nil
}

// Allocation is what a payment pays of a bill, or of a document from before us.
type Allocation struct {
	PaymentID  uuid.UUID
	OpenItemID uuid.UUID
	BillID     uuid.UUID    // Nil: the document is not of our making
	Number     string       // of the bill, or of that document
	Amount     money.Amount // still applied, without what a refund reversed
	At         time.Time
}

// Allocations lists what payments pay for, by payment and in order of time.
// Those that a refund has reversed in full are left out.
func Allocations(ctx context.Context, tx tenant.Tx, paymentIDs ...uuid.UUID) ([]Allocation, error) {
	rows, err := tx.Query(ctx, `
		select a.payment_id, o.id, coalesce(o.bill_id, '00000000-0000-0000-0000-000000000000'), coalesce(b.number, o.number),
		       a.amount - a.reversed, o.currency, a.at
		  from payment_allocation a
		  join open_item o on o.id = a.open_item_id
		  left join bill b on b.id = o.bill_id
		 where a.payment_id = any($1) and a.amount > a.reversed
		 order by a.payment_id, a.at, a.id`, paymentIDs)
	if err != nil {
		return nil, fmt.Errorf("list allocations: %w", err)
	}
	allocations, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (a Allocation, err error) {
		var amount money.Decimal
		var currency money.Currency
		err = row.Scan(&a.PaymentID, &a.OpenItemID, &a.BillID, &a.Number, &amount, &currency, &a.At)
		a.Amount, a.At = money.New(amount, currency), a.At.UTC()
		return a, err
	})
	if err != nil {
		return nil, fmt.Errorf("list allocations: %w", err)
	}
	return allocations, nil
}
