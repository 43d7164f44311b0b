package tenant

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgproto3"
	"github.com/jackc/pgx/v5/pgtype"
	"github.com/jackc/pgx/v5/pgxpool"
)

// Flow is a read-write transaction of one tenant whose statements are queued
// and go out many in one round trip, the first with its beginning and the last
// with its commit. Where a transaction is short and its statements are known,
// round trips are most of what it costs.
//
// Statements are prepared once a connection and planned without their values:
// tables are read by index, never as a whole.
type Flow struct {
	At    time.Time // business time; of a sandbox known after the first trip
	ref   Ref
	conn  *pgxpool.Conn
	front *pgproto3.Frontend
	types *pgtype.Map
	known map[string]*prepared
	queue []queued
	begun bool
}

// queued is a statement or rows on their way.
type queued struct {
	sql  string
	args []any
	each func(row pgx.CollectableRow) error // nil: rows are not looked at
	copy *Copy
	want int64 // rows that must be affected; below zero: any number
}

// prepared is a statement as its connection knows it.
type prepared struct {
	name   string
	params []uint32
	fields []pgconn.FieldDescription
}

// Flow runs fn in one transaction and commits it with what is still queued
// then. A transaction that lost a race is run again, so fn must have no effect
// outside it. ErrUnreachable leaves open whether the commit counts.
func (db *DB) Flow(ctx context.Context, ref Ref, fn func(ctx context.Context, f *Flow) error) error {
	return db.attempt(ctx, func() error { return db.here(ctx, ref, Reached(db.flow(ctx, ref, fn))) })
}

func (db *DB) flow(ctx context.Context, ref Ref, fn func(ctx context.Context, f *Flow) error) (err error) {
	if ref.Slot.name == "" {
		return fmt.Errorf("open transaction of %s: %w", ref.ID, ErrSlot)
	}
	if err := db.epochs.check(ref); err != nil {
		return err
	}
	conn, err := db.pool.Acquire(ctx)
	if err != nil {
		return err
	}
	f := newFlow(conn, ref)
	f.At = db.now().UTC().Truncate(time.Microsecond)
	ended := false
	defer func() {
		if !ended { // a panic: nobody knows where the connection stands
			_ = conn.Conn().Close(context.WithoutCancel(ctx))
		}
		conn.Release()
	}()
	if ref.Sandbox {
		found := false
		f.Query(`select at from clock where id = 1`, nil, func(row pgx.CollectableRow) error {
			found = true
			return row.Scan(&f.At)
		})
		if err = f.Trip(); err == nil && !found {
			err = fmt.Errorf("tenant %s: %w", ref.ID, ErrNoClock)
		}
		f.At = f.At.UTC()
	}
	if err == nil {
		err = fn(ctx, f)
	}
	if err == nil {
		err = f.commit()
	}
	if err != nil {
		f.rollback()
	}
	ended = true
	return err
}

// flowKey is where a connection keeps what is prepared on it.
const flowKey = "tollhouse.flow"

func newFlow(conn *pgxpool.Conn, ref Ref) *Flow {
	pg := conn.Conn().PgConn()
	known, _ := pg.CustomData()[flowKey].(map[string]*prepared)
	if known == nil {
		known = map[string]*prepared{}
		pg.CustomData()[flowKey] = known
	}
	return &Flow{ref: ref, conn: conn, front: pg.Frontend(), types: conn.Conn().TypeMap(), known: known}
}

// Tenant is whose transaction it is.
func (f *Flow) Tenant() ID { return f.ref.ID }

// Query queues a statement; each sees its rows, as their trip comes back. What
// each keeps of a row must be a copy.
func (f *Flow) Query(sql string, args []any, each func(row pgx.CollectableRow) error) {
	f.queue = append(f.queue, queued{sql: sql, args: args, each: each, want: -1})
}

// Exec queues a statement that may affect any number of rows.
func (f *Flow) Exec(sql string, args ...any) {
	f.queue = append(f.queue, queued{sql: sql, args: args, want: -1})
}

// ErrRows means that a statement did not affect the rows that it had to.
var ErrRows = errors.New("a statement affected another number of rows")

// ExecRows queues a statement without RETURNING that must affect so many rows.
// The database itself sees to it, because a commit may follow in the same trip.
func (f *Flow) ExecRows(rows int, sql string, args ...any) {
	guarded := fmt.Sprintf("with done as (%s returning 1) select 1 / (count(*) = $%d)::int from done", sql, len(args)+1)
	f.queue = append(f.queue, queued{sql: guarded, args: append(args, int64(rows)), want: int64(rows)})
}

// Require queues a query that must find so many rows; the database itself sees
// to it, as it does for ExecRows.
func (f *Flow) Require(rows int, sql string, args ...any) {
	guarded := fmt.Sprintf("select 1 / (count(*) = $%d)::int from (%s) as found", len(args)+1, sql)
	f.queue = append(f.queue, queued{sql: guarded, args: append(args, int64(rows)), want: int64(rows)})
}

// ExecRowsAs is ExecRows that also tells which transaction it is: the xmin of
// every row that it writes outside savepoints. It is known after the trip.
func (f *Flow) ExecRowsAs(xid *uint32, rows int, sql string, args ...any) {
	guarded := fmt.Sprintf("with done as (%s returning 1) select 1 / (count(*) = $%d)::int, pg_current_xact_id()::xid from done", sql, len(args)+1)
	f.queue = append(f.queue, queued{sql: guarded, args: append(args, int64(rows)), want: int64(rows),
		each: func(row pgx.CollectableRow) error {
			var one int32
			return row.Scan(&one, xid)
		}})
}

// Copy queues rows.
func (f *Flow) Copy(c *Copy) {
	if c.rows > 0 {
		f.queue = append(f.queue, queued{sql: c.sql, copy: c, want: int64(c.rows)})
	}
}

// Tx is the same transaction for statements that go one by one: for what is
// rare. Nothing may be queued meanwhile; it begins the transaction if that
// has not been done.
func (f *Flow) Tx() (Tx, error) {
	if err := f.Trip(); err != nil {
		return Tx{}, err
	}
	if !f.begun {
		if err := f.roundTrip(nil, false); err != nil {
			return Tx{}, err
		}
	}
	return Tx{Tx: &flowTx{conn: f.conn.Conn(), depth: new(int)}, Tenant: f.ref.ID, Sandbox: f.ref.Sandbox, schema: f.ref.Slot.Schema(), At: f.At}, nil
}

// Trip sends what is queued and reads the answers.
func (f *Flow) Trip() error {
	if len(f.queue) == 0 {
		return nil
	}
	queue := f.queue
	f.queue = f.queue[len(f.queue):]
	return f.roundTrip(queue, false)
}

func (f *Flow) commit() error {
	queue := f.queue
	f.queue = nil
	if !f.begun && len(queue) == 0 {
		return nil
	}
	return f.roundTrip(queue, true)
}

// rollback gives the connection back clean, or not at all.
func (f *Flow) rollback() {
	if !f.begun {
		return
	}
	f.begun = false
	err := f.exchange(func() error {
		f.send(f.known[rollbackSQL], nil)
		return nil
	}, func() error { return f.answer(&queued{want: -1}) })
	if err != nil {
		f.broken()
	}
}

// broken closes the connection: its pool makes another.
func (f *Flow) broken() {
	f.begun = false
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	_ = f.conn.Conn().Close(ctx)
}
