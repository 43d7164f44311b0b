package onboarding

import (
	"context"
	"crypto/rand"
	"fmt"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"tollhouse/billing/tenant"
)

// Redraw draws other secrets for orders whose own stayed behind, as those of a
// copied stack: where a mask stands, there was a secret. It takes up to limit
// orders and says how many it found.
func (d *Desk) Redraw(ctx context.Context, tx tenant.Tx, mask string, limit int) (int, error) {
	redrawn := 0
	for field := range secretFields {
		rows, err := tx.Query(ctx, `select id from product_order where facts ->> $1 = $2 order by id limit $3`, field, mask, limit-redrawn)
		if err != nil {
			return redrawn, fmt.Errorf("find secrets to draw: %w", err)
		}
		orders, err := pgx.CollectRows(rows, pgx.RowTo[uuid.UUID])
		if err != nil {
			return redrawn, fmt.Errorf("find secrets to draw: %w", err)
		}
		sealed := make([]string, len(orders))
		for i, order := range orders {
			if sealed[i], err = d.seal(tx, order, field, rand.Text()); err != nil {
				return redrawn, err
			}
		}
		_, err = tx.Exec(ctx, `
			update product_order o
			   set facts = jsonb_set(o.facts, array[$3], to_jsonb(n.sealed))
			  from unnest($1::uuid[], $2::text[]) as n (id, sealed)
			 where o.id = n.id`, orders, sealed, field)
		if err != nil {
			return redrawn, fmt.Errorf("draw secrets: %w", err)
		}
		redrawn += len(orders)
	}
	return redrawn, nil
}
