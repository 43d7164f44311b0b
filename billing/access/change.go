package access

import (
	"context"

	"github.com/google/uuid"

	"tollhouse/billing/account"
	"tollhouse/billing/tenant"
)

// Change lets what a cause holds of an account follow a level: nothing for
// Allowed. With Cut the subscriptions that are named stop, with less they
// resume. It gives those that it has stopped.
func Change(ctx context.Context, tx tenant.Tx, h Hold, suspend ...uuid.UUID) (stopped []uuid.UUID, err error) {
	if _, err := account.Lock(ctx, tx, h.AccountID); err != nil {
		return nil, err
	}
	const ofCause = `account_id = $3 and cause = $4 and cause_id = $5`
	where := ofCause
	if h.Level != Allowed {
		where += ` and suspends`
	}
	if h.Level != Cut {
		if err := end(ctx, tx, where, h.By, h.AccountID, string(h.Cause), h.CauseID); err != nil {
			return nil, err
		}
	}
	if h.Level != Allowed {
		if _, err := put(ctx, tx, h); err != nil {
			return nil, err
		}
	}
	if h.Level == Cut && len(suspend) > 0 {
		return Suspend(ctx, tx, h, suspend...)
	}
	return nil, Settle(ctx, tx, h.AccountID)
}
