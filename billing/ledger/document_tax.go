package ledger

import (
	"context"
	"fmt"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"tollhouse/billing/money"
	"tollhouse/billing/tenant"
)

const documentTax = `
	update billing_account as a
	set undocumented_tax = a.undocumented_tax - m.amount
	from unnest($1::uuid[], $2::numeric[]) as m (id, amount)
	where a.id = m.id`

// DocumentTax takes the tax of prepaid charges, by billing account, out of
// what waits for a statement: a statement that was closed in this transaction
// documents it. The tax itself is in the ledger since the charge.
func DocumentTax(ctx context.Context, tx tenant.Tx, byAccount map[uuid.UUID]money.Decimal) error {
	var batch pgx.Batch
	queueLock(&batch, lockAccounts, sortedIDs(byAccount))
	queueSums(&batch, byAccount, documentTax, "billing accounts")
	if batch.Len() == 0 {
		return nil
	}
	if err := tx.SendBatch(ctx, &batch).Close(); err != nil {
		return fmt.Errorf("document tax: %w", err)
	}
	return nil
}
