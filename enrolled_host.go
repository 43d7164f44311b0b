package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"tollhouse/api"
	"tollhouse/billing"
	"tollhouse/billing/audit"
	"tollhouse/billing/calendar"
	"tollhouse/billing/hosting"
	"tollhouse/billing/payment"
	"tollhouse/billing/tenant"
	"tollhouse/infra/enrolment"
	"tollhouse/infra/local"
	"tollhouse/infra/pgbackrest"
	"tollhouse/infra/postgres"
	"tollhouse/infra/relay"
	"tollhouse/infra/secrets"
	"tollhouse/infra/stripe"
	"tollhouse/provisioning"
	"tollhouse/provisioning/machine"
	"tollhouse/tenants"
)

// ownHost is a host that carries one operator's stack on a machine of its own.
// The control plane told it how; it goes on without it.
type ownHost struct {
	config  machineConfig
	store   *enrolment.Store
	plant   *plant
	server  *postgres.Server
	db      *tenant.DB
	cloud   *local.Cloud
	host    *billing.Host
	address string              // where its API listens
	public  string              // under which people reach it
	secure  *secureDoor         // where it answers by TLS; nil: something before it does
	cluster *postgres.Cluster   // nil: its database server is not its own
	standby hostStandby         // of that server
	door    *relay.Door         // before its API
	backups *pgbackrest.Routine // of its own database server; nil: none are made
	drills  *local.Drills       // of these backups; nil: none are made

	mu       sync.Mutex
	fault    error           // why the stack is not as it should be
	stack    machine.StackIs // how far it is
	inside   *machine.Inside // where workers reach its database; nil: it has none
	operator string          // the name of whose stack it is
	next     *again
	stop     func()
}

// runOwnHost carries the stack of the operator for whom this machine was enrolled.
func runOwnHost(ctx context.Context, p process) error {
	config, err := readMachineConfig(p.env, machine.Host)
	if err != nil {
		return err
	}
	store, err := openStore(config, machine.Host)
	if err != nil {
		return err
	}
	h := &ownHost{config: config, store: store}
	err = h.run(ctx, p)
	if err == nil && h.next != nil {
		return h.next.goOn([]string{"host"})
	}
	return err
}

func (h *ownHost) run(ctx context.Context, p process) error {
	key, err := h.store.Key()
	if err != nil {
		return err
	}
	box, err := secrets.New(key)
	if err != nil {
		return fmt.Errorf("host key: %w", err)
	}
	if h.plant, err = newPlantOf(logTo(p.stderr, h.config.Log), box); err != nil {
		return err
	}
	defer h.plant.close()
	h.plant.networks, h.plant.reachable = h.config.Networks, h.config.Reachable
	listener, err := h.config.Listen.listener(ctx)
	if err != nil {
		return err
	}
	defer func() { _ = listener.Close() }()
	h.address = listener.Addr().String()
	configuration, err := h.store.Configuration()
	if err != nil {
		return err
	}
	if err := h.openDatabase(ctx, configuration); err != nil {
		return err
	}
	h.public = h.publicURL(configuration, listener)
	if err := h.startStack(ctx); err != nil {
		return err
	}
	h.furnish(ctx, configuration)
	if h.secure, err = h.openSecure(ctx, configuration.HTTPS); err != nil {
		return err
	}
	defer h.secure.close()
	if err := h.openDoor(ctx, configuration); err != nil {
		return err
	}
	ctx, h.stop = context.WithCancel(ctx)
	defer h.stop()
	keeper, err := h.keeper(ctx)
	if err != nil {
		return err
	}
	h.plant.until(ctx, keeper.Keep)
	return h.serve(ctx, listener)
}

// serve answers at all doors until ctx ends, or one of them fails.
func (h *ownHost) serve(ctx context.Context, listener net.Listener) error {
	handler := api.ThroughProxies(h.atRoot(h.door), h.config.Proxies)
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() error { return h.plant.serve(ctx, listener, handler) })
	if h.secure != nil {
		h.plant.until(ctx, h.secure.certificates.Keep)
		group.Go(func() error { return h.plant.serve(ctx, h.secure.listener, withoutMetrics(handler)) })
	}
	return group.Wait()
}

// publicURL is where people reach the stack, as staff set it; else as the
// machine sees itself.
func (h *ownHost) publicURL(c machine.Configuration, listener net.Listener) string {
	if c.PublicURL != "" {
		return c.PublicURL
	}
	name, err := os.Hostname()
	address, isTCP := listener.Addr().(*net.TCPAddr)
	if err != nil || !isTCP || !address.IP.IsUnspecified() {
		return "http://" + listener.Addr().String()
	}
	return fmt.Sprintf("http://%s:%d", name, address.Port)
}

