package limit

import (
	"strconv"
	"testing"
	"time"
)

type clock struct{ at time.Time }

func (c *clock) now() time.Time { return c.at }

func newClock() *clock { return &clock{time.Date(2026, 5, 1, 12, 0, 0, 0, time.UTC)} }

func TestAllow_burstThenRate(t *testing.T) {
	t.Parallel()
	c := newClock()
	l := New(Rate{Burst: 3, PerMinute: 6}, c.now)
	for n := range 3 {
		if ok, _ := l.Allow("a"); !ok {
			t.Fatalf("%d of 3 was refused", n+1)
		}
	}
	for range 100 { // asking on and on does not push the next token away
		if ok, wait := l.Allow("a"); ok || wait != 10*time.Second {
			t.Fatalf("the 4th: %v, %s", ok, wait)
		}
	}
	if ok, _ := l.Allow("b"); !ok {
		t.Error("another key pays for it")
	}
	c.at = c.at.Add(10 * time.Second)
	if ok, _ := l.Allow("a"); !ok {
		t.Error("nothing came back in 10 s")
	}
	if ok, _ := l.Allow("a"); ok {
		t.Error("two came back in 10 s")
	}
	l.Refund("a")
	if ok, _ := l.Allow("a"); !ok {
		t.Error("a token given back is not there")
	}
}

func TestRefund_neverFillsAboveTheBurst(t *testing.T) {
	t.Parallel()
	c := newClock()
	l := New(Rate{Burst: 2, PerMinute: 1}, c.now)
	for range 10 {
		l.Refund("a")
	}
	for range 2 {
		l.Allow("a")
	}
	if ok, _ := l.Allow("a"); ok {
		t.Error("a bucket of two gave three")
	}
}

// Who has spent its bucket and then asks under a million other keys finds it as
// empty as it left it, and the table no larger than it may be.
func TestAllow_floodOfKeysForgetsNothing(t *testing.T) {
	t.Parallel()
	c := newClock()
	l := New(Rate{Burst: 2, PerMinute: 1}, c.now)
	l.places = 100
	l.Allow("attacker")
	l.Allow("attacker")
	let := 0
	for n := range 10_000 {
		c.at = c.at.Add(time.Millisecond)
		if ok, _ := l.Allow("made up " + strconv.Itoa(n)); ok {
			let++
		}
	}
	if ok, _ := l.Allow("attacker"); ok {
		t.Error("the flood bought a new bucket")
	}
	if len(l.fullAt) > l.places {
		t.Errorf("%d buckets are kept", len(l.fullAt))
	}
	if most := 2 * (l.places + shared); let > most {
		t.Errorf("%d of the flood came through, want at most %d", let, most)
	}
	c.at = c.at.Add(5 * time.Minute)
	if ok, _ := l.Allow("stranger"); !ok {
		t.Error("the flood is over and strangers are still kept out")
	}
}
