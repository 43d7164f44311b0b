package usage

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"tollhouse/billing/tenant"
)

// ApplyCounters turns cumulative counters into use: it sets Quantity, Start and
// End of each counter record to what the record adds to its session, and says
// so in a delta for each record, in their order (the zero Delta for records
// that are no counters or were counted before). A record that adds nothing is
// marked NoCharge. Records with a Delta.Problem are untouched, to be held.
//
// It locks the sessions it touches, in the order of their ids.
func ApplyCounters(ctx context.Context, tx tenant.Tx, source uuid.UUID, records []*Record) ([]Delta, error) {
	deltas := make([]Delta, len(records))
	var counters []*Record
	var places []int
	for i, r := range records {
		if r.Counter != nil && !r.Counted {
			counters, places = append(counters, r), append(places, i)
		}
	}
	if len(counters) == 0 {
		return deltas, nil
	}
	known, err := loadSessions(ctx, tx, source, counters)
	if err != nil {
		return nil, err
	}
	for n, d := range known.apply(counters) {
		deltas[places[n]] = d
		counters[n].take(d)
	}
	if err := known.save(ctx, tx, source); err != nil {
		return nil, err
	}
	return deltas, closeSessions(ctx, tx, source, counters)
}

// take makes the record say what it adds.
func (r *Record) take(d Delta) {
	if d.Problem != nil {
		return
	}
	r.Quantity, r.Start, r.End, r.Counted = d.Bytes(), d.From, d.To, true
	r.NoCharge = r.NoCharge || r.Quantity == 0
}

// The unique index on (source_id, nas, session) finds them; the rows are locked
// until the chunk commits, so that two files cannot both count the same bytes.
const selectSessions = `
	select s.id, s.nas, s.session, s.identity, s.total_bytes, s.covered_bytes, s.taken, s.seconds, s.state = 'closed', s.started_at, s.last_at
	from usage_session s
	join unnest($2::text[], $3::text[]) as wanted (nas, session)
	  on s.nas = wanted.nas and s.session = wanted.session
	where s.source_id = $1
	order by s.id
	for update of s`

