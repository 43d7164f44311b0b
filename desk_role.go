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
	"tollhouse/provisioning/machine"
	"tollhouse/tenants"
)

// silenceEvery is how often the control plane looks for machines that say nothing.
const silenceEvery = 15 * time.Second

// deskConfig is what a control plane tells machines with.
type deskConfig struct {
	URL      string        // where they reach it
	Programs string        // folder with versions of the program beside the one that runs
	Domain   string        // in which dedicated stacks have their names; may be empty
	HTTPS    machine.HTTPS // the authority of their certificates
}

// openDesk has the control plane take machines in, hear them and give them the
// program, and look after the hardware they run on.
func (p *plant) openDesk(ctx context.Context, control *api.Control, config deskConfig) {
	given := enrolment.NewPrograms(config.Programs)
	desk := enrol.New(enrol.Config{DB: control.DB, Seal: p.box, URL: config.URL, Binary: given.Own, Wanted: wantedVersion, Hosting: p.house, TakeOuts: control.TakeOuts,
		Address: siteAddress, Domain: config.Domain, HTTPS: config.HTTPS, Log: p.log})
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

// siteAddress is where a site's first machine is reached.
func siteAddress(ctx context.Context, tx tenants.Tx, site uuid.UUID) (string, error) {
	address, err := fleet.AddressOf(ctx, tx, provisioning.SiteID(site))
	if errors.Is(err, tenants.ErrNotFound) {
		return "", nil
	}
	return address, err
}
