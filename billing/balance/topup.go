package balance

import (
	"context"
	"fmt"

	"github.com/google/uuid"

	"tollhouse/billing/ledger"
	"tollhouse/billing/money"
	"tollhouse/billing/tenant"
)

// TopUp is bought money for an account's main bucket. From is where the money
// lies: ledger.ProviderClearing, Bank or Cash.
type TopUp struct {
	ID        uuid.UUID // given by the caller; a repeat changes nothing
	AccountID uuid.UUID
	Amount    money.Amount
	From      ledger.Kind
	// Tax is what of the amount is tax that is due at the sale: use takes it from
	// there. TaxTo is who owes it: ledger.Tax, or ledger.Vouchers where the
	// voucher's sale was taxed.
	Tax   money.Decimal
	TaxTo ledger.Kind
}

// Add books a top-up and gives the main bucket after it. ErrNotFound means no
// such account, ErrAmount an amount that is not above zero or of another
// currency. What waits for money is renewed by charging, not here.
func Add(ctx context.Context, tx tenant.Tx, t TopUp) (Bucket, error) {
	o, err := lockOwner(ctx, tx, t.AccountID)
	if err != nil {
		return Bucket{}, err
	}
	if t.Amount.Sign() <= 0 || t.Amount.Currency() != o.currency {
		return Bucket{}, fmt.Errorf("top up %s: %w", t.Amount, ErrAmount)
	}
	bucket, err := lockMain(ctx, tx, o)
	if err != nil {
		return Bucket{}, err
	}
	if done, err := o.posted(ctx, tx, ledger.TopUp, t.ID); done || err != nil {
		return bucket, err
	}
	transfers := []ledger.Transfer{{
		Debit: ledger.General(t.From), Credit: bucket.Ledger(),
		Amount: t.Amount.Decimal(), Unit: bucket.Unit, AccountID: o.id,
	}}
	if t.Tax.Sign() > 0 {
		transfers = append(transfers, ledger.Transfer{Debit: ledger.Of(ledger.TaxAhead, bucket.ID), Credit: ledger.General(t.TaxTo),
			Amount: t.Tax, Unit: bucket.Unit, AccountID: o.id})
	}
	if err = ledger.Post(ctx, tx, o.event(tx, ledger.TopUp, t.ID), transfers); err != nil {
		return Bucket{}, fmt.Errorf("top up account %s: %w", o.id, err)
	}
	bucket.Value, bucket.TaxAhead = bucket.Value.Add(t.Amount.Decimal()), bucket.TaxAhead.Add(t.Tax)
	return bucket, nil
}
