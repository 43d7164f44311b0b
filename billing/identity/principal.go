package identity

import (
	"errors"
	"fmt"
	"slices"

	"github.com/google/uuid"

	"tollhouse/billing/tenant"
)

// PrincipalKind says what is speaking.
type PrincipalKind string

// The kinds of principal.
const (
	UserPrincipal  PrincipalKind = "user"
	KeyPrincipal   PrincipalKind = "key"
	StaffPrincipal PrincipalKind = "staff" // hosting staff on a visit
)

// Principal is somebody who has shown who they are, in one tenant.
type Principal struct {
	Kind      PrincipalKind
	UserID    uuid.UUID // the user's, or the API key's
	Role      Role
	AccountID uuid.UUID // a subscriber's own account, else zero
	Tenant    tenant.ID
	Session   uuid.UUID // zero for an API key

	granted []Permission // beyond the role's in the table: a custom role's, a visit's
	unseen  bool         // its session was last noted more than a minute ago
}

// Errors of the rights to do something.
var (
	ErrUnauthenticated = errors.New("not signed in, or not any more")
	ErrForbidden       = errors.New("not allowed for this role")
)

// May says whether the principal has a permission. A role that is neither built
// in nor stored has none.
func (p Principal) May(permission Permission) bool {
	return p.Role.May(permission) || slices.Contains(p.granted, permission)
}

// Require returns an error wrapping ErrForbidden unless the principal has a
// permission.
func (p Principal) Require(permission Permission) error {
	if !p.May(permission) {
		return fmt.Errorf("%s needs %s: %w", p.Role, permission, ErrForbidden)
	}
	return nil
}

// Permissions lists what the principal may do, sorted.
func (p Principal) Permissions() []Permission {
	all := append(p.Role.Permissions(), p.granted...)
	slices.Sort(all)
	return slices.Compact(all)
}

// Actor names the principal in the audit trail and to the idempotency store.
func (p Principal) Actor() string { return string(p.Kind) + ":" + p.UserID.String() }
