package balance

import (
	"context"
	"fmt"

	"github.com/google/uuid"

	"tollhouse/billing/money"
	"tollhouse/billing/tenant"
)

// bucket_one_main makes a second one impossible.
const insertMain = `
	insert into bucket (id, account_id, code, unit, origin, initial, value, priority, valid_from, created_at)
	select m.id, a.id, $3, a.currency, 'main', 0, 0, $4, a.created_at, $5
	from unnest($1::uuid[], $2::uuid[]) as m (id, account_id)
	join billing_account as a on a.id = m.account_id
	on conflict (account_id, unit) where origin = 'main' do nothing`

// CreateMain gives accounts their main money bucket, empty, in their currency.
// Those that have one keep it.
func CreateMain(ctx context.Context, tx tenant.Tx, accountIDs ...uuid.UUID) error {
	ids := make([]uuid.UUID, len(accountIDs))
	for i := range ids {
		ids[i] = uuid.Must(uuid.NewV7())
	}
	if _, err := tx.Exec(ctx, insertMain, ids, accountIDs, mainCode, MainPriority, tx.At); err != nil {
		return fmt.Errorf("create main balances: %w", err)
	}
	return Touch(ctx, tx, accountIDs)
}

// lockMain locks the main bucket of a locked account, making it if need be.
func lockMain(ctx context.Context, tx tenant.Tx, o owner) (Bucket, error) {
	const find = `select ` + bucketColumns + ` from bucket as b
		where b.account_id = $1 and b.unit = $2 and b.origin = 'main' for no key update`
	unit := money.Unit(o.currency.Code())
	buckets, err := collect(ctx, tx, "lock main balance", find, o.id, string(unit))
	if err == nil && len(buckets) == 0 {
		if err = CreateMain(ctx, tx, o.id); err == nil {
			buckets, err = collect(ctx, tx, "lock main balance", find, o.id, string(unit))
		}
	}
	if err != nil {
		return Bucket{}, err
	}
	if len(buckets) != 1 {
		return Bucket{}, fmt.Errorf("main balance of account %s: %w", o.id, ErrNotFound)
	}
	return buckets[0], nil
}
