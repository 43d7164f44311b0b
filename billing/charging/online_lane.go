package charging

import (
	"slices"
	"time"

	"tollhouse/billing/tenant"
)

// spotID is what two requests of one account have in common: what one
// committer at a time should have.
type spotID [16]byte

// lane is what waits of one tenant. Online.mu guards it.
type lane struct {
	ref       tenant.Ref
	waiting   []*request
	busy      map[spotID]bool // with a committer now
	running   int             // committers that have a batch
	since     time.Time       // something has waited from then on
	impatient bool            // it has waited long enough for company
	timed     bool            // a timer will make it impatient
	listed    bool            // stands in turn
	promised  int             // of those that wait
	weight    int             // of its share
	pass      float64         // requests beyond promises that were taken, by weight
}

// company is how many must wait for another committer to take part of them:
// fewer are better served together a moment later. While one committer waits
// for its commit to reach the disk, another may read and reckon.
const company = 8

// alone is how long fewer than that wait for the committer that is at work: its
// batch may be held up by somebody else's lock.
const alone = 20 * time.Millisecond

// wants says whether there is work for one more committer.
func (l *lane) wants(most int) bool {
	switch {
	case len(l.waiting) == 0:
		return false
	case l.running == 0:
		return true
	}
	return l.running < most && (len(l.waiting) >= company || l.impatient || l.promised > 0)
}

// patience is how long what waits may still wait for company.
func (l *lane) patience() time.Duration { return alone - time.Since(l.since) }

// take gives the requests, in order, whose accounts no committer has now: those
// that are promised, or those that are not.
func (l *lane) take(most int, promised bool) []*request {
	batch := make([]*request, 0, min(most, len(l.waiting)))
	if l.running == 0 && len(l.waiting) <= most && (l.promised == 0 || l.promised == len(l.waiting)) {
		batch, l.waiting = append(batch, l.waiting...), l.waiting[:0]
	} else {
		rest := l.waiting[:0]
		for _, r := range l.waiting {
			if len(batch) < most && r.promised == promised && !l.busy[r.spot] {
				batch = append(batch, r)
			} else {
				rest = append(rest, r)
			}
		}
		clear(l.waiting[len(rest):])
		l.waiting = rest
	}
	if len(batch) == 0 {
		return nil
	}
	for _, r := range batch {
		l.busy[r.spot] = true
	}
	if promised {
		l.promised -= len(batch)
	}
	l.running++
	l.impatient, l.since = false, time.Now()
	return batch
}

// free is take's end.
func (l *lane) free(batch []*request) {
	l.running--
	if l.running == 0 {
		clear(l.busy)
		return
	}
	for _, r := range batch {
		delete(l.busy, r.spot)
	}
}

// forget takes a request out that waits still.
func (l *lane) forget(r *request) {
	if i := slices.Index(l.waiting, r); i >= 0 {
		l.waiting = slices.Delete(l.waiting, i, i+1)
		if r.promised {
			l.promised--
		}
	}
}
