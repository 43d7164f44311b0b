package main

import (
	"context"
	"encoding/hex"
	"errors"
	"flag"
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"os"
	"strings"
	"sync"
	"time"

	"tollhouse/api"
	"tollhouse/billing"
	"tollhouse/billing/account"
	"tollhouse/billing/tenant"
	"tollhouse/demo"
	"tollhouse/infra/pgbackrest"
	"tollhouse/infra/postgres"
	"tollhouse/infra/stripe"
	"tollhouse/infra/stripe/standin"
	"tollhouse/portal"
	"tollhouse/tenants"
)

// Databases of the demo's cluster, and the slots it keeps ready.
const (
	demoControlDB = "tollhouse_control"
	demoHostDB    = "tollhouse_host"
	demoStock     = 3
)

// runDemo has everything on one machine, with two operators and their history.
func runDemo(ctx context.Context, p process) error {
	flags := flag.NewFlagSet("demo", flag.ContinueOnError)
	flags.SetOutput(p.stderr)
	noWait := flags.Bool("no-wait", false, "return when it is ready and leave it running")
	stop := flags.Bool("stop", false, "stop a demo that runs")
	reset := flags.Bool("reset", false, "throw its data away and start over")
	switch err := flags.Parse(p.args); {
	case errors.Is(err, flag.ErrHelp):
		return err
	case err != nil:
		return errUsage
	case flags.NArg() > 0:
		fmt.Fprintf(p.stderr, "tollhouse demo: %q is not understood; flags only\n", flags.Arg(0))
		return errUsage
	}
	config, err := readDemoConfig(p.env)
	if err != nil {
		return err
	}
	folder := demoFolder{config.Data}
	if *stop {
		return folder.stop(ctx, p.stdout)
	}
	if *reset {
		if err := folder.reset(ctx, p.stdout); err != nil {
			return err
		}
	}
	if *noWait {
		return folder.background(ctx, p)
	}
	release, err := folder.lock()
	if err != nil {
		return err
	}
	defer release()
	err = (&demoRun{folder: folder, config: config, p: p}).run(ctx)
	if errors.Is(err, context.Canceled) && ctx.Err() != nil {
		return nil // asked to stop
	}
	return err
}

// demoRun is one run of the demo in its folder.
type demoRun struct {
	folder  demoFolder
	config  demoConfig
	p       process
	plant   *plant
	server  *postgres.Server
	archive *pgbackrest.Archive // nil: no backups
	bar     *progressBar

	sitesBefore bool // an earlier run left sites
}

func (d *demoRun) run(ctx context.Context) error {
	d.bar = &progressBar{out: d.p.stdout}
	d.progress(0, "starting PostgreSQL")
	log := logTo(d.p.stderr, max(d.config.Log, 4)) // a person reads this: warnings and worse
	plant, err := newPlant(log, d.folder.file("master.key"))
	if err != nil {
		return err
	}
	d.plant = plant
	plant.data = d.folder.path
	plant.reachable = []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8"), netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("172.16.0.0/12"), netip.MustParsePrefix("192.168.0.0/16")} // all on one machine
	defer plant.close()
	if err := d.startDatabase(ctx); err != nil {
		return err
	}
	listener, err := d.config.Listen.listener(ctx)
	if err != nil {
		return fmt.Errorf("%w; TOLLHOUSE_LISTEN chooses another address", err)
	}
	defer func() { _ = listener.Close() }()
	return d.live(ctx, listener)
}

func (d *demoRun) startDatabase(ctx context.Context) error {
	archive, err := d.plant.archiveOf(d.folder.path, d.folder.file("master.key"))
	if err != nil {
		return err
	}
	d.archive = archive
	options := postgres.ClusterOptions{Log: d.plant.log}
	if archive != nil {
		options.Settings = archive.Settings()
	}
	cluster, err := postgres.StartCluster(ctx, d.folder.path, options)
	if err != nil {
		return err
	}
	d.plant.onStop(cluster.Stop)
	d.server = postgres.NewServer(cluster.AdminURL("postgres"), d.plant.box.Derive)
	d.progress(5, "migrating")
	if err := d.server.Prepare(ctx); err != nil {
		return err
	}
	if err := d.server.MigrateControl(ctx, demoControlDB); err != nil {
		return err
	}
	if err := d.server.MigrateHost(ctx, demoHostDB); err != nil {
		return err
	}
	return d.server.MigrateSlots(ctx, demoHostDB, func(int, int) {})
}

