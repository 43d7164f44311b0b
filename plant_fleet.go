package main

import (
	"context"
	"fmt"
	"time"

	"tollhouse/api"
	"tollhouse/infra/local/site"
	"tollhouse/provisioning"
	"tollhouse/provisioning/fleet"
	"tollhouse/provisioning/pair"
)

// localClouds are the clouds of sites that this machine can be: one, if it has
// a folder for them.
func localClouds(folder string) (fleet.Clouds, error) {
	if folder == "" {
		return fleet.Clouds{}, nil
	}
	cloud, err := site.Open(folder, time.Now)
	if err != nil {
		return nil, err
	}
	return fleet.Clouds{"local": {Sites: cloud, Place: fmt.Sprintf("this machine, %s", folder)}}, nil
}

// startFleet keeps sites of dedicated stacks in the clouds that are set up.
// Hosts and backups may be nil: sites then wait, and say what for.
func (p *plant) startFleet(ctx context.Context, control *api.Control, clouds fleet.Clouds, hosts provisioning.Hosts, backups provisioning.FinalBackups) {
	if backups == nil {
		kept := fleet.NewTakeOuts(control.DB, control.TakeOuts, p.log)
		p.onStop(kept.Stop)
		backups = kept
	}
	for name, sites := range p.clouds {
		clouds[name] = fleet.Cloud{Sites: sites, Place: name}
	}
	for name, c := range clouds {
		if here, is := c.Sites.(*site.Cloud); is {
			p.until(ctx, pair.NewKeeper(control.DB, here.Servers(), pair.Config{Clouds: []string{name}}, p.log).Run)
		}
	}
	reconciler := fleet.New(fleet.Parts{DB: control.DB, Clouds: clouds, Hosts: hosts, Backups: backups, Seal: p.box, Log: p.log}, fleet.Config{})
	control.Fleet = fleet.NewFleet(control.DB, clouds, reconciler.Wake)
	reconciler.Start(context.WithoutCancel(ctx))
	p.onStop(reconciler.Stop)
}
