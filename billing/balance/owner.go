package balance

import (
	"context"
	"errors"
	"fmt"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"tollhouse/billing/ledger"
	"tollhouse/billing/money"
	"tollhouse/billing/tenant"
)

// owner is what a booking needs to know of a bucket's account.
type owner struct {
	id                  uuid.UUID
	currency            money.Currency
	legalEntity, branch uuid.UUID
}

// lockOwner locks the account row, first in the lock order.
func lockOwner(ctx context.Context, tx tenant.Tx, id uuid.UUID) (owner, error) {
	o := owner{id: id}
	err := tx.QueryRow(ctx, `
		select currency, legal_entity, branch from billing_account where id = $1 for no key update`, id).
		Scan(&o.currency, &o.legalEntity, &o.branch)
	if errors.Is(err, pgx.ErrNoRows) {
		return owner{}, fmt.Errorf("account %s: %w", id, ErrNotFound)
	}
	if err != nil {
		return owner{}, fmt.Errorf("lock account %s: %w", id, err)
	}
	return o, nil
}

func (o owner) event(tx tenant.Tx, kind ledger.EventKind, id uuid.UUID) ledger.Event {
	return ledger.Event{Kind: kind, ID: id, At: tx.At, LegalEntity: o.legalEntity, Branch: o.branch}
}

// posted says whether an event of this account is in the ledger already: the
// answer to a repeated command. The account is locked, so none can be under way.
func (o owner) posted(ctx context.Context, tx tenant.Tx, kind ledger.EventKind, id uuid.UUID) (bool, error) {
	var found bool
	// ledger_transfer_account narrows it to the account
	err := tx.QueryRow(ctx, `
		select exists (select from ledger_transfer where account_id = $1 and event = $2 and event_id = $3)`,
		o.id, string(kind), id).Scan(&found)
	if err != nil {
		return false, fmt.Errorf("look for %s %s: %w", kind, id, err)
	}
	return found, nil
}
