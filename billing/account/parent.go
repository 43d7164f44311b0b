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

// ErrParent means that an account can't stand under another.
var ErrParent = errors.New("a parent is another open account that has no parent itself, of an account that has no children")

// PutParent puts an account under another, or under none: the one that pays for
// it, at most one step up. Who is billed for it is the account itself again.
func PutParent(ctx context.Context, tx tenant.Tx, id uuid.UUID, parent *uuid.UUID) (Account, error) {
	var other any
	if parent != nil {
		other = *parent
	}
	// Both are locked, in the order of their ids, so that neither becomes the other's parent meanwhile.
	if _, err := tx.Exec(ctx, `select id from billing_account where id in ($1, $2) order by id for update`, id, other); err != nil {
		return Account{}, fmt.Errorf("lock account %s and its parent: %w", id, err)
	}
	a, err := Get(ctx, tx, id)
	if err != nil {
		return Account{}, err
	}
	done, err := tx.Exec(ctx, `
		update billing_account a set parent_id = $2, billed_to_parent = false
		 where a.id = $1 and ($2::uuid is null or exists (select from billing_account p where p.id = $2 and p.id <> a.id and p.parent_id is null and p.state = 'active')
		       and not exists (select from billing_account c where c.parent_id = a.id))`, id, other)
	if err != nil {
		return Account{}, fmt.Errorf("put account %s under another: %w", a.Number, err)
	}
	if done.RowsAffected() == 0 {
		return Account{}, fmt.Errorf("account %s: %w", a.Number, ErrParent)
	}
	return Get(ctx, tx, id)
}

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
