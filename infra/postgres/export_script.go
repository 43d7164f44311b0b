package postgres

import (
	"context"
	"fmt"
	"strings"

	"github.com/jackc/pgx/v5"
)

// loadScript is SQL for psql that makes the tables in an empty schema, loads
// their files, and then adds keys, checks, references and indexes.
func loadScript(ctx context.Context, tx pgx.Tx, schema string, tables []slotTable) (string, error) {
	var b strings.Builder
	b.WriteString("-- Load into an empty schema of PostgreSQL 15 or newer, from the folder this file is in:\n--   psql -v ON_ERROR_STOP=1 -f load.sql\nbegin;\n")
	known := map[string]bool{}
	for _, t := range tables {
		known[t.name] = true
		columns, err := definitions(ctx, tx, schema, t.name)
		if err != nil {
			return "", err
		}
		fmt.Fprintf(&b, "create table %s (\n    %s\n);\n", pgx.Identifier{t.name}.Sanitize(), strings.Join(columns, ",\n    "))
	}
	for _, t := range tables {
		fmt.Fprintf(&b, "\\copy %s (%s) from 'tables/%s.csv' with (format csv, header)\n", pgx.Identifier{t.name}.Sanitize(), t.names(), t.name)
	}
	// what others refer to comes first
	for _, kinds := range []string{"pu", "c", "f"} {
		for _, t := range tables {
			found, err := constraints(ctx, tx, schema, t.name, kinds, known)
			if err != nil {
				return "", err
			}
			for _, definition := range found {
				fmt.Fprintf(&b, "alter table %s add %s;\n", pgx.Identifier{t.name}.Sanitize(), definition)
			}
		}
	}
	for _, t := range tables {
		found, err := indexes(ctx, tx, schema, t.name)
		if err != nil {
			return "", err
		}
		for _, definition := range found {
			b.WriteString(strings.ReplaceAll(definition, schema+".", "") + ";\n")
		}
	}
	b.WriteString("commit;\n")
	return b.String(), nil
}

func definitions(ctx context.Context, tx pgx.Tx, schema, table string) ([]string, error) {
	return texts(ctx, tx, `
		select quote_ident(a.attname) || ' ' || format_type(a.atttypid, a.atttypmod)
		       || coalesce(' default ' || pg_get_expr(d.adbin, d.adrelid), '')
		       || case when a.attnotnull then ' not null' else '' end
		  from pg_attribute a
		  left join pg_attrdef d on d.adrelid = a.attrelid and d.adnum = a.attnum
		 where a.attrelid = ($1 || '.' || quote_ident($2))::regclass and a.attnum > 0 and not a.attisdropped
		 order by a.attnum`, schema, table)
}

// constraints of the given kinds; a reference to a table that is not written
// is left out.
func constraints(ctx context.Context, tx pgx.Tx, schema, table, kinds string, known map[string]bool) ([]string, error) {
	names := make([]string, 0, len(known))
	for name := range known {
		names = append(names, name)
	}
	return texts(ctx, tx, `
		select 'constraint ' || quote_ident(k.conname) || ' ' || pg_get_constraintdef(k.oid)
		  from pg_constraint k
		  left join pg_class f on f.oid = k.confrelid
		 where k.conrelid = ($1 || '.' || quote_ident($2))::regclass and strpos($3, k.contype::text) > 0
		   and (f.relname is null or f.relname::text = any ($4))
		 order by k.contype, k.conname`, schema, table, kinds, names)
}

func indexes(ctx context.Context, tx pgx.Tx, schema, table string) ([]string, error) {
	return texts(ctx, tx, `
		select pg_get_indexdef(i.indexrelid)
		  from pg_index i
		 where i.indrelid = ($1 || '.' || quote_ident($2))::regclass
		   and not exists (select from pg_constraint k where k.conindid = i.indexrelid and k.contype in ('p', 'u', 'x'))
		 order by 1`, schema, table)
}

func texts(ctx context.Context, tx pgx.Tx, sql string, args ...any) ([]string, error) {
	rows, err := tx.Query(ctx, sql, args...)
	if err != nil {
		return nil, fmt.Errorf("read definitions: %w", err)
	}
	found, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		return nil, fmt.Errorf("read definitions: %w", err)
	}
	return found, nil
}

func (e Exported) readme() string {
	var b strings.Builder
	fmt.Fprintf(&b, "# %s: all its data at %s\n\n", e.Name, e.At.Format("2006-01-02 15:04:05 UTC"))
	b.WriteString(`Everything here can be read without Tollhouse.

- tables/*.csv: one file a table, UTF-8, comma separated, with a line of column names (RFC 4180). An empty
  field is no value, a quoted empty field an empty text. Times are UTC, amounts decimal numbers with their
  currency in a column beside, ids are UUIDs. Columns of JSON hold JSON texts. What is sealed in the running
  stack (hexadecimal, beginning with \x) stands in clear in opened.jsonl.
- opened.jsonl: one JSON object a line with name and value of each secret that the business needs, such as
  account numbers of direct debit and passwords of lines. Keep this file safe; it is here if it was asked for.
- load.sql: makes all tables with keys, checks and references in an empty schema of PostgreSQL 15 or newer and
  loads the files: psql -v ON_ERROR_STOP=1 -f load.sql
- manifest.json: rows and SHA-256 of each file, the ledger's control sums, and the head of the audit chain.

The money is in ledger_transfer: each row takes an amount from the account in "debit" and gives it to the one
in "credit". Bills are bill, bill_line and bill_tax; their addresses as printed stand in bill.facts. Subscribers
are party, billing_account, subscription and service. Sign-in sessions, stored answers and keys of the service
itself are left out.

`)
	fmt.Fprintf(&b, "%d tables, %d rows.\n", len(e.Tables), e.Rows())
	return b.String()
}
