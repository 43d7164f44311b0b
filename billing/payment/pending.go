package payment

import (
	"context"
	"fmt"

	"github.com/google/uuid"

	"tollhouse/billing/money"
	"tollhouse/billing/tenant"
)

// PendingDebits is what is being collected from an account now: by direct
// debits that its bank has not answered yet, and by payments that a provider is
// working on. Nobody is cut off while their money is on its way.
func PendingDebits(ctx context.Context, tx tenant.Tx, accountID uuid.UUID) (money.Amount, error) {
	var total money.Decimal
	var currency money.Currency
	err := tx.QueryRow(ctx, `
		select a.currency,
		       coalesce((select sum(d.amount) from debit d where d.account_id = a.id and d.state = 'pending'), 0)
		       + coalesce((select sum(i.amount) from payment_intent i
		                    where i.account_id = a.id and i.purpose = 'bill' and i.state = 'processing'), 0)
		  from billing_account a where a.id = $1`, accountID).Scan(&currency, &total)
	if err != nil {
		return money.Amount{}, fmt.Errorf("pending debits of account %s: %w", accountID, err)
	}
	return money.New(total, currency), nil
}
