package tax

import (
	"context"

	"github.com/google/uuid"

	"tollhouse/billing/calendar"
	"tollhouse/billing/money"
	"tollhouse/billing/tenant"
)

// SoldCategory is the category that money for one purpose is taxed in.
const SoldCategory = "standard"

// Sold is what of money that somebody buys is tax, due on the day of the sale:
// all that it pays for has its tax inside.
func (t *Table) Sold(amount money.Amount, buyer *Buyer, day calendar.Date) (money.Decimal, error) {
	rate, err := t.For(buyer).At(SoldCategory, day)
	if err != nil {
		return money.Decimal{}, err
	}
	if rate.Untaxed() {
		return money.Decimal{}, nil
	}
	parts, err := Split(amount, rate, Inclusive, amount.Currency().DocumentDigits())
	return parts.Tax.Decimal(), err
}

// TopUpTax is what of a top-up is tax that is due at once: nothing where the
// operator's balance is taxed when it is used.
func TopUpTax(ctx context.Context, tx tenant.Tx, accountID uuid.UUID, amount money.Amount, day calendar.Date) (money.Decimal, error) {
	table, err := Load(ctx, tx)
	if err != nil || table.Settings.TopUps != AtSale {
		return money.Decimal{}, err
	}
	buyers, err := Buyers(ctx, tx, accountID)
	if err != nil {
		return money.Decimal{}, err
	}
	return table.Sold(amount, buyers[accountID], day)
}