func loadSessions(ctx context.Context, tx tenant.Tx, source uuid.UUID, counters []*Record) (*sessions, error) {
	found := &sessions{open: map[sessionKey]*session{}, newID: func() uuid.UUID { return uuid.Must(uuid.NewV7()) }}
	wanted := map[sessionKey]bool{}
	var nas, names []string
	for _, r := range counters {
		key := sessionKey{r.Counter.NAS, r.Counter.SessionID}
		if key.name != "" && !wanted[key] {
			wanted[key] = true
			nas, names = append(nas, key.nas), append(names, key.name)
		}
	}
	rows, err := tx.Query(ctx, selectSessions, planned, source, nas, names)
	if err != nil {
		return nil, fmt.Errorf("load sessions: %w", err)
	}
	var s session
	fields := []any{&s.id, &s.nas, &s.name, &s.identity, &s.totalBytes, &s.covered, &s.taken, &s.seconds, &s.closed, &s.startedAt, &s.lastAt}
	_, err = pgx.ForEachRow(rows, fields, func() error {
		one := s
		s.taken = nil
		one.startedAt, one.lastAt = s.startedAt.UTC(), s.lastAt.UTC()
		found.open[sessionKey{s.nas, s.name}] = &one
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("load sessions: %w", err)
	}
	return found, nil
}

// Retired names are written before new rows take them over.
const updateSessions = `
	update usage_session s
	set session = u.session, total_bytes = u.total_bytes, seconds = u.seconds, state = u.state, last_at = u.last_at
	from unnest($1::uuid[], $2::text[], $3::bigint[], $4::bigint[], $5::text[], $6::timestamptz[])
	     as u (id, session, total_bytes, seconds, state, last_at)
	where s.id = u.id`

func (s *sessions) save(ctx context.Context, tx tenant.Tx, source uuid.UUID) error {
	all := s.retired
	for _, one := range s.open {
		all = append(all, one)
	}
	// Map order is random; ids give every transaction the same order.
	slices.SortFunc(all, func(a, b *session) int { return strings.Compare(string(a.id[:]), string(b.id[:])) })
	var fresh []*session
	var ids []uuid.UUID
	var names, states []string
	var totals, seconds []int64
	var lasts []time.Time
	for _, one := range all {
		switch {
		case one.fresh:
			fresh = append(fresh, one)
		case one.changed:
			ids, names, states = append(ids, one.id), append(names, one.name), append(states, one.state())
			totals, seconds, lasts = append(totals, one.totalBytes), append(seconds, one.seconds), append(lasts, one.lastAt)
		}
	}
	if len(ids) > 0 {
		tag, err := tx.Exec(ctx, updateSessions, ids, names, totals, seconds, states, lasts)
		if err != nil {
			return fmt.Errorf("update sessions: %w", sessionRace(err))
		}
		if tag.RowsAffected() != int64(len(ids)) {
			return fmt.Errorf("update sessions: %d of %d rows written", tag.RowsAffected(), len(ids))
		}
	}
	columns := []string{"id", "source_id", "nas", "session", "identity", "total_bytes", "seconds", "state", "started_at", "last_at"}
	if len(fresh) == 0 {
		return nil
	}
	return copyRows(ctx, tx, "usage_session", columns, len(fresh), func(i int) []any {
		f := fresh[i]
		return []any{id(f.id), id(source), f.nas, f.name, f.identity, f.totalBytes, f.seconds, f.state(), f.startedAt, f.lastAt}
	})
}

// Covered is what unit buckets have paid of a session so far: how many bytes,
// and, as a JSON array that only its writer reads, how.
type Covered struct {
	Bytes int64
	Taken []byte
}

// KeepCovered stores it for sessions that ApplyCounters has locked in this
// transaction.
func KeepCovered(ctx context.Context, tx tenant.Tx, bySession map[uuid.UUID]Covered) error {
	if len(bySession) == 0 {
		return nil
	}
	ids, covered, taken := make([]uuid.UUID, 0, len(bySession)), make([]int64, 0, len(bySession)), make([]string, 0, len(bySession))
	for id, one := range bySession {
		ids, covered, taken = append(ids, id), append(covered, one.Bytes), append(taken, string(one.Taken))
	}
	tag, err := tx.Exec(ctx, `
		update usage_session s set covered_bytes = c.bytes, taken = c.taken::jsonb
		from unnest($1::uuid[], $2::bigint[], $3::text[]) as c (id, bytes, taken)
		where s.id = c.id`, ids, covered, taken)
	if err != nil {
		return fmt.Errorf("keep what was paid of sessions: %w", err)
	}
	if tag.RowsAffected() != int64(len(ids)) {
		return fmt.Errorf("keep what was paid of sessions: %d of %d rows written", tag.RowsAffected(), len(ids))
	}
	return nil
}

func sessionRace(err error) error {
	if pg := (*pgconn.PgError)(nil); errors.As(err, &pg) && pg.Code == "23505" {
		return ErrRace
	}
	return err
}

func (s *session) state() string {
	if s.closed {
		return "closed"
	}
	return "open"
}

// usage_session_open serves this. A session seen after the NAS came up again is
// left alone.
const closeSessionsOfNAS = `
	update usage_session s
	set state = 'closed'
	from unnest($2::text[], $3::timestamptz[]) as up (nas, at)
	where s.source_id = $1 and s.nas = up.nas and s.state = 'open' and s.last_at <= up.at`

// closeSessions ends, at their last counters, the sessions of each NAS that
// said it was switched on or off.
func closeSessions(ctx context.Context, tx tenant.Tx, source uuid.UUID, counters []*Record) error {
	latest := map[string]time.Time{}
	for _, r := range counters {
		if c := r.Counter; (c.Status == On || c.Status == Off) && c.ReportedAt.After(latest[c.NAS]) {
			latest[c.NAS] = c.ReportedAt
		}
	}
	if len(latest) == 0 {
		return nil
	}
	var nas []string
	var at []time.Time
	for name, when := range latest {
		nas, at = append(nas, name), append(at, when)
	}
	if _, err := tx.Exec(ctx, closeSessionsOfNAS, source, nas, at); err != nil {
		return fmt.Errorf("close sessions: %w", err)
	}
	return nil
}
