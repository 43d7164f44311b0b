package desk

import (
	"context"

	"github.com/google/uuid"

	"tollhouse/billing/account"
	"tollhouse/billing/balance"
	"tollhouse/billing/charging"
	"tollhouse/billing/tenant"
)

// Terminate ends a subscription for good, with its options and parts, their
// allowances and the change of plan that was to come. What was asked in
// advance for the days from today on is given back, of prices that are prorated. The account is locked
// first, as everybody does who changes subscriptions.
func Terminate(ctx context.Context, tx tenant.Tx, engine *charging.Engine, subscription uuid.UUID) error {
	s, err := account.GetSubscription(ctx, tx, subscription)
	if err != nil {
		return err
	}
	if _, err := account.Lock(ctx, tx, s.AccountID); err != nil {
		return err
	}
	planned, err := account.ScheduledChanges(ctx, tx, s.AccountID)
	if err != nil {
		return err
	}
	for _, c := range planned {
		if c.SubscriptionID != s.ID {
			continue
		}
		if _, err := account.CancelPlanChange(ctx, tx, c.ID); err != nil {
			return err
		}
	}
	if err := charging.AbortSessions(ctx, tx, s.ID); err != nil {
		return err
	}
	all, err := account.WithParts(ctx, tx, s.ID)
	if err != nil {
		return err
	}
	if err := account.Terminate(ctx, tx, s.ID); err != nil {
		return err
	}
	if err := balance.EndAllowances(ctx, tx, tx.At, all...); err != nil {
		return err
	}
	profile, err := account.GetProfile(ctx, tx)
	if err != nil {
		return err
	}
	if err := charging.CreditFees(ctx, tx, profile, all...); err != nil {
		return err
	}
	return engine.ReturnFees(ctx, tx, profile, all...)
}

// Suspend stops a subscription for a while, and tells the network so where a
// session of it is charged.
func Suspend(ctx context.Context, tx tenant.Tx, subscription uuid.UUID) error {
	if err := account.Suspend(ctx, tx, subscription); err != nil {
		return err
	}
	return charging.AbortSessions(ctx, tx, subscription)
}
