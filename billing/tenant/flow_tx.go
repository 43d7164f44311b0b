package tenant

import (
	"context"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

// noContext: a trip has a deadline of its own. Whoever asked may have left, but
// others are in the same transaction.
var noContext = context.Background()

// flowTx is a flow's transaction for statements that go one by one. It is
// ended by its flow; nested ones are savepoints.
type flowTx struct {
	conn      *pgx.Conn
	depth     *int
	savepoint string // "": the transaction itself
	closed    bool
}

var errFlowEnds = errors.New("a flow ends its transaction itself")

func (t *flowTx) Begin(ctx context.Context) (pgx.Tx, error) {
	*t.depth++
	inner := &flowTx{conn: t.conn, depth: t.depth, savepoint: fmt.Sprintf("flow_%d", *t.depth)}
	_, err := t.conn.Exec(ctx, "savepoint "+inner.savepoint)
	return inner, err
}

func (t *flowTx) Commit(ctx context.Context) error { return t.end(ctx, "release ") }

func (t *flowTx) Rollback(ctx context.Context) error { return t.end(ctx, "rollback to ") }

func (t *flowTx) end(ctx context.Context, how string) error {
	if t.savepoint == "" {
		return errFlowEnds
	}
	if t.closed {
		return pgx.ErrTxClosed
	}
	t.closed = true
	_, err := t.conn.Exec(ctx, how+t.savepoint)
	return err
}

func (t *flowTx) CopyFrom(ctx context.Context, table pgx.Identifier, columns []string, rows pgx.CopyFromSource) (int64, error) {
	return t.conn.CopyFrom(ctx, table, columns, rows)
}

func (t *flowTx) SendBatch(ctx context.Context, b *pgx.Batch) pgx.BatchResults {
	return t.conn.SendBatch(ctx, b)
}

func (t *flowTx) LargeObjects() pgx.LargeObjects { panic("large objects are shared by all tenants") }

func (t *flowTx) Prepare(ctx context.Context, name, sql string) (*pgconn.StatementDescription, error) {
	return t.conn.Prepare(ctx, name, sql)
}

func (t *flowTx) Exec(ctx context.Context, sql string, args ...any) (pgconn.CommandTag, error) {
	return t.conn.Exec(ctx, sql, args...)
}

func (t *flowTx) Query(ctx context.Context, sql string, args ...any) (pgx.Rows, error) {
	return t.conn.Query(ctx, sql, args...)
}

func (t *flowTx) QueryRow(ctx context.Context, sql string, args ...any) pgx.Row {
	return t.conn.QueryRow(ctx, sql, args...)
}

func (t *flowTx) Conn() *pgx.Conn { return t.conn }
