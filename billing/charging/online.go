package charging

import (
	"context"
	"errors"
	"log/slog"
	"runtime"
	"slices"
	"sync"
	"time"

	"tollhouse/billing/tenant"
	"tollhouse/billing/usage"
)

// Errors of online charging.
var (
	// ErrBusy means that a tenant's queue is full. Nothing was changed; asking
	// again a little later is right.
	ErrBusy = errors.New("too many requests wait to be charged")
	// ErrStopped means that the process is about to end. Another one takes the
	// request, under the same key.
	ErrStopped = errors.New("charging is being stopped")
)

// OnlineConfig is what online charging is made of. Numbers that are zero get a
// sensible value.
type OnlineConfig struct {
	DB     *tenant.DB
	Engine *Engine
	Log    *slog.Logger

	Committers          int // transactions at once, of all tenants
	CommittersPerTenant int
	Batch               int // requests of one transaction, at most
	Queue               int // requests of one tenant that may wait
}

const (
	defaultCommitters          = 4
	defaultCommittersPerTenant = 2
	defaultBatch               = 1_000
	defaultQueue               = 4_000
)

// Online charges what must be answered at once. Requests of one tenant that arrive
// together share a transaction: what has arrived is taken, nothing waits for
// more. Each is answered after the commit, and for itself.
//
// Whose turn it is goes by shares (see guard): what is promised to a tenant comes
// first, the others by what they have had for their weight.
//
// Committers live while there is work. Where many requests of a tenant are in
// flight, several committers share them out by account, so that they don't wait
// for each other's locks; other processes may charge the same accounts at the
// same time.
type Online struct {
	config  OnlineConfig
	scenes  scenes
	sources sources
	memory  memory
	recent  usage.Recent
	mu      sync.Mutex
	lanes   map[tenant.ID]*lane
	ready   []*lane // have work for a committer
	running int     // committers
	others  int     // of them, those at work on what is promised to nobody
	guard   guard
	stopped bool
	idle    chan struct{} // closed when stopped and the last committer has ended
	worked  Worked
}

// Worked is what has been settled since the start, and how many of the requests
// were charged from memory.
type Worked struct{ Requests, Transactions, FromMemory int }

// Worked tells how many requests shared how many transactions.
func (o *Online) Worked() Worked {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.worked
}

// NewOnline starts nothing: the first request does.
func NewOnline(config OnlineConfig) *Online {
	fill := func(n *int, value int) {
		if *n == 0 {
			*n = value
		}
	}
	fill(&config.Committers, defaultCommitters)
	fill(&config.CommittersPerTenant, defaultCommittersPerTenant)
	fill(&config.Batch, defaultBatch)
	fill(&config.Queue, defaultQueue)
	if config.Log == nil {
		config.Log = slog.New(slog.DiscardHandler)
	}
	return &Online{config: config, scenes: scenes{engine: config.Engine}, lanes: map[tenant.ID]*lane{}, idle: make(chan struct{}), guard: newGuard(time.Now())}
}