func (h *ownHost) openDatabase(ctx context.Context, c machine.Configuration) error {
	var archived *pgbackrest.Archive // nil: no backups are made
	url := h.config.DatabaseURL
	if url == "" {
		archive, err := h.ownArchive()
		if err != nil {
			return err
		}
		options := postgres.ClusterOptions{Log: h.plant.log}
		if archive != nil {
			options.Settings = archive.Settings()
		}
		cluster, err := postgres.StartCluster(ctx, h.config.Data, options)
		if err != nil {
			return err
		}
		h.plant.onStop(cluster.Stop)
		h.cluster = cluster
		h.openInside(ctx, c)
		h.plant.until(ctx, h.keepStandby) // first: what the stack commits from here on may wait for it
		if archive != nil {
			h.backups = pgbackrest.NewRoutine(archive, time.Now, h.plant.log)
			h.plant.until(ctx, h.backups.Keep)
			archived = archive
		}
		url = cluster.AdminURL("postgres")
	}
	h.server = postgres.NewServer(url, h.plant.box.Derive)
	if err := h.server.Prepare(ctx); err != nil {
		return err
	}
	if err := h.server.MigrateHost(ctx, hostDatabase); err != nil {
		return err
	}
	if err := h.server.MigrateSlots(ctx, hostDatabase, func(int, int) {}); err != nil {
		return err
	}
	h.drill(ctx, archived)
	return nil
}

// drill has the machine prove its own backups. What it restores it holds against
// its ledger; anchors of the audit chain are the control plane's, and not here.
func (h *ownHost) drill(ctx context.Context, archive *pgbackrest.Archive) {
	if archive == nil {
		return
	}
	beside := &local.Archive{Name: "own", Rest: archive, Admin: h.server.AdminURL, Side: h.config.Data, Now: time.Now, Key: true,
		Hosts:   func(context.Context) ([]string, error) { return []string{hostDatabase}, nil },
		Anchors: func(context.Context, tenant.ID) ([]audit.Anchor, error) { return nil, nil }}
	h.drills = local.NewDrills(beside, filepath.Join(h.config.Data, "drill.json"), time.Now, h.plant.log)
	h.plant.until(ctx, h.drills.Keep)
}

// ownArchive is the archive of the machine's own database server; nil where
// pgBackRest is not installed. Its key is the host's, which the control plane
// keeps as well.
func (h *ownHost) ownArchive() (*pgbackrest.Archive, error) {
	key, err := h.store.Key()
	if err != nil {
		return nil, err
	}
	archive, err := pgbackrest.New(pgbackrest.Config{Data: h.config.Data, Repo: cmp.Or(h.config.Backups, filepath.Join(h.config.Data, "backup")),
		Escrow: filepath.Join(h.config.Data, "escrow"), Key: key, Log: h.plant.log})
	if errors.Is(err, pgbackrest.ErrMissing) {
		h.plant.log.Warn("no backups are made", "error", err)
		return nil, nil //nolint:nilnil // none is no fault
	}
	return archive, err
}

// errNoKeys means that the operator has set no account of its own.
func errNoKeys(context.Context, tenant.ID) (stripe.Keys, error) {
	return stripe.Keys{}, payment.ErrProviderNotConfigured
}

func (h *ownHost) startStack(ctx context.Context) error {
	sender, err := h.config.Mail.sender()
	if err != nil {
		return err
	}
	var messages billing.MessageSender
	if sender != nil {
		messages = sender
	}
	provider := stripe.New("", h.plant.accounts.stripe(errNoKeys), time.Now)
	if h.host, err = h.plant.startHost(ctx, h.server, hostDatabase, h.config.files(), h.public, provider, messages); err != nil {
		return err
	}
	h.db = h.host.DB()
	h.cloud, err = local.Open(ctx, local.Config{Server: h.server, Host: hostDatabase, DB: h.db, Identity: h.plant.authority, Seal: h.plant.keys,
		Now: time.Now, Log: h.plant.log})
	if err == nil {
		h.plant.onStop(h.cloud.Close)
	}
	return err
}

