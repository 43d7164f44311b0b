package bench

import (
	"context"
	"fmt"
	"path/filepath"
	"sync/atomic"
	"time"

	"github.com/google/uuid"

	"tollhouse/billing"
	"tollhouse/billing/agenda"
	"tollhouse/billing/money"
	"tollhouse/billing/tenant"
	"tollhouse/infra/local"
	"tollhouse/infra/postgres"
	"tollhouse/provisioning"
	"tollhouse/tenants"
)

// house is a host with live operators whose wall time we set, so that a month
// passes when we say so. Nothing runs by itself: its agenda is worked by the
// same handlers that jobs call, when asked to.
type house struct {
	*plant
	month month
	clock *clock
	host  *billing.Host
	cloud *local.Cloud
	made  int // operators
}

// clock is a wall clock that stands where it was put.
type clock struct{ micros atomic.Int64 }

func (c *clock) set(at time.Time) { c.micros.Store(at.UnixMicro()) }

func (c *clock) now() time.Time { return time.UnixMicro(c.micros.Load()) }

// hostConnections is as many as the product's host has.
const hostConnections = 24

// openHouse starts a host on the first of the month.
func openHouse(ctx context.Context) (_ *house, err error) {
	may, err := may()
	if err != nil {
		return nil, err
	}
	p, err := startPlant(ctx)
	if err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			p.close()
		}
	}()
	if err := p.server.MigrateHost(ctx, hostDatabase); err != nil {
		return nil, err
	}
	pool, err := p.pool(ctx, postgres.RoleApp, hostDatabase, hostConnections)
	if err != nil {
		return nil, err
	}
	h := &house{plant: p, month: may, clock: &clock{}}
	h.clock.set(may.from)
	db := tenant.Open(pool, h.clock.now)
	h.host = billing.NewHost(billing.Config{DB: db, Identity: p.authority, Seal: p.box.Tenants(),
		Inbox: filepath.Join(p.dir, "inbox"), PublicURL: "http://localhost", Now: h.clock.now, Log: p.log})
	h.cloud, err = local.Open(ctx, local.Config{Server: p.server, Host: hostDatabase, DB: db, Identity: p.authority,
		Seal: p.box.Tenants(), Now: h.clock.now, Log: p.log})
	if err != nil {
		return nil, err
	}
	p.onStop(h.cloud.Close)
	return h, nil
}

// operator makes the stack of a German operator whose prices include tax.
func (h *house) operator(ctx context.Context) (*billing.Stack, error) {
	h.made++
	name := fmt.Sprintf("operator-%d", h.made)
	place, err := h.cloud.Choose(ctx, "")
	if err != nil {
		return nil, err
	}
	hash, err := h.passwords.Hash(ctx, uuid.NewString())
	if err != nil {
		return nil, err
	}
	err = h.cloud.Ensure(ctx, provisioning.Wanted{Epoch: 1, Place: place, OwnerPasswordHash: hash, Operator: tenants.Operator{
		ID: tenant.NewID(), Name: name, DisplayName: "Hanse Mobil", LegalName: "Hanse Mobil GmbH", Country: "DE",
		OwnerEmail: "owner@" + name + ".example", CreatedBy: "bench", CreatedAt: h.clock.now(),
		Settings: tenants.Settings{Zone: zoneName, Currency: money.MustCurrency("EUR"), Language: "en", PricesIncludeTax: true,
			LegalEntity: tenants.LegalEntity{Address: tenants.Address{Street: "Hafenstraße 1", Postcode: "20457", City: "Hamburg"}, TaxID: "DE123456789"}},
	}})
	if err != nil {
		return nil, fmt.Errorf("make stack %s: %w", name, err)
	}
	return h.host.Resolve(ctx, name)
}

// work works a lane of a stack's agenda until nothing is due, as jobs do.
func (h *house) work(ctx context.Context, s *billing.Stack, lane agenda.Lane) error {
	for {
		again, err := h.host.Work(ctx, s.Ref.ID, lane)
		if err != nil || !again {
			return err
		}
	}
}
