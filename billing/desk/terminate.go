package desk

import (
	"context"

	"github.com/google/uuid"

	"tollhouse/billing/access"
	"tollhouse/billing/account"
	"tollhouse/billing/balance"
	"tollhouse/billing/bill"
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
	if err := access.Forget(ctx, tx, s.AccountID, "system:terminated", all...); err != nil {
		return err
	}
	profile, err := account.GetProfile(ctx, tx)
	if err != nil {
		return err
	}
	if _, err := bill.Adjust(ctx, tx, bill.ItemCredit, profile.LocalDate(tx.At), "", all...); err != nil {
		return err
	}
	return engine.ReturnFees(ctx, tx, profile, profile.LocalDate(tx.At), all...)
}

// Word is why a person stops a subscription, or lets it go on, and who.
type Word struct{ Reason, By string }

// Suspend stops a subscription for a while, and tells the network so where a
// session of it is charged.
func Suspend(ctx context.Context, tx tenant.Tx, subscription uuid.UUID, w Word) error {
	if err := access.SuspendOne(ctx, tx, subscription, w.Reason, w.By); err != nil {
		return err
	}
	return charging.AbortSessions(ctx, tx, subscription)
}

// Resume lets a suspended subscription go on. What is held for unpaid bills
// stays (access.ErrHeld).
func Resume(ctx context.Context, tx tenant.Tx, subscription uuid.UUID, w Word) error {
	return access.ResumeOne(ctx, tx, subscription, w.By)
}
