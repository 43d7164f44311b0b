package main

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"os"
	"path/filepath"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/labstack/echo/v4"

	"tollhouse/api"
	"tollhouse/billing"
	"tollhouse/billing/account"
	"tollhouse/billing/agenda"
	"tollhouse/billing/identity"
	"tollhouse/billing/payment"
	"tollhouse/billing/tenant"
	"tollhouse/billing/visit"
	"tollhouse/infra/jobs"
	"tollhouse/infra/local"
	"tollhouse/infra/network"
	"tollhouse/infra/postgres"
	"tollhouse/infra/redirect"
	"tollhouse/infra/secrets"
	"tollhouse/infra/sms"
	"tollhouse/infra/taxengine"
	"tollhouse/infra/vies"
	"tollhouse/infra/webhook"
	"tollhouse/provisioning"
	"tollhouse/provisioning/backup"
	"tollhouse/provisioning/guarantee"
	"tollhouse/tenants"
	housebooks "tollhouse/tenants/house"
)

// Pools are small: backends cost memory for each tenant and table they touch.
const (
	appConnections     = 24
	riverConnections   = 6
	controlConnections = 12
	keyringConnections = 3
	jobWorkers         = 4
	stopGrace          = 20 * time.Second
)

// plant is what runs in one process. Whatever it starts, close stops, in
// reverse order.
type plant struct {
	accounts  ownAccounts // operators\' own, at payment providers
	log       *slog.Logger
	box       *secrets.Box
	keys      *secrets.Keyring
	passwords *identity.Passwords
	authority *identity.Authority
	control   *tenants.DB                   // nil where the control plane is another process
	vies      string                        // address of the register of VAT ids; empty: the official one
	networks  []netip.Prefix                // private ones whose elements may be called back
	reachable []netip.Prefix                // private ones that operators may let their webhooks reach
	clouds    map[string]provisioning.Sites // where dedicated stacks' machines are made, by name
	data      string                        // folder of what the control plane keeps in files
	house     *housebooks.Worker            // of the control plane
	stops     []func()
}

func newPlant(log *slog.Logger, keyFile string) (*plant, error) {
	box, err := secrets.Load(keyFile)
	if err != nil {
		return nil, err
	}
	return newPlantOf(log, box)
}

func newPlantOf(log *slog.Logger, box *secrets.Box) (*plant, error) {
	passwords, err := identity.NewPasswords()
	if err != nil {
		return nil, err
	}
	return &plant{log: log, box: box, passwords: passwords}, nil
}

// openKeys makes what seals for the stacks of a host database, and the
// authority that needs it, once for the process.
func (p *plant) openKeys(ctx context.Context, server *postgres.Server, hostDB string) error {
	if p.keys != nil {
		return nil
	}
	pool, err := p.pool(ctx, server, postgres.RoleKeyring, hostDB, keyringConnections)
	if err != nil {
		return err
	}
	p.keysBy(pool)
	return nil
}

// keysBy seals by the data keys that a pool of the keyring's role reads.
func (p *plant) keysBy(pool *pgxpool.Pool) {
	p.keys = secrets.NewKeyring(p.box, pool, time.Now)
	p.authority = identity.New(p.passwords, p.keys, time.Now, identity.WithVisits(visit.Recognise(time.Now)))
}

func (p *plant) onStop(stop func()) { p.stops = append(p.stops, stop) }

func (p *plant) close() {
	for i := len(p.stops) - 1; i >= 0; i-- {
		p.stops[i]()
	}
	p.stops = nil
}

func (p *plant) pool(ctx context.Context, server *postgres.Server, role, database string, size int32) (*pgxpool.Pool, error) {
	pool, err := server.Pool(ctx, role, database, size)
	if err != nil {
		return nil, fmt.Errorf("connect as %s: %w", role, err)
	}
	p.onStop(pool.Close)
	return pool, nil
}

// cards is a card provider with its webhooks.
type cards interface {
	payment.CardProvider
	payment.EventReader
}

// startHost makes a host on a prepared database and works its agenda.
func (p *plant) startHost(ctx context.Context, server *postgres.Server, database, data, publicURL string, provider cards, messages billing.MessageSender) (*billing.Host, error) {
	if err := p.openKeys(ctx, server, database); err != nil {
		return nil, err
	}
	appPool, err := p.pool(ctx, server, postgres.RoleApp, database, appConnections)
	if err != nil {
		return nil, err
	}
	riverPool, err := p.pool(ctx, server, postgres.RoleRiver, database, riverConnections)
	if err != nil {
		return nil, err
	}
	host := billing.NewHost(billing.Config{
		DB: tenant.Open(appPool, time.Now), Identity: p.authority, Seal: p.keys, Cards: provider, Webhooks: provider, Online: redirect.New(p.accounts.redirect, time.Now), Messages: messages, SMS: sms.Gateway{}, Anchors: p.anchors, Network: network.New(p.networks),
		TaxEngine: &taxengine.Client{Allowed: p.reachable}, TaxIDs: vies.New(cmp.Or(p.vies, vies.Official)),
		Programs: &webhook.Sender{Now: time.Now}, Reachable: p.reachable,
		Inbox: filepath.Join(data, "inbox"), PublicURL: publicURL, Now: time.Now, Log: p.log,
	})
	p.accounts.host.Store(host)
	p.onStop(func() {
		last, cancel := context.WithTimeout(context.Background(), stopGrace)
		defer cancel()
		if err := host.Stop(last); err != nil {
			p.log.Warn("charging did not stop in good order", "error", err)
		}
	})
	name, err := processName(data)
	if err != nil {
		return nil, err
	}
	queue, err := jobs.New(jobs.Config{Name: name, Pool: riverPool, Schema: postgres.RiverSchema, Workers: jobWorkers, Log: p.log,
		Work: func(ctx context.Context, id tenant.ID, lane agenda.Lane) (bool, error) {
			return host.Work(ctx, id, lane)
		}})
	if err != nil {
		return nil, err
	}
	if err := queue.Start(context.WithoutCancel(ctx)); err != nil {
		return nil, fmt.Errorf("start job queue: %w", err)
	}
	p.onStop(func() {
		last, cancel := context.WithTimeout(context.Background(), stopGrace)
		defer cancel()
		if err := queue.Stop(last); err != nil {
			p.log.Warn("job queue did not stop in good order", "error", err)
		}
	})
	dispatch, stop := context.WithCancel(context.WithoutCancel(ctx))
	done := make(chan struct{})
	go func() {
		defer close(done)
		host.Dispatch(dispatch, queue)
	}()
	p.until(ctx, host.KeepSealing)
	p.until(ctx, func(ctx context.Context) { host.KeepShares(ctx, name) })
	p.until(ctx, host.KeepSigningTakings)
	p.onStop(func() { stop(); <-done })
	return host, nil
}

