package account

import (
	"context"
	"errors"
	"fmt"

	"github.com/google/uuid"

	"tollhouse/billing/tenant"
)

// ErrParentCycle means that an account and its parent are not billed alike.
var ErrParentCycle = errors.New("the account has no postpaid parent that is billed in the same cycles")

// BillToParent lets the parent's bill ask for what an account owes from its open
// cycle on, or the account's own bill again. Both are postpaid, in one currency
// and the same cycles.
func BillToParent(ctx context.Context, tx tenant.Tx, id uuid.UUID, on bool) (Account, error) {
	a, err := Lock(ctx, tx, id)
	if err != nil {
		return Account{}, err
	}
	done, err := tx.Exec(ctx, `
		update billing_account a set billed_to_parent = $2
		 where a.id = $1 and (not $2 or exists (
		       select from billing_account p
		        where p.id = a.parent_id and p.kind = 'postpaid' and a.kind = 'postpaid' and p.state = 'active' and p.currency = a.currency
		          and p.legal_entity = a.legal_entity and not p.billed_to_parent
		          and (p.cycle_start, p.cycle_end, p.anchor, p.cycle_months, p.cycle_days) = (a.cycle_start, a.cycle_end, a.anchor, a.cycle_months, a.cycle_days)
		          and a.cycle_changes is not distinct from p.cycle_changes)
		       and not exists (select from billing_account c where c.parent_id = a.id and c.billed_to_parent))`, id, on)
	if err != nil {
		return Account{}, fmt.Errorf("bill account %s to its parent: %w", a.Number, err)
	}
	if done.RowsAffected() == 0 {
		return Account{}, fmt.Errorf("account %s: %w", a.Number, ErrParentCycle)
	}
	return Get(ctx, tx, id)
}