// live serves while the history is made, since its payments come in by webhook,
// and goes on serving until ctx ends.
func (d *demoRun) live(ctx context.Context, listener net.Listener) error {
	publicURL := "http://" + listener.Addr().String()
	provider, bank, accounts, err := d.cardProvider(ctx, publicURL)
	if err != nil {
		return err
	}
	host, err := d.plant.startHost(ctx, d.server, demoHostDB, d.folder.path, publicURL, provider, nil) // all its operators are sandboxes: nothing is sent
	if err != nil {
		return err
	}
	if accounts != nil {
		if err := accounts.open(ctx, host.DB()); err != nil {
			return err
		}
	}
	local, err := d.localPayments(ctx)
	if err != nil {
		return err
	}
	control, keeper, err := d.plant.startControl(ctx, d.server, demoControlDB, d.server, demoHostDB, demoStock)
	if err != nil {
		return err
	}
	machines, err := d.openDesk(ctx, control, publicURL)
	if err != nil {
		return err
	}
	clouds, err := d.siteCloud()
	if err != nil {
		return err
	}
	d.plant.startFleet(ctx, control, clouds, control.Desk, nil)
	sites := &apart{}
	handler, err := d.plant.webHandler(api.Config{Host: host, Control: control, PublicURL: publicURL,
		Ready: ready(host.Ready, control.DB.Ready)}, withPages(pageSources{host: host, control: control, publicURL: publicURL, doors: sites.doors(doors(host))}, d.plant.log))
	if err != nil {
		return err
	}
	second, err := d.second(ctx, control, publicURL, func(p *plant) cards { return d.cardsOf(p, provider, bank, accounts) })
	if err != nil {
		return err
	}
	sites.next = before(host, handler, second)
	if accounts != nil {
		if err := accounts.open(ctx, host.DB(), second.db); err != nil {
			return err
		}
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	served := make(chan error, 1)
	go func() { served <- d.plant.serve(ctx, listener, sites) }()
	d.hearMachines(ctx, machines, sites)
	welcome, err := d.history(ctx, demo.World{Host: host, Control: control, Identity: d.plant.authority, Passwords: d.plant.passwords,
		Keeper: keeper, Pay: bank, Logins: d.folder.file("logins.json")}, publicURL)
	if err != nil {
		cancel()
		return errors.Join(err, <-served)
	}
	if err := d.openLocalPayments(ctx, host, local, publicURL); err != nil {
		cancel()
		return errors.Join(err, <-served)
	}
	keeper.Start(context.WithoutCancel(ctx))
	d.plant.keepBackups(ctx, control, d.archive, d.server, "demo", demoHostDB, demoSecondDB)
	d.bar.end()
	fmt.Fprint(d.p.stdout, welcome)
	if err := d.folder.writeStatus(demoStatus{PID: os.Getpid(), Ready: true, Done: 1000, Address: publicURL, Welcome: welcome}); err != nil {
		return err
	}
	d.openMachines(ctx, control, clouds, sites, publicURL)
	select {
	case err := <-served:
		return err
	case <-ctx.Done():
	}
	// Who asks meanwhile is not sent to an address that is going.
	if err := d.folder.writeStatus(demoStatus{PID: os.Getpid(), Done: 1000, Doing: "stopping"}); err != nil {
		d.plant.log.Warn("status not written", "error", err)
	}
	return <-served
}

func (d *demoRun) history(ctx context.Context, world demo.World, publicURL string) (string, error) {
	logins, err := demo.Live(ctx, world, demo.Standard(d.config.Seed).Scaled(d.config.Scale), func(permille int, doing string) { d.progress(20+permille*980/1000, doing) })
	if err != nil {
		return "", err
	}
	if err := d.openHouse(ctx, world, logins.Keep); err != nil {
		return "", fmt.Errorf("our own company: %w", err)
	}
	return d.welcome(publicURL, logins), nil
}

func (d *demoRun) progress(permille int, doing string) {
	d.bar.show(permille, doing)
	if err := d.folder.writeStatus(demoStatus{PID: os.Getpid(), Done: permille, Doing: doing}); err != nil {
		d.plant.log.Warn("status not written", "error", err)
	}
}

// cardProvider is Stripe when keys are set, else the stand-in.
func (d *demoRun) cardProvider(ctx context.Context, publicURL string) (cards, *standin.Server, *standinAccounts, error) {
	if d.config.Stripe.SecretKey != "" {
		keys := stripe.Keys{Secret: d.config.Stripe.SecretKey, WebhookSecrets: d.config.Stripe.WebhookSecrets}
		return stripe.New("", d.plant.accounts.stripe(func(context.Context, tenant.ID) (stripe.Keys, error) { return keys, nil }), time.Now), nil, nil, nil
	}
	bank, err := standin.New(standin.Config{Listen: "127.0.0.1:0", DataDir: d.folder.file("stripe"), Now: time.Now, Log: d.plant.log})
	if err != nil {
		return nil, nil, nil, err
	}
	if err := bank.Start(context.WithoutCancel(ctx)); err != nil {
		return nil, nil, nil, err
	}
	d.plant.onStop(func() {
		last, cancel := context.WithTimeout(context.Background(), stopGrace)
		defer cancel()
		if err := bank.Stop(last); err != nil {
			d.plant.log.Warn("stand-in for Stripe did not stop in good order", "error", err)
		}
	})
	accounts := &standinAccounts{plant: d.plant, bank: bank, publicURL: publicURL, known: map[tenant.ID]stripe.Keys{}}
	return stripe.New(bank.URL(), d.plant.accounts.stripe(accounts.keys), time.Now), bank, accounts, nil
}

// cardsOf is the card provider of another host of the demo: it asks that host
// for operators' own accounts.
func (d *demoRun) cardsOf(p *plant, first cards, bank *standin.Server, accounts *standinAccounts) cards {
	if bank == nil {
		return first
	}
	return stripe.New(bank.URL(), p.accounts.stripe(accounts.keys), time.Now)
}

// standinAccounts opens an account at the stand-in for each tenant on first
// use; its keys follow from the master key, so that they outlive a restart.
type standinAccounts struct {
	plant     *plant
	bank      *standin.Server
	publicURL string
	mu        sync.Mutex
	dbs       []*tenant.DB // know the tenants' names, for their webhooks' paths
	known     map[tenant.ID]stripe.Keys
}

// open opens the accounts of the tenants there are: webhooks wait for them.
func (a *standinAccounts) open(ctx context.Context, dbs ...*tenant.DB) error {
	a.mu.Lock()
	a.dbs = dbs
	a.mu.Unlock()
	for _, db := range dbs {
		refs, err := db.All(ctx)
		if err != nil {
			return err
		}
		for _, ref := range refs {
			if _, err := a.keys(ctx, ref.ID); err != nil {
				return err
			}
		}
	}
	return nil
}

func (a *standinAccounts) keys(ctx context.Context, id tenant.ID) (stripe.Keys, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if keys, found := a.known[id]; found {
		return keys, nil
	}
	ref, err := where(ctx, a.dbs, id)
	if err != nil {
		return stripe.Keys{}, err
	}
	secret := hex.EncodeToString(a.plant.box.Derive("stand-in/" + id.String()))
	keys := stripe.Keys{Secret: "sk_test_" + secret[:32], WebhookSecrets: []string{"whsec_" + secret[32:]}}
	a.bank.Register(standin.Account{SecretKey: keys.Secret, WebhookSecret: keys.WebhookSecrets[0],
		WebhookURL: a.publicURL + "/t/" + ref.Name + "/v1/webhooks/stripe"})
	a.known[id] = keys
	return keys, nil
}

// welcome tells a person where to go and as whom. Passwords are shown once,
// when they are made; afterwards they stand in a file that only we can read.
func (d *demoRun) welcome(publicURL string, logins demo.Logins) string {
	var b strings.Builder
	fmt.Fprintf(&b, "\nTollhouse is ready at %s\n", publicURL)
	door, kept := "", false
	for _, login := range logins.ByDoor() {
		if login.Path != door {
			door = login.Path
			fmt.Fprintf(&b, "\n  %s%s   or %s\n", publicURL, door, ownNameOf(publicURL, door))
		}
		password := login.Password
		if !login.Fresh {
			password, kept = "*", true
		}
		fmt.Fprintf(&b, "    %-32s %-16s %s\n", login.Email, password, login.Who)
	}
	if kept {
		fmt.Fprintf(&b, "\n  * passwords stand in %s\n", d.folder.file("logins.json"))
	}
	fmt.Fprintf(&b, "\nWestkabel's stack stands on a machine of its own, a process beside the demo's: its door opens half a minute after the first start.\n")
	fmt.Fprintf(&b, "E-mails and SMS that would have gone out: %s/t/nusantara/mailbox and %s/t/hanse/mailbox\n", publicURL, publicURL)
	fmt.Fprintf(&b, "Cards at checkout: 4242 4242 4242 4242 pays, 4000 0000 0000 0002 is declined.\nThe API: openapi.yaml; a walk by hand: docs/walk.md.\n")
	return b.String()
}

// ownNameOf is a door's address under a host name of its own: /t/hanse/console/
// is hanse.localhost/console.
func ownNameOf(publicURL, path string) string {
	u, err := url.Parse(publicURL)
	if err != nil {
		return ""
	}
	name, rest, _ := strings.Cut(strings.TrimPrefix(strings.TrimPrefix(path, "/"), "t/"), "/")
	u.Host = name + ".localhost:" + u.Port()
	return u.Scheme + "://" + u.Host + strings.TrimSuffix("/"+rest, "/")
}

// doors are the pages of the operators there are.
func doors(host *billing.Host) func() []portal.Door {
	return func() []portal.Door {
		ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
		defer cancel()
		refs, err := host.DB().All(ctx)
		if err != nil {
			return nil
		}
		var list []portal.Door
		for _, ref := range refs {
			if ref.Name == tenants.HouseName {
				continue // our own company: its door is staff's business
			}
			err := host.DB().Read(ctx, ref, func(ctx context.Context, tx tenant.Tx) error {
				profile, err := account.GetProfile(ctx, tx)
				list = append(list, portal.Door{Operator: profile.Name, About: profile.Country + ", " + profile.Currency.Code(), Name: ref.Name})
				return err
			})
			if err != nil {
				return nil
			}
		}
		return list
	}
}
