package postgres

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"tollhouse/billing/tenant"
)

// SlotCopy is one slot to be filled with another's tables.
type SlotCopy struct {
	Database string
	From, To tenant.Slot
	// ClockAt is the business time of a copy whose original follows wall time.
	ClockAt time.Time
	// Progress is told which table is being copied and how many are done, every
	// few seconds at least; an error of it stops the copy. May be nil.
	Progress func(table string, done, total int) error
}

// progressEvery is how often a long table says that it still goes on.
const progressEvery = 3 * time.Second

// CopySlot fills a slot with what another holds at one instant: its business in
// full, its people unrecognisable (copy_plan.go), its secrets, sessions and
// messages left out. What is masked is masked on its way out, so the original
// never stands in the copy. All of it is there, or nothing; whatever the slot
// held before is gone.
func (s *Server) CopySlot(ctx context.Context, c SlotCopy) error {
	source, err := s.ownerOf(ctx, c.Database)
	if err != nil {
		return err
	}
	defer func() { _ = source.Close(context.WithoutCancel(ctx)) }()
	target, err := s.ownerOf(ctx, c.Database)
	if err != nil {
		return err
	}
	defer func() { _ = target.Close(context.WithoutCancel(ctx)) }()
	out, err := source.BeginTx(ctx, pgx.TxOptions{IsoLevel: pgx.RepeatableRead, AccessMode: pgx.ReadOnly})
	if err != nil {
		return fmt.Errorf("copy slot: %w", err)
	}
	defer func() { _ = out.Rollback(context.WithoutCancel(ctx)) }()
	return pgx.BeginFunc(ctx, target, func(in pgx.Tx) error { return c.run(ctx, out, in) })
}

// ownerOf connects as the role that holds the tables.
func (s *Server) ownerOf(ctx context.Context, database string) (*pgx.Conn, error) {
	config, err := pgx.ParseConfig(s.AdminURL(database))
	if err != nil {
		return nil, err
	}
	config.RuntimeParams["role"] = RoleOwner
	conn, err := pgx.ConnectConfig(ctx, config)
	if err != nil {
		return nil, fmt.Errorf("connect to database %s as owner: %w", database, err)
	}
	return conn, nil
}

func (c SlotCopy) run(ctx context.Context, out, in pgx.Tx) error {
	tables, err := tablesOf(ctx, out, c.From.Schema())
	if err != nil {
		return err
	}
	if err := empty(ctx, in, c.To.Schema(), tables); err != nil {
		return err
	}
	copied := slices.DeleteFunc(slices.Clone(tables), func(t slotTable) bool { return plan[t.name].columns == nil })
	for i, t := range copied {
		step := func() error {
			if c.Progress == nil {
				return nil
			}
			return c.Progress(t.name, i, len(copied))
		}
		if err := step(); err != nil {
			return err
		}
		if err := c.table(ctx, out, in, t, step); err != nil {
			return fmt.Errorf("copy table %s: %w", t.name, err)
		}
	}
	_, err = in.Exec(ctx, `insert into `+c.To.Schema()+`.clock (id, at) values (1, $1) on conflict (id) do nothing`, c.ClockAt.UTC().Truncate(time.Microsecond))
	if err != nil {
		return fmt.Errorf("set the copy's clock: %w", err)
	}
	return nil
}

// table streams one table from slot to slot, as binary COPY on both sides.
func (c SlotCopy) table(ctx context.Context, out, in pgx.Tx, t slotTable, step func() error) error {
	reader, writer := io.Pipe()
	sent := make(chan error, 1)
	go func() {
		_, err := out.Conn().PgConn().CopyTo(ctx, writer, t.copyOut(c.From.Schema()))
		_ = writer.CloseWithError(err)
		sent <- err
	}()
	_, err := in.Conn().PgConn().CopyFrom(ctx, &ticking{Reader: reader, last: time.Now(), step: step}, t.copyIn(c.To.Schema()))
	_ = reader.CloseWithError(errStopped) // lets the sender go if we stopped first
	return errors.Join(err, quiet(<-sent))
}

var errStopped = errors.New("the receiver has stopped")

// quiet forgets the sender's error where it only echoes the receiver's.
func quiet(err error) error {
	if errors.Is(err, errStopped) {
		return nil
	}
	return err
}