// processName is the same after a restart and no other process's: a data folder
// belongs to one.
func processName(data string) (string, error) {
	machine, err := os.Hostname()
	if err != nil {
		return "", err
	}
	folder, err := filepath.Abs(data)
	if err != nil {
		return "", err
	}
	sum := sha256.Sum256([]byte(machine + ":" + folder))
	return "host-" + hex.EncodeToString(sum[:12]), nil
}

// startControl makes the control plane, which places stacks on one host
// database through the local adapter.
func (p *plant) startControl(ctx context.Context, control *postgres.Server, database string, host *postgres.Server, hostDB string, stock int) (*api.Control, *local.StockKeeper, error) {
	if err := p.openKeys(ctx, host, hostDB); err != nil {
		return nil, nil, err
	}
	pool, err := p.pool(ctx, control, postgres.RoleControl, database, controlConnections)
	if err != nil {
		return nil, nil, err
	}
	hostPool, err := p.pool(ctx, host, postgres.RoleApp, hostDB, controlConnections)
	if err != nil {
		return nil, nil, err
	}
	hostStacks := tenant.Open(hostPool, time.Now)
	cloud, err := local.Open(ctx, local.Config{Server: host, Host: hostDB, DB: hostStacks, Identity: p.authority,
		Seal: p.keys, Now: time.Now, Log: p.log})
	if err != nil {
		return nil, nil, err
	}
	p.onStop(cloud.Close)
	db := tenants.Open(pool, time.Now)
	p.control = db
	fleet, err := p.reachHosts(ctx, db, cloud, provisioning.NewHostDatabase{Name: hostDB, Database: hostDB, URL: host.AdminURL("postgres"),
		Kind: provisioning.Pooled, Capacity: 300, Open: true})
	if err != nil {
		return nil, nil, err
	}
	p.until(ctx, func(ctx context.Context) { p.keepAnchoring(ctx, db, fleet) })
	p.until(ctx, func(ctx context.Context) { p.keepGathering(ctx, db, fleet) })
	p.house = p.houseWorker(db, fleet)
	p.until(ctx, p.house.Keep)
	reconciler := provisioning.New(db, fleet, provisioning.Config{}, p.log)
	reconciler.Start(context.WithoutCancel(ctx))
	p.onStop(reconciler.Stop)
	keeper := local.NewStockKeeper(cloud, stock, time.Second)
	p.onStop(keeper.Stop)
	made := &api.Control{
		DB:       db,
		Commands: tenants.NewCommands(db, p.box),
		Registry: tenants.NewRegistry(reconciler, p.passwords, knowsTaxesOf, time.Now),
		Staff:    tenants.NewStaff(db, p.passwords, p.box, time.Now),
		Visits:   provisioning.NewVisits(db, fleet, p.log),
		Watch:    provisioning.NewWatch(fleet, time.Now),
	}
	p.startKeeping(ctx, made, fleet, p.data)
	p.until(ctx, guarantee.NewKeeper(db, fleet, p.log).Run)
	p.until(ctx, func(ctx context.Context) { backup.Watch(ctx, db, p.log) })
	p.until(ctx, func(ctx context.Context) { provisioning.WatchPool(ctx, db, p.log) })
	p.until(ctx, func(ctx context.Context) { p.keepStocks(ctx, db, fleet, hostDB, stock) })
	return made, keeper, nil
}

// webHandler is the API, with what else is served beside it.
func (p *plant) webHandler(config api.Config, more ...func(*echo.Echo) error) (http.Handler, error) {
	config.Authority, config.Passwords, config.Log, config.Now = p.authority, p.passwords, p.log, time.Now
	e, err := api.New(config)
	if err != nil {
		return nil, err
	}
	for _, add := range more {
		if err := add(e); err != nil {
			return nil, err
		}
	}
	return api.ByHostName(e), nil
}

// ready asks everything a process needs.
func ready(checks ...func(context.Context) error) func(context.Context) error {
	return func(ctx context.Context) error {
		ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
		defer cancel()
		for _, check := range checks {
			if err := check(ctx); err != nil {
				return err
			}
		}
		return nil
	}
}

// serve answers until ctx ends.
func (p *plant) serve(ctx context.Context, listener net.Listener, handler http.Handler) error {
	p.log.Info("listening", "address", listener.Addr().String())
	err := api.Serve(ctx, listener, handler, p.log)
	if errors.Is(err, http.ErrServerClosed) {
		return nil
	}
	return err
}

func knowsTaxesOf(country string) bool {
	_, err := account.TaxRatesOf(country)
	return err == nil
}
