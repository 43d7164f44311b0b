package charging

import (
	"context"
	"sync"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgtype"

	"tollhouse/billing/calendar"
	"tollhouse/billing/charging/session"
	"tollhouse/billing/tenant"
	"tollhouse/billing/usage"
)

// Step answers one request of a session, once by its number, after the commit.
// Requests that arrive together share a transaction. ErrBusy means that the
// queue is full.
func (o *Online) Step(ctx context.Context, ref tenant.Ref, step session.Step) (session.Answer, error) {
	if err := step.Check(); err != nil {
		return session.Answer{}, err
	}
	about, err := o.about(ctx, ref, &step)
	if err != nil {
		return session.Answer{}, err
	}
	at := (&session.Session{}).Moment(step.At, about.now)
	r := &request{kind: steps{o.config.Engine}, source: about.feed, account: about.account, ask: &step,
		records: []usage.Record{{Identity: about.identity, Start: at, End: at}}}
	if err := o.ask(ctx, ref, r); err != nil {
		return session.Answer{}, err
	}
	return r.answer.(session.Answer), nil
}

// subject is whom a step is about.
type subject struct {
	identity usage.Identity
	account  uuid.UUID // uuid.Nil where the session begins
}

type aboutStep struct {
	subject
	feed uuid.UUID
	now  time.Time // business time
}

// about finds out what has to be known before a step can be queued: from
// memory, and in a sandbox, whose time only the database knows, from there.
func (o *Online) about(ctx context.Context, ref tenant.Ref, step *session.Step) (aboutStep, error) {
	e := o.config.Engine
	a := aboutStep{now: o.config.DB.Now()}
	feed, known := e.feeds.Load(ref.ID)
	if known {
		a.feed = feed.(uuid.UUID)
	}
	found := step.Kind.Begins()
	if found {
		a.identity = step.Who
	} else {
		a.subject, found = e.subjects.of(ref.ID, step.Session)
	}
	if known && found && !ref.Sandbox {
		return a, nil
	}
	if !known {
		if err := o.makeFeed(ctx, ref, &a); err != nil {
			return a, err
		}
	}
	err := o.config.DB.Read(ctx, ref, func(ctx context.Context, tx tenant.Tx) error {
		a.now = tx.At
		if found {
			return nil
		}
		s, err := FindSession(ctx, tx, step.Session)
		if err == nil {
			a.subject = subject{s.Identity, s.Account}
			e.subjects.keep(ref.ID, s.ID, a.subject)
		}
		return err
	})
	return a, err
}

func (o *Online) makeFeed(ctx context.Context, ref tenant.Ref, a *aboutStep) error {
	for attempt := 1; ; attempt++ {
		err := o.config.DB.Write(ctx, ref, func(ctx context.Context, tx tenant.Tx) error {
			s, err := o.config.Engine.begin(ctx, tx)
			if err == nil {
				a.feed, err = o.config.Engine.sessionFeed(ctx, tx, s.zone)
			}
			return err
		})
		if err == nil || attempt == raceRetries {
			return err
		}
	}
}

// subjects remembers whose sessions are. A session never changes its account.
type subjects struct {
	mu   sync.Mutex
	kept map[subjectKey]subject
}

type subjectKey struct {
	tenant  tenant.ID
	session uuid.UUID
}

// maxSubjects bounds what is remembered; a full memory is dropped whole.
const maxSubjects = 200_000

func (s *subjects) of(id tenant.ID, session uuid.UUID) (subject, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	found, is := s.kept[subjectKey{id, session}]
	return found, is
}

func (s *subjects) keep(id tenant.ID, session uuid.UUID, one subject) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.kept == nil || len(s.kept) >= maxSubjects {
		s.kept = map[subjectKey]subject{}
	}
	s.kept[subjectKey{id, session}] = one
}

// steps is the kind of requests of sessions. What a batch of them knows and
// does stands in the batch's book.
type steps struct{ engine *Engine }

func (k steps) read(b *batch, of []*request) error {
	book := &book{engine: k.engine, now: b.flow.At, scene: b.scene, till: b.till, ids: b.ids, feed: of[0].source}
	for _, r := range of {
		step := r.ask.(*session.Step)
		book.steps = append(book.steps, step)
		if !step.Kind.Begins() {
			book.taking = append(book.taking, step.Session)
		}
	}
	b.flow.Query(`select charging from operator where id = 1`, nil, func(row pgx.CollectableRow) error {
		var document []byte
		err := row.Scan(&document)
		if err == nil {
			book.policy, err = readPolicy(document)
		}
		return err
	})
	book.register = queueRegister(b.flow, book.steps)
	if len(b.accounts) > 0 {
		book.held = queueHeld(b.flow, b.accounts, book.taking...)
	}
	b.book = book
	return nil
}

