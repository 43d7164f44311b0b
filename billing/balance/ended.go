package balance

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5/pgtype"

	"tollhouse/billing/tenant"
)

// Emptied says whether the bucket has ended and its rest is gone by an instant:
// what comes back to it afterwards has to follow.
func (b *Bucket) Emptied(at time.Time) bool {
	return b.ExpiresAt != nil && !at.Before(due(b.Origin, b.Unit, *b.ExpiresAt, b.Rollover))
}

// LockByID gives buckets by their ids, ended and empty ones as well, in id
// order, and keeps others from changing them until the transaction ends. Their
// accounts are locked already.
func LockByID(ctx context.Context, tx tenant.Tx, ids []pgtype.UUID) ([]Bucket, error) {
	if len(ids) == 0 {
		return nil, nil
	}
	return collect(ctx, tx, "lock balances", `
		select `+bucketColumns+`
		from unnest($1::uuid[]) as w (id)
		join bucket as b on b.id = w.id
		order by b.id
		for no key update of b`, ids)
}
