package billing

import (
	"context"

	"github.com/google/uuid"

	"tollhouse/billing/account"
	"tollhouse/billing/desk"
	"tollhouse/billing/tenant"
)

// Terminate ends a subscription for good (desk.Terminate).
func (s *Stack) Terminate(ctx context.Context, tx tenant.Tx, subscription uuid.UUID) error {
	return desk.Terminate(ctx, tx, s.host.charging, subscription)
}

// ChangePlan changes a subscription's plan now, at its period's end or on a day
// (desk.ChangePlan).
func (s *Stack) ChangePlan(ctx context.Context, tx tenant.Tx, n desk.NewChange) (account.PlanChange, error) {
	return desk.ChangePlan(ctx, tx, s.host.desk, s.host.charging, n)
}

// Pause lets a subscription rest (desk.Pause).
func (s *Stack) Pause(ctx context.Context, tx tenant.Tx, p desk.NewPause) error {
	return desk.Pause(ctx, tx, s.host.charging, p)
}

// Resume lets a suspended or resting subscription go on (desk.Continue).
func (s *Stack) Resume(ctx context.Context, tx tenant.Tx, p desk.NewPause) error {
	return desk.Continue(ctx, tx, s.host.charging, p)
}
