package baseline

import (
	"context"
	_ "embed"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"tollhouse/billing/calendar"
)

//go:embed bill_run.sql
var billRunSQL string

// Tables that a bill run reads, taken over with their rows, and those it
// writes, which begin empty.
var (
	readTables = []string{"operator", "legal_entity", "branch", "tax_rate", "offering_version", "party", "billing_account",
		"subscription", "service", "service_identity", "bucket", "charge", "bill_run", "deposit"}
	writtenTables = []string{"bill", "bill_line", "bill_tax", "open_item", "ledger_transfer", "number_series"}
)

// BillRun is a copy of an operator before its bill run.
type BillRun struct {
	adminURL string
	of       string // schema of the operator
	schema   string // of the copy
}

// CopyOperator copies what a bill run needs of an operator's schema into a new
// one, with the same constraints and indexes.
func CopyOperator(ctx context.Context, adminURL, schema, into string) (*BillRun, error) {
	b := &BillRun{adminURL: adminURL, of: schema, schema: into}
	return b, b.in(ctx, into, func(conn *pgx.Conn) error {
		if _, err := conn.Exec(ctx, `create schema `+into); err != nil {
			return err
		}
		for _, table := range slices.Concat(readTables, writtenTables) {
			if _, err := conn.Exec(ctx, `create table `+table+` (like `+schema+`.`+table+` including all)`); err != nil {
				return fmt.Errorf("create copy of %s: %w", table, err)
			}
		}
		for _, table := range readTables {
			if _, err := conn.Exec(ctx, `insert into `+table+` select t.* from `+schema+`.`+table+` as t`); err != nil {
				return fmt.Errorf("copy %s: %w", table, err)
			}
			if _, err := conn.Exec(ctx, `analyze `+table); err != nil {
				return err
			}
		}
		return b.refer(ctx, conn)
	})
}

// refer adds the foreign keys of the written tables, which LIKE leaves out.
func (b *BillRun) refer(ctx context.Context, conn *pgx.Conn) error {
	for _, table := range writtenTables {
		rows, err := conn.Query(ctx, `select pg_get_constraintdef(oid) from pg_constraint where contype = 'f' and conrelid = $1::text::regclass`, b.of+"."+table)
		if err != nil {
			return fmt.Errorf("references of %s: %w", table, err)
		}
		references, err := pgx.CollectRows(rows, pgx.RowTo[string])
		if err != nil {
			return fmt.Errorf("references of %s: %w", table, err)
		}
		for _, one := range references {
			if _, err := conn.Exec(ctx, `alter table `+table+` add `+strings.ReplaceAll(one, b.of+".", b.schema+".")); err != nil {
				return fmt.Errorf("references of %s: %w", table, err)
			}
		}
	}
	return nil
}

// in works on a connection whose tables are those of a schema.
func (b *BillRun) in(ctx context.Context, schema string, fn func(*pgx.Conn) error) error {
	config, err := pgx.ParseConfig(b.adminURL)
	if err != nil {
		return err
	}
	config.RuntimeParams["search_path"] = schema + ", pg_catalog"
	conn, err := pgx.ConnectConfig(ctx, config)
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close(context.WithoutCancel(ctx)) }()
	return fn(conn)
}

// Close runs bill_run.sql for the cycles that end on a day, as of an instant,
// and says how long it took with its commit.
func (b *BillRun) Close(ctx context.Context, cycleEnd calendar.Date, at time.Time) (took time.Duration, err error) {
	err = b.in(ctx, b.schema, func(conn *pgx.Conn) error {
		if _, err := conn.Exec(ctx, `create table run (cycle_end date, at timestamptz)`); err != nil {
			return err
		}
		if _, err := conn.Exec(ctx, `insert into run values ($1, $2)`, cycleEnd, at); err != nil {
			return err
		}
		began := time.Now()
		_, err := conn.Exec(ctx, "begin;\n"+billRunSQL+"\ncommit;")
		took = time.Since(began)
		return err
	})
	if err != nil {
		return 0, fmt.Errorf("bill_run.sql: %w", err)
	}
	return took, nil
}

// ErrOtherBills means that the baseline came to other bills than the product,
// so that the two cannot be compared.
var ErrOtherBills = errors.New("the baseline's bills differ from the product's")

// fingerprints are what must be the same after both, each an account's or a
// subscription's id and what it came to.
var fingerprints = []string{
	`select account_id, net, tax, total, due, cycle_start, cycle_end from bill`,
	`select account_id, no, l.kind, code, quantity, events, price, l.net, l.tax, period_from, period_to from bill_line as l join bill on bill.id = l.bill_id`,
	`select account_id, category, percent, base, t.tax from bill_tax as t join bill on bill.id = t.bill_id`,
	`select account_id, debit, credit, amount from ledger_transfer where event in ('bill', 'recognition')`,
	`select account_id, amount, open, due_date from open_item`,
	`select id, receivable, unbilled, cycle_start, cycle_end from billing_account`,
	`select id, deferred, charged_through, setup_charged from subscription`,
	`select document, year, next from number_series`,
}

// Compare makes sure that baseline and product have written the same bills,
// lines and postings, and left accounts and subscriptions in the same state.
func (b *BillRun) Compare(ctx context.Context) error {
	for _, rows := range fingerprints {
		ours, err := b.fingerprint(ctx, b.of, rows)
		if err != nil {
			return err
		}
		theirs, err := b.fingerprint(ctx, b.schema, rows)
		if err != nil {
			return err
		}
		if ours != theirs {
			return fmt.Errorf("%w: %s: %s there, %s here", ErrOtherBills, rows, ours, theirs)
		}
	}
	return nil
}

// fingerprint is a count of rows and a digest of them, in whatever order they
// come.
func (b *BillRun) fingerprint(ctx context.Context, schema, rows string) (text string, err error) {
	err = b.in(ctx, schema, func(conn *pgx.Conn) error {
		return conn.QueryRow(ctx, `select count(*) || ' rows, ' || coalesce(md5(string_agg(r::text, chr(10) order by r::text)), '') from (`+rows+`) as r`).Scan(&text)
	})
	if err != nil {
		return "", fmt.Errorf("fingerprint of %s: %w", rows, err)
	}
	return text, nil
}
