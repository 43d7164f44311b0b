package main

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"time"

	"tollhouse/api"
	"tollhouse/billing/identity"
	"tollhouse/billing/tenant"
	"tollhouse/billing/visit"
	"tollhouse/infra/local"
	"tollhouse/infra/postgres"
	"tollhouse/infra/secrets"
	"tollhouse/provisioning"
	"tollhouse/provisioning/backup"
	"tollhouse/provisioning/move"
	"tollhouse/tenants"
)

// reachHosts makes the home reach all host databases that the registry knows.
func (p *plant) reachHosts(ctx context.Context, db *tenants.DB, home *local.Cloud, known provisioning.NewHostDatabase) (*local.Fleet, error) {
	err := db.Write(ctx, func(ctx context.Context, tx tenants.Tx) error {
		_, err := provisioning.HostDatabaseOf(ctx, tx, known.Name)
		if errors.Is(err, provisioning.ErrNoHost) {
			_, err = provisioning.PutHostDatabase(ctx, tx, tenants.System, p.box, known)
		}
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("write down the home of stacks: %w", err)
	}
	fleet := local.NewFleet(home,
		func(ctx context.Context, name string) (local.Config, error) { return p.reach(ctx, db, name) },
		func(ctx context.Context) (names []string, err error) {
			err = db.Read(ctx, func(ctx context.Context, tx tenants.Tx) error {
				hosts, err := provisioning.HostDatabases(ctx, tx)
				for _, h := range hosts {
					names = append(names, h.Name)
				}
				return err
			})
			return names, err
		})
	p.onStop(fleet.Close)
	return fleet, nil
}

// reach says how a host database of the registry is reached.
func (p *plant) reach(ctx context.Context, db *tenants.DB, name string) (local.Config, error) {
	var link string
	var host provisioning.HostDatabase
	err := db.Read(ctx, func(ctx context.Context, tx tenants.Tx) (err error) {
		if host, err = provisioning.HostDatabaseOf(ctx, tx, name); err == nil {
			link, err = host.URL(p.box)
		}
		return err
	})
	if err != nil {
		return local.Config{}, err
	}
	server := postgres.NewServer(link, p.box.Derive)
	ctx = context.WithoutCancel(ctx)
	keyPool, err := p.pool(ctx, server, postgres.RoleKeyring, host.Database, keyringConnections)
	if err != nil {
		return local.Config{}, err
	}
	pool, err := p.pool(ctx, server, postgres.RoleApp, host.Database, controlConnections)
	if err != nil {
		return local.Config{}, err
	}
	keys := secrets.NewKeyring(p.box, keyPool, time.Now)
	return local.Config{Server: server, Host: name, Database: host.Database, DB: tenant.Open(pool, time.Now), Seal: keys,
		Identity: identity.New(p.passwords, keys, time.Now, identity.WithVisits(visit.Recognise(time.Now))), Now: time.Now, Log: p.log}, nil
}

// stocksEvery is how often other host databases' stocks are looked after.
const stocksEvery = 5 * time.Second

// keepStocks keeps empty slots ready in the open host databases for many besides
// the home, until ctx ends: new stacks go where most room is.
func (p *plant) keepStocks(ctx context.Context, db *tenants.DB, fleet *local.Fleet, home string, want int) {
	tick := time.NewTicker(stocksEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		var hosts []provisioning.HostDatabase
		err := db.Read(ctx, func(ctx context.Context, tx tenants.Tx) (err error) {
			hosts, err = provisioning.HostDatabases(ctx, tx)
			return err
		})
		for _, h := range hosts {
			if h.Name != home && h.Kind == provisioning.Pooled && h.Open && h.Stacks < h.Capacity {
				err = errors.Join(err, fleet.Fill(ctx, h.Name, min(want, h.Capacity-h.Stacks)))
			}
		}
		if err != nil && ctx.Err() == nil {
			p.log.Warn("stocks of slots not all filled", "error", err)
		}
	}
}

// startKeeping gives the control plane its moves and take-outs. Files are kept
// in the data folder; without one next to nothing can be kept.
func (p *plant) startKeeping(ctx context.Context, control *api.Control, fleet *local.Fleet, data string) {
	control.Seal, control.Ends = p.box, fleet
	control.Mover = move.New(control.DB, fleet, move.Config{}, p.log)
	control.Mover.Start(context.WithoutCancel(ctx))
	p.onStop(control.Mover.Stop)
	control.TakeOuts = backup.NewTakeOuts(control.DB, fleet, local.NewVault(filepath.Join(data, "take-outs"), p.box))
	p.onStop(control.TakeOuts.Stop)
	if err := control.TakeOuts.Resume(ctx); err != nil {
		p.log.Error("take-outs that were delivered are not gone on with; the next start tries again", "error", err)
	}
}
