package main

import (
	"context"
	"net/http"
	"os"

	"tollhouse/api"
	"tollhouse/billing"
	"tollhouse/billing/tenant"
	"tollhouse/provisioning"
	"tollhouse/tenants"
)

// demoSecondDB is a second host database, empty at first: stacks can be moved
// there and back.
const demoSecondDB = "tollhouse_second"

// demoSecondRoom is less than the first has left, so that new operators go to
// the first: the demo's mailbox and its doors are there.
const demoSecondRoom = 20

// second makes the second host and its handler, and tells the registry.
func (d *demoRun) second(ctx context.Context, control *api.Control, publicURL string, provider func(*plant) cards) (hosted, error) {
	data := d.folder.file("second")
	if err := os.MkdirAll(data, 0o700); err != nil {
		return hosted{}, err
	}
	if err := d.server.MigrateHost(ctx, demoSecondDB); err != nil {
		return hosted{}, err
	}
	if err := d.server.MigrateSlots(ctx, demoSecondDB, func(int, int) {}); err != nil {
		return hosted{}, err
	}
	p := &plant{log: d.plant.log, box: d.plant.box, passwords: d.plant.passwords, networks: d.plant.networks, reachable: d.plant.reachable, control: d.plant.control}
	d.plant.onStop(p.close)
	host, err := p.startHost(ctx, d.server, demoSecondDB, data, publicURL, provider(p), nil)
	if err != nil {
		return hosted{}, err
	}
	err = control.DB.Write(ctx, func(ctx context.Context, tx tenants.Tx) error {
		_, err := provisioning.PutHostDatabase(ctx, tx, tenants.System, d.plant.box, provisioning.NewHostDatabase{Name: demoSecondDB, Database: demoSecondDB,
			URL: d.server.AdminURL("postgres"), Kind: provisioning.Pooled, Capacity: demoSecondRoom, Open: true})
		return err
	})
	if err != nil {
		return hosted{}, err
	}
	handler, err := p.webHandler(api.Config{Host: host, Ready: ready(host.Ready), PublicURL: publicURL}, withPages(pageSources{host: host, publicURL: publicURL, doors: doors(host)}, d.plant.log))
	return hosted{host.DB(), handler}, err
}

// before puts the front before both hosts.
func before(first *billing.Host, handler http.Handler, second hosted) http.Handler {
	return newFront(hosted{first.DB(), handler}, second)
}

// where finds a tenant in the databases of the demo.
func where(ctx context.Context, dbs []*tenant.DB, id tenant.ID) (ref tenant.Ref, err error) {
	err = tenant.ErrUnknown
	for _, db := range dbs {
		if ref, err = db.ByID(ctx, id); err == nil {
			return ref, nil
		}
	}
	return ref, err
}
