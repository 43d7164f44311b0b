package history

import (
	"context"
	"encoding/json"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"tollhouse/billing/charging"
	"tollhouse/billing/money"
	"tollhouse/billing/tenant"
)

// Charge is what one use or fee cost, and why.
type Charge struct {
	ID             uuid.UUID
	Kind           charging.Kind
	UsageID        *uuid.UUID // nil for fees
	SubscriptionID uuid.UUID
	At, RatedAt    time.Time
	LineCode       string
	Quantity       money.Decimal
	Unit           money.Unit
	Allowance      money.Decimal // of Quantity, covered by allowances
	Price          money.Amount  // as the offering writes it
	Net, Tax       money.Amount
	Why            json.RawMessage // the steps of the price
}

// Place is where the list goes on after this charge.
func (c Charge) Place() Place { return Place{c.At, c.ID} }

// Charges lists an account's charges by the time they count for. charge_cycle
// finds the account's rows.
func Charges(ctx context.Context, tx tenant.Tx, account uuid.UUID, after Place, limit int) ([]Charge, error) {
	at, id := after.bounds()
	rows, err := tx.Query(ctx, `
		select id, kind, usage_id, subscription_id, at, rated_at, line_code, quantity, unit, allowance, price, net, tax, currency, why
		  from charge
		 where account_id = $1 and ($2::timestamptz is null or (at, id) < ($2, $3))
		 order by at desc, id desc
		 limit $4`, account, at, id, bounded(limit))
	return collect("charges", rows, err, scanCharge)
}

func scanCharge(row pgx.CollectableRow) (Charge, error) {
	var c Charge
	var price, net, tax money.Decimal
	var currency money.Currency
	err := row.Scan(&c.ID, &c.Kind, &c.UsageID, &c.SubscriptionID, &c.At, &c.RatedAt, &c.LineCode, &c.Quantity, &c.Unit, &c.Allowance,
		&price, &net, &tax, &currency, &c.Why)
	c.At, c.RatedAt = c.At.UTC(), c.RatedAt.UTC()
	c.Price, c.Net, c.Tax = money.New(price, currency), money.New(net, currency), money.New(tax, currency)
	return c, err
}
