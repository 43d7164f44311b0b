package charging

import (
	"math"
	"time"

	"tollhouse/billing/tenant"
)

// A meter counts in windows, so that what it tells is of the last minutes.
const (
	windowLength = 10 * time.Second
	windows      = 30
)

// meter is what became of a guarantee in the last five minutes.
type meter struct {
	began time.Time
	ring  [windows]window
}

func newMeter(now time.Time) meter { return meter{began: now} }

// window is a meter's ten seconds.
type window struct {
	number  int64 // of the ten seconds since 1970; zero: unused
	took    histogram
	prompt  int64
	late    int64
	refused int64
	beyond  int64
}

// at is the window of an instant.
func (m *meter) at(now time.Time) *window {
	number := now.UnixNano() / int64(windowLength)
	w := &m.ring[number%windows]
	if w.number != number {
		*w = window{number: number}
	}
	return w
}

func (w *window) add(took, bound time.Duration) {
	w.took.add(took)
	w.prompt++
	if took > bound {
		w.late++
	}
}

// attained sums the windows up.
func (m *meter) attained(id tenant.ID, now time.Time) tenant.Attained {
	a := tenant.Attained{Tenant: id}
	newest := now.UnixNano() / int64(windowLength)
	var took histogram
	for i := range m.ring {
		w := &m.ring[i]
		if newest-w.number >= windows {
			continue
		}
		a.Promised += w.prompt
		a.Late += w.late
		a.Refused += w.refused
		a.Beyond += w.beyond
		took.join(&w.took)
	}
	a.P99 = took.quantile(99)
	a.Seconds = int64(max(min(now.Sub(m.began), windows*windowLength), time.Second) / time.Second)
	return a
}

// histogram counts durations in classes that grow by an eighth, from a
// millisecond to over a minute: what is read from it is at most that much
// above the truth.
type histogram [96]int64

const (
	classGrowth = 1.125
	classFirst  = time.Millisecond
)

func classOf(d time.Duration) int {
	if d <= classFirst {
		return 0
	}
	return min(int(math.Ceil(math.Log(float64(d)/float64(classFirst))/math.Log(classGrowth))), len(histogram{})-1)
}

// upTo is the greatest duration of a class.
func upTo(class int) time.Duration {
	return time.Duration(float64(classFirst) * math.Pow(classGrowth, float64(class))).Round(time.Microsecond)
}

func (h *histogram) add(d time.Duration) { h[classOf(d)]++ }

func (h *histogram) join(other *histogram) {
	for i, n := range other {
		h[i] += n
	}
}

// quantile is the duration below which so many of a hundred lie, by nearest
// rank; zero if there are none.
func (h *histogram) quantile(percent int64) time.Duration {
	var all, seen int64
	for _, n := range h {
		all += n
	}
	rank := (all*percent + 99) / 100
	for class, n := range h {
		if seen += n; n > 0 && seen >= rank {
			return upTo(class)
		}
	}
	return 0
}

// Attained tells what became of each guarantee in the last five minutes.
func (o *Online) Attained() []tenant.Attained {
	o.mu.Lock()
	defer o.mu.Unlock()
	var all []tenant.Attained
	now := time.Now()
	for id, p := range o.guard.promises {
		all = append(all, p.meter.attained(id, now))
	}
	return all
}
