package provisioning

import (
	"context"
	"errors"
	"fmt"

	"tollhouse/billing/identity"
	"tollhouse/billing/tenant"
	"tollhouse/tenants"
)

// Place is where a stack stands, or will.
type Place struct {
	Host string // host database
	Slot tenant.Slot
}

// IsZero says whether it is no place yet.
func (p Place) IsZero() bool { return p == Place{} }

// Wanted is a stack as it should be.
type Wanted struct {
	Operator          tenants.Operator
	OwnerPasswordHash identity.PasswordHash // of the owner's first password
	Epoch             int64                 // placement epoch
	Place             Place
}

// Cloud is where stacks are made.
type Cloud interface {
	// Choose names a place in a host database where a stack could stand; without
	// one, where it makes stacks unless told. It binds nothing: the
	// place is the stack's once provisioning has written it down. A place that
	// was chosen before may come again only if others are used up.
	Choose(ctx context.Context, host string) (Place, error)

	// Ensure looks for the wanted stack at its place and makes what is not
	// there. When it returns without error the stack answers. It may be cut off
	// at any point and called again, also while an earlier call still runs.
	Ensure(ctx context.Context, want Wanted) error

	// Stand has a stack obey its operator's standing. One that has heard of a
	// later change already stays as it is.
	Stand(ctx context.Context, at Placed, standing tenants.Standing) error

	Doors
	Inspector
	Copier
}

// Placed is a stack that stands.
type Placed struct {
	Operator tenants.Operator
	Place    Place
	Epoch    int64
}

// Fault is a failure that people are told: what is wrong, in plain words.
type Fault struct {
	Reason string
	Err    error
}

// Because gives an error the reason that staff read.
func Because(reason string, err error) error { return &Fault{Reason: reason, Err: err} }

func (f *Fault) Error() string { return fmt.Sprintf("%s: %v", f.Reason, f.Err) }

func (f *Fault) Unwrap() error { return f.Err }

// reason is what the state shows for an error. Inner texts go to the log only.
func reason(err error) string {
	if f := (*Fault)(nil); errors.As(err, &f) {
		return f.Reason
	}
	if errors.Is(err, context.DeadlineExceeded) {
		return "It took too long."
	}
	return "Something unexpected went wrong; the log says what."
}
