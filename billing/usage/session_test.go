package usage

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/google/uuid"
	"pgregory.net/rapid"
)

const gb = 1_000_000_000

// reported is a counter record minutes into the day, with decimal gigabytes in tenths.
func reported(nas, name string, status Status, minute int, tenths uint64) *Record {
	at := time.Date(2026, 6, 2, 0, minute, 0, 0, time.UTC)
	c := &Counter{NAS: nas, SessionID: name, Status: status, OutputBytes: tenths * gb / 10, ReportedAt: at, SessionSeconds: uint64(minute) * 60}
	return &Record{Key: c.key(), Kind: Data, Unit: "byte", Identity: Identity{Login, "budi"}, Start: at, End: at, Counter: c}
}

func newSessions() *sessions {
	n := byte(0)
	return &sessions{open: map[sessionKey]*session{}, newID: func() uuid.UUID { n++; return uuid.UUID{15: n} }}
}

func sum(deltas []Delta) (total int64) {
	for _, d := range deltas {
		total += d.Bytes()
	}
	return total
}

func TestCounters_anyOrderGivesTheHighest(t *testing.T) {
	records := []*Record{
		reported("a", "s", Interim, 60, 15), reported("a", "s", Interim, 180, 50),
		reported("a", "s", Interim, 60, 15), reported("a", "s", Stop, 210, 60),
	}
	for _, order := range permutations(4) {
		all := newSessions()
		var total int64
		for _, i := range order {
			total += sum(all.apply([]*Record{records[i]}))
		}
		if total != 6*gb {
			t.Errorf("one by one in order %v: %d", order, total)
		}
		shuffled := []*Record{records[order[0]], records[order[1]], records[order[2]], records[order[3]]}
		if total := sum(newSessions().apply(shuffled)); total != 6*gb {
			t.Errorf("as a batch in order %v: %d", order, total)
		}
	}
}

func permutations(n int) [][]int {
	if n == 0 {
		return [][]int{{}}
	}
	var all [][]int
	for _, p := range permutations(n - 1) {
		for at := range n {
			all = append(all, slices.Insert(slices.Clone(p), at, n-1))
		}
	}
	return all
}

func TestCounters_sumIsTheHighestWhateverComes(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var records []*Record
		highest := map[sessionKey]int64{}
		for range rapid.IntRange(1, 30).Draw(t, "records") {
			nas, name := rapid.SampledFrom([]string{"a", "b"}).Draw(t, "nas"), rapid.SampledFrom([]string{"s", "t"}).Draw(t, "name")
			status := rapid.SampledFrom([]Status{Start, Interim, Stop, On}).Draw(t, "status")
			minute := rapid.IntRange(1, 600).Draw(t, "minute")
			r := reported(nas, name, status, minute, uint64(minute)) // a counter grows with time
			if status == Start {
				r.Counter.OutputBytes = 0
			}
			if status == On {
				r.Counter.SessionID = ""
			} else {
				key := sessionKey{nas, name}
				highest[key] = max(highest[key], r.Counter.total())
			}
			// Which session begins when is not the question here: no times of session.
			if status != On {
				r.Counter.SessionSeconds = 0
				if status == Start {
					r.Counter.Status = Interim
				}
			}
			records = append(records, r)
		}
		repeats := rapid.SliceOfN(rapid.SampledFrom(records), 0, 20).Draw(t, "repeats")
		arrivals := rapid.Permutation(append(slices.Clone(records), repeats...)).Draw(t, "order")
		all := newSessions()
		perSession := map[uuid.UUID]int64{}
		for len(arrivals) > 0 {
			n := rapid.IntRange(1, len(arrivals)).Draw(t, "chunk")
			for _, d := range all.apply(arrivals[:n]) {
				if d.Bytes() < 0 || d.Seconds < 0 || d.From.After(d.To) {
					t.Fatalf("delta goes back: %+v", d)
				}
				perSession[d.Session] += d.Bytes()
			}
			arrivals = arrivals[n:]
		}
		for key, want := range highest {
			if got := perSession[all.open[key].id]; got != want {
				t.Fatalf("%v: %d, want %d", key, got, want)
			}
		}
		if again := sum(all.apply(records)); again != 0 {
			t.Fatalf("replaying the day adds %d", again)
		}
	})
}

func TestCounters_intervalsTellThePeriod(t *testing.T) {
	deltas := newSessions().apply([]*Record{reported("a", "s", Stop, 210, 60), reported("a", "s", Interim, 60, 15), reported("a", "s", Interim, 180, 50)})
	want := []string{"03:00-03:30 1000000000", "00:00-01:00 1500000000", "01:00-03:00 3500000000"}
	for i, d := range deltas {
		if got := fmt.Sprintf("%s-%s %d", d.From.Format("15:04"), d.To.Format("15:04"), d.Bytes()); got != want[i] {
			t.Errorf("record %d: %s, want %s", i, got, want[i])
		}
	}
}

func TestCounters_twoNASAreTwoSessions(t *testing.T) {
	all := newSessions()
	deltas := all.apply([]*Record{reported("a", "s", Interim, 60, 15), reported("b", "s", Interim, 60, 20)})
	if sum(deltas) != 35*gb/10 || deltas[0].Session == deltas[1].Session {
		t.Errorf("%+v", deltas)
	}
}

func TestCounters_accountingOnClosesAtLastCounters(t *testing.T) {
	all := newSessions()
	all.apply([]*Record{reported("a", "s", Interim, 60, 15), reported("b", "s", Interim, 60, 20)})
	all.apply([]*Record{reported("a", "", On, 70, 0)})
	a, b := all.open[sessionKey{"a", "s"}], all.open[sessionKey{"b", "s"}]
	if !a.closed || a.totalBytes != 15*gb/10 || b.closed {
		t.Errorf("a %+v, b %+v", a, b)
	}
	// A late record from before the restart still counts.
	if late := all.apply([]*Record{reported("a", "s", Interim, 65, 18)}); sum(late) != 3*gb/10 {
		t.Errorf("late: %+v", late)
	}
	// The NAS gives the id again: another session, from zero.
	again := reported("a", "s", Interim, 100, 4)
	again.Counter.SessionSeconds = 20 * 60
	if d := all.apply([]*Record{again}); sum(d) != 4*gb/10 || d[0].Session == a.id {
		t.Errorf("the id given again: %+v", d)
	}
	// One of the first session that comes now cannot be told apart: it is held.
	if d := all.apply([]*Record{reported("a", "s", Interim, 66, 19)}); d[0].Problem == nil || d[0].Problem.Code != CounterWentBack {
		t.Errorf("later still: %+v", d)
	}
}
