package tenant

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"
)

// Tx is a transaction of one tenant at one business time.
type Tx struct {
	pgx.Tx
	At      time.Time // business time, UTC, cut to microseconds
	Tenant  ID
	Sandbox bool
	schema  string
}

// DB opens tenant transactions on one host database, as a login role that has
// no rights of its own.
type DB struct {
	pool   *pgxpool.Pool
	now    func() time.Time
	epochs epochs
}

// Open wraps a pool of the login role. now is wall time.
func Open(pool *pgxpool.Pool, now func() time.Time) *DB {
	return &DB{pool: pool, now: now}
}

// Now is business time where no sandbox is concerned.
func (db *DB) Now() time.Time { return db.now().UTC().Truncate(time.Microsecond) }

// ErrNoClock means that a sandbox has lost its clock row.
var ErrNoClock = errors.New("sandbox has no clock")

// writeAttempts bounds the retries of a transaction that lost a race.
const writeAttempts = 8

// Write runs fn in one read-write transaction of the tenant and commits it. A
// transaction that PostgreSQL gave up for a deadlock or a serialization
// failure is run again, so fn must have no effect outside it.
func (db *DB) Write(ctx context.Context, ref Ref, fn func(ctx context.Context, tx Tx) error) error {
	return db.attempt(ctx, func() error { return db.run(ctx, ref, "begin isolation level read committed", fn) })
}

// Read runs fn on one consistent snapshot of the tenant; writing fails.
func (db *DB) Read(ctx context.Context, ref Ref, fn func(ctx context.Context, tx Tx) error) error {
	return db.run(ctx, ref, "begin isolation level repeatable read read only", fn)
}

func (db *DB) attempt(ctx context.Context, run func() error) error {
	for n := 1; ; n++ {
		err := run()
		if err == nil || n == writeAttempts || !lostRace(err) {
			return err
		}
		pause := time.Duration(n*n)*time.Millisecond + rand.N(5*time.Millisecond)
		select {
		case <-ctx.Done():
			return err
		case <-time.After(pause):
		}
	}
}

func lostRace(err error) bool {
	var pg *pgconn.PgError
	return errors.As(err, &pg) && (pg.Code == "40001" || pg.Code == "40P01")
}

func (db *DB) run(ctx context.Context, ref Ref, begin string, fn func(context.Context, Tx) error) error {
	if ref.Slot.name == "" {
		return fmt.Errorf("open transaction of %s: %w", ref.ID, ErrSlot)
	}
	if err := db.epochs.check(ref); err != nil {
		return err
	}
	// One round trip: the role and path are gone with the transaction.
	options := pgx.TxOptions{BeginQuery: begin + "; set local role " + ref.Slot.Schema() +
		"; set local search_path = " + ref.Slot.Schema() + ", pg_catalog"}
	return db.here(ctx, ref, Reached(pgx.BeginTxFunc(ctx, db.pool, options, func(raw pgx.Tx) error {
		tx := Tx{Tx: raw, Tenant: ref.ID, Sandbox: ref.Sandbox, schema: ref.Slot.Schema(), At: db.now().UTC().Truncate(time.Microsecond)}
		if ref.Sandbox {
			if err := tx.readClock(ctx); err != nil {
				return err
			}
		}
		return fn(ctx, tx)
	})))
}

func (tx *Tx) readClock(ctx context.Context) error {
	err := tx.QueryRow(ctx, `select at from clock where id = 1`).Scan(&tx.At)
	if errors.Is(err, pgx.ErrNoRows) {
		return fmt.Errorf("tenant %s: %w", tx.Tenant, ErrNoClock)
	}
	tx.At = tx.At.UTC()
	return err
}

// Wake tells the host's dispatcher, in this transaction, that the tenant has
// work due at an instant. This and AskControl are all that a tenant's transaction
// writes outside its schema, under a role that can do nothing else. A sandbox's future
// comes only when its clock is moved, so only what is due already wakes it.
func (tx Tx) Wake(ctx context.Context, due time.Time) error {
	if tx.Sandbox {
		if due.After(tx.At) {
			return nil
		}
		due = time.Unix(0, 0)
	}
	err := tx.asProducer(ctx, `insert into host.wake (tenant, due_at) values ($1, $2)
		on conflict (tenant) do update set due_at = least(wake.due_at, excluded.due_at)`, due)
	if err != nil {
		return fmt.Errorf("wake tenant %s: %w", tx.Tenant, err)
	}
	return nil
}

// AskControl tells the control plane, in this transaction, that the tenant
// wants something of it; what, stands in the tenant's own tables. A stack never
// calls the control plane: it is looked after from there, or not for a while.
func (tx Tx) AskControl(ctx context.Context, wallAt time.Time) error {
	err := tx.asProducer(ctx, `insert into host.ask (tenant, asked_at) values ($1, $2)
		on conflict (tenant) do update set asked_at = greatest(ask.asked_at, excluded.asked_at)`, wallAt)
	if err != nil {
		return fmt.Errorf("ask the control plane for tenant %s: %w", tx.Tenant, err)
	}
	return nil
}

// asProducer writes one row of the host's that names this tenant and an
// instant. Role commands carry no values; the schema is a validated slot's.
func (tx Tx) asProducer(ctx context.Context, statement string, at time.Time) error {
	if err := tx.role(ctx, "tollhouse_producer"); err != nil {
		return err
	}
	if _, err := tx.Exec(ctx, statement, tx.Tenant, at); err != nil {
		return err
	}
	return tx.role(ctx, tx.schema)
}

func (tx Tx) role(ctx context.Context, name string) error {
	_, err := tx.Exec(ctx, `set local role `+name)
	return err
}

// Exec runs one statement by extended protocol. pgx would send a statement
// without arguments by the simple one, which takes several at once.
func (tx Tx) Exec(ctx context.Context, sql string, args ...any) (pgconn.CommandTag, error) {
	if len(args) > 0 {
		return tx.Tx.Exec(ctx, sql, args...)
	}
	rows, err := tx.Query(ctx, sql)
	if err != nil {
		return pgconn.CommandTag{}, err
	}
	rows.Close()
	return rows.CommandTag(), rows.Err()
}
