package ledger

import (
	"context"
	_ "embed"
	"errors"
	"fmt"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"tollhouse/billing/tenant"
)

// IDRange is the transfers of all periods whose ids lie above After and up to
// Upto. As ids are UUIDv7 in the order of posting it is a stretch of wall time.
type IDRange struct{ After, Upto uuid.UUID }

//go:embed id_range.sql
var idRangeRows string

// Rows gives each transfer of a range, period by period in the order of ids:
// its columns as text in the order of the table, nil for NULL. The values
// are good during the call only.
func (r IDRange) Rows(ctx context.Context, tx tenant.Tx, each func(columns [][]byte) error) error {
	rows, err := tx.Query(ctx, idRangeRows, r.After, r.Upto)
	if err != nil {
		return fmt.Errorf("read transfers: %w", err)
	}
	defer rows.Close()
	for rows.Next() {
		if err := each(rows.RawValues()); err != nil {
			return err
		}
	}
	if err := rows.Err(); err != nil {
		return fmt.Errorf("read transfers: %w", err)
	}
	return nil
}

//go:embed id_range_nth.sql
var idRangeNth string

// Nth is the lowest id with which some period of the range has n transfers;
// nil if none has as many.
func (r IDRange) Nth(ctx context.Context, tx tenant.Tx, n int) (*uuid.UUID, error) {
	var id uuid.UUID
	err := tx.QueryRow(ctx, idRangeNth, r.After, r.Upto, n-1).Scan(&id)
	if errors.Is(err, pgx.ErrNoRows) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("count transfers: %w", err)
	}
	return &id, nil
}
