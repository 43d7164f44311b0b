package postgres

import (
	"context"
	"fmt"
	"strings"
	"sync"

	"github.com/jackc/pgx/v5"

	"tollhouse/billing/ledger"
	"tollhouse/billing/tenant"
)

// Compared is what a comparison of both ends came to.
type Compared struct {
	Tables  int
	Rows    int64
	Differ  []string // tables with other rows, ledger sums with other amounts
	Balance int      // lines of the trial balance that are equal
}

// smallTable is up to which size rows are compared in full, not counted alone.
const smallTable = 16 << 20

// Compare holds both ends against each other, table by table and ledger sum by
// ledger sum. Nobody may write meanwhile.
func (m Move) Compare(ctx context.Context) (Compared, error) {
	var wait sync.WaitGroup
	var counts [2]map[string]counted
	var trials [2]map[string]string
	var faults [2]error
	for i, side := range []Side{m.From, m.To} {
		wait.Go(func() { counts[i], trials[i], faults[i] = m.measure(ctx, side) })
	}
	wait.Wait()
	var out Compared
	for _, err := range faults {
		if err != nil {
			return out, fmt.Errorf("compare: %w", err)
		}
	}
	for table, from := range counts[0] {
		to := counts[1][table]
		out.Tables++
		out.Rows += from.rows
		if from.rows != to.rows || from.sum != to.sum && from.hashed && to.hashed {
			out.Differ = append(out.Differ, fmt.Sprintf("%s: %d rows at the source, %d at the target", table, from.rows, to.rows))
		}
	}
	for line, from := range trials[0] {
		if to := trials[1][line]; to != from {
			out.Differ = append(out.Differ, fmt.Sprintf("%s: %s at the source, %s at the target", line, from, to))
			continue
		}
		out.Balance++
	}
	if len(trials[0]) != len(trials[1]) {
		out.Differ = append(out.Differ, fmt.Sprintf("trial balance: %d lines at the source, %d at the target", len(trials[0]), len(trials[1])))
	}
	return out, nil
}

type counted struct {
	rows   int64
	hashed bool
	sum    string // of the rows' hashes, in any order
}

func (m Move) measure(ctx context.Context, side Side) (tables map[string]counted, trial map[string]string, err error) {
	conn, err := side.Server.ownerOn(ctx, side.Database, m.Slot)
	if err != nil {
		return nil, nil, err
	}
	defer func() { _ = conn.Close(context.WithoutCancel(ctx)) }()
	trial = map[string]string{}
	options := pgx.TxOptions{IsoLevel: pgx.RepeatableRead, AccessMode: pgx.ReadOnly}
	err = pgx.BeginTxFunc(ctx, conn, options, func(tx pgx.Tx) error {
		list, err := tablesOf(ctx, tx, m.Slot.Schema())
		if err != nil {
			return err
		}
		if tables, err = m.count(ctx, tx, list); err != nil {
			return fmt.Errorf("count rows: %w", err)
		}
		sums, err := ledger.ControlSums(ctx, tenant.Tx{Tx: tx, Tenant: m.Tenant})
		if err != nil {
			return err
		}
		for _, b := range sums.Trial {
			trial[fmt.Sprintf("%v in %v", b.Kind, b.Unit)] = b.Debit.String() + " to " + b.Credit.String()
		}
		return nil
	})
	return tables, trial, err
}

// count looks at all tables in two trips: in a pause each one more is felt.
func (m Move) count(ctx context.Context, tx pgx.Tx, list []slotTable) (map[string]counted, error) {
	small := map[string]bool{}
	rows, err := tx.Query(ctx, `select relname from pg_class where relnamespace = $1::text::regnamespace and relkind = 'r' and pg_relation_size(oid) <= $2`, m.Slot.Schema(), smallTable)
	if err != nil {
		return nil, err
	}
	var name string
	if _, err := pgx.ForEachRow(rows, []any{&name}, func() error { small[name] = true; return nil }); err != nil {
		return nil, err
	}
	var parts []string
	for _, t := range list {
		if t.name == versions {
			continue
		}
		sum := `''`
		if small[t.name] {
			sum = `coalesce(sum(hashtextextended(t::text, 0)::numeric), 0)::text`
		}
		parts = append(parts, fmt.Sprintf(`select '%s', count(*), %s from %s.%s t`, t.name, sum, m.Slot.Schema(), pgx.Identifier{t.name}.Sanitize()))
	}
	if rows, err = tx.Query(ctx, strings.Join(parts, " union all ")); err != nil {
		return nil, err
	}
	tables := map[string]counted{}
	var c counted
	_, err = pgx.ForEachRow(rows, []any{&name, &c.rows, &c.sum}, func() error {
		c.hashed = small[name]
		tables[name] = c
		return nil
	})
	return tables, err
}
