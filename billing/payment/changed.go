package payment

import (
	"context"

	"github.com/google/uuid"

	"tollhouse/billing/agenda"
	"tollhouse/billing/tenant"
)

// changed is called whenever what an account owes or has paid was changed, in
// the transaction of the change: what is owed is to be looked at again.
func (p payer) changed(ctx context.Context, tx tenant.Tx) error {
	return agenda.AddFor(ctx, tx, agenda.Dunning, tx.At, []uuid.UUID{p.id})
}
