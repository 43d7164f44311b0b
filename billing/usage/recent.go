package usage

import "sync"

// Recent remembers keys that were taken lately, so that a repeat is known
// before it is tried. A key that it does not have may be taken all the same.
// It is for all tenants: a source is of one only.
type Recent struct {
	mu       sync.Mutex
	now, old map[claimKey]struct{}
}

// recentKeys is how many keys are kept at least; twice as many at most.
const recentKeys = 50_000

// Has says whether the key of a claim was taken lately.
func (r *Recent) Has(c *Claims, n int) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	key := c.claims[n].claimKey
	_, now := r.now[key]
	_, old := r.old[key]
	return now || old
}

// Keep remembers the keys that were taken of a list.
func (r *Recent) Keep(c *Claims) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.now) >= recentKeys || r.now == nil {
		r.now, r.old = make(map[claimKey]struct{}, recentKeys), r.now
	}
	for _, n := range c.taken {
		r.now[c.claims[n].claimKey] = struct{}{}
	}
}
