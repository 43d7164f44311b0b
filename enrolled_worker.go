package main

import (
	"bytes"
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"sync"
	"time"

	"tollhouse/api"
	"tollhouse/billing"
	"tollhouse/billing/tenant"
	"tollhouse/infra/enrolment"
	"tollhouse/infra/postgres"
	"tollhouse/infra/secrets"
	"tollhouse/provisioning/machine"
)

// A worker keeps few connections: all of a site's workers use one server.
const (
	workerConnections  = 8
	workerKeyrings     = 2
	fitEvery, fitBound = time.Second, 5 * time.Second
)

// besideWord is what a host and its workers know each other by: both have the
// host's key, and nobody else has.
func besideWord(box *secrets.Box) string {
	return base64.RawURLEncoding.EncodeToString(box.Derive("site/beside"))
}

// siteWorker charges beside its site's host, in the host's database. It has no
// rights but those of charging, works no agenda and keeps nothing.
type siteWorker struct {
	config  machineConfig
	store   *enrolment.Store
	log     *slog.Logger
	address netip.AddrPort // where its host reaches it

	changing sync.Mutex // one change of what it charges at a time
	mu       sync.Mutex
	charger  *charger // nil: its host is not known yet
	fault    error    // why it is not fit
	next     *again
}

// charger is a worker's way to one host's database.
type charger struct {
	beside  machine.Beside
	key     []byte
	plant   *plant
	host    *billing.Host
	handler http.Handler
}

// Why a worker does not charge.
var (
	errNoBeside = errors.New("its host has not said yet where its database is")
	errNotAsked = errors.New("its host's database has not been asked yet")
)

// runWorker charges beside the host of the operator for whom this machine was
// enrolled.
func runWorker(ctx context.Context, p process) error {
	config, err := readMachineConfig(p.env, machine.Worker)
	if err != nil {
		return err
	}
	store, err := openStore(config, machine.Worker)
	if err != nil {
		return err
	}
	w := &siteWorker{config: config, store: store, log: logTo(p.stderr, config.Log), fault: errNoBeside}
	err = w.run(ctx)
	if err == nil && w.next != nil {
		return w.next.goOn([]string{"worker"})
	}
	return err
}

func (w *siteWorker) run(ctx context.Context) error {
	listener, err := w.config.Listen.listener(ctx)
	if err != nil {
		return err
	}
	defer func() { _ = listener.Close() }()
	if w.address, err = w.reachedAt(ctx, listener); err != nil {
		return err
	}
	configuration, err := w.store.Configuration()
	if err != nil {
		return err
	}
	w.changed(ctx, configuration)
	defer func() { w.put(nil, errNoBeside).close(w.log) }()
	version, err := ownVersion()
	if err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	keeper, err := enrolment.NewKeeper(w.store, enrolment.KeeperConfig{Data: w.config.Data, Version: version, Now: time.Now, Log: w.log,
		Fill: w.fill, Changed: w.changed, Upgrade: func(path string) {
			w.mu.Lock()
			w.next = &again{path}
			w.mu.Unlock()
			cancel()
		}})
	if err != nil {
		return err
	}
	var beside sync.WaitGroup
	defer beside.Wait()
	defer cancel()
	beside.Go(func() { keeper.Keep(ctx) })
	beside.Go(func() { w.keepFit(ctx) })
	w.log.Info("charging beside the host", "machine", w.store.Identity().Machine.String(), "address", w.address.String())
	err = api.Serve(ctx, listener, w, w.log)
	if errors.Is(err, http.ErrServerClosed) {
		return nil
	}
	return err
}

// reachedAt is where the site's machines reach this one: where it listens, by
// its address in the site's network if it listens at all of its addresses.
func (w *siteWorker) reachedAt(ctx context.Context, listener net.Listener) (netip.AddrPort, error) {
	at, err := netip.ParseAddrPort(listener.Addr().String())
	if err != nil || !at.Addr().IsUnspecified() {
		return at, err
	}
	own, err := w.store.OwnAddress(ctx)
	return netip.AddrPortFrom(own, at.Port()), err
}

// ServeHTTP implements http.Handler.
func (w *siteWorker) ServeHTTP(to http.ResponseWriter, r *http.Request) {
	w.mu.Lock()
	c := w.charger
	w.mu.Unlock()
	if c == nil {
		http.Error(to, errNoBeside.Error(), http.StatusServiceUnavailable)
		return
	}
	c.handler.ServeHTTP(to, r)
}

