package usage

import (
	"cmp"
	"slices"
	"strconv"
	"time"

	"github.com/google/uuid"
)

// session is what is known of one session that reports cumulative counters.
type session struct {
	id         uuid.UUID
	nas        string
	name       string // the NAS's session id
	identity   string
	totalBytes int64  // the highest seen, in and out
	covered    int64  // of them, what unit buckets have paid so far
	taken      []byte // and how
	seconds    int64
	closed     bool
	startedAt  time.Time
	lastAt     time.Time

	fresh, changed bool
}

type sessionKey struct{ nas, name string }

// Delta is what one counter record adds to its session.
type Delta struct {
	Session     uuid.UUID // uuid.Nil for Accounting-On and -Off
	BeforeBytes int64     // the session's total before; the session is priced as one event
	AfterBytes  int64
	Covered     int64     // what unit buckets had paid of it before this batch, in bytes
	Taken       []byte    // and how: as KeepCovered was told, a JSON array
	Seconds     int64     // what it adds in time
	From, To    time.Time // its interim interval; To decides the period
	Problem     *Problem  // it cannot be placed: to be held
}

// Bytes is what the record adds. It is never negative.
func (d Delta) Bytes() int64 { return d.AfterBytes - d.BeforeBytes }

// clockSlack is how far the beginning of a session, told by its records, may
// drift: NAS clocks are set while sessions run.
const clockSlack = 5 * time.Minute

// sessions is what a batch works on, by NAS and session id.
type sessions struct {
	open    map[sessionKey]*session
	retired []*session // ended ones whose id the NAS has given again
	newID   func() uuid.UUID
}

// apply folds a batch of counter records into the sessions. The sum of a
// session's deltas is its highest counter, whatever the order of arrival and
// however often records repeat; inside the batch time decides the order, so
// that usage falls into the interval in which it was made.
func (s *sessions) apply(records []*Record) []Delta {
	order := make([]int, len(records))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(i, j int) int { return compareCounters(records[i].Counter, records[j].Counter) })
	deltas := make([]Delta, len(records))
	for _, i := range order {
		deltas[i] = s.one(records[i])
	}
	return deltas
}

func compareCounters(a, b *Counter) int {
	return cmp.Or(a.ReportedAt.Compare(b.ReportedAt), cmp.Compare(a.total(), b.total()))
}

func (s *sessions) one(r *Record) Delta {
	c := r.Counter
	if c.Status == On || c.Status == Off {
		s.closeAll(c.NAS, c.ReportedAt)
		return Delta{From: c.ReportedAt, To: c.ReportedAt}
	}
	key := sessionKey{c.NAS, c.SessionID}
	known := s.open[key]
	switch {
	case known == nil:
		known = s.begin(key, r)
	case isBefore(c, known):
		return Delta{Problem: &Problem{"Acct-Session-Id", CounterWentBack,
			"the record is of an earlier session under the same id", "a record of the session that began " + known.startedAt.Format(time.RFC3339)}}
	case isReuse(c, known):
		s.retire(known)
		known = s.begin(key, r)
	}
	return known.count(c)
}

// isReuse says whether the NAS has given an ended session's id to a new one,
// as some do after a restart: the new one began after the old was last seen.
func isReuse(c *Counter, known *session) bool {
	began := c.ReportedAt.Add(-time.Duration(c.SessionSeconds) * time.Second)
	tellsBegin := c.SessionSeconds > 0 || c.Status == Start
	return known.closed && tellsBegin && began.After(known.lastAt)
}

// isBefore says whether a record was sent before the session even began: it is
// a late one of a session that had the id before.
func isBefore(c *Counter, known *session) bool {
	return c.SessionSeconds > 0 && c.ReportedAt.Add(clockSlack).Before(known.startedAt)
}

func (s *sessions) begin(key sessionKey, r *Record) *session {
	c := r.Counter
	began := c.ReportedAt.Add(-time.Duration(c.SessionSeconds) * time.Second)
	known := &session{id: s.newID(), nas: key.nas, name: key.name, identity: r.Identity.Value,
		startedAt: began, lastAt: began, fresh: true}
	s.open[key] = known
	return known
}

// retire gives an ended session another name, so that its id is free.
func (s *sessions) retire(old *session) {
	old.name += "#" + strconv.FormatInt(old.startedAt.Unix(), 10)
	old.changed = true
	s.retired = append(s.retired, old)
}

func (s *sessions) closeAll(nas string, at time.Time) {
	for _, known := range s.open {
		if known.nas == nas && !known.closed && !known.lastAt.After(at) {
			known.closed, known.changed = true, true
		}
	}
}

func (s *session) count(c *Counter) Delta {
	d := Delta{Session: s.id, BeforeBytes: s.totalBytes, Covered: s.covered, Taken: s.taken, From: s.lastAt, To: c.ReportedAt}
	if d.From.After(d.To) {
		d.From = d.To // late: its interval has been counted by a later record
	}
	seconds := int64(c.SessionSeconds)
	d.Seconds = max(0, seconds-s.seconds)
	s.totalBytes = max(s.totalBytes, c.total())
	d.AfterBytes = s.totalBytes
	s.seconds = max(s.seconds, seconds)
	if c.ReportedAt.After(s.lastAt) {
		s.lastAt = c.ReportedAt
	}
	s.closed = s.closed || c.Status == Stop
	s.changed = true
	return d
}
