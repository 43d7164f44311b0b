package identity

import (
	"errors"
	"fmt"

	"github.com/google/uuid"

	"tollhouse/billing/tenant"
)

// PrincipalKind says what is speaking.
type PrincipalKind string

// The kinds of principal.
const (
	UserPrincipal PrincipalKind = "user"
	KeyPrincipal  PrincipalKind = "key"
)

// Principal is somebody who has shown who they are, in one tenant.
type Principal struct {
	Kind      PrincipalKind
	UserID    uuid.UUID // the user's, or the API key's
	Role      Role
	AccountID uuid.UUID // a subscriber's own account, else zero
	Tenant    tenant.ID
	Session   uuid.UUID // zero for an API key
}

// Errors of the rights to do something.
var (
	ErrUnauthenticated = errors.New("not signed in, or not any more")
	ErrForbidden       = errors.New("not allowed for this role")
)

// Require returns an error wrapping ErrForbidden unless the principal has a
// permission.
func (p Principal) Require(permission Permission) error {
	if !p.Role.May(permission) {
		return fmt.Errorf("%s needs %s: %w", p.Role, permission, ErrForbidden)
	}
	return nil
}

// Actor names the principal in the audit trail and to the idempotency store.
func (p Principal) Actor() string { return string(p.Kind) + ":" + p.UserID.String() }
