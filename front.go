package main

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"sync"
	"time"

	"tollhouse/api"
	"tollhouse/billing/tenant"
)

// front stands before several hosts of one process and sends each request to
// the one where its tenant stands. What speaks of no tenant goes to the first.
type front struct {
	houses []hosted
	now    func() time.Time

	mu    sync.Mutex
	known map[string]found
}

// hosted is a host with what it serves.
type hosted struct {
	db      *tenant.DB
	handler http.Handler
}

type found struct {
	hosted int
	until  time.Time
}

// foundFor is how long a tenant is taken to be where it was: one that is moved
// is asked to come again for that time at most.
const (
	foundFor = 500 * time.Millisecond
	maxFound = 10_000
)

func newFront(houses ...hosted) *front {
	return &front{houses: houses, now: time.Now, known: map[string]found{}}
}

func (f *front) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	name := api.TenantOf(r)
	if name == "" {
		f.houses[0].handler.ServeHTTP(w, r)
		return
	}
	f.houses[f.of(r.Context(), name)].handler.ServeHTTP(w, r)
}

func (f *front) of(ctx context.Context, name string) int {
	f.mu.Lock()
	last, known := f.known[name]
	f.mu.Unlock()
	if known && f.now().Before(last.until) {
		return last.hosted
	}
	at := 0
	for i, h := range f.houses {
		_, err := h.db.ByName(ctx, name)
		if err == nil {
			at = i
			break
		}
		if !errors.Is(err, tenant.ErrUnknown) && !errors.Is(err, tenant.ErrMoving) {
			return last.hosted // it does not answer: no news
		}
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if len(f.known) >= maxFound {
		clear(f.known)
	}
	f.known[strings.Clone(name)] = found{at, f.now().Add(foundFor)}
	return at
}
