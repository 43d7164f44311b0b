package identity

import (
	"strings"
	"sync"
	"time"

	"tollhouse/billing/tenant"
)

// KeyLife is how long a process may go by what it has read of an API key: so
// late, at most, is a key refused that another process has revoked, or whose
// role has lost a right. The process that does so refuses it at once.
const KeyLife = 5 * time.Second

// IsAPIKey says whether a bearer is an API key, by its looks.
func IsAPIKey(bearer string) bool { return strings.HasPrefix(bearer, apiKeyPrefix) }

// unsettled are the tenants whose keys or roles this process is changing, or
// has changed just now.
type unsettled struct {
	mu    sync.Mutex
	since map[tenant.ID]time.Time // wall time of the last change
}

// maxUnsettled is from where on those that have settled are looked for and
// forgotten.
const maxUnsettled = 1_000

// changed notes that a transaction changes keys or roles of a tenant. Nobody
// knows when it will be committed: for KeyLife nothing that is read counts.
func (a *Authority) changed(id tenant.ID) {
	now := a.now()
	a.unsettled.mu.Lock()
	defer a.unsettled.mu.Unlock()
	if len(a.unsettled.since) >= maxUnsettled {
		for other, at := range a.unsettled.since {
			if now.Sub(at) > 2*KeyLife {
				delete(a.unsettled.since, other)
			}
		}
	}
	if a.unsettled.since == nil {
		a.unsettled.since = map[tenant.ID]time.Time{}
	}
	a.unsettled.since[id] = now
}

// Settled says whether what was read at an instant, wall time, of a tenant's
// keys and roles may still be gone by, as far as this process has changed them.
// It does not look at how long ago that was.
func (a *Authority) Settled(id tenant.ID, readAt time.Time) bool {
	a.unsettled.mu.Lock()
	defer a.unsettled.mu.Unlock()
	at, is := a.unsettled.since[id]
	return !is || readAt.After(at.Add(KeyLife))
}
