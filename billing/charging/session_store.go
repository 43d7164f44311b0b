package charging

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"tollhouse/billing/balance"
	"tollhouse/billing/charging/session"
	"tollhouse/billing/tenant"
	"tollhouse/billing/usage"
)

const sessionColumns = `
	s.id, s.source, s.name, s.consumer, s.identity_kind, s.identity, s.account_id, s.subscription_id, s.service_id, s.offering_id,
	s.state, s.ending, s.number, s.services, s.notify_uri, s.started_at, s.last_at, s.closed_at`

// The rows need no lock: whoever steps a session has locked its account.
const selectSessions = `select ` + sessionColumns + `
	from charging_session as s
	where s.id = any($1)`

// What was begun under a name does not begin again. The constraint on (source,
// name) answers it.
const selectSessionsByName = `select ` + sessionColumns + `
	from unnest($1::text[], $2::text[]) as w (source, name)
	join charging_session as s on s.source = w.source and s.name = w.name`

const selectAnswers = `
	select a.session_id, a.number, a.request, a.answer
	from unnest($1::uuid[], $2::bigint[]) as w (id, number)
	join charging_answer as a on a.session_id = w.id and a.number = w.number`

const selectAnswersByName = `
	select a.session_id, a.number, a.request, a.answer
	from unnest($1::text[], $2::text[], $3::bigint[]) as w (source, name, number)
	join charging_session as s on s.source = w.source and s.name = w.name
	join charging_answer as a on a.session_id = s.id and a.number = w.number`

func scanSession(row pgx.CollectableRow) (*session.Session, error) {
	var s session.Session
	var services []byte
	var closed *time.Time
	err := row.Scan((*[16]byte)(&s.ID), &s.Source, &s.Name, &s.Consumer, &s.Identity.Kind, &s.Identity.Value, (*[16]byte)(&s.Account), (*[16]byte)(&s.Subscription),
		(*[16]byte)(&s.Service), (*[16]byte)(&s.Offering), &s.State, &s.Ending, &s.Number, &services, &s.NotifyURI, &s.StartedAt, &s.LastAt, &closed)
	if err != nil {
		return nil, err
	}
	s.StartedAt, s.LastAt, s.ClosedAt = s.StartedAt.UTC(), s.LastAt.UTC(), orZero(closed).UTC()
	return &s, json.Unmarshal(services, &s.Services)
}

// answerKey is what is answered once.
type answerKey struct {
	session uuid.UUID
	number  int64
}

// stored is an answer that was given.
type stored struct {
	request [16]byte
	answer  session.Answer
}

// sessionName is what an asker calls a session.
type sessionName struct{ source, name string }

// register is the sessions and answers of a batch of steps, as they stand
// within the transaction, and what of them has changed.
type register struct {
	byID    map[uuid.UUID]*session.Session
	byName  map[sessionName]*session.Session
	answers map[answerKey]stored
	fresh   []answerKey // answers to be kept
	changed map[uuid.UUID]bool

	at   time.Time
	held map[uuid.UUID][]session.Hold // by sessions as they were read, at that instant
}

func newRegister(at time.Time) *register {
	return &register{byID: map[uuid.UUID]*session.Session{}, byName: map[sessionName]*session.Session{}, answers: map[answerKey]stored{},
		changed: map[uuid.UUID]bool{}, at: at, held: map[uuid.UUID][]session.Hold{}}
}

// asked is what steps ask for, turned for unnest.
type asked struct {
	ids            []uuid.UUID
	numbers        []int64 // of ids
	sources, names []string
	firsts         []int64 // numbers of names
}

func askedBy(steps []*session.Step) (a asked) {
	for _, st := range steps {
		if st.Kind.Begins() {
			a.sources, a.names, a.firsts = append(a.sources, st.Source), append(a.names, st.Name), append(a.firsts, st.Number)
		} else {
			a.ids, a.numbers = append(a.ids, st.Session), append(a.numbers, st.Number)
		}
	}
	return a
}

