package collection

import (
	"context"
	"fmt"
	"slices"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"tollhouse/billing/tenant"
)

// Portion is how many accounts HoldPortion holds at once: all of them are
// locked until its transaction ends.
const Portion = 100

// Count says how many open cases a query finds.
func Count(ctx context.Context, tx tenant.Tx, q BoardQuery) (n int, err error) {
	where, args := q.where()
	if err := tx.QueryRow(ctx, `select count(*) from `+boardTables+` where `+where, args...).Scan(&n); err != nil {
		return 0, fmt.Errorf("count cases: %w", err)
	}
	return n, nil
}

// HoldPortion keeps steps back for open cases that a query finds and nothing
// holds yet, at most Portion of them, and says how many it held. It is called
// until it finds less, each time with an id of its own.
func (c *Collector) HoldPortion(ctx context.Context, tx tenant.Tx, n NewHold, q BoardQuery) (held int, err error) {
	free := Held("")
	q.Held = &free
	where, args := q.where()
	rows, err := tx.Query(ctx, `select c.account_id from `+boardTables+` where `+where+fmt.Sprintf(` order by c.account_id limit %d`, Portion), args...)
	if err != nil {
		return 0, fmt.Errorf("find cases to hold: %w", err)
	}
	accounts, err := pgx.CollectRows(rows, pgx.RowTo[uuid.UUID])
	if err != nil {
		return 0, fmt.Errorf("find cases to hold: %w", err)
	}
	slices.SortFunc(accounts, func(a, b uuid.UUID) int { return slices.Compare(a[:], b[:]) }) // locks are taken in the order of ids
	return c.HoldMany(ctx, tx, n, accounts...)
}
