package enrolment

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"tollhouse/billing/hosting"
	"tollhouse/provisioning/machine"
)

// Keeper keeps a machine in touch with the control plane.
type Keeper struct {
	store  *Store
	client *Client
	config KeeperConfig
	meter  meter
	began  time.Time

	// Of the goroutine that keeps:
	wanted  *machine.TakingsWanted // by the last answer
	askedAt time.Time              // when it last asked for what is agreed of hosting
	more    bool                   // parts of a take-out wait to be delivered

	mu      sync.Mutex
	refused string // as it was logged last
}

// KeeperConfig is what a keeper works with.
type KeeperConfig struct {
	Data    string // folder of all that the machine keeps
	Version string // digest of the program that runs
	Now     func() time.Time
	Log     *slog.Logger
	// Fill puts into a report what the role knows: whether it is healthy, its
	// stack, its load.
	Fill func(ctx context.Context, r *machine.Report)
	// Takings adds what the stack signed, where the last answer asked for it. It
	// may be nil.
	Takings func(ctx context.Context, r *machine.Report, want machine.TakingsWanted)
	// Hosting is told what the operator has agreed with the hosting company, and
	// asks for the documents of bills that it does not know yet. It may be nil.
	Hosting func(ctx context.Context, news hosting.News, document func(ctx context.Context, b hosting.Bill) ([]byte, error)) error
	// TakeOuts writes what is to be delivered where the machine's site is taken
	// away. It may be nil.
	TakeOuts TakeOuts
	// Changed is told a new configuration, once it is written down. It may be nil.
	Changed func(ctx context.Context, c machine.Configuration)
	// Upgrade is told that another program is in its place and is to be run.
	Upgrade func(path string)
}

// NewKeeper makes a keeper for a machine that was taken in; ErrNoIdentity if it
// was not.
func NewKeeper(store *Store, config KeeperConfig) (*Keeper, error) {
	if !store.Enrolled() {
		return nil, ErrNoIdentity
	}
	return &Keeper{store: store, client: NewClient(store, config.Now), config: config, began: config.Now().UTC()}, nil
}

// leastEvery and mostEvery bound how often a machine reports, whatever it is told.
const (
	leastEvery = 2 * time.Second
	mostEvery  = 5 * time.Minute
	turnBound  = time.Minute
	// hostingEvery is how often it asks what is agreed of hosting.
	hostingEvery = 10 * time.Minute
)

// Keep reports until ctx ends. A control plane that is not there changes
// nothing: the machine goes on and tries again.
func (k *Keeper) Keep(ctx context.Context) {
	for {
		k.turn(ctx)
		every := mostEvery
		if c, err := k.store.Configuration(); err == nil {
			every = min(max(time.Duration(c.ReportEvery)*time.Second, leastEvery), mostEvery)
		}
		if k.more {
			every = 0
		}
		select {
		case <-ctx.Done():
			return
		case <-time.After(every):
		}
	}
}

// turn reports once and does as it is told.
func (k *Keeper) turn(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, turnBound)
	defer cancel()
	k.more = false
	err := k.finishKeys(ctx)
	if err == nil {
		err = k.report(ctx)
	}
	if err == nil {
		if err := k.askHosting(ctx); err != nil && ctx.Err() == nil {
			k.config.Log.Warn("what is agreed of hosting was not heard; asking again later", "error", err)
		}
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	switch {
	case err == nil && k.refused != "":
		k.refused = ""
		k.config.Log.Info("the control plane hears us again")
	case err != nil && err.Error() != k.refused && ctx.Err() == nil: // said once, not every few seconds
		k.refused = err.Error()
		k.config.Log.Warn("not heard by the control plane; going on without it", "error", err)
	}
}

func (k *Keeper) report(ctx context.Context) error {
	c, err := k.store.Configuration()
	if err != nil {
		return err
	}
	var orders machine.Orders
	r := k.Report(ctx, c)
	if k.config.TakeOuts != nil {
		r.TakeOut = k.config.TakeOuts.Says()
	}
	if k.wanted != nil && k.config.Takings != nil {
		k.config.Takings(ctx, &r, *k.wanted)
		k.wanted = nil
	}
	if err := k.client.signed(ctx, http.MethodPost, machine.PathReport, r, &orders); err != nil {
		return err
	}
	k.wanted = orders.Takings
	if orders.Revision != c.Revision {
		if c, err = k.fetch(ctx); err != nil {
			return err
		}
	}
	if orders.NewKeys {
		if err := k.changeKeys(ctx); err != nil {
			return err
		}
	}
	if err := k.upgrade(ctx, c.Binary); err != nil {
		return err
	}
	k.more, err = k.deliver(ctx, orders.TakeOut)
	return err
}