// furnish makes the stack so as the configuration says. What fails is tried
// again with the next report, and the report says why.
func (h *ownHost) furnish(ctx context.Context, c machine.Configuration) {
	is, err := h.furnished(ctx, c)
	if err != nil && ctx.Err() == nil {
		h.plant.log.Error("the stack is not as it should be", "error", err)
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	h.stack, h.fault = is, err
}

func (h *ownHost) furnished(ctx context.Context, c machine.Configuration) (machine.StackIs, error) {
	if c.Stack == nil {
		return machine.StackNone, nil
	}
	slot, err := tenant.ParseSlot(c.Stack.Slot)
	if err != nil {
		return machine.StackNone, err
	}
	if _, err := h.db.ByID(ctx, c.Stack.Operator.ID); errors.Is(err, tenant.ErrUnknown) {
		if err := h.server.MakeSlot(ctx, hostDatabase, slot); err != nil || !c.Stack.SetUp {
			return machine.StackEmpty, err
		}
		place := provisioning.Place{Host: hostDatabase, Slot: slot}
		want := provisioning.Wanted{Operator: c.Stack.Operator, OwnerPasswordHash: c.Stack.OwnerPassword, Epoch: c.Stack.Epoch, Place: place}
		if err := h.cloud.Ensure(ctx, want); err != nil {
			return machine.StackEmpty, err
		}
	} else if err != nil {
		return machine.StackNone, err
	}
	return machine.StackReady, h.stand(ctx, c.Stack.Operator)
}

// stand has the stack obey how its operator stands with us. It is where it is:
// a stack that was moved in has another slot than the one that was made for it.
func (h *ownHost) stand(ctx context.Context, operator tenants.Operator) error {
	ref, err := h.db.ByID(ctx, operator.ID)
	if err != nil {
		return err
	}
	at := provisioning.Placed{Operator: operator, Place: provisioning.Place{Host: hostDatabase, Slot: ref.Slot}, Epoch: ref.Epoch}
	return h.cloud.Stand(ctx, at, operator.Standing)
}

func (h *ownHost) keeper(ctx context.Context) (*enrolment.Keeper, error) {
	version, err := ownVersion()
	if err != nil {
		return nil, err
	}
	outs := h.takeOuts(ctx)
	h.plant.onStop(outs.Stop)
	return enrolment.NewKeeper(h.store, enrolment.KeeperConfig{Data: h.config.Data, Version: version, Now: time.Now, Log: h.plant.log,
		Fill: h.fill, Takings: h.takings, Hosting: h.hosting, TakeOuts: outs, Changed: h.changed, Upgrade: h.goOnAs})
}

// goOnAs ends this process in good order, so that a program goes on in its place.
func (h *ownHost) goOnAs(path string) {
	h.mu.Lock()
	h.next = &again{path}
	h.mu.Unlock()
	h.stop()
}

// fill puts into a report how the stack does.
func (h *ownHost) fill(ctx context.Context, r *machine.Report) {
	configuration, err := h.store.Configuration()
	if err != nil {
		r.Healthy, r.Reason = false, "Its configuration cannot be read."
		return
	}
	h.mu.Lock()
	is, fault := h.stack, h.fault
	h.mu.Unlock()
	if fault != nil || is == machine.StackEmpty { // a stack may have been moved in since
		h.furnish(ctx, configuration)
		h.mu.Lock()
		is, fault = h.stack, h.fault
		h.mu.Unlock()
	}
	r.Stack, r.Listen, r.PublicURL = is, h.address, h.public
	h.fillInside(ctx, configuration, r)
	h.standby.fill(r)
	h.secure.fill(r)
	if h.backups != nil {
		r.BackupAt = h.backups.LastBackup()
	}
	if h.drills != nil {
		if last := h.drills.Last(); last != nil {
			r.Drill = (*machine.Drill)(last)
		}
	}
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	switch err := h.host.Ready(ctx); {
	case err != nil:
		r.Healthy, r.Reason = false, "Its database does not answer."
	case fault != nil:
		r.Healthy, r.Reason = false, provisioning.ReasonOf(fault)
	case is == machine.StackReady:
		h.fillLoad(ctx, configuration.Stack.Operator, r)
	}
}

// fillLoad measures the stack. One that does not answer is not healthy.
func (h *ownHost) fillLoad(ctx context.Context, operator tenants.Operator, r *machine.Report) {
	ref, err := h.db.ByID(ctx, operator.ID)
	if err == nil {
		var figures provisioning.Figures
		figures, err = h.cloud.Inspect(ctx, provisioning.Placed{Operator: operator, Place: provisioning.Place{Host: hostDatabase, Slot: ref.Slot}, Epoch: ref.Epoch})
		r.ChargesPerSecond = (figures.Charges + 59) / 60
	}
	if err != nil {
		r.Healthy, r.Reason = false, "The stack does not answer."
		h.plant.log.Warn("the stack does not answer", "error", err)
	}
}

// takings puts into a report what the stack signed of the days that are wanted.
// Nothing is told where there is nothing new.
func (h *ownHost) takings(ctx context.Context, r *machine.Report, want machine.TakingsWanted) {
	configuration, err := h.store.Configuration()
	if err != nil || configuration.Stack == nil {
		return
	}
	var after calendar.Date
	if want.After != "" {
		if after, err = calendar.ParseDate(want.After); err != nil {
			h.plant.log.Warn("the control plane asks for takings after no day", "error", err)
			return
		}
	}
	told, err := hostTakings{h.db}.Told(ctx, configuration.Stack.Operator.ID, after)
	if err != nil {
		h.plant.log.Warn("takings are not told", "error", err)
		return
	}
	if len(told.Statements) > 0 {
		r.Takings = &machine.Takings{Keys: told.Keys, Statements: told.Statements}
	}
}

// hosting keeps what the operator has agreed with the hosting company in its
// stack, where it reads it also while the control plane is away.
func (h *ownHost) hosting(ctx context.Context, news hosting.News, document func(context.Context, hosting.Bill) ([]byte, error)) error {
	configuration, err := h.store.Configuration()
	if err != nil || configuration.Stack == nil {
		return err
	}
	ref, err := h.db.ByID(ctx, configuration.Stack.Operator.ID)
	if errors.Is(err, tenant.ErrUnknown) {
		return nil // it has not been moved in yet
	}
	if err != nil {
		return err
	}
	return hosting.Take(ctx, h.db, ref, news, document)
}
