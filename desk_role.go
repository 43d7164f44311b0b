package main

import (
	"context"
	"errors"
	"time"

	"github.com/google/uuid"

	"tollhouse/api"
	"tollhouse/infra/enrolment"
	"tollhouse/provisioning"
	"tollhouse/provisioning/enrol"
	"tollhouse/provisioning/fleet"
	"tollhouse/provisioning/hardware"
	"tollhouse/tenants"
)

// silenceEvery is how often the control plane looks for machines that say nothing.
const silenceEvery = 15 * time.Second

// openDesk has the control plane take machines in, hear them and give them the
// program, and look after the hardware they run on.
func (p *plant) openDesk(ctx context.Context, control *api.Control, url, programs string) {
	given := enrolment.NewPrograms(programs)
	desk := enrol.New(enrol.Config{DB: control.DB, Seal: p.box, URL: url, Binary: given.Own, Wanted: wantedVersion, Hosting: p.house, Log: p.log})
	control.Desk, control.Programs = desk, given
	p.until(ctx, func(ctx context.Context) {
		tick := time.NewTicker(silenceEvery)
		defer tick.Stop()
		for {
			select {
			case <-ctx.Done():
				return
			case <-tick.C:
			}
			if err := desk.LookForSilence(ctx); err != nil && ctx.Err() == nil {
				p.log.Error("silent machines not looked for", "error", err)
			}
			if err := hardware.Look(ctx, control.DB); err != nil && ctx.Err() == nil {
				p.log.Error("hardware not looked after", "error", err)
			}
		}
	})
}

// wantedVersion is the version of the program that a site's machines are to run.
func wantedVersion(ctx context.Context, tx tenants.Tx, site uuid.UUID) (string, error) {
	digest, err := fleet.WantedVersion(ctx, tx, provisioning.SiteID(site))
	if errors.Is(err, tenants.ErrNotFound) { // its site is gone from the registry
		return "", nil
	}
	return digest, err
}
