package history

import (
	"context"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"tollhouse/billing/charging"
	"tollhouse/billing/money"
	"tollhouse/billing/tenant"
)

// Correction is what a charge was set right by, and why.
type Correction struct {
	At     time.Time
	Kind   charging.Kind
	Price  money.Amount // below zero: given back
	Tax    money.Amount
	Reason string
}

// correctionsOf reads what corrected a charge, in order. charge_corrects finds it.
func correctionsOf(ctx context.Context, tx tenant.Tx, charge uuid.UUID) ([]Correction, error) {
	rows, err := tx.Query(ctx, `select rated_at, kind, price, tax, currency, reason from charge where corrects_id = $1 order by id`, charge)
	if err != nil {
		return nil, fmt.Errorf("read corrections: %w", err)
	}
	return pgx.CollectRows(rows, func(row pgx.CollectableRow) (Correction, error) {
		var c Correction
		var price, tax money.Decimal
		var currency money.Currency
		err := row.Scan(&c.At, &c.Kind, &price, &tax, &currency, &c.Reason)
		c.At, c.Price, c.Tax = c.At.UTC(), money.New(price, currency), money.New(tax, currency)
		return c, err
	})
}

// Now is the use's price with its corrections.
func (e *Explained) Now() money.Amount {
	now := e.Price.Decimal()
	for _, c := range e.Corrections {
		now = now.Add(c.Price.Decimal())
	}
	return money.New(now, e.Price.Currency())
}

// TaxNow is the tax in it.
func (e *Explained) TaxNow() money.Amount {
	now := e.Tax.Decimal()
	for _, c := range e.Corrections {
		now = now.Add(c.Tax.Decimal())
	}
	return money.New(now, e.Tax.Currency())
}
