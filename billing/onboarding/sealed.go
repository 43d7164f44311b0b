package onboarding

import (
	"context"
	"encoding/base64"
	"fmt"
	"strings"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"tollhouse/billing/sealed"
	"tollhouse/billing/tenant"
)

// Sealed lists the secret facts of orders.
func Sealed() []sealed.Place { return []sealed.Place{secretFacts{}} }

// secretFacts walks order by order: an order has a few facts at most.
type secretFacts struct{}

type orderFacts struct {
	ID    uuid.UUID
	Facts Facts
}

// Reseal implements sealed.Place. limit counts orders.
func (secretFacts) Reseal(ctx context.Context, tx tenant.Tx, after []string, limit int, again sealed.Again) (sealed.Step, error) {
	last := uuid.Nil
	if after != nil {
		last = uuid.MustParse(after[0]) // a key of ours
	}
	rows, err := tx.Query(ctx, `select id, facts from product_order where id > $1 order by id limit $2 for update`, last, limit)
	if err != nil {
		return sealed.Step{}, fmt.Errorf("read secret facts: %w", err)
	}
	orders, err := pgx.CollectRows(rows, pgx.RowToStructByPos[orderFacts])
	if err != nil {
		return sealed.Step{}, fmt.Errorf("read secret facts: %w", err)
	}
	step := sealed.Step{More: len(orders) == limit}
	for _, o := range orders {
		changed, err := o.reseal(ctx, tx, again)
		if err != nil {
			return sealed.Step{}, fmt.Errorf("secret facts of order %s: %w", o.ID, err)
		}
		step.Changed += changed
		step.Last = []string{o.ID.String()}
	}
	return step, nil
}

func (o orderFacts) reseal(ctx context.Context, tx tenant.Tx, again sealed.Again) (changed int, err error) {
	for field := range secretFields {
		value := o.Facts[field]
		if !isSealed(field, value) {
			continue
		}
		old, err := base64.RawStdEncoding.DecodeString(strings.TrimPrefix(value, sealedMark))
		if err != nil {
			return 0, fmt.Errorf("%s: %w", field, err)
		}
		fresh, err := again(sealName(o.ID, field), old)
		if err != nil {
			return 0, fmt.Errorf("%s: %w", field, err)
		}
		if fresh == nil {
			continue
		}
		if _, err := tx.Exec(ctx, `update product_order set facts = facts || jsonb_build_object($2::text, $3::text) where id = $1`,
			o.ID, field, sealedMark+base64.RawStdEncoding.EncodeToString(fresh)); err != nil {
			return 0, err
		}
		changed++
	}
	return changed, nil
}
