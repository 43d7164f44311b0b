package bench

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"golang.org/x/sync/errgroup"

	"tollhouse/billing"
)

// multiplied lists the tables that hold what belongs to one subscriber, with
// the columns that point at what all share and are taken over as they are, and
// those whose text has to differ. Ids are told apart by three of their digits.
var multiplied = []struct {
	table  string
	shared []string          // uuid columns that stay
	text   map[string]string // column: expression with k, the copy's number
}{
	{"party", nil, nil},
	{"billing_account", []string{"legal_entity", "branch"}, map[string]string{"number": `number || '-' || k`}},
	{"subscription", []string{"offering_id"}, nil},
	{"service", nil, nil},
	{"service_identity", nil, map[string]string{"value": `value || '-' || k`}},
	{"bucket", nil, nil},
	{"usage_counter", nil, nil},
	{"usage_record", []string{"source_id", "file_id"}, nil},
	{"charge", []string{"offering_id"}, nil},
	{"bill", []string{"run_id", "legal_entity", "branch"}, map[string]string{"number": `number || '-' || k`, "series_no": `series_no + k * 10000000`}},
	{"bill_line", nil, nil},
	{"bill_tax", nil, nil},
	{"open_item", nil, nil},
	{"payment", []string{"legal_entity", "branch"}, nil},
	{"payment_allocation", nil, nil},
	{"ledger_transfer", []string{"legal_entity", "branch"}, nil},
}

// loaders is how many connections write copies at once: one a core.
const loaders = 2

// multiply copies every subscriber of an operator with all that is theirs. What
// an operator gathers in a year is loaded in minutes that way; the control sums
// say whether it is still right.
func (h *house) multiply(ctx context.Context, stack *billing.Stack, copies int) error {
	l := loader{url: h.server.AdminURL(hostDatabase), schema: stack.Ref.Slot.Schema()}
	if err := l.takeOff(ctx); err != nil {
		return err
	}
	group, loading := errgroup.WithContext(ctx)
	group.SetLimit(loaders)
	for _, m := range multiplied {
		group.Go(func() error { return l.copyRows(loading, m.table, m.shared, m.text, copies) })
	}
	if err := group.Wait(); err != nil {
		return err
	}
	return l.putBack(ctx)
}

// loader writes rows into tables without their indexes and references, which
// are made afterwards at once.
type loader struct {
	url, schema string
	definitions []string
}

func (l *loader) in(ctx context.Context, do func(conn *pgx.Conn) error) error {
	config, err := pgx.ParseConfig(l.url)
	if err != nil {
		return err
	}
	config.RuntimeParams = map[string]string{"search_path": l.schema + ", pg_catalog", "synchronous_commit": "off", "maintenance_work_mem": "512MB"}
	conn, err := pgx.ConnectConfig(ctx, config)
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close(context.WithoutCancel(ctx)) }()
	return do(conn)
}

func (l *loader) tables() []string {
	names := make([]string, len(multiplied))
	for i, m := range multiplied {
		names[i] = m.table
	}
	return names
}

// takeOff drops references and indexes, primary keys too, and notes how to make
// them again: keys before references.
func (l *loader) takeOff(ctx context.Context) error {
	return l.in(ctx, func(conn *pgx.Conn) error {
		const constraints = `
			select 'alter table ' || conrelid::regclass || ' drop constraint ' || quote_ident(conname) || ' cascade',
			       'alter table ' || conrelid::regclass || ' add constraint ' || quote_ident(conname) || ' ' || pg_get_constraintdef(oid)
			  from pg_constraint
			 where connamespace = $1::text::regnamespace and contype = any ($2::text[]::"char"[])
			   and (conrelid = any ($3::text[]::regclass[]) or confrelid = any ($3::text[]::regclass[]))`
		const indexes = `
			select 'drop index ' || i.indexrelid::regclass, pg_get_indexdef(i.indexrelid)
			  from pg_index i
			 where i.indrelid = any ($1::text[]::regclass[])`
		var references, keys []string
		for _, step := range []struct {
			query string
			args  []any
			into  *[]string
		}{
			{constraints, []any{l.schema, []string{"f"}, l.tables()}, &references},
			{constraints, []any{l.schema, []string{"p", "u"}, l.tables()}, &keys},
			{indexes, []any{l.tables()}, &keys},
		} {
			if err := drop(ctx, conn, step.query, step.args, step.into); err != nil {
				return fmt.Errorf("take indexes off: %w", err)
			}
		}
		l.definitions = append(keys, references...)
		// fewer checkpoints, each of which has pages written whole again
		if err := reconfigure(ctx, conn, `alter system set max_wal_size = '16GB'`); err != nil {
			return err
		}
		return l.vacuuming(ctx, conn, "off") // it would read what is being written, again and again
	})
}

