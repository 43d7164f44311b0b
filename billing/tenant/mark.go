package tenant

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
)

// Mark is an instant in the life of a host database. Once it has passed, no
// transaction runs any more that had written something by then.
type Mark struct {
	WallAt time.Time
	own    string // xid8 of the mark's own transaction: above all that have one already
}

// Mark remembers this instant.
func (db *DB) Mark(ctx context.Context) (Mark, error) {
	m := Mark{WallAt: db.now().UTC()}
	err := db.inHost(ctx, func(tx pgx.Tx) error {
		// pg_snapshot_xmax would not do: it may be that of one that runs.
		return tx.QueryRow(ctx, `select pg_current_xact_id()::text`).Scan(&m.own)
	})
	if err != nil {
		return Mark{}, fmt.Errorf("mark: %w", err)
	}
	return m, nil
}

// HasPassed says whether a mark has passed.
func (db *DB) HasPassed(ctx context.Context, m Mark) (passed bool, err error) {
	err = db.inHost(ctx, func(tx pgx.Tx) error {
		return tx.QueryRow(ctx, `select pg_snapshot_xmin(pg_current_snapshot()) > $1::text::xid8`, m.own).Scan(&passed)
	})
	if err != nil {
		return false, fmt.Errorf("ask whether a mark has passed: %w", err)
	}
	return passed, nil
}

const markPoll = 100 * time.Millisecond

// Await waits until a mark has passed, or ctx ends.
func (db *DB) Await(ctx context.Context, m Mark) error {
	for {
		passed, err := db.HasPassed(ctx, m)
		if err != nil || passed {
			return err
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("wait for transactions that run: %w", ctx.Err())
		case <-time.After(markPoll):
		}
	}
}
