package local

import (
	"context"
	"time"

	"tollhouse/billing/account"
	"tollhouse/billing/audit"
	"tollhouse/billing/tenant"
	"tollhouse/provisioning"
	"tollhouse/tenants"
)

// refOf is a stack as its host knows it.
func refOf(at provisioning.Placed) tenant.Ref {
	return tenant.Ref{ID: at.Operator.ID, Name: at.Operator.Name, Slot: at.Place.Slot, Epoch: at.Epoch, Sandbox: at.Operator.Sandbox}
}

// job is the caller of what provisioning does by itself.
func (c *Cloud) job() audit.Caller {
	return audit.Caller{Actor: "job:provisioning", WallAt: c.config.Now().UTC().Truncate(time.Microsecond)}
}

// staff is the caller of what a staff user does in a stack.
func (c *Cloud) staff(by tenants.Actor) audit.Caller {
	caller := c.job()
	caller.Actor, caller.Trace = by.String(), by.Trace
	return caller
}

// Stand writes the operator's standing into its stack, which obeys its own row.
func (c *Cloud) Stand(ctx context.Context, at provisioning.Placed, s tenants.Standing) error {
	wanted := account.Standing{State: account.StandingState(s.State), Since: s.SuspendedAt, ServiceUntil: s.ServiceUntil()}
	err := c.config.DB.Write(ctx, refOf(at), func(ctx context.Context, tx tenant.Tx) error {
		changed, err := account.SetStanding(ctx, tx, s.No, wanted)
		if err != nil || !changed {
			return err
		}
		detail := map[string]any{"standing": wanted.State, "number": s.No}
		if s.State != tenants.Active {
			detail["service_until"] = wanted.ServiceUntil
		}
		return audit.Record(ctx, tx, audit.Entry{Caller: c.job(), Action: "operator.standing", Object: "operator", Detail: detail})
	})
	if err != nil {
		return provisioning.Because("The stack did not take the operator's standing.", err)
	}
	return nil
}