func drop(ctx context.Context, conn *pgx.Conn, query string, args []any, again *[]string) error {
	rows, err := conn.Query(ctx, query, args...)
	if err != nil {
		return err
	}
	type pair struct{ Drop, Make string }
	pairs, err := pgx.CollectRows(rows, pgx.RowToStructByPos[pair])
	if err != nil {
		return err
	}
	for _, p := range pairs {
		if _, err := conn.Exec(ctx, p.Drop); err != nil {
			return err
		}
		*again = append(*again, p.Make)
	}
	return nil
}

// vacuuming switches autovacuum of the tables on or off.
func (l *loader) vacuuming(ctx context.Context, conn *pgx.Conn, how string) error {
	for _, table := range l.tables() {
		if _, err := conn.Exec(ctx, `alter table `+table+` set (autovacuum_enabled = `+how+`)`); err != nil {
			return err
		}
	}
	return nil
}

func (l *loader) putBack(ctx context.Context) error {
	return l.in(ctx, func(conn *pgx.Conn) error {
		if err := l.vacuuming(ctx, conn, "on"); err != nil {
			return err
		}
		for _, definition := range l.definitions {
			if _, err := conn.Exec(ctx, definition); err != nil {
				return fmt.Errorf("%s: %w", definition, err)
			}
		}
		if _, err := conn.Exec(ctx, `vacuum analyze`); err != nil {
			return err
		}
		return reconfigure(ctx, conn, `alter system reset max_wal_size`)
	})
}

func reconfigure(ctx context.Context, conn *pgx.Conn, command string) error {
	if _, err := conn.Exec(ctx, command); err != nil {
		return err
	}
	if _, err := conn.Exec(ctx, `select pg_reload_conf()`); err != nil {
		return err
	}
	_, err := conn.Exec(ctx, `checkpoint`)
	return err
}

// copyRows writes copies 1 to copies-1 of all rows of a table.
func (l *loader) copyRows(ctx context.Context, table string, shared []string, text map[string]string, copies int) error {
	return l.in(ctx, func(conn *pgx.Conn) error {
		rows, err := conn.Query(ctx, `select attname::text, format_type(atttypid, null) from pg_attribute where attrelid = $1::text::regclass and attnum > 0 and not attisdropped order by attnum`, table)
		if err != nil {
			return err
		}
		type column struct{ Name, Type string }
		columns, err := pgx.CollectRows(rows, pgx.RowToStructByPos[column])
		if err != nil || len(columns) == 0 {
			return errors.Join(err, fmt.Errorf("columns of %s: %w", table, ctx.Err()))
		}
		stays := map[string]bool{}
		for _, name := range shared {
			stays[name] = true
		}
		var names, values []string
		for _, c := range columns {
			value := c.Name
			switch {
			case text[c.Name] != "":
				value = text[c.Name]
			case c.Type == "uuid" && !stays[c.Name]:
				// twelve bits after the variant (RFC 9562, 5.7) are mixed with the copy's
				// number: time and order stay, and no copy has the id of its model
				value = `overlay(` + c.Name + `::text placing lpad(to_hex((('x' || substring(` + c.Name + `::text from 21 for 3))::bit(12) # k::bit(12))::int), 3, '0') from 21 for 3)::uuid`
			}
			names, values = append(names, c.Name), append(values, value)
		}
		began := time.Now()
		_, err = conn.Exec(ctx, `insert into `+table+` (`+strings.Join(names, ", ")+`) select `+strings.Join(values, ", ")+
			` from generate_series(1, $1::int - 1) as k cross join (select * from `+table+`) as one`, copies)
		if err != nil {
			return fmt.Errorf("copy %s after %s: %w", table, seconds(time.Since(began)), err)
		}
		return nil
	})
}