func (k steps) settle(b *batch, r *request) error {
	step := r.ask.(*session.Step)
	book := b.book
	book.payers, book.people, book.tariffs = b.payers, b.holdings, b.tariffs
	book.shared = b.till.sharing != nil
	if err := k.complete(b, r, step); err != nil {
		return err
	}
	if err := k.findNumbers(b, step); err != nil {
		return err
	}
	b.till.online = false
	answer, err := book.step(step)
	if err != nil {
		return err
	}
	r.answer = answer
	return nil
}

// findNumbers finds whose the destinations are that the batch's first trip has
// not asked for: mostly those of services that a session has had before.
func (k steps) findNumbers(b *batch, step *session.Step) error {
	destinations := b.book.destinations(step)
	if len(b.scene.unknownNumbers(destinations)) == 0 {
		return nil
	}
	tx, err := b.flow.Tx()
	if err != nil {
		return err
	}
	return b.scene.findDestinations(context.Background(), tx, destinations)
}

// complete reads what is rare: the tariffs, and counters, of a session's
// services whose subscription has changed its plan since.
func (k steps) complete(b *batch, r *request, step *session.Step) error {
	s := b.book.register.find(step)
	versions, counting := map[uuid.UUID]bool{}, map[uuid.UUID]bool{}
	identity := step.Who
	if s != nil {
		identity = s.Identity
		for i := range s.Services {
			v := &s.Services[i]
			counting[v.Subscription] = true
			b.scene.wants(versions, planOf(v))
		}
		versions[s.Offering] = true
	}
	for i := range b.holdings[identity] {
		h := &b.holdings[identity][i]
		if h.active(b.flow.At) {
			counting[h.subscription] = true
			b.scene.wants(versions, h.plan())
		}
	}
	for _, u := range r.uses {
		if u.holder != nil {
			delete(counting, u.holder.subscription) // is read with the batch
		}
	}
	for version := range versions {
		if b.tariffs[version] != nil {
			delete(versions, version)
		}
	}
	if len(versions)+len(counting) == 0 {
		return nil
	}
	ctx := context.Background()
	tx, err := b.flow.Tx()
	if err != nil {
		return err
	}
	more, err := b.scene.tariffsOf(ctx, tx, keys(versions))
	if err != nil {
		return err
	}
	for version, one := range more {
		b.tariffs[version] = one
	}
	var others []pgtype.UUID
	for _, id := range keys(counting) {
		if !b.book.counted[uuid.UUID(id.Bytes)] {
			others = append(others, id)
		}
	}
	found, err := loadCounters(ctx, tx, others, calendar.DateOf(b.earliest, b.scene.zone).AddMonths(-longestCycle))
	if err != nil {
		return err
	}
	for key, values := range found.values {
		if b.till.counters.values[key] == nil {
			b.till.counters.values[key] = values
		}
	}
	for _, id := range others {
		b.book.count(uuid.UUID(id.Bytes))
	}
	return nil
}

func (k steps) write(b *batch, of []*request) error {
	book := b.book
	usage.QueueStore(b.flow, book.stored)
	if err := book.register.queue(b.flow, book.owners()); err != nil {
		return err
	}
	begun := false
	for _, r := range of {
		answer := r.answer.(session.Answer)
		if step := r.ask.(*session.Step); step.Kind.Begins() && !answer.Repeat {
			begun = true
			if s := book.register.byID[answer.Session]; s != nil {
				k.engine.subjects.keep(b.flow.Tenant(), s.ID, subject{s.Identity, s.Account})
			}
		}
	}
	if len(book.suspense) == 0 && (!begun || !k.engine.sweepUnexpected(b.flow.Tenant(), b.flow.At)) {
		return nil
	}
	ctx := context.Background()
	tx, err := b.flow.Tx()
	if err != nil {
		return err
	}
	if len(book.suspense) > 0 {
		if err := usage.Suspend(ctx, tx, book.suspense); err != nil {
			return err
		}
	}
	if begun {
		return k.engine.expectSweep(ctx, tx)
	}
	return nil
}

// repeat is never asked: the numbers of a session are its own keys.
func (steps) repeat(*tenant.Flow, *known, []*request) error { return nil }

func (steps) again(answer any) any { return answer }
