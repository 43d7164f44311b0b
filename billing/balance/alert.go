package balance

import (
	"context"
	"fmt"

	"github.com/google/uuid"

	"tollhouse/billing/money"
	"tollhouse/billing/tenant"
)

// SetAlert says below which value of its main balance an account's owner wants
// something to follow; nil takes that away. It gives the balance as it stands:
// whoever sets a value above it has to see to that at once.
func SetAlert(ctx context.Context, tx tenant.Tx, accountID uuid.UUID, below *money.Decimal) (Bucket, error) {
	o, err := lockOwner(ctx, tx, accountID)
	if err != nil {
		return Bucket{}, err
	}
	bucket, err := lockMain(ctx, tx, o)
	if err != nil {
		return Bucket{}, err
	}
	// version: whoever keeps the bucket in memory has to read it again
	tag, err := tx.Exec(ctx, `update bucket set alert_below = $2, version = version + 1 where id = $1`, bucket.ID, below)
	if err == nil && tag.RowsAffected() != 1 {
		err = fmt.Errorf("%d rows written, want 1", tag.RowsAffected())
	}
	if err != nil {
		return Bucket{}, fmt.Errorf("set alert of balance %s: %w", bucket.ID, err)
	}
	bucket.AlertBelow = below
	return bucket, nil
}

// LockMain gives the main balance of an account, locked after its account, and
// made if need be.
func LockMain(ctx context.Context, tx tenant.Tx, accountID uuid.UUID) (Bucket, error) {
	o, err := lockOwner(ctx, tx, accountID)
	if err != nil {
		return Bucket{}, err
	}
	return lockMain(ctx, tx, o)
}
