package payment

import (
	"context"
	"fmt"

	"github.com/google/uuid"

	"tollhouse/billing/account"
	"tollhouse/billing/ledger"
	"tollhouse/billing/money"
	"tollhouse/billing/tax"
	"tollhouse/billing/tenant"
)

// soldTax is what of bought balance is tax that is due at its sale.
func (p payer) soldTax(ctx context.Context, tx tenant.Tx, amount money.Amount) (money.Decimal, error) {
	profile, err := account.GetProfile(ctx, tx)
	if err != nil {
		return money.Decimal{}, err
	}
	return tax.TopUpTax(ctx, tx, p.id, amount, profile.LocalDate(tx.At))
}

// untax takes the tax back that was due at the sale of money which goes back to
// its buyer: its part of what no use has taken yet. It locks the bucket.
func (p payer) untax(ctx context.Context, tx tenant.Tx, bucket uuid.UUID, amount money.Decimal) (money.Decimal, error) {
	var value, ahead money.Decimal
	if err := tx.QueryRow(ctx, `select value, tax_ahead from bucket where id = $1 for no key update`, bucket).Scan(&value, &ahead); err != nil {
		return money.Decimal{}, fmt.Errorf("tax of balance %s: %w", bucket, err)
	}
	if ahead.IsZero() || value.Sign() <= 0 {
		return money.Decimal{}, nil
	}
	part, err := ahead.MulDiv(amount, value, p.currency.DocumentDigits(), money.HalfAwayFromZero)
	if err != nil {
		return money.Decimal{}, err
	}
	if part = smaller(part, ahead); amount.Cmp(value) >= 0 {
		part = ahead
	}
	return part, nil
}

// taxBack are the transfers of tax that untax found; none for zero.
func (p payer) taxBack(bucket uuid.UUID, part money.Decimal) []ledger.Transfer {
	return p.move(ledger.General(ledger.Tax), ledger.Of(ledger.TaxAhead, bucket), part)
}