// each runs the queries that read what steps speak of.
func (a *asked) each(run func(query string, args []any, scan func(row pgx.CollectableRow) error) error, r *register) error {
	if len(a.ids) > 0 {
		if err := run(selectSessions, []any{a.ids}, r.scan); err != nil {
			return err
		}
		if err := run(selectAnswers, []any{a.ids, a.numbers}, r.scanAnswer); err != nil {
			return err
		}
	}
	if len(a.names) == 0 {
		return nil
	}
	if err := run(selectSessionsByName, []any{a.sources, a.names}, r.scan); err != nil {
		return err
	}
	return run(selectAnswersByName, []any{a.sources, a.names, a.firsts}, r.scanAnswer)
}

// openRegister reads the sessions that steps name and their answers.
func openRegister(ctx context.Context, tx tenant.Tx, steps []*session.Step) (*register, error) {
	r, a := newRegister(tx.At), askedBy(steps)
	err := a.each(func(query string, args []any, scan func(row pgx.CollectableRow) error) error {
		rows, err := tx.Query(ctx, query, append([]any{planned}, args...)...)
		if err == nil {
			_, err = pgx.CollectRows(rows, func(row pgx.CollectableRow) (struct{}, error) { return struct{}{}, scan(row) })
		}
		if err != nil {
			return fmt.Errorf("read charging sessions: %w", err)
		}
		return nil
	}, r)
	return r, err
}

// queueRegister does what openRegister does with a flow's next trip.
func queueRegister(f *tenant.Flow, steps []*session.Step) *register {
	r, a := newRegister(f.At), askedBy(steps)
	_ = a.each(func(query string, args []any, scan func(row pgx.CollectableRow) error) error {
		f.Query(query, args, scan)
		return nil
	}, r)
	return r
}

func (r *register) scan(row pgx.CollectableRow) error {
	s, err := scanSession(row)
	if err != nil {
		return fmt.Errorf("read charging sessions: %w", err)
	}
	if r.byID[s.ID] == nil {
		r.byID[s.ID], r.held[s.ID] = s, s.Held(r.at)
	}
	r.byName[sessionName{s.Source, s.Name}] = r.byID[s.ID]
	return nil
}

func (r *register) scanAnswer(row pgx.CollectableRow) error {
	var key answerKey
	var request, answer []byte
	if err := row.Scan(&key.session, &key.number, &request, &answer); err != nil {
		return fmt.Errorf("read answers of sessions: %w", err)
	}
	one := stored{request: [16]byte(request)}
	if err := json.Unmarshal(answer, &one.answer); err != nil {
		return fmt.Errorf("read answers of sessions: %w", err)
	}
	r.answers[key] = one
	return nil
}

// find gives the session that a step speaks of, or nil.
func (r *register) find(st *session.Step) *session.Session {
	if st.Kind.Begins() {
		return r.byName[sessionName{st.Source, st.Name}]
	}
	return r.byID[st.Session]
}

// keep notes the answer to a step, and its session as changed.
func (r *register) keep(s *session.Session, st *session.Step, a session.Answer) {
	key := answerKey{s.ID, st.Number}
	r.answers[key] = stored{st.Fingerprint(), a}
	r.fresh = append(r.fresh, key)
	r.changed[s.ID] = true
	r.byID[s.ID], r.byName[sessionName{s.Source, s.Name}] = s, s
}

