package postgres

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

// Copy fills the target with what the source holds at one instant, at which
// the stream begins that Follow reads. Cut off, it begins anew: what it has
// written is not there before all of it is.
func (m Move) Copy(ctx context.Context, progress func(table string, done, total int) error) error {
	if err := m.unsubscribe(ctx); err != nil {
		return err
	}
	if err := m.From.admin(ctx, func(conn *pgx.Conn) error { return m.dropReplicationSlot(ctx, conn) }); err != nil {
		return err
	}
	// The snapshot lives as long as this connection does nothing else.
	stream, snapshot, err := m.openStream(ctx)
	if err != nil {
		return err
	}
	defer func() { _ = stream.Close(context.WithoutCancel(ctx)) }()
	source, err := m.From.Server.ownerOf(ctx, m.From.Database)
	if err != nil {
		return err
	}
	defer func() { _ = source.Close(context.WithoutCancel(ctx)) }()
	target, err := m.To.loader(ctx)
	if err != nil {
		return err
	}
	defer func() { _ = target.Close(context.WithoutCancel(ctx)) }()
	out, err := source.BeginTx(ctx, pgx.TxOptions{IsoLevel: pgx.RepeatableRead, AccessMode: pgx.ReadOnly})
	if err != nil {
		return fmt.Errorf("copy: %w", err)
	}
	defer func() { _ = out.Rollback(context.WithoutCancel(ctx)) }()
	// The name is the server's own: hexadecimal and dashes.
	if _, err := out.Exec(ctx, `set transaction snapshot '`+snapshot+`'`); err != nil {
		return fmt.Errorf("copy: %w", err)
	}
	return pgx.BeginFunc(ctx, target, func(in pgx.Tx) error { return m.copyAll(ctx, out, in, progress) })
}

// openStream makes the replication slot, and the snapshot in which all is
// visible that the stream will not bring.
func (m Move) openStream(ctx context.Context) (conn *pgconn.PgConn, snapshot string, err error) {
	config, err := pgconn.ParseConfig(m.From.Server.AdminURL(m.From.Database))
	if err != nil {
		return nil, "", err
	}
	config.RuntimeParams["replication"] = "database"
	if conn, err = pgconn.ConnectConfig(ctx, config); err != nil {
		return nil, "", err
	}
	results, err := conn.Exec(ctx, `CREATE_REPLICATION_SLOT "`+m.stream()+`" LOGICAL pgoutput (SNAPSHOT 'export')`).ReadAll()
	if err == nil && (len(results) != 1 || len(results[0].Rows) != 1 || len(results[0].Rows[0]) < 3) {
		err = errors.New("the server did not say which snapshot")
	}
	if err != nil {
		return nil, "", errors.Join(fmt.Errorf("begin stream: %w", err), conn.Close(context.WithoutCancel(ctx)))
	}
	return conn, string(results[0].Rows[0][2]), nil
}

// loader is a connection of the owner's that does not check references again:
// they held at the source.
func (s Side) loader(ctx context.Context) (*pgx.Conn, error) {
	config, err := pgx.ParseConfig(s.Server.AdminURL(s.Database))
	if err != nil {
		return nil, err
	}
	config.RuntimeParams["session_replication_role"] = "replica"
	return pgx.ConnectConfig(ctx, config)
}

func (m Move) copyAll(ctx context.Context, out, in pgx.Tx, progress func(string, int, int) error) error {
	schema := m.Slot.Schema()
	tables, err := tablesOf(ctx, out, schema)
	if err != nil {
		return err
	}
	if err := empty(ctx, in, schema, tables); err != nil {
		return err
	}
	for i, t := range tables {
		if t.name == versions {
			continue
		}
		step := func() error { return progress(t.name, i, len(tables)) }
		if err := step(); err != nil {
			return err
		}
		if err := m.table(ctx, out, in, t, step); err != nil {
			return fmt.Errorf("copy table %s: %w", t.name, err)
		}
	}
	return nil
}

func (m Move) table(ctx context.Context, out, in pgx.Tx, t slotTable, step func() error) error {
	reader, writer := io.Pipe()
	sent := make(chan error, 1)
	name := m.Slot.Schema() + "." + pgx.Identifier{t.name}.Sanitize() + " (" + t.names() + ")"
	go func() {
		_, err := out.Conn().PgConn().CopyTo(ctx, writer, "copy "+name+" to stdout (format binary)")
		_ = writer.CloseWithError(err)
		sent <- err
	}()
	_, err := in.Conn().PgConn().CopyFrom(ctx, &ticking{Reader: reader, last: time.Now(), step: step}, "copy "+name+" from stdin (format binary)")
	_ = reader.CloseWithError(errStopped)
	return errors.Join(err, quiet(<-sent))
}
