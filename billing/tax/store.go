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

// Load reads the tenant's rates.
func Load(ctx context.Context, tx tenant.Tx) (Table, error) {
	rows, err := tx.Query(ctx, `
		select category, name, percent, valid_from, valid_to
		from tax_rate
		order by category, valid_from`)
	if err != nil {
		return Table{}, fmt.Errorf("load tax rates: %w", err)
	}
	rates, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (Rate, error) {
		var r Rate
		var to *calendar.Date
		err := row.Scan(&r.Category, &r.Name, &r.Percent, &r.From, &to)
		if to != nil {
			r.To = *to
		}
		return r, err
	})
	if err != nil {
		return Table{}, fmt.Errorf("load tax rates: %w", err)
	}
	return NewTable(rates)
}

// Add stores a rate. One that overlaps another of its category is refused with
// ErrOverlap: a rate is ended before its successor begins.
func Add(ctx context.Context, tx tenant.Tx, r Rate) error {
	table, err := Load(ctx, tx)
	if err != nil {
		return err
	}
	if _, err := NewTable(append(table.all(), r)); err != nil {
		return err
	}
	_, err = tx.Exec(ctx, `
		insert into tax_rate (id, category, name, percent, valid_from, valid_to)
		values ($1, $2, $3, $4, $5, $6)`,
		uuid.Must(uuid.NewV7()), r.Category, r.Name, r.Percent, r.From, optional(r.To))
	if pg := (*pgconn.PgError)(nil); errors.As(err, &pg) && pg.Code == "23505" {
		return fmt.Errorf("category %s from %s: %w", r.Category, r.From, ErrOverlap)
	}
	if err != nil {
		return err
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

// End lets the open rate of a category run out before a day.
func End(ctx context.Context, tx tenant.Tx, category string, before calendar.Date) error {
	done, err := tx.Exec(ctx, `
		update tax_rate set valid_to = $2
		where category = $1 and valid_to is null and valid_from < $2`, category, before)
	if err != nil {
		return fmt.Errorf("end tax rate %s: %w", category, err)
	}
	if done.RowsAffected() != 1 {
		return fmt.Errorf("category %q before %s: %w", category, before, ErrNoRate)
	}
	return raiseEpoch(ctx, tx)
}

func (t Table) all() []Rate {
	var rates []Rate
	for _, category := range t.Categories() {
		rates = append(rates, t.byCategory[category]...)
	}
	return rates
}

func optional(d calendar.Date) *calendar.Date {
	if d.IsZero() {
		return nil
	}
	return &d
}
