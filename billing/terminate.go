package billing

import (
	"context"

	"github.com/google/uuid"

	"tollhouse/billing/desk"
	"tollhouse/billing/tenant"
)

// Terminate ends a subscription for good (desk.Terminate).
func (s *Stack) Terminate(ctx context.Context, tx tenant.Tx, subscription uuid.UUID) error {
	return desk.Terminate(ctx, tx, s.host.charging, subscription)
}
