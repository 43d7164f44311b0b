package tenant

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

// ErrMoving means that the tenant is on its way to another host database, or
// has just gone there. Nothing was changed; the same request a little later
// finds the tenant where it is.
var ErrMoving = errors.New("the tenant is being moved")

// epochs are the newest placement epochs that a process has met. What was
// found at an older one is refused before it reaches the database.
type epochs struct{ newest sync.Map }

func (e *epochs) met(ref Ref) {
	for {
		known, loaded := e.newest.LoadOrStore(ref.ID, ref.Epoch)
		if !loaded || known.(int64) >= ref.Epoch || e.newest.CompareAndSwap(ref.ID, known, ref.Epoch) {
			return
		}
	}
}

func (e *epochs) check(ref Ref) error {
	if known, met := e.newest.Load(ref.ID); met && known.(int64) > ref.Epoch {
		return fmt.Errorf("tenant %s at epoch %d, now %d: %w", ref.ID, ref.Epoch, known, ErrMoving)
	}
	return nil
}

// here says why a transaction failed where the tenant's rights or tables are no
// longer what they were: it is being moved.
func (db *DB) here(ctx context.Context, ref Ref, err error) error {
	pg, is := errors.AsType[*pgconn.PgError](err)
	if !is {
		return err
	}
	switch pg.Code {
	case "42501", "42P01", "3F000", "42704", "22023": // no right, table, schema, role
	default:
		return err
	}
	var state string
	var epoch int64
	asked := db.inHost(context.WithoutCancel(ctx), func(tx pgx.Tx) error {
		return tx.QueryRow(ctx, `select state, epoch from placement where tenant = $1`, ref.ID).Scan(&state, &epoch)
	})
	if asked != nil && !errors.Is(asked, pgx.ErrNoRows) || asked == nil && state == ready && epoch == ref.Epoch {
		return err
	}
	return fmt.Errorf("%w: %w", ErrMoving, err)
}

// States of a placement. One that is leaving can still be read.
const (
	ready   = "ready"
	leaving = "leaving"
)
