package local

import (
	"context"

	"github.com/google/uuid"

	"tollhouse/billing/tenant"
	"tollhouse/billing/visit"
	"tollhouse/provisioning"
	"tollhouse/tenants"
)

// Consent implements provisioning.Doors.
func (c *Cloud) Consent(ctx context.Context, at provisioning.Placed) (found visit.Consent, err error) {
	err = c.config.DB.Read(ctx, refOf(at), func(ctx context.Context, tx tenant.Tx) (err error) {
		found, err = visit.OpenConsent(ctx, tx, c.config.Now().UTC())
		return err
	})
	return found, err
}

// Enter implements provisioning.Doors.
func (c *Cloud) Enter(ctx context.Context, at provisioning.Placed, by tenants.Actor) (begun visit.Begun, err error) {
	err = c.config.DB.Write(ctx, refOf(at), func(ctx context.Context, tx tenant.Tx) (err error) {
		begun, err = visit.BeginConsented(ctx, tx, c.staff(by), visit.Person{ID: by.ID, Email: by.Email})
		return err
	})
	return begun, err
}

// BreakIn implements provisioning.Doors.
func (c *Cloud) BreakIn(ctx context.Context, at provisioning.Placed, by tenants.Actor, e visit.Emergency) (begun visit.Begun, err error) {
	err = c.config.DB.Write(ctx, refOf(at), func(ctx context.Context, tx tenant.Tx) (err error) {
		begun, err = visit.BeginEmergency(ctx, tx, c.staff(by), e)
		return err
	})
	return begun, err
}

// Visit implements provisioning.Doors.
func (c *Cloud) Visit(ctx context.Context, at provisioning.Placed, id uuid.UUID) (found visit.Visit, err error) {
	err = c.config.DB.Read(ctx, refOf(at), func(ctx context.Context, tx tenant.Tx) (err error) {
		found, err = visit.Get(ctx, tx, id)
		return err
	})
	return found, err
}

// Leave implements provisioning.Doors.
func (c *Cloud) Leave(ctx context.Context, at provisioning.Placed, by tenants.Actor, id uuid.UUID) error {
	return c.config.DB.Write(ctx, refOf(at), func(ctx context.Context, tx tenant.Tx) error {
		return visit.End(ctx, tx, c.staff(by), id)
	})
}