// askHosting asks now and then what the operator has agreed with the hosting
// company, and owes it. What fails is asked for again when it is due.
func (k *Keeper) askHosting(ctx context.Context) error {
	now := k.config.Now()
	if k.config.Hosting == nil || now.Sub(k.askedAt) < hostingEvery {
		return nil
	}
	k.askedAt = now
	var news machine.News
	if err := k.client.signed(ctx, http.MethodGet, machine.PathHosting, nil, &news); err != nil || !news.Known {
		return err
	}
	return k.config.Hosting(ctx, news.News, func(ctx context.Context, b hosting.Bill) ([]byte, error) {
		var document machine.Document
		err := k.client.signed(ctx, http.MethodGet, machine.PathHostingBills+b.ID.String(), nil, &document)
		return document.PDF, err
	})
}

// Report is what the machine says of itself now.
func (k *Keeper) Report(ctx context.Context, c machine.Configuration) machine.Report {
	r := machine.Report{Revision: c.Revision, Version: k.config.Version, StartedAt: k.began, Healthy: true,
		OffsetMillis: k.client.offset.Load() / int64(time.Millisecond)}
	folders := append([]string{k.config.Data, "/"}, c.Watch.Folders...)
	k.meter.measure(&r, slices.Compact(folders))
	r.Certificates = certificates(ctx, c.Watch.Certificates)
	r.Missing = missing(c.Watch.Processes)
	if k.config.Fill != nil {
		k.config.Fill(ctx, &r)
	}
	return r
}

// fetch gets the configuration and writes it down before anybody works by it.
func (k *Keeper) fetch(ctx context.Context) (machine.Configuration, error) {
	var c machine.Configuration
	if err := k.client.signed(ctx, http.MethodGet, machine.PathConfiguration, nil, &c); err != nil {
		return c, err
	}
	if c.Key != nil {
		if _, err := k.store.Identity().Keys.Unseal(c.Key); err != nil {
			return c, err
		}
	}
	if err := k.store.keep(c); err != nil {
		return c, err
	}
	k.config.Log.Info("new configuration", "revision", c.Revision)
	if k.config.Changed != nil {
		k.config.Changed(ctx, c)
	}
	return c, nil
}

// changeKeys draws new keys and has the control plane take them.
func (k *Keeper) changeKeys(ctx context.Context) error {
	fresh, err := machine.NewKeys()
	if err != nil {
		return err
	}
	if err := k.store.change(func(i *Identity) { i.Next = &fresh }); err != nil {
		return err
	}
	return k.finishKeys(ctx)
}

// finishKeys goes on with a change of keys that was begun. The old ones ask for
// it until it is answered; the host's key is then fetched anew, sealed for the
// new ones.
func (k *Keeper) finishKeys(ctx context.Context) error {
	identity := k.store.Identity()
	if identity.Next == nil {
		return nil
	}
	renewal := machine.Renewed(identity.Keys.Public(), *identity.Next)
	if err := k.client.signed(ctx, http.MethodPost, machine.PathKeys, renewal, nil); err != nil {
		return err
	}
	// Before the old keys are forgotten, what they open is sealed for the new.
	c, err := k.store.Configuration()
	if err != nil {
		return err
	}
	if c.Key != nil {
		key, err := k.store.Key()
		if err != nil {
			return err
		}
		if c.Key, err = machine.SealFor(identity.Next.Box, key); err != nil {
			return err
		}
		if err := k.store.keep(c); err != nil {
			return err
		}
	}
	if err := k.store.change(func(i *Identity) { i.Keys, i.Next = *identity.Next, nil }); err != nil {
		return err
	}
	k.config.Log.Info("keys changed")
	return nil
}

// errDigest means that what came is not the program that was asked for.
var errDigest = errors.New("what was fetched is not the program with this digest")

// upgrade puts another version of the program in its place where one is wanted.
func (k *Keeper) upgrade(ctx context.Context, digest string) error {
	if digest == "" || digest == k.config.Version || k.config.Upgrade == nil {
		return nil
	}
	path := filepath.Join(k.config.Data, "bin", digest, "tollhouse")
	if sum, err := DigestOf(path); err != nil || sum != digest {
		if err := k.client.fetchProgram(ctx, digest, path); err != nil {
			return err
		}
	}
	current := filepath.Join(k.config.Data, "bin", "current")
	fresh := current + ".new"
	_ = os.Remove(fresh)
	if err := os.Symlink(path, fresh); err != nil {
		return err
	}
	if err := os.Rename(fresh, current); err != nil {
		return err
	}
	k.config.Log.Info("going on with another version", "version", digest)
	k.config.Upgrade(path)
	return nil
}