// ticking tells every few seconds that data still flows.
type ticking struct {
	io.Reader
	last time.Time
	step func() error
}

func (t *ticking) Read(p []byte) (int, error) {
	if time.Since(t.last) > progressEvery {
		t.last = time.Now()
		if err := t.step(); err != nil {
			return 0, err
		}
	}
	return t.Reader.Read(p)
}

// slotTable is a table of a slot's schema.
type slotTable struct {
	name    string
	columns []slotColumn
}

type slotColumn struct {
	name, kind string // kind: as PostgreSQL calls the type
	notNull    bool
}

// tablesOf lists a schema's tables, those that others refer to first.
func tablesOf(ctx context.Context, tx pgx.Tx, schema string) ([]slotTable, error) {
	rows, err := tx.Query(ctx, `
		select c.relname, a.attname, format_type(a.atttypid, null), a.attnotnull
		  from pg_class c
		  join pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
		 where c.relnamespace = $1::text::regnamespace and c.relkind = 'r'
		 order by c.relname, a.attnum`, schema)
	if err != nil {
		return nil, fmt.Errorf("list tables of %s: %w", schema, err)
	}
	var tables []slotTable
	var table string
	var column slotColumn
	_, err = pgx.ForEachRow(rows, []any{&table, &column.name, &column.kind, &column.notNull}, func() error {
		if len(tables) == 0 || tables[len(tables)-1].name != table {
			tables = append(tables, slotTable{name: table})
		}
		last := &tables[len(tables)-1]
		last.columns = append(last.columns, column)
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("list tables of %s: %w", schema, err)
	}
	return inOrder(ctx, tx, schema, tables)
}

// errCircle means that tables refer to each other in a circle: such cannot be
// filled one after the other.
var errCircle = errors.New("tables refer to each other in a circle")

func inOrder(ctx context.Context, tx pgx.Tx, schema string, tables []slotTable) ([]slotTable, error) {
	rows, err := tx.Query(ctx, `
		select c.relname, f.relname
		  from pg_constraint k
		  join pg_class c on c.oid = k.conrelid
		  join pg_class f on f.oid = k.confrelid
		 where k.contype = 'f' and k.connamespace = $1::text::regnamespace and k.conrelid <> k.confrelid`, schema)
	if err != nil {
		return nil, fmt.Errorf("list references of %s: %w", schema, err)
	}
	waits := map[string][]string{}
	var from, to string
	if _, err := pgx.ForEachRow(rows, []any{&from, &to}, func() error { waits[from] = append(waits[from], to); return nil }); err != nil {
		return nil, fmt.Errorf("list references of %s: %w", schema, err)
	}
	var ordered []slotTable
	placed := map[string]bool{}
	for len(ordered) < len(tables) {
		before := len(ordered)
		for _, t := range tables {
			if !placed[t.name] && !slices.ContainsFunc(waits[t.name], func(other string) bool { return !placed[other] }) {
				ordered, placed[t.name] = append(ordered, t), true
			}
		}
		if len(ordered) == before {
			return nil, fmt.Errorf("%s: %w", schema, errCircle)
		}
	}
	return ordered, nil
}

// empty takes away what an earlier attempt, or a set-up, has left.
func empty(ctx context.Context, tx pgx.Tx, schema string, tables []slotTable) error {
	var names []string
	for _, t := range tables {
		if t.name != versions {
			names = append(names, schema+"."+pgx.Identifier{t.name}.Sanitize())
		}
	}
	if _, err := tx.Exec(ctx, `truncate `+strings.Join(names, ", ")); err != nil {
		return fmt.Errorf("empty %s: %w", schema, err)
	}
	return nil
}

func (t slotTable) copyOut(schema string) string {
	values := make([]string, len(t.columns))
	for i, column := range t.columns {
		values[i] = plan[t.name].value(column)
	}
	query := "select " + strings.Join(values, ", ") + " from {s}." + t.name + " t " + plan[t.name].from
	return "copy (" + strings.ReplaceAll(query, "{s}", schema) + ") to stdout (format binary)"
}

func (t slotTable) copyIn(schema string) string {
	names := make([]string, len(t.columns))
	for i, column := range t.columns {
		names[i] = pgx.Identifier{column.name}.Sanitize()
	}
	return "copy " + schema + "." + t.name + " (" + strings.Join(names, ", ") + ") from stdin (format binary)"
}
