package provisioning

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"tollhouse/provisioning/crew"
	"tollhouse/tenants"
)

// Reconciler makes stacks so as they are wanted.
type Reconciler struct {
	db     *tenants.DB
	cloud  Cloud
	log    *slog.Logger
	config Config
	visits *Visits

	crew *crew.Crew
	book *crew.Crew // what nobody calls for
}

// Config bounds the reconciler. Zero values take the defaults.
type Config struct {
	Workers int           // creations at a time; 4
	Poll    time.Duration // how often it looks without being woken; 1 s
	Lease   time.Duration // how long one attempt may take; 15 s
	Grace   time.Duration // how long Stop lets work in hand finish; 10 s
}

func (c Config) withDefaults() Config {
	if c.Workers == 0 {
		c.Workers = 4
	}
	if c.Poll == 0 {
		c.Poll = time.Second
	}
	if c.Lease == 0 {
		c.Lease = 15 * time.Second
	}
	if c.Grace == 0 {
		c.Grace = 10 * time.Second
	}
	return c
}

// New makes a reconciler; Start sets it to work.
func New(db *tenants.DB, cloud Cloud, config Config, log *slog.Logger) *Reconciler {
	config = config.withDefaults()
	return &Reconciler{db: db, cloud: cloud, log: log, config: config, visits: NewVisits(db, cloud, log),
		crew: crew.New(config.Workers, config.Poll, config.Grace),
		book: crew.New(1, max(config.Poll, min(keepUpEvery, 3*config.Poll)), config.Grace)}
}

// Start begins to work, until Stop.
func (r *Reconciler) Start(ctx context.Context) {
	r.crew.Start(ctx, crew.Each(r.config.Workers, func(ctx context.Context) bool {
		return r.workOne(ctx) || r.carryOne(ctx) || r.copyOne(ctx)
	})...)
	r.book.StartLater(ctx, r.keepUp)
}

// Stop takes no new work, lets what is in hand finish for the grace, then gives
// it up: it is taken up again by whoever runs next. A second Stop is harmless,
// so is one before Start.
func (r *Reconciler) Stop() {
	r.crew.Stop()
	r.book.Stop()
}

// Wake has a worker look at once. Any number of calls before it does are one
// look for each worker, which then goes on until nothing waits.
func (r *Reconciler) Wake() { r.crew.Wake() }

// workOne makes one attempt at one stack and says whether there was one.
func (r *Reconciler) workOne(ctx context.Context) bool {
	c, err := r.take(ctx)
	if err != nil {
		if !errors.Is(err, errNothing) && ctx.Err() == nil {
			r.log.Error("no stack could be claimed", "error", err)
		}
		return false
	}
	if err := r.attempt(ctx, c); err != nil {
		r.failed(ctx, c, err)
	}
	return true
}

// attempt makes one stack within the lease.
func (r *Reconciler) attempt(ctx context.Context, c claim) error {
	// What runs longer than the lease would work beside its successor. That is
	// safe, but it helps nobody.
	ctx, cancel := context.WithTimeout(ctx, r.config.Lease)
	defer cancel()
	if c.Place.IsZero() {
		place, err := r.findPlace(ctx, c)
		if err != nil {
			return err
		}
		c.Place = place
	}
	want := Wanted{Operator: c.operator, OwnerPasswordHash: c.passwordHash, Epoch: c.Epoch, Place: c.Place}
	if err := r.cloud.Ensure(ctx, want); err != nil {
		return err
	}
	if err := r.finish(ctx, c); err != nil {
		return err
	}
	r.log.Info("stack ready", "tenant", c.operator.Name, "host", c.Place.Host, "slot", c.Place.Slot.String(), "attempt", c.Attempts)
	return nil
}

// maxChoices bounds how often a place may turn out to be taken: more than
// creations that can meet at once, over all processes.
const maxChoices = 100

func (r *Reconciler) findPlace(ctx context.Context, c claim) (Place, error) {
	for range maxChoices {
		host, err := r.chooseHost(ctx, c)
		if err != nil {
			return Place{}, err
		}
		place, err := r.cloud.Choose(ctx, host)
		if err != nil {
			return Place{}, err
		}
		err = r.settle(ctx, c, place)
		if err == nil {
			return place, nil
		}
		if !errors.Is(err, errPlaceTaken) {
			return Place{}, err
		}
	}
	return Place{}, Because("No free place was found.", errPlaceTaken)
}

// recordTimeout bounds how long a failure may take to be written down, also
// when everything else is being stopped.
const recordTimeout = 5 * time.Second

func (r *Reconciler) failed(ctx context.Context, c claim, cause error) {
	if errors.Is(cause, errLost) {
		r.log.Warn("stack attempt overtaken", "tenant", c.operator.Name, "attempt", c.Attempts)
		return
	}
	why, pause := reason(cause), backoff(c.Attempts)
	if ctx.Err() != nil {
		why, pause = "It was stopped in the middle and goes on by itself.", 0
	}
	r.log.Error("stack failed", "tenant", c.operator.Name, "attempt", c.Attempts, "retry", pause, "error", cause)
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), recordTimeout)
	defer cancel()
	if err := r.fail(ctx, c, why, pause); err != nil && !errors.Is(err, errLost) {
		// The lease will run out and the stack be taken up again.
		r.log.Error("stack failure not recorded", "tenant", c.operator.Name, "error", err)
	}
}

const maxBackoff = 5 * time.Minute

// backoff is the pause after the n-th attempt: 1 s, doubling up to 5 minutes.
func backoff(attempts int) time.Duration {
	return min(time.Second<<min(max(attempts-1, 0), 16), maxBackoff)
}
