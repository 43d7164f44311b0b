package identity

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"

	"tollhouse/billing/tenant"
)

// visitorRole is what a visitor's role is called. It stands in no table: what a
// visitor may do is granted to the one visit.
const visitorRole Role = "staff"

// Visits finds the visit of hosting staff behind a session id; false if there
// is none that is open.
type Visits func(ctx context.Context, tx tenant.Tx, session uuid.UUID) (Principal, bool, error)

// WithVisits lets an authority recognise hosting staff on a visit.
func WithVisits(visits Visits) Option { return func(a *Authority) { a.visits = visits } }

// Visitor is hosting staff on a visit: they may read all that the operator's
// own people may, and with mayChange do what Support does.
func Visitor(id tenant.ID, staff, session uuid.UUID, mayChange bool) Principal {
	var granted []Permission
	for _, role := range builtIn {
		for _, p := range role.Permissions() {
			if strings.HasSuffix(string(p), ".read") && !p.self() {
				granted = append(granted, p)
			}
		}
	}
	if mayChange {
		granted = append(granted, Support.Permissions()...)
	}
	slices.Sort(granted)
	return Principal{Kind: StaffPrincipal, UserID: staff, Role: visitorRole, Tenant: id, Session: session, granted: slices.Compact(granted)}
}

// SignVisit makes the token of a visit, signed by the stack as any other of its
// tokens; it ends with the visit, or an hour from now.
func (a *Authority) SignVisit(ctx context.Context, tx tenant.Tx, staff, visit uuid.UUID, ends time.Time) (token string, expires time.Time, err error) {
	return a.sign(ctx, tx, Claims{Subject: staff, Session: visit, Role: string(visitorRole)}, ends)
}

// visitorOf looks for a visit where there is no session of a user.
func (a *Authority) visitorOf(ctx context.Context, tx tenant.Tx, c Claims) (Principal, error) {
	if a.visits == nil {
		return Principal{}, ErrUnauthenticated
	}
	p, found, err := a.visits(ctx, tx, c.Session)
	if err != nil {
		return Principal{}, err
	}
	if !found || p.Kind != StaffPrincipal || p.UserID != c.Subject || p.Session != c.Session || p.Tenant != tx.Tenant {
		return Principal{}, ErrUnauthenticated
	}
	return p, nil
}
