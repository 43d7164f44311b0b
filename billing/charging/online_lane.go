package charging

import (
	"slices"

	"tollhouse/billing/tenant"
)

// spotID is what two requests of one account have in common: what one
// committer at a time should have.
type spotID [16]byte

// lane is what waits of one tenant. Online.mu guards it.
type lane struct {
	ref     tenant.Ref
	waiting []*request
	busy    map[spotID]bool // with a committer now
	running int             // committers that have a batch
	listed  bool            // stands in turn
}

// company is how many must wait for another committer to take part of them:
// fewer are better served together a moment later. While one committer waits
// for its commit to reach the disk, another may read and reckon.
const company = 8

// wants says whether there is work for one more committer.
func (l *lane) wants(most int) bool {
	return len(l.waiting) > 0 && l.running == 0 || len(l.waiting) >= company && l.running < most
}

// take gives the requests, in order, whose accounts no committer has now.
func (l *lane) take(most int) []*request {
	batch := make([]*request, 0, min(most, len(l.waiting)))
	if l.running == 0 && len(l.waiting) <= most {
		batch, l.waiting = append(batch, l.waiting...), l.waiting[:0]
	} else {
		rest := l.waiting[:0]
		for _, r := range l.waiting {
			if len(batch) < most && !l.busy[r.spot] {
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
	l.running++
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
	}
}
