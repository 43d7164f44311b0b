package provisioning

import (
	"context"

	"tollhouse/billing/tenant"
	"tollhouse/tenants"
)

// PlacedIn reads where an operator's stack stands; ErrNotReady if it does not,
// ErrOwnMachines if it does so on machines of the operator's own.
func PlacedIn(ctx context.Context, tx tenants.Tx, operator tenant.ID) (Placed, error) {
	return placed(ctx, tx, operator)
}

// ReasonOf is what staff are told of an error: its Fault's words, or that the
// log says what.
func ReasonOf(err error) string { return reason(err) }
