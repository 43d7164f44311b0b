package limit

import (
	"hash/maphash"
	"sync"
	"time"
)

// Rate is how often something may be done.
type Rate struct {
	Burst     int // at once, at least 1
	PerMinute int // in the long run, at least 1
}

// Bounds of one limiter: buckets of their own, shared ones for when those are
// all taken, and how often it looks for some to forget.
const (
	places     = 1 << 16
	shared     = 1 << 10
	sweepEvery = time.Second
)

// Limiter counts by key. It is a generic cell rate algorithm (ITU-T I.371):
// a bucket is one instant, when it will be full again.
type Limiter struct {
	interval time.Duration // in which one token comes back
	depth    time.Duration // of a full bucket
	now      func() time.Time
	places   int

	mu     sync.Mutex
	fullAt map[string]time.Time
	common []time.Time // shared buckets
	seed   maphash.Seed
	swept  time.Time
}

// New makes a limiter. now is wall time.
func New(rate Rate, now func() time.Time) *Limiter {
	interval := time.Minute / time.Duration(max(rate.PerMinute, 1))
	return &Limiter{interval: interval, depth: interval * time.Duration(max(rate.Burst, 1)), now: now, places: places,
		fullAt: map[string]time.Time{}, common: make([]time.Time, shared), seed: maphash.MakeSeed()}
}

// Allow takes a token of a key's bucket. Where there is none it says when the
// next one comes; asking too early costs nothing.
func (l *Limiter) Allow(key string) (ok bool, retryAfter time.Duration) {
	l.mu.Lock()
	defer l.mu.Unlock()
	now := l.now()
	after := later(l.bucket(key, now), now).Add(l.interval)
	if wait := after.Sub(now) - l.depth; wait > 0 {
		return false, wait
	}
	l.set(key, after)
	return true, 0
}

// Refund gives a token back: what was asked for turned out to be right.
func (l *Limiter) Refund(key string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	now := l.now()
	l.set(key, l.bucket(key, now).Add(-l.interval))
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

// bucket is when a key's bucket will be full; a place is made for a new key if
// there is one.
func (l *Limiter) bucket(key string, now time.Time) time.Time {
	if at, own := l.fullAt[key]; own {
		return at
	}
	if len(l.fullAt) >= l.places {
		l.sweep(now)
	}
	if len(l.fullAt) < l.places {
		l.fullAt[key] = now
		return now
	}
	return l.common[l.share(key)]
}

func (l *Limiter) set(key string, at time.Time) {
	if _, own := l.fullAt[key]; own {
		l.fullAt[key] = at
		return
	}
	l.common[l.share(key)] = at
}

// share is secret, so that nobody can choose keys that fall on somebody else's.
func (l *Limiter) share(key string) uint64 {
	return maphash.String(l.seed, key) % uint64(len(l.common))
}

// sweep forgets full buckets. It looks at all of them, so not at every call.
func (l *Limiter) sweep(now time.Time) {
	if now.Sub(l.swept) < sweepEvery {
		return
	}
	l.swept = now
	for key, at := range l.fullAt {
		if !at.After(now) {
			delete(l.fullAt, key)
		}
	}
}
