package move

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"tollhouse/provisioning"
	"tollhouse/provisioning/crew"
	"tollhouse/tenants"
)

// Mover works off moves.
type Mover struct {
	db     *tenants.DB
	ends   Ends
	config Config
	log    *slog.Logger
	crew   *crew.Crew
}

// Config bounds the mover. Zero values take the defaults.
type Config struct {
	Workers int           // moves at a time; 2
	Poll    time.Duration // how often it looks without being woken; 1 s
	Lease   time.Duration // how long a step may stay silent; 10 s
	Watch   time.Duration // how often a stack that has been moved is looked at; 5 s
}

// New makes a mover; Start sets it to work.
func New(db *tenants.DB, ends Ends, config Config, log *slog.Logger) *Mover {
	fill := func(d *time.Duration, value time.Duration) {
		if *d == 0 {
			*d = value
		}
	}
	if config.Workers == 0 {
		config.Workers = 2
	}
	fill(&config.Poll, time.Second)
	fill(&config.Lease, 10*time.Second)
	fill(&config.Watch, 5*time.Second)
	return &Mover{db: db, ends: ends, config: config, log: log, crew: crew.New(config.Workers, config.Poll, 0)}
}

// Start begins to work, until Stop.
func (v *Mover) Start(ctx context.Context) {
	v.crew.Start(ctx, crew.Each(v.config.Workers, v.Once)...)
}

// Stop gives up what is in hand: it is taken up again by whoever runs next. A
// pause that has begun is brought to an end first. A second Stop is harmless,
// so is one before Start.
func (v *Mover) Stop() { v.crew.Stop() }

// Wake has a worker look at once.
func (v *Mover) Wake() { v.crew.Wake() }

var (
	errNothing = errors.New("no move to work on")
	// errLost means that another attempt has taken over.
	errLost = errors.New("another attempt has taken over")
)

// Once takes one step of one move and says whether there was one to take.
func (v *Mover) Once(ctx context.Context) bool {
	m, err := v.take(ctx)
	if err != nil {
		if !errors.Is(err, errNothing) && ctx.Err() == nil {
			v.log.Error("no move could be claimed", "error", err)
		}
		return false
	}
	release := v.hold(ctx, m)
	err = v.step(ctx, m)
	release()
	if err != nil && !errors.Is(err, errLost) {
		v.failed(ctx, m, err)
	}
	return true
}

// hold moves the lease on while a step is taken: a slow one is not taken over, a
// dead process is found out.
func (v *Mover) hold(ctx context.Context, m Move) (release func()) {
	ctx, cancel := context.WithCancel(context.WithoutCancel(ctx))
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		tick := time.NewTicker(v.config.Lease / 3)
		defer tick.Stop()
		for {
			select {
			case <-ctx.Done():
				return
			case <-tick.C:
			}
			// What the step itself has written is left alone.
			err := v.change(ctx, m, `next_try_at = greatest(next_try_at, $3)`, v.db.Now().Add(v.config.Lease))
			if err != nil && ctx.Err() == nil {
				v.log.Warn("lease of a move not kept", "tenant", m.Name, "error", err)
			}
		}
	}()
	return func() { cancel(); <-ended }
}

// take claims the move that has waited longest, for the time of a lease.
func (v *Mover) take(ctx context.Context) (Move, error) {
	var m Move
	err := v.db.Write(ctx, func(ctx context.Context, tx tenants.Tx) error {
		var id uuid.UUID
		err := tx.QueryRow(ctx, `
			update move
			   set attempts = attempts + 1, next_try_at = $1
			 where id = (
			       select id
			         from move
			        where done_at is null and next_try_at <= $2
			        order by next_try_at, id
			        limit 1
			          for update skip locked)
			returning id`, tx.At.Add(v.config.Lease), tx.At).Scan(&id)
		if errors.Is(err, pgx.ErrNoRows) {
			return errNothing
		}
		if err != nil {
			return fmt.Errorf("claim a move: %w", err)
		}
		m, err = Get(ctx, tx, id)
		return err
	})
	return m, err
}

// to moves to another state, at once to be worked on. set is more of the row to
// be changed; its parameters begin with $6.
func (v *Mover) to(ctx context.Context, m Move, next State, set string, args ...any) error {
	return v.db.Write(ctx, func(ctx context.Context, tx tenants.Tx) error { return v.toIn(ctx, tx, m, next, set, args...) })
}

func (v *Mover) toIn(ctx context.Context, tx tenants.Tx, m Move, next State, set string, args ...any) error {
	if !m.State.May(next) {
		return fmt.Errorf("%s after %s: %w", next, m.State, ErrState)
	}
	steps := began(m.Steps, string(next), tx.At, next.Over())
	if next.Over() {
		set += `, done_at = $4`
	}
	return v.changeIn(ctx, tx, m, `state = $3, next_try_at = $4, reason = '', failures = 0, steps = $5`+set, append([]any{next, tx.At, steps}, args...)...)
}

// began ends the step that was under way and begins another.
func began(steps []Step, name string, at time.Time, over bool) []Step {
	steps = append([]Step(nil), steps...)
	if n := len(steps); n > 0 && steps[n-1].EndedAt == nil {
		steps[n-1].EndedAt = &at
	}
	next := Step{Name: name, BeganAt: at}
	if over {
		next.EndedAt = &at
	}
	if steps = append(steps, next); len(steps) > maxSteps {
		steps = steps[len(steps)-maxSteps:]
	}
	return steps
}

// maxSteps bounds what is kept of a move that goes back and forth.
const maxSteps = 60

// change sets columns of a move that is still ours; its parameters begin with $3.
func (v *Mover) change(ctx context.Context, m Move, set string, args ...any) error {
	return v.db.Write(ctx, func(ctx context.Context, tx tenants.Tx) error { return v.changeIn(ctx, tx, m, set, args...) })
}

func (v *Mover) changeIn(ctx context.Context, tx tenants.Tx, m Move, set string, args ...any) error {
	done, err := tx.Exec(ctx, `update move set `+set+` where id = $1 and attempts = $2 and done_at is null`, append([]any{m.ID, m.Attempts}, args...)...)
	if err != nil {
		return fmt.Errorf("change move of %s: %w", m.Name, err)
	}
	if done.RowsAffected() != 1 {
		return fmt.Errorf("move of %s: %w", m.Name, errLost)
	}
	return nil
}

// recordTimeout bounds how long a failure may take to be written down.
const recordTimeout = 5 * time.Second

// failed writes down why a step did not get on, and when it is taken again.
func (v *Mover) failed(ctx context.Context, m Move, cause error) {
	pause := min(time.Second<<min(m.Failures, 6), time.Minute)
	if ctx.Err() != nil {
		pause = 0
	} else {
		v.log.Error("move does not get on", "tenant", m.Name, "state", string(m.State), "failures", m.Failures+1, "retry", pause, "error", cause)
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), recordTimeout)
	defer cancel()
	err := v.change(ctx, m, `reason = $3, next_try_at = $4, failures = failures + 1`, provisioning.ReasonOf(cause), v.db.Now().Add(pause))
	if err != nil && !errors.Is(err, errLost) {
		v.log.Error("failure of a move not recorded", "tenant", m.Name, "error", err)
	}
}
