package bench

import (
	"context"
	"fmt"
	"strings"
	"sync"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"tollhouse/infra/postgres"
)

// recorder notes what is sent over a pool, when asked to.
type recorder struct {
	pool *pgxpool.Pool
	mu   sync.Mutex
	on   bool
	sent script
}

// script is what one page sends, in order.
type script []step

// step is one round trip: a statement, or several sent at once.
type step struct {
	sql   string
	args  []any
	batch []*pgx.QueuedQuery
}

func (s script) statements() int {
	n := 0
	for _, one := range s {
		n += max(1, len(one.batch))
	}
	return n
}

// record makes a pool like the product's own, whose statements can be noted.
func (h *house) record(ctx context.Context) (*recorder, error) {
	pool, err := h.pool(ctx, postgres.RoleApp, hostDatabase, hostConnections)
	if err != nil {
		return nil, err
	}
	r := &recorder{}
	config := pool.Config()
	config.ConnConfig.Tracer = r
	if r.pool, err = pgxpool.NewWithConfig(ctx, config); err != nil {
		return nil, err
	}
	h.onStop(r.pool.Close)
	return r, nil
}

// scripts visits each visitor's page once and notes what it sends.
func (s *site) scripts(ctx context.Context, visitors []visitor) ([]script, error) {
	var list []script
	for _, v := range visitors {
		s.note(true)
		if err := s.visit(ctx, v); err != nil {
			return nil, err
		}
		list = append(list, s.note(false))
	}
	return list, nil
}

// note begins to note, or ends and gives what was noted.
func (r *recorder) note(on bool) script {
	r.mu.Lock()
	defer r.mu.Unlock()
	sent := r.sent
	r.on, r.sent = on, nil
	return sent
}

func (r *recorder) add(s step) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.on {
		r.sent = append(r.sent, s)
	}
}

// TraceQueryStart notes a statement.
func (r *recorder) TraceQueryStart(ctx context.Context, _ *pgx.Conn, data pgx.TraceQueryStartData) context.Context {
	r.add(step{sql: data.SQL, args: data.Args})
	return ctx
}

// TraceQueryEnd does nothing.
func (r *recorder) TraceQueryEnd(context.Context, *pgx.Conn, pgx.TraceQueryEndData) {}

// TraceBatchStart notes statements that are sent at once.
func (r *recorder) TraceBatchStart(ctx context.Context, _ *pgx.Conn, data pgx.TraceBatchStartData) context.Context {
	r.add(step{batch: data.Batch.QueuedQueries})
	return ctx
}

// TraceBatchQuery does nothing: the batch was noted whole.
func (r *recorder) TraceBatchQuery(context.Context, *pgx.Conn, pgx.TraceBatchQueryData) {}

// TraceBatchEnd does nothing.
func (r *recorder) TraceBatchEnd(context.Context, *pgx.Conn, pgx.TraceBatchEndData) {}

// replay sends a script over one connection and drops what comes back.
func (s script) replay(ctx context.Context, pool *pgxpool.Pool) error {
	conn, err := pool.Acquire(ctx)
	if err != nil {
		return err
	}
	defer conn.Release()
	for _, one := range s {
		if err := one.replay(ctx, conn.Conn()); err != nil {
			return fmt.Errorf("replay %.60s: %w", strings.TrimSpace(one.sql), err)
		}
	}
	return nil
}

func (s step) replay(ctx context.Context, conn *pgx.Conn) error {
	if s.batch != nil {
		again := &pgx.Batch{}
		for _, q := range s.batch {
			again.Queue(q.SQL, q.Arguments...)
		}
		return conn.SendBatch(ctx, again).Close()
	}
	if len(s.args) == 0 { // what opens and ends transactions holds several commands
		_, err := conn.Exec(ctx, s.sql)
		return err
	}
	rows, err := conn.Query(ctx, s.sql, s.args...)
	if err != nil {
		return err
	}
	rows.Close()
	return rows.Err()
}
