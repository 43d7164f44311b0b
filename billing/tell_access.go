package billing

import (
	"context"

	"tollhouse/billing/access"
	"tollhouse/billing/agenda"
	"tollhouse/billing/tenant"
)

// tellAccess tells the network what a service may do: its pending intent. The
// call is made outside any transaction; told twice is no harm.
func (s *Stack) tellAccess(ctx context.Context, item agenda.Item) error {
	var order access.Order
	var found bool
	err := s.Read(ctx, func(ctx context.Context, tx tenant.Tx) (err error) {
		order, found, err = access.Waiting(ctx, tx, item.Ref)
		return err
	})
	if err != nil || !found {
		return err
	}
	receipt, cause := access.Receipt{}, access.ErrNoNetwork
	switch {
	case s.Ref.Sandbox:
		receipt, cause = access.Recorder{}.Deliver(ctx, order)
	case s.host.config.Access != nil:
		receipt, cause = s.host.config.Access.Deliver(ctx, order)
	}
	if ctx.Err() != nil {
		return ctx.Err() // stopped: asked again later
	}
	return s.Write(ctx, func(ctx context.Context, tx tenant.Tx) error { return access.Tried(ctx, tx, order, receipt, cause) })
}
