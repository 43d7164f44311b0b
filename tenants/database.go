package tenants

import (
	"context"
	"errors"
	"math/rand/v2"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"

	"tollhouse/billing/tenant"
)

// DB is the control plane's database.
type DB struct {
	pool *pgxpool.Pool
	now  func() time.Time
}

// Open wraps a pool of the control role. now is wall time, the only time the
// control plane has.
func Open(pool *pgxpool.Pool, now func() time.Time) *DB { return &DB{pool: pool, now: now} }

// Now is wall time, as transactions take it.
func (db *DB) Now() time.Time { return db.now().UTC().Truncate(time.Microsecond) }

// Tx is a transaction of the control plane.
type Tx struct {
	pgx.Tx
	At    time.Time // wall time, UTC, cut to microseconds
	after *[]func()
}

// AfterCommit has fn called once the transaction has committed. It must not
// block: what is lost with a crash right after the commit is found by polling.
func (tx Tx) AfterCommit(fn func()) { *tx.after = append(*tx.after, fn) }

// writeAttempts bounds the retries of a transaction that lost a race.
const writeAttempts = 8

// Write runs fn in one read-write transaction and commits it. One that
// PostgreSQL gave up for a deadlock is run again, so fn must have no effect
// outside it.
func (db *DB) Write(ctx context.Context, fn func(ctx context.Context, tx Tx) error) error {
	options := pgx.TxOptions{IsoLevel: pgx.ReadCommitted, AccessMode: pgx.ReadWrite}
	for n := 1; ; n++ {
		err := db.run(ctx, options, fn)
		if err == nil || n == writeAttempts || !lostRace(err) {
			return err
		}
		select {
		case <-ctx.Done():
			return err
		case <-time.After(time.Duration(n*n)*time.Millisecond + rand.N(5*time.Millisecond)):
		}
	}
}

// Try runs fn as Write does and takes everything back: it says what would be
// refused.
func (db *DB) Try(ctx context.Context, fn func(ctx context.Context, tx Tx) error) error {
	err := db.Write(ctx, func(ctx context.Context, tx Tx) error {
		if err := fn(ctx, tx); err != nil {
			return err
		}
		return errTried
	})
	if errors.Is(err, errTried) {
		return nil
	}
	return err
}

// errTried ends the transaction of what was only tried.
var errTried = errors.New("only tried")

// Read runs fn on one consistent snapshot; writing fails.
func (db *DB) Read(ctx context.Context, fn func(ctx context.Context, tx Tx) error) error {
	return db.run(ctx, pgx.TxOptions{IsoLevel: pgx.RepeatableRead, AccessMode: pgx.ReadOnly}, fn)
}

func (db *DB) run(ctx context.Context, options pgx.TxOptions, fn func(context.Context, Tx) error) error {
	var after []func()
	err := pgx.BeginTxFunc(ctx, db.pool, options, func(tx pgx.Tx) error {
		return fn(ctx, Tx{Tx: tx, At: db.Now(), after: &after})
	})
	if err != nil {
		return tenant.Reached(err)
	}
	for _, fn := range after {
		fn()
	}
	return nil
}

func lostRace(err error) bool {
	const serializationFailure, deadlock = "40001", "40P01"
	var pg *pgconn.PgError
	return errors.As(err, &pg) && (pg.Code == serializationFailure || pg.Code == deadlock)
}

// violates says whether err is the breach of a unique constraint or index.
func violates(err error, constraint string) bool {
	const uniqueViolation = "23505"
	var pg *pgconn.PgError
	return errors.As(err, &pg) && pg.Code == uniqueViolation && pg.ConstraintName == constraint
}

// Ready says whether the control database answers.
func (db *DB) Ready(ctx context.Context) error { return db.pool.Ping(ctx) }
