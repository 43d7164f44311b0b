package account

import (
	"context"
	"fmt"

	"tollhouse/billing/tenant"
)

// Epoch is the number that every change to subscriptions, services and
// identities raises. What was cached under another one is stale.
func Epoch(ctx context.Context, tx tenant.Tx) (int64, error) {
	var epoch int64
	if err := tx.QueryRow(ctx, `select epoch from account_epoch where id = 1`).Scan(&epoch); err != nil {
		return 0, fmt.Errorf("read account epoch: %w", err)
	}
	return epoch, nil
}

// bumpEpoch raises the epoch. Its row is held until the commit, so changes of
// subscriptions queue behind one another; charging only reads it.
func bumpEpoch(ctx context.Context, tx tenant.Tx) error {
	done, err := tx.Exec(ctx, `update account_epoch set epoch = epoch + 1 where id = 1`)
	if err != nil {
		return fmt.Errorf("raise account epoch: %w", err)
	}
	if done.RowsAffected() != 1 {
		return fmt.Errorf("raise account epoch: %w", ErrNotSetUp)
	}
	return nil
}

// Changed raises the epoch for a change beside this package that charging's
// caches follow: who shares whose balances.
func Changed(ctx context.Context, tx tenant.Tx) error { return bumpEpoch(ctx, tx) }
