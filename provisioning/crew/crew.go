// Package crew keeps workers going that look for work until they are stopped.
//
// It owns when they look and how they end. It does not own what they do: what is
// under way when a process dies must be taken up by whoever runs next.
package crew

import (
	"context"
	"sync"
	"time"
)

// Look takes one piece of work, and says whether there was one: then it is
// called again at once. Its context ends when work in hand is to be given up.
type Look func(ctx context.Context) bool

// Crew is workers of one kind. They look when they are woken, and every so
// often without.
type Crew struct {
	poll, grace time.Duration

	wake    chan struct{}
	stop    context.CancelFunc // no new work
	abort   context.CancelFunc // give up work in hand
	running sync.WaitGroup
}

// New makes a crew. Poll is how often its workers look without being woken,
// grace how long Stop lets work in hand finish (0: not at all), size how many
// calls of Wake are remembered while all are busy.
func New(size int, poll, grace time.Duration) *Crew {
	return &Crew{poll: poll, grace: grace, wake: make(chan struct{}, size)}
}

// Start sets one worker to each look, until Stop; they look at once. The end of
// ctx does not end them; its values are theirs.
func (c *Crew) Start(ctx context.Context, looks ...Look) { c.start(ctx, false, looks) }

// StartLater is Start for workers that wait before their first look as before
// every other.
func (c *Crew) StartLater(ctx context.Context, looks ...Look) { c.start(ctx, true, looks) }

func (c *Crew) start(ctx context.Context, later bool, looks []Look) {
	work, abort := context.WithCancel(context.WithoutCancel(ctx))
	looking, stop := context.WithCancel(work)
	c.abort, c.stop = abort, stop
	for _, look := range looks {
		c.running.Go(func() { c.run(looking, work, later, look) })
	}
}

// Each is n workers that look alike.
func Each(n int, look Look) []Look {
	looks := make([]Look, n)
	for i := range looks {
		looks[i] = look
	}
	return looks
}

// Stop takes no new work, lets what is in hand finish for the grace, then has it
// given up. A second Stop is harmless, so is one before Start.
func (c *Crew) Stop() {
	if c.stop == nil {
		return
	}
	c.stop()
	late := time.AfterFunc(c.grace, c.abort)
	defer late.Stop()
	c.running.Wait()
	c.abort()
}

// Wake has a worker look at once. Calls that none has heard yet, beyond the
// crew's size, are one.
func (c *Crew) Wake() {
	select {
	case c.wake <- struct{}{}:
	default: // every worker has a look ahead of it already
	}
}

func (c *Crew) run(looking, work context.Context, wait bool, look Look) {
	poll := time.NewTicker(c.poll)
	defer poll.Stop()
	for ; ; wait = false {
		for !wait && looking.Err() == nil && look(work) {
		}
		select {
		case <-looking.Done():
			return
		case <-c.wake:
		case <-poll.C:
		}
	}
}
