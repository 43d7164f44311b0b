package fleet

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"tollhouse/provisioning"
	"tollhouse/provisioning/crew"
	"tollhouse/tenants"
)

// Reconciler makes sites so as they are wanted.
type Reconciler struct {
	db      *tenants.DB
	clouds  Clouds
	hosts   provisioning.Hosts        // nil: none can enrol here
	backups provisioning.FinalBackups // nil: none are kept here
	seal    tenants.Sealer
	log     *slog.Logger
	config  Config

	began    time.Time // when Start was called
	followAt time.Time // when schedules and rules are followed next; of one goroutine
	crew     *crew.Crew
}

// Config bounds the reconciler. Zero values take the defaults.
type Config struct {
	Workers   int           // looks at a time; 4
	Poll      time.Duration // how often it asks what is due without being woken; 1 s
	Watch     time.Duration // how often a site on its way is looked at; 2 s
	Keep      time.Duration // how often one that is ready is; 30 s
	Lease     time.Duration // how long a look may take; 1 min
	Pause     time.Duration // after a first failure; 2 s
	EnrolIn   time.Duration // how long a host may take to answer once its machines stand; 30 min
	Grace     time.Duration // how long Stop lets looks in hand finish; 10 s
	CloudLook time.Duration // how often a cloud's room and orphans are looked at; 5 min
}

func (c Config) withDefaults() Config {
	for _, d := range []struct {
		value *time.Duration
		least time.Duration
	}{{&c.Poll, time.Second}, {&c.Watch, 2 * time.Second}, {&c.Keep, 30 * time.Second}, {&c.Lease, time.Minute}, {&c.Pause, firstPause},
		{&c.EnrolIn, 30 * time.Minute}, {&c.Grace, 10 * time.Second}, {&c.CloudLook, 5 * time.Minute}} {
		if *d.value == 0 {
			*d.value = d.least
		}
	}
	if c.Workers == 0 {
		c.Workers = 4
	}
	return c
}

// Parts are what the reconciler works with. Hosts and Backups may be nil: sites
// then wait, and say what for.
type Parts struct {
	DB      *tenants.DB
	Clouds  Clouds
	Hosts   provisioning.Hosts
	Backups provisioning.FinalBackups
	Seal    tenants.Sealer
	Log     *slog.Logger
}

// New makes a reconciler; Start sets it to work.
func New(p Parts, config Config) *Reconciler {
	config = config.withDefaults()
	return &Reconciler{db: p.DB, clouds: p.Clouds, hosts: p.Hosts, backups: p.Backups, seal: p.Seal, log: p.Log, config: config,
		crew: crew.New(config.Workers, config.Poll, config.Grace)}
}

// Start begins to work, until Stop.
func (r *Reconciler) Start(ctx context.Context) {
	r.began = r.db.Now()
	r.crew.Start(ctx, append(crew.Each(r.config.Workers, r.lookOne), r.tend)...)
}

// Stop takes no new work, lets what is in hand finish for the grace, then gives
// it up. A second Stop is harmless, so is one before Start.
func (r *Reconciler) Stop() { r.crew.Stop() }

// Wake has a worker look at once.
func (r *Reconciler) Wake() { r.crew.Wake() }

// tend does what belongs to no single look: clouds, schedules and rules,
// upgrades.
func (r *Reconciler) tend(ctx context.Context) bool {
	again := r.lookAtCloud(ctx)
	for name, do := range map[string]func(context.Context) error{"schedules": r.follow, "upgrades": r.upgrade} {
		if err := do(ctx); err != nil && ctx.Err() == nil {
			r.log.Error("sites not tended", "part", name, "error", err)
		}
	}
	return again
}

// lookOne takes one look at one site and says whether there was one.
func (r *Reconciler) lookOne(ctx context.Context) bool {
	c, err := r.take(ctx)
	if err != nil {
		if !errors.Is(err, errNothing) && ctx.Err() == nil {
			r.log.Error("no site could be claimed", "error", err)
		}
		return false
	}
	if err := r.look(ctx, &c); err != nil {
		r.failed(ctx, c, err)
	}
	return true
}

// recordTimeout bounds how long a failure may take to be written down, also
// when everything else is being stopped.
const recordTimeout = 5 * time.Second

func (r *Reconciler) failed(ctx context.Context, c claim, cause error) {
	if errors.Is(cause, errLost) {
		r.log.Warn("look at a site overtaken", "site", c.ID.String(), "look", c.fence)
		return
	}
	stopped := ctx.Err() != nil
	f := failureOf(cause)
	r.log.Error("site failed", "site", c.ID.String(), "tenant", c.operator.Name, "state", string(c.State), "tries", c.Tries+1, "error", cause)
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), recordTimeout)
	defer cancel()
	err := r.finish(ctx, c, func(ctx context.Context, tx tenants.Tx, s *Site) error {
		if stopped {
			return later(ctx, tx, s, s.Reason, s.Detail, tx.At)
		}
		return r.fail(ctx, tx, s, f)
	})
	if err != nil && !errors.Is(err, errLost) {
		// The lease will run out and the site be looked at again.
		r.log.Error("failure of a site not recorded", "site", c.ID.String(), "error", err)
	}
}
