package enrol

import (
	"context"
	"fmt"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"tollhouse/billing/tenant"
	"tollhouse/tenants"
)

// resealAtOnce bounds the keys in one transaction.
const resealAtOnce = 200

// Reseal seals the hosts' keys anew under the present master key, in bounded
// steps, and says how many changed.
func Reseal(ctx context.Context, db *tenants.DB, seal tenants.Resealer) (changed int, err error) {
	after, end := uuid.Nil, false
	for !end {
		err := db.Write(ctx, func(ctx context.Context, tx tenants.Tx) error {
			some, last, err := resealSome(ctx, tx, seal, after)
			if err != nil {
				return err
			}
			after, end = last, last == uuid.Nil
			changed += some
			return nil
		})
		if err != nil {
			return changed, fmt.Errorf("seal the hosts' keys anew: %w", err)
		}
	}
	return changed, nil
}

type sealedHost struct {
	Operator uuid.UUID
	Sealed   []byte
}

// resealSome works on those after an operator and says which was the last; zero
// where there are no more.
func resealSome(ctx context.Context, tx tenants.Tx, seal tenants.Resealer, after uuid.UUID) (changed int, last uuid.UUID, err error) {
	rows, err := tx.Query(ctx, `select operator_id, sealed_key from own_host where operator_id > $1 order by operator_id limit $2 for update`, after, resealAtOnce)
	if err != nil {
		return 0, last, err
	}
	hosts, err := pgx.CollectRows(rows, pgx.RowToStructByPos[sealedHost])
	if err != nil {
		return 0, last, err
	}
	for _, h := range hosts {
		last = h.Operator
		fresh, err := seal.Reseal(keyContext(tenant.ID(h.Operator)), h.Sealed)
		if err != nil {
			return 0, last, fmt.Errorf("host key of %s: %w", h.Operator, err)
		}
		if fresh == nil {
			continue
		}
		if _, err := tx.Exec(ctx, `update own_host set sealed_key = $2 where operator_id = $1`, h.Operator, fresh); err != nil {
			return 0, last, err
		}
		changed++
	}
	return changed, last, nil
}
