package tax

import (
	"context"
	"errors"
	"fmt"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"tollhouse/billing/calendar"
	"tollhouse/billing/tenant"
)

// What the rates are applied by comes in one row: it is read with every
// transaction that prices something.
const (
	selectRates = `
		select id, category, levy, name, percent, valid_from, valid_to, factor_num, factor_den, position, on_earlier, other
		from tax_rate
		order by category, valid_from, position`
	selectTerms = `
		select o.tax_settings,
		       (select coalesce(jsonb_agg(jsonb_build_object('Key', c.key, 'Name', c.name, 'Code', c.code,
		                   'Reason', jsonb_build_object('code', c.reason_code, 'text', c.reason), 'Service', c.service) order by c.key), '[]')
		          from tax_category c),
		       (select coalesce(jsonb_agg(jsonb_build_object('ID', r.id, 'Position', r.position, 'Seller', r.seller, 'Buyer', r.buyer, 'Kind', r.kind,
		                   'Service', r.service, 'Treat', r.treatment, 'Category', r.category,
		                   'Reason', jsonb_build_object('code', r.reason_code, 'text', r.reason)) order by r.position), '[]')
		          from tax_rule r)
		from operator o where o.id = 1`
)

// Load reads the tenant's rates and how they are applied, in one round trip.
func Load(ctx context.Context, tx tenant.Tx) (Table, error) {
	var batch pgx.Batch
	batch.Queue(selectRates)
	batch.Queue(selectTerms)
	answers := tx.SendBatch(ctx, &batch)
	table, err := readTable(answers)
	if closed := answers.Close(); err == nil {
		err = closed
	}
	if err != nil {
		return Table{}, fmt.Errorf("load tax rates: %w", err)
	}
	return table, nil
}

func readTable(answers pgx.BatchResults) (Table, error) {
	rows, err := answers.Query()
	if err != nil {
		return Table{}, err
	}
	rates, err := pgx.CollectRows(rows, scanRate)
	if err != nil {
		return Table{}, err
	}
	table, err := NewTable(rates)
	if err != nil {
		return Table{}, err
	}
	var categories []Category
	err = answers.QueryRow().Scan(&table.Settings, &categories, &table.rules)
	if errors.Is(err, pgx.ErrNoRows) {
		return table, nil // not set up yet
	}
	if len(categories) > 0 {
		table.categories = make(map[string]Category, len(categories))
		for _, c := range categories {
			table.categories[c.Key] = c
		}
	}
	return table, err
}

func scanRate(row pgx.CollectableRow) (Rate, error) {
	var r Rate
	var to *calendar.Date
	err := row.Scan(&r.ID, &r.Category, &r.Levy, &r.Name, &r.Percent, &r.From, &to, &r.Factor.Num, &r.Factor.Den, &r.Position, &r.OnEarlier, &r.Other)
	if to != nil {
		r.To = *to
	}
	return r, err
}

// Add stores a rate. One that overlaps another of its category's tax is refused
// with ErrOverlap: a rate is ended before its successor begins.
func Add(ctx context.Context, tx tenant.Tx, r Rate) error {
	table, err := Load(ctx, tx)
	if err != nil {
		return err
	}
	if r.Factor == (Factor{}) {
		r.Factor = Factor{1, 1}
	}
	r.Position = max(r.Position, 1)
	if !categoryKey.MatchString(r.Category) || r.Levy != "" && !categoryKey.MatchString(r.Levy) || r.Name == "" || r.Position > 9 {
		return fmt.Errorf("rate of %q: %w", r.Category, ErrRate)
	}
	if _, err := NewTable(append(table.Rates(), r)); err != nil {
		return err
	}
	_, err = tx.Exec(ctx, `
		insert into tax_rate (id, category, levy, name, percent, valid_from, valid_to, factor_num, factor_den, position, on_earlier, other)
		values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)`,
		uuid.Must(uuid.NewV7()), r.Category, r.Levy, r.Name, r.Percent, r.From, optional(r.To), r.Factor.Num, r.Factor.Den, r.Position, r.OnEarlier, r.Other)
	if pg := (*pgconn.PgError)(nil); errors.As(err, &pg) && pg.Code == "23505" {
		return fmt.Errorf("category %s from %s: %w", r.Category, r.From, ErrOverlap)
	}
	if err != nil {
		return fmt.Errorf("add tax rate: %w", err)
	}
	return raiseEpoch(ctx, tx)
}

// raiseEpoch tells whoever keeps rates in memory: they are kept as long as
// prices are.
func raiseEpoch(ctx context.Context, tx tenant.Tx) error {
	done, err := tx.Exec(ctx, `update catalog_epoch set epoch = epoch + 1 where id = 1`)
	if err == nil && done.RowsAffected() != 1 {
		err = errors.New("the operator is not set up")
	}
	if err != nil {
		return fmt.Errorf("raise catalog epoch: %w", err)
	}
	return nil
}

// End lets the open rate of a category's tax run out before a day.
func End(ctx context.Context, tx tenant.Tx, category, levy string, before calendar.Date) error {
	done, err := tx.Exec(ctx, `
		update tax_rate set valid_to = $3
		where category = $1 and levy = $2 and valid_to is null and valid_from < $3`, category, levy, before)
	if err != nil {
		return fmt.Errorf("end tax rate %s: %w", category, err)
	}
	if done.RowsAffected() != 1 {
		return fmt.Errorf("category %q before %s: %w", category, before, ErrNoRate)
	}
	return raiseEpoch(ctx, tx)
}

// Buyers reads what tax needs to know of those accounts whose customers are not
// ordinary ones.
func Buyers(ctx context.Context, tx tenant.Tx, accounts ...uuid.UUID) (map[uuid.UUID]*Buyer, error) {
	rows, err := tx.Query(ctx, `select id, tax_status from billing_account where id = any ($1) and tax_status is not null`, accounts)
	if err != nil {
		return nil, fmt.Errorf("read tax status: %w", err)
	}
	buyers := map[uuid.UUID]*Buyer{}
	var id uuid.UUID
	var b Buyer
	_, err = pgx.ForEachRow(rows, []any{&id, &b}, func() error {
		own := b
		buyers[id], b = &own, Buyer{}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("read tax status: %w", err)
	}
	return buyers, nil
}

func optional(d calendar.Date) *calendar.Date {
	if d.IsZero() {
		return nil
	}
	return &d
}
