package bill

import (
	"context"
	"errors"
	"fmt"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"tollhouse/billing/event"
	"tollhouse/billing/tenant"
)

// ErrHasMoney is returned for voiding a document that moved money: a credit
// note corrects such a one.
var ErrHasMoney = errors.New("a document with an amount is corrected by a credit note, not voided")

// Cancel voids a final document whose total is zero: one that was issued for
// nothing. It keeps its number, so the series keeps no gap. A *StateError says
// that the document is not final.
func Cancel(ctx context.Context, tx tenant.Tx, id uuid.UUID) error {
	var state State
	var clear bool
	err := tx.QueryRow(ctx, `select state, total = 0 from bill where id = $1 for update`, id).Scan(&state, &clear)
	if errors.Is(err, pgx.ErrNoRows) {
		return ErrNotFound
	}
	if err != nil {
		return fmt.Errorf("void bill %s: %w", id, err)
	}
	next, err := state.To(Void)
	if err != nil {
		return fmt.Errorf("void bill %s: %w", id, err)
	}
	if !clear {
		return fmt.Errorf("void bill %s: %w", id, ErrHasMoney)
	}
	_, err = tx.Exec(ctx, `update bill set state = $2 where id = $1`, id, next)
	if err != nil {
		return fmt.Errorf("void bill %s: %w", id, err)
	}
	return RecordEvent(ctx, tx, event.BillVoided, nil, id)
}
