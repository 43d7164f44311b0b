package billing

import (
	"context"

	"tollhouse/billing/audit"
	"tollhouse/billing/identity"
)

// RemoveFactor takes a signed-in user's own second factor away, once it has
// shown its password again.
func (s *Stack) RemoveFactor(ctx context.Context, caller audit.Caller, by identity.Principal, shown identity.PasswordChange) error {
	return s.host.config.Identity.RemoveFactor(ctx, s.host.db, s.Ref, caller, by, shown)
}