// Sums of what is held come from the services. Arrays go as text: PostgreSQL
// unnests arrays of arrays flat.
const upsertSessions = `
	insert into charging_session as s (id, source, name, consumer, identity_kind, identity, account_id, subscription_id, service_id, offering_id,
	    state, ending, number, services, bucket_ids, amounts, reserved_until, lender_ids, final, notify_uri, started_at, last_at, closed_at)
	select n.id, n.source, n.name, n.consumer, n.identity_kind, n.identity, n.account_id, n.subscription_id, n.service_id, n.offering_id,
	    n.state, n.ending, n.number, n.services::jsonb, n.bucket_ids::uuid[], n.amounts::numeric[], n.reserved_until, n.lender_ids::uuid[], n.final, n.notify_uri,
	    n.started_at, n.last_at, n.closed_at
	from unnest($1::uuid[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::uuid[], $8::uuid[], $9::uuid[], $10::uuid[],
	    $11::text[], $12::text[], $13::bigint[], $14::text[], $15::text[], $16::text[], $17::timestamptz[], $18::text[], $19::boolean[], $20::text[],
	    $21::timestamptz[], $22::timestamptz[], $23::timestamptz[])
	  as n (id, source, name, consumer, identity_kind, identity, account_id, subscription_id, service_id, offering_id,
	    state, ending, number, services, bucket_ids, amounts, reserved_until, lender_ids, final, notify_uri, started_at, last_at, closed_at)
	on conflict (id) do update set subscription_id = excluded.subscription_id, service_id = excluded.service_id, offering_id = excluded.offering_id,
	    state = excluded.state, ending = excluded.ending, number = excluded.number, services = excluded.services, bucket_ids = excluded.bucket_ids,
	    amounts = excluded.amounts, reserved_until = excluded.reserved_until, lender_ids = excluded.lender_ids, final = excluded.final,
	    notify_uri = excluded.notify_uri, last_at = excluded.last_at, closed_at = excluded.closed_at`

const insertAnswers = `
	insert into charging_answer (session_id, number, request, answer)
	select n.id, n.number, n.request, n.answer::jsonb
	from unnest($1::uuid[], $2::bigint[], $3::bytea[], $4::text[]) as n (id, number, request, answer)`

// newlyHeld are the accounts of whose balances, or credit, sessions hold back
// since this transaction. owners names the account of each bucket that is not of
// the session's own.
func (r *register) newlyHeld(owners map[uuid.UUID]uuid.UUID) (accounts []uuid.UUID) {
	for id := range r.changed {
		s := r.byID[id]
		for _, h := range s.Held(r.at) {
			if slices.ContainsFunc(r.held[id], func(one session.Hold) bool { return one.Bucket == h.Bucket }) {
				continue
			}
			owner := owners[h.Bucket]
			if owner == uuid.Nil {
				owner = s.Account
			}
			accounts = append(accounts, owner)
		}
	}
	return accounts
}

// write stores what has changed. ErrRace means that somebody began a session
// under the same name meanwhile: the second run sees it.
func (r *register) write(ctx context.Context, tx tenant.Tx, owners map[uuid.UUID]uuid.UUID) error {
	sessions, answers, err := r.rows(tx.At, owners)
	if err != nil {
		return err
	}
	if held := r.newlyHeld(owners); len(held) > 0 {
		if err := balance.Touch(ctx, tx, held); err != nil {
			return err
		}
	}
	for _, one := range []struct {
		statement string
		args      []any
		rows      int
	}{{upsertSessions, sessions, len(r.changed)}, {insertAnswers, answers, len(r.fresh)}} {
		if one.rows == 0 {
			continue
		}
		tag, err := tx.Exec(ctx, one.statement, one.args...)
		if err != nil {
			return usage.Race(fmt.Errorf("write charging sessions: %w", err))
		}
		if tag.RowsAffected() != int64(one.rows) {
			return fmt.Errorf("write charging sessions: %d of %d rows written", tag.RowsAffected(), one.rows)
		}
	}
	return nil
}

// queue does what write does with a flow's next trip.
func (r *register) queue(f *tenant.Flow, owners map[uuid.UUID]uuid.UUID) error {
	sessions, answers, err := r.rows(f.At, owners)
	if err != nil {
		return err
	}
	balance.QueueTouch(f, r.newlyHeld(owners))
	if len(r.changed) > 0 {
		f.ExecRows(len(r.changed), upsertSessions, sessions...)
	}
	if len(r.fresh) > 0 {
		f.ExecRows(len(r.fresh), insertAnswers, answers...)
	}
	return nil
}

