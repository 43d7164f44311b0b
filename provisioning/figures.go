package provisioning

import (
	"context"
	"sync"
	"time"

	"tollhouse/billing/tenant"
)

// Figures are what a stack says of itself, measured there and then.
type Figures struct {
	Took     time.Duration
	Clock    time.Time // its business time
	Standing string    // as the stack obeys it: active, suspended or closed

	SizeBytes   int64 // tables and indexes of its schema
	Subscribers int64 // accounts that are not closed
	UsageDay    int64 // usage records taken in the last 24 hours
	UsageMinute int64 // the same in the last ten minutes, a minute
	Charges     int64 // charges made in the last ten minutes, a minute

	OldestDue   *time.Time // business time of the oldest work that waits, if any waits
	Due, Failed int64      // work that waits since it fell due; that was given up
	Suspense    int64      // usage that waits for a person
	SealedAt    *time.Time // wall time of the last seal of its audit, nil before the first
}

// lateAfter is how long work may wait before somebody should look.
const lateAfter = 15 * time.Minute

// Late says whether work has waited too long since it fell due.
func (f Figures) Late() bool { return f.OldestDue != nil && f.Clock.Sub(*f.OldestDue) > lateAfter }

// Healthy says whether nothing in the stack needs one of the staff. Usage in
// suspense is the operator's to look at.
func (f Figures) Healthy() bool { return f.Failed == 0 && !f.Late() }

// Inspector measures stacks.
type Inspector interface {
	// Inspect asks a stack for its figures.
	Inspect(ctx context.Context, at Placed) (Figures, error)
}

// Reading is what came of asking a stack: figures, or why there are none.
type Reading struct {
	Figures
	Err error
	At  time.Time // when it was asked
}

// Watch keeps readings for some seconds, so that many who look cost no more
// than one.
type Watch struct {
	inspector Inspector
	now       func() time.Time

	mu   sync.Mutex
	last map[tenant.ID]Reading
}

// NewWatch makes a watch. now is wall time.
func NewWatch(inspector Inspector, now func() time.Time) *Watch {
	return &Watch{inspector: inspector, now: now, last: map[tenant.ID]Reading{}}
}

const (
	readingLasts   = 5 * time.Second
	inspectTimeout = 2 * time.Second
	inspectAtOnce  = 4
	// maxInspected bounds what one page asks for, maxReadings what is kept.
	maxInspected = 100
	maxReadings  = 10_000
)

// Of reads stacks, at most 100 of those given. One that does not answer has an
// error in its reading and holds up nobody for longer than two seconds.
func (w *Watch) Of(ctx context.Context, stacks []Placed) map[tenant.ID]Reading {
	stacks = stacks[:min(len(stacks), maxInspected)]
	found := make(map[tenant.ID]Reading, len(stacks))
	var stale []Placed
	for _, at := range stacks {
		if reading, fresh := w.fresh(at.Operator.ID); fresh {
			found[at.Operator.ID] = reading
		} else {
			stale = append(stale, at)
		}
	}
	var wait sync.WaitGroup
	slots := make(chan struct{}, inspectAtOnce)
	readings := make([]Reading, len(stale))
	for i, at := range stale {
		wait.Go(func() {
			slots <- struct{}{}
			defer func() { <-slots }()
			readings[i] = w.ask(ctx, at)
		})
	}
	wait.Wait()
	for i, at := range stale {
		found[at.Operator.ID] = readings[i]
	}
	return found
}

func (w *Watch) fresh(id tenant.ID) (Reading, bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	reading, known := w.last[id]
	return reading, known && w.now().Sub(reading.At) < readingLasts
}

func (w *Watch) ask(ctx context.Context, at Placed) Reading {
	ctx, cancel := context.WithTimeout(ctx, inspectTimeout)
	defer cancel()
	reading := Reading{At: w.now().UTC()}
	reading.Figures, reading.Err = w.inspector.Inspect(ctx, at)
	reading.Took = w.now().Sub(reading.At)
	w.mu.Lock()
	defer w.mu.Unlock()
	if len(w.last) >= maxReadings {
		clear(w.last)
	}
	w.last[at.Operator.ID] = reading
	return reading
}
