package history

import (
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
)

// MaxPage bounds a page, whatever is asked for.
const MaxPage = 200

// Place is the last row that was seen. The zero value begins at the newest.
type Place struct {
	At time.Time
	ID uuid.UUID
}

// bounds turns a place into what the queries compare with.
func (p Place) bounds() (at *time.Time, id uuid.UUID) {
	if p.At.IsZero() {
		return nil, uuid.Nil
	}
	return &p.At, p.ID
}

func bounded(limit int) int { return min(max(limit, 1), MaxPage) }

func collect[T any](what string, rows pgx.Rows, err error, scan pgx.RowToFunc[T]) ([]T, error) {
	if err != nil {
		return nil, fmt.Errorf("list %s: %w", what, err)
	}
	found, err := pgx.CollectRows(rows, scan)
	if err != nil {
		return nil, fmt.Errorf("list %s: %w", what, err)
	}
	return found, nil
}
