package bill

import (
	"context"
	"errors"
	"fmt"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"tollhouse/billing/tenant"
)

// ErrNotFound is returned for a document or account that does not exist.
var ErrNotFound = errors.New("no such bill")

// Preview reckons what closing an account's open cycle now would give, by the
// same code as a run, and writes nothing. The document is a draft without
// number and dates.
func (c Closer) Preview(ctx context.Context, tx tenant.Tx, accountID uuid.UUID) (Document, error) {
	f, err := loadFrame(ctx, tx)
	if err != nil {
		return Document{}, err
	}
	f.settles, f.outside = c.Settle != nil, c.Outside
	rows, err := tx.Query(ctx, `select `+dueColumns+` from billing_account a join party p on p.id = a.party_id where a.id = $1`, accountID)
	if err != nil {
		return Document{}, fmt.Errorf("preview account %s: %w", accountID, err)
	}
	due, err := pgx.CollectRows(rows, scanDue)
	if err != nil {
		return Document{}, fmt.Errorf("preview account %s: %w", accountID, err)
	}
	if len(due) == 0 {
		return Document{}, fmt.Errorf("preview account %s: %w", accountID, ErrNotFound)
	}
	cycles, err := f.load(ctx, tx, due)
	if err != nil {
		return Document{}, err
	}
	closing, err := f.reckon(cycles[0])
	if err != nil {
		return Document{}, fmt.Errorf("preview account %s: %w", accountID, err)
	}
	return closing.doc, nil
}
