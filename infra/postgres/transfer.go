package postgres

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/jackc/pgx/v5"

	"tollhouse/billing/tenant"
)

// Look runs fn on one snapshot of a slot's tables, as their owner, reading only.
func (s *Server) Look(ctx context.Context, database string, slot tenant.Slot, id tenant.ID, fn func(ctx context.Context, tx tenant.Tx) error) error {
	conn, err := s.ownerOn(ctx, database, slot)
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close(context.WithoutCancel(ctx)) }()
	return pgx.BeginTxFunc(ctx, conn, pgx.TxOptions{IsoLevel: pgx.RepeatableRead, AccessMode: pgx.ReadOnly}, func(tx pgx.Tx) error {
		return fn(ctx, tenant.Tx{Tx: tx, Tenant: id, At: time.Now().UTC()})
	})
}

// Transfer fills one slot with all rows of another, of whatever server, as they
// are at one instant, and says how many. All of it is there, or nothing.
func Transfer(ctx context.Context, from Side, source tenant.Slot, to Side, target tenant.Slot) (rows int64, err error) {
	out, err := from.Server.ownerOf(ctx, from.Database)
	if err != nil {
		return 0, err
	}
	defer func() { _ = out.Close(context.WithoutCancel(ctx)) }()
	in, err := to.loader(ctx)
	if err != nil {
		return 0, err
	}
	defer func() { _ = in.Close(context.WithoutCancel(ctx)) }()
	options := pgx.TxOptions{IsoLevel: pgx.RepeatableRead, AccessMode: pgx.ReadOnly}
	err = pgx.BeginTxFunc(ctx, out, options, func(reading pgx.Tx) error {
		return pgx.BeginFunc(ctx, in, func(writing pgx.Tx) error {
			tables, err := tablesOf(ctx, reading, source.Schema())
			if err != nil {
				return err
			}
			if err := empty(ctx, writing, target.Schema(), tables); err != nil {
				return err
			}
			for _, t := range tables {
				if t.name == versions {
					continue
				}
				n, err := pour(ctx, reading, writing, source, target, t)
				if err != nil {
					return fmt.Errorf("table %s: %w", t.name, err)
				}
				rows += n
			}
			return nil
		})
	})
	return rows, err
}

func pour(ctx context.Context, out, in pgx.Tx, source, target tenant.Slot, t slotTable) (int64, error) {
	reader, writer := io.Pipe()
	sent := make(chan error, 1)
	name := pgx.Identifier{t.name}.Sanitize() + " (" + t.names() + ")"
	go func() {
		_, err := out.Conn().PgConn().CopyTo(ctx, writer, "copy "+source.Schema()+"."+name+" to stdout (format binary)")
		_ = writer.CloseWithError(err)
		sent <- err
	}()
	done, err := in.Conn().PgConn().CopyFrom(ctx, reader, "copy "+target.Schema()+"."+name+" from stdin (format binary)")
	_ = reader.CloseWithError(errStopped)
	return done.RowsAffected(), errors.Join(err, quiet(<-sent))
}