// rows turns what has changed for unnest. Ids in order spare deadlocks.
func (r *register) rows(at time.Time, owners map[uuid.UUID]uuid.UUID) (sessions, answers []any, err error) {
	changed := slices.SortedFunc(maps.Keys(r.changed), func(a, b uuid.UUID) int { return bytes.Compare(a[:], b[:]) })
	var c sessionRows
	for _, id := range changed {
		if err := c.add(r.byID[id], at, owners); err != nil {
			return nil, nil, err
		}
	}
	sessions = []any{c.ids, c.sources, c.names, c.consumers, c.kinds, c.identities, c.accounts, c.subscriptions, c.services, c.offerings,
		c.states, c.endings, c.numbers, c.documents, c.buckets, c.amounts, c.until, c.lenders, c.final, c.uris, c.started, c.last, c.closed}
	ids, numbers := make([]uuid.UUID, len(r.fresh)), make([]int64, len(r.fresh))
	requests, texts := make([][]byte, len(r.fresh)), make([]string, len(r.fresh))
	for i, key := range r.fresh {
		one := r.answers[key]
		text, err := json.Marshal(&one.answer)
		if err != nil {
			return nil, nil, fmt.Errorf("write answers of sessions: %w", err)
		}
		ids[i], numbers[i], requests[i], texts[i] = key.session, key.number, one.request[:], string(text)
	}
	return sessions, []any{ids, numbers, requests, texts}, nil
}

// sessionRows are sessions turned for unnest.
type sessionRows struct {
	ids, accounts, subscriptions, services, offerings     []uuid.UUID
	sources, names, consumers, kinds, identities          []string
	states, endings, documents, buckets, amounts, lenders []string
	uris                                                  []string
	numbers                                               []int64
	final                                                 []bool
	until, started, last                                  []time.Time
	closed                                                []*time.Time
}

// add turns one session. owners names the account of each bucket that is not
// of the session's own.
func (c *sessionRows) add(s *session.Session, at time.Time, owners map[uuid.UUID]uuid.UUID) error {
	text, err := json.Marshal(s.Services)
	if err != nil {
		return fmt.Errorf("write charging session %s: %w", s.ID, err)
	}
	if s.Services == nil {
		text = []byte("[]")
	}
	var buckets, amounts, lenders []string
	for _, h := range s.Held(at) {
		buckets, amounts = append(buckets, h.Bucket.String()), append(amounts, h.Amount.String())
		if owner := owners[h.Bucket]; owner != uuid.Nil && owner != s.Account && !slices.Contains(lenders, owner.String()) {
			lenders = append(lenders, owner.String())
		}
	}
	c.ids, c.accounts, c.subscriptions = append(c.ids, s.ID), append(c.accounts, s.Account), append(c.subscriptions, s.Subscription)
	c.services, c.offerings = append(c.services, s.Service), append(c.offerings, s.Offering)
	c.sources, c.names, c.consumers = append(c.sources, s.Source), append(c.names, s.Name), append(c.consumers, s.Consumer)
	c.kinds, c.identities = append(c.kinds, string(s.Identity.Kind)), append(c.identities, s.Identity.Value)
	c.states, c.endings, c.numbers = append(c.states, string(s.State)), append(c.endings, string(s.Ending)), append(c.numbers, s.Number)
	c.documents, c.buckets, c.amounts = append(c.documents, string(text)), append(c.buckets, array(buckets)), append(c.amounts, array(amounts))
	c.lenders, c.until, c.final = append(c.lenders, array(lenders)), append(c.until, s.HeldUntil()), append(c.final, s.Final())
	c.uris, c.started, c.last = append(c.uris, s.NotifyURI), append(c.started, s.StartedAt), append(c.last, s.LastAt)
	var closed *time.Time
	if !s.ClosedAt.IsZero() {
		closed = &s.ClosedAt
	}
	c.closed = append(c.closed, closed)
	return nil
}

// array writes ids or numbers as PostgreSQL reads an array.
func array(values []string) string { return "{" + strings.Join(values, ",") + "}" }
