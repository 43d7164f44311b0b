package tenant

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/jackc/pgx/v5"
)

// ErrUnknown means that no such tenant stands on this host.
var ErrUnknown = errors.New("unknown tenant")

// inHost runs fn under the role that may read placements and move wakes, and
// nothing else.
func (db *DB) inHost(ctx context.Context, fn func(tx pgx.Tx) error) error {
	options := pgx.TxOptions{BeginQuery: "begin isolation level read committed; set local role tollhouse_host; set local search_path = host, pg_catalog"}
	return Reached(pgx.BeginTxFunc(ctx, db.pool, options, fn))
}

// ByName finds a tenant placed here. One that is leaving can be read and not
// written; ErrMoving for one that has gone.
func (db *DB) ByName(ctx context.Context, name string) (Ref, error) {
	if !utf8.ValidString(name) || strings.IndexByte(name, 0) >= 0 {
		return Ref{}, ErrUnknown // the database would call it an error, not an absence
	}
	return db.placement(ctx, `name = $1`, name)
}

// ByID finds a tenant placed here, as ByName does.
func (db *DB) ByID(ctx context.Context, id ID) (Ref, error) {
	return db.placement(ctx, `tenant = $1`, id)
}

const placementColumns = `tenant, name, slot, epoch, sandbox`

func (db *DB) placement(ctx context.Context, where string, arg any) (Ref, error) {
	var ref Ref
	var state string
	err := db.inHost(ctx, func(tx pgx.Tx) error {
		rows, err := tx.Query(ctx, `select `+placementColumns+`, state from placement where `+where, arg)
		if err != nil {
			return err
		}
		ref, err = pgx.CollectExactlyOneRow(rows, func(row pgx.CollectableRow) (Ref, error) { return scanRefAnd(row, &state) })
		return err
	})
	if errors.Is(err, pgx.ErrNoRows) {
		return Ref{}, ErrUnknown
	}
	if err != nil {
		return Ref{}, err
	}
	db.epochs.met(ref)
	if state != ready && state != leaving {
		return Ref{}, fmt.Errorf("tenant %s is %s: %w", ref.ID, state, ErrMoving)
	}
	return ref, nil
}

// All lists the tenants placed here, by name.
func (db *DB) All(ctx context.Context) ([]Ref, error) {
	var refs []Ref
	err := db.inHost(ctx, func(tx pgx.Tx) error {
		rows, err := tx.Query(ctx, `select `+placementColumns+` from placement where state = 'ready' order by name`)
		if err != nil {
			return err
		}
		refs, err = pgx.CollectRows(rows, scanRef)
		return err
	})
	return refs, err
}

func scanRef(row pgx.CollectableRow) (Ref, error) { return scanRefAnd(row) }

func scanRefAnd(row pgx.CollectableRow, more ...any) (Ref, error) {
	var ref Ref
	var slot string
	if err := row.Scan(append([]any{&ref.ID, &ref.Name, &slot, &ref.Epoch, &ref.Sandbox}, more...)...); err != nil {
		return ref, err
	}
	var err error
	ref.Slot, err = ParseSlot(slot)
	return ref, err
}

// Awake lists tenants whose wake has come, the longest waiting first.
func (db *DB) Awake(ctx context.Context, limit int) ([]Ref, error) {
	var refs []Ref
	err := db.inHost(ctx, func(tx pgx.Tx) error {
		rows, err := tx.Query(ctx, `select p.tenant, p.name, p.slot, p.epoch, p.sandbox from wake w join placement p using (tenant)
			where w.due_at <= $1 and p.state = 'ready' order by w.due_at limit $2`, db.now().UTC(), limit)
		if err != nil {
			return err
		}
		refs, err = pgx.CollectRows(rows, scanRef)
		return err
	})
	return refs, err
}

// Rest moves a tenant's wake to when it has work next (zero: none in sight).
// next is asked for while the wake is locked, so that a transaction which adds
// work meanwhile waits and then moves the wake earlier again.
func (db *DB) Rest(ctx context.Context, id ID, next func(ctx context.Context) (time.Time, error)) error {
	err := db.inHost(ctx, func(tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, `select from wake where tenant = $1 for update`, id); err != nil {
			return err
		}
		at, err := next(ctx)
		if err != nil {
			return err
		}
		if at.IsZero() {
			_, err = tx.Exec(ctx, `delete from wake where tenant = $1`, id)
		} else {
			_, err = tx.Exec(ctx, `update wake set due_at = $2 where tenant = $1`, id, at)
		}
		return err
	})
	if err != nil {
		return fmt.Errorf("rest tenant %s: %w", id, err)
	}
	return nil
}