// changed has the worker charge beside the host that the configuration names.
func (w *siteWorker) changed(ctx context.Context, c machine.Configuration) {
	w.changing.Lock()
	defer w.changing.Unlock()
	w.mu.Lock()
	now := w.charger
	w.mu.Unlock()
	key, err := w.store.Key()
	if err == nil && c.Beside != nil && now != nil && now.beside == *c.Beside && bytes.Equal(now.key, key) {
		return
	}
	var next *charger
	if err == nil && c.Beside != nil && key != nil {
		next, err = w.open(ctx, *c.Beside, key)
	}
	if err != nil {
		w.log.Error("the way to the host was not opened", "error", err)
	}
	w.put(next, errors.Join(err, errNotAsked)).close(w.log)
	if next != nil {
		w.lookFit(ctx)
	}
}

// put has the worker charge by c, and gives what it charged by before.
func (w *siteWorker) put(c *charger, fault error) (before *charger) {
	w.mu.Lock()
	defer w.mu.Unlock()
	before, w.charger, w.fault = w.charger, c, fault
	if c == nil && errors.Is(fault, errNotAsked) {
		w.fault = errNoBeside
	}
	return before
}

func (w *siteWorker) open(ctx context.Context, beside machine.Beside, key []byte) (*charger, error) {
	box, err := secrets.New(key)
	if err != nil {
		return nil, fmt.Errorf("host key: %w", err)
	}
	server, err := postgres.NewRemoteServer(beside.Database, []byte(beside.Certificate), box.Derive)
	if err != nil {
		return nil, err
	}
	c := &charger{beside: beside, key: key}
	if c.plant, err = newPlantOf(w.log, box); err != nil {
		return nil, err
	}
	if err := c.begin(context.WithoutCancel(ctx), server, w.fit); err != nil {
		c.plant.close()
		return nil, err
	}
	return c, nil
}

func (c *charger) begin(ctx context.Context, server *postgres.Server, fit func(context.Context) error) error {
	pool, err := c.plant.pool(ctx, server, postgres.RoleApp, hostDatabase, workerConnections)
	if err != nil {
		return err
	}
	keyrings, err := c.plant.pool(ctx, server, postgres.RoleKeyring, hostDatabase, workerKeyrings)
	if err != nil {
		return err
	}
	c.plant.keysBy(keyrings)
	c.host = billing.NewHost(billing.Config{DB: tenant.Open(pool, time.Now), Identity: c.plant.authority, Seal: c.plant.keys, Now: time.Now, Log: c.plant.log})
	handler, err := c.plant.webHandler(api.Config{Host: c.host, Ready: fit})
	if err == nil {
		c.handler = api.Beside(handler, besideWord(c.plant.box), fit)
	}
	return err
}

// close lets requests under way finish. A nil charger is none.
func (c *charger) close(log *slog.Logger) {
	if c == nil {
		return
	}
	last, cancel := context.WithTimeout(context.Background(), stopGrace)
	defer cancel()
	if err := c.host.Stop(last); err != nil {
		log.Warn("charging did not stop in good order", "error", err)
	}
	c.plant.close()
}

// keepFit looks every moment whether the worker may charge, until ctx ends.
func (w *siteWorker) keepFit(ctx context.Context) {
	tick := time.NewTicker(fitEvery)
	defer tick.Stop()
	for {
		w.lookFit(ctx)
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

// lookFit asks the host's database whether the stack is there, as this program
// knows it.
func (w *siteWorker) lookFit(ctx context.Context) {
	w.mu.Lock()
	c := w.charger
	w.mu.Unlock()
	if c == nil {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, fitBound)
	defer cancel()
	ref, err := c.host.DB().ByID(ctx, c.beside.Operator)
	if err == nil {
		err = postgres.Fits(ctx, c.host.DB(), ref)
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.charger != c {
		return // another one is asked
	}
	if (err == nil) != (w.fault == nil) {
		w.log.Info("whether this worker charges", "fit", err == nil, "error", err)
	}
	w.fault = err
}

// fit is nil while the worker may charge.
func (w *siteWorker) fit(context.Context) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.fault
}

// fill puts into a report how the worker does.
func (w *siteWorker) fill(ctx context.Context, r *machine.Report) {
	r.Listen, r.Inside = w.address.String(), &machine.Inside{Address: w.address}
	if fault := w.fit(ctx); fault != nil {
		r.Healthy, r.Reason = false, unfitBecause(fault)
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.charger != nil {
		r.Charges = int64(w.charger.host.Online().Worked().Requests)
	}
}

// unfitBecause says in plain words why a worker does not charge.
func unfitBecause(fault error) string {
	switch {
	case errors.Is(fault, errNoBeside):
		return "It does not charge: its host has not said yet where its database is."
	case errors.Is(fault, postgres.ErrVersion):
		return "It does not charge: its host runs another version of the program."
	case errors.Is(fault, tenant.ErrUnknown):
		return "It does not charge: the stack does not stand on its host."
	case errors.Is(fault, tenant.ErrMoving):
		return "It does not charge: the stack is being moved."
	default:
		return "It does not charge: its host's database does not answer."
	}
}