// Stop refuses what comes from now on and waits until all that waits has been
// answered, or ctx ends. A second Stop is harmless.
func (o *Online) Stop(ctx context.Context) error {
	o.mu.Lock()
	if !o.stopped {
		o.stopped = true
		o.stir()
		if o.running == 0 {
			close(o.idle)
		}
	}
	o.mu.Unlock()
	select {
	case <-o.idle:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// ask hands a request to the committers and waits for its answer. Who leaves
// before the request's turn has not asked; later, the answer stands under its
// key.
func (o *Online) ask(ctx context.Context, ref tenant.Ref, r *request) error {
	r.done = make(chan struct{})
	if err := o.enqueue(ref, r); err != nil {
		return err
	}
	select {
	case <-r.done:
		return r.err
	case <-ctx.Done():
		o.mu.Lock()
		if l := o.lanes[ref.ID]; l != nil {
			l.forget(r)
		}
		o.mu.Unlock()
		return ctx.Err()
	}
}

func (o *Online) enqueue(ref tenant.Ref, r *request) error {
	spot, plain := o.scenes.place(ref.ID, r)
	r.asked = time.Now()
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.stopped {
		return ErrStopped
	}
	l := o.lanes[ref.ID]
	if l == nil {
		l = &lane{busy: map[spotID]bool{}, weight: o.guard.weight(ref.ID), pass: o.guard.pass}
		o.lanes[ref.ID] = l
	}
	r.promised = o.guard.arrives(ref.ID, r.asked)
	if most := o.queueOf(r); len(l.waiting) >= most {
		o.guard.refused(ref.ID, r)
		return ErrBusy
	}
	l.ref, r.spot, r.plain = ref, spot, plain
	if len(l.waiting) == 0 {
		l.since = r.asked
	}
	l.waiting = append(l.waiting, r)
	if r.promised {
		l.promised++
	}
	o.offer(l)
	o.time(l)
	return nil
}

// time sees that nobody waits long for a batch that is held up. o.mu is held.
func (o *Online) time(l *lane) {
	if l.timed || l.impatient || len(l.waiting) == 0 || l.running == 0 {
		return
	}
	l.timed = true
	time.AfterFunc(max(l.patience(), time.Millisecond), func() {
		o.mu.Lock()
		defer o.mu.Unlock()
		l.timed = false
		if l.patience() > 0 {
			o.time(l)
			return
		}
		l.impatient = len(l.waiting) > 0
		o.offer(l)
	})
}

// offer puts a lane in turn if it has work for one more committer, and sees
// that there is one. o.mu is held.
func (o *Online) offer(l *lane) {
	if !l.listed && l.wants(o.config.CommittersPerTenant) {
		l.listed = true
		o.ready = append(o.ready, l)
	}
	o.stir()
}

// commitAll is one committer: it takes lanes in turn until none has work.
//
// It lets others run before it takes a batch: those who were answered just now,
// or arrived with the first, have asked by then. That is no wait: where nobody
// else is ready to run it goes on at once.
func (o *Online) commitAll() {
	for {
		runtime.Gosched()
		t := o.next()
		if t.lane == nil {
			return
		}
		o.settle(t.ref, t.batch)
		o.answer(t)
	}
}

// haul is a batch that a committer has taken, and where its tenant stands.
type haul struct {
	lane     *lane
	ref      tenant.Ref
	batch    []*request
	promised bool // all of it; otherwise none
}

// next takes a batch of the lane whose turn it is.
func (o *Online) next() haul {
	o.mu.Lock()
	defer o.mu.Unlock()
	for {
		i := o.pick(time.Now())
		if i < 0 {
			break
		}
		l := o.ready[i]
		o.ready = slices.Delete(o.ready, i, i+1)
		l.listed = false
		t := haul{lane: l, ref: l.ref, promised: l.promised > 0}
		if t.batch = l.take(o.most(t.promised), t.promised); len(t.batch) == 0 {
			continue
		}
		o.taken(t)
		o.offer(l)
		return t
	}
	o.rest()
	o.running--
	if o.stopped && o.running == 0 {
		close(o.idle)
	}
	return haul{}
}

// answer gives a batch its answers and frees its accounts.
func (o *Online) answer(t haul) {
	for _, r := range t.batch {
		close(r.done)
	}
	o.mu.Lock()
	o.worked.Requests += len(t.batch)
	o.worked.Transactions++
	if !t.promised {
		o.others--
	}
	o.guard.answered(t, time.Now())
	l := t.lane
	l.free(t.batch)
	o.offer(l)
	if len(l.waiting) == 0 && l.running == 0 {
		delete(o.lanes, l.ref.ID)
	}
	o.mu.Unlock()
}

// unreachablePatience is how long a batch whose fate is open waits for the
// database, and unreachablePause how long between two tries.
const (
	unreachablePatience = 10 * time.Second
	unreachablePause    = 100 * time.Millisecond
	settleAttempts      = 8
)

// settle brings every request of a batch to an answer or an error: from memory
// what can be, under locks what is left.
func (o *Online) settle(ref tenant.Ref, batch []*request) {
	swift, locked := o.memory.sort(ref.ID, batch)
	if len(swift) > 0 {
		again, err := o.swift(ref, swift)
		if err != nil {
			again = swift
		}
		o.mu.Lock()
		o.worked.FromMemory += len(swift) - len(again)
		o.mu.Unlock()
		locked = append(locked, again...)
	}
	if len(locked) > 0 {
		o.settleLocked(ref, locked)
	}
}

func (o *Online) settleLocked(ref tenant.Ref, batch []*request) {
	giveUp := time.Now().Add(unreachablePatience)
	for attempt := 1; ; attempt++ {
		repeats, err := o.attempt(ref, batch)
		switch {
		case err == nil:
			o.repeat(ref, repeats)
			return
		case errors.Is(err, errStale) || errors.Is(err, usage.ErrRace):
			if attempt < settleAttempts {
				continue
			}
		case errors.Is(err, tenant.ErrUnreachable):
			// Perhaps it was committed: the next try finds the keys.
			if time.Now().Before(giveUp) {
				time.Sleep(unreachablePause)
				continue
			}
		case len(batch) > 1 && (blamesContent(err) || errors.Is(err, errPanicked)):
			o.config.Log.Warn("a batch is halved", "tenant", ref.Name, "requests", len(batch), "error", err)
			middle := len(batch) / 2
			o.settleLocked(ref, batch[:middle])
			o.settleLocked(ref, batch[middle:])
			return
		}
		for _, r := range batch {
			r.err = err
		}
		return
	}
}
