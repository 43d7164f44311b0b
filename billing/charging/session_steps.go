package charging

import (
	"context"
	"errors"
	"maps"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5/pgtype"

	"tollhouse/billing/calendar"
	"tollhouse/billing/charging/session"
	"tollhouse/billing/ledger"
	"tollhouse/billing/tenant"
	"tollhouse/billing/usage"
)

// Stepped is what became of one step: an answer, or a refusal that changed
// nothing.
type Stepped struct {
	Answer session.Answer
	Err    error
}

// Steps answers requests of sessions, all in one transaction and in their
// order. Each number of a session is answered once. A refusal of one leaves the
// others alone; an error is of the transaction as a whole.
func (e *Engine) Steps(ctx context.Context, tx tenant.Tx, steps []session.Step) ([]Stepped, error) {
	done := make([]Stepped, len(steps))
	for attempt := 1; ; attempt++ {
		err := e.stepsOnce(ctx, tx, steps, done)
		if !errors.Is(err, usage.ErrRace) || attempt == raceRetries {
			return done, err
		}
	}
}

func (e *Engine) stepsOnce(ctx context.Context, tx tenant.Tx, steps []session.Step, done []Stepped) error {
	savepoint, err := tx.Begin(ctx)
	if err != nil {
		return err
	}
	inner := tx
	inner.Tx = savepoint
	b := &book{engine: e, steps: make([]*session.Step, len(steps)), done: done, now: tx.At}
	for i := range steps {
		b.steps[i] = &steps[i]
	}
	if err := safely(func() error { return b.work(ctx, inner) }); err != nil {
		if undo := savepoint.Rollback(ctx); undo != nil {
			return errors.Join(err, undo)
		}
		return err
	}
	return savepoint.Commit(ctx)
}

// book answers one batch of steps.
type book struct {
	engine *Engine
	steps  []*session.Step
	done   []Stepped
	now    time.Time // business time

	scene    *scene
	policy   session.Policy
	feed     uuid.UUID
	register *register
	people   map[usage.Identity]holdings
	payers   map[uuid.UUID]*payer
	tariffs  map[uuid.UUID]*tariff
	held     reservations // by sessions that take no part
	shared   bool         // some of the accounts use those of others
	till     *till
	ids      *ledger.Sequence
	stored   []usage.Stored
	suspense []usage.Suspended
	taking   []uuid.UUID        // the sessions that take part
	counted  map[uuid.UUID]bool // subscriptions whose counters were read beside the batch's
}

func (b *book) count(subscription uuid.UUID) {
	if b.counted == nil {
		b.counted = map[uuid.UUID]bool{}
	}
	b.counted[subscription] = true
}

func (b *book) work(ctx context.Context, tx tenant.Tx) (err error) {
	if b.scene, err = b.engine.begin(ctx, tx); err != nil {
		return err
	}
	if b.policy, err = GetPolicy(ctx, tx); err != nil {
		return err
	}
	if b.feed, err = b.engine.sessionFeed(ctx, tx, b.scene.zone); err != nil {
		return err
	}
	if b.register, err = openRegister(ctx, tx, b.steps); err != nil {
		return err
	}
	if err := b.findPeople(ctx, tx); err != nil {
		return err
	}
	if err := b.prepare(ctx, tx); err != nil {
		return err
	}
	// Now that the accounts are locked nobody else steps these sessions.
	if b.register, err = openRegister(ctx, tx, b.steps); err != nil {
		return err
	}
	for i := range b.steps {
		b.done[i].Answer, b.done[i].Err = b.step(b.steps[i])
		if err := b.done[i].Err; err != nil && !refuses(err) {
			return err
		}
	}
	return b.write(ctx, tx)
}

// findPeople finds who holds the identities of all sessions, and whose those
// are that begin.
func (b *book) findPeople(ctx context.Context, tx tenant.Tx) error {
	b.people = map[usage.Identity]holdings{}
	for i := range b.steps {
		if s := b.register.find(b.steps[i]); s != nil {
			b.people[s.Identity] = nil
		} else if b.steps[i].Kind.Begins() {
			b.people[b.steps[i].Who] = nil
		}
	}
	return b.scene.subscribers(ctx, tx, b.people)
}

// prepare locks accounts, then buckets, and reads what is held back of them.
func (b *book) prepare(ctx context.Context, tx tenant.Tx) (err error) {
	accounts, versions, counting := map[uuid.UUID]bool{}, map[uuid.UUID]bool{}, map[uuid.UUID]bool{}
	r := &run{engine: b.engine, scene: b.scene}
	earliest := b.now
	see := func(h *holding, at time.Time) {
		accounts[h.account], counting[h.subscription] = true, true
		b.scene.wants(versions, h.plan())
		r.uses = append(r.uses, &use{holder: h, record: &usage.Record{Start: at, End: at}})
		if at.Before(earliest) {
			earliest = at
		}
	}
	for i := range b.steps {
		st := b.steps[i]
		s := b.register.find(st)
		if s == nil {
			if h := b.people[st.Who].at((&session.Session{}).Moment(st.At, b.now)); st.Kind.Begins() && h != nil {
				see(h, (&session.Session{}).Moment(st.At, b.now))
			}
			continue
		}
		at := s.Moment(st.At, b.now)
		as := &holding{service: s.Service, subscription: s.Subscription, account: s.Account, offering: s.Offering}
		if h := b.people[s.Identity].at(at); h != nil && h.account == s.Account {
			as.owner, as.joined = h.owner, h.joined
		}
		see(as, at)
		b.taking = append(b.taking, s.ID)
		for n := range s.Services {
			counting[s.Services[n].Subscription] = true
			b.scene.wants(versions, planOf(&s.Services[n]))
		}
		if h := b.people[s.Identity].at(at); h != nil && h.account == s.Account {
			counting[h.subscription] = true
			b.scene.wants(versions, h.plan())
		}
	}
	owners := r.owners()
	for _, owner := range owners {
		accounts[owner] = true
	}
	ids := keys(accounts)
	if b.payers, err = b.scene.lockAccounts(ctx, tx, ids, earliest); err != nil {
		return err
	}
	if changed, err := b.engine.beginCycles(ctx, tx, r.uses, b.payers); err != nil {
		return err
	} else if changed {
		if b.payers, err = b.scene.lockAccounts(ctx, tx, ids, earliest); err != nil {
			return err
		}
	}
	if b.tariffs, err = b.scene.tariffsOf(ctx, tx, keys(versions)); err != nil {
		return err
	}
	if err := b.open(ctx, tx, ids, counting); err != nil {
		return err
	}
	if err := b.scene.findDestinations(ctx, tx, b.destinations(b.steps...)); err != nil {
		return err
	}
	b.shared = len(owners) > 0
	b.till.sharing, err = loadSharing(ctx, tx, owners, calendar.DateOf(earliest, b.scene.zone).AddMonths(-12))
	return err
}

// destinations are those that steps are about, if some price or balance asks
// whose they are.
func (b *book) destinations(steps ...*session.Step) (asked []string) {
	asks := false
	for _, t := range b.tariffs {
		asks = asks || t.asksNetwork()
	}
	for _, p := range b.payers {
		asks = asks || p.asksNetwork()
	}
	if !asks {
		return nil
	}
	for _, step := range steps {
		for i := range step.Reports {
			asked = append(asked, step.Reports[i].Destination)
		}
		if s := b.register.find(step); s != nil {
			for i := range s.Services {
				asked = append(asked, s.Services[i].Destination)
			}
		}
	}
	return asked
}

// open makes the till ready, with the counters and reservations of the accounts.
func (b *book) open(ctx context.Context, tx tenant.Tx, accounts []pgtype.UUID, counting map[uuid.UUID]bool) (err error) {
	b.till, b.ids = newTill(b.scene, b.now, len(b.steps)), ledger.NewSequence()
	b.till.covered = newCovering(nil)
	if b.held, err = loadHeld(ctx, tx, accounts, b.now, b.taking); err != nil {
		return err
	}
	from := calendar.DateOf(b.now, b.scene.zone).AddMonths(-13) // of the longest cycle
	counts := false
	for _, t := range b.tariffs {
		counts = counts || t.counts
	}
	var subscriptions []pgtype.UUID
	if counts {
		subscriptions = keys(counting)
	}
	b.till.counters, err = loadCounters(ctx, tx, subscriptions, from)
	return err
}

// spare marks, in the purses of a session's payer, what is held back at this
// instant: by all sessions, but for one service of this one.
func (b *book) spare(s *session.Session, but *session.Service) {
	p := b.payers[s.Account]
	held := maps.Clone(b.held)
	if b.register.byID[s.ID] == nil {
		held.addAll(s, b.now)
	}
	for _, other := range b.register.byID {
		if other.Account == s.Account || b.shared {
			held.addAll(other, b.now)
		}
	}
	if but != nil && b.now.Before(but.HeldUntil) && s.State == session.Open {
		for _, h := range but.Held {
			held.add(s.Account, h.Bucket, h.Amount.Neg())
		}
	}
	p.respect(held)
	if b.shared {
		for _, owner := range b.payers {
			owner.respect(held)
		}
	}
}

// write stores what the steps did.
func (b *book) write(ctx context.Context, tx tenant.Tx) error {
	if err := usage.Store(ctx, tx, b.stored); err != nil {
		return err
	}
	if len(b.suspense) > 0 {
		if err := usage.Suspend(ctx, tx, b.suspense); err != nil {
			return err
		}
	}
	if err := b.till.write(ctx, tx); err != nil {
		return err
	}
	if err := b.register.write(ctx, tx, b.owners()); err != nil {
		return err
	}
	if b.begins() {
		return b.engine.expectSweep(ctx, tx)
	}
	return nil
}

func (b *book) begins() bool {
	for i := range b.steps {
		if b.steps[i].Kind.Begins() && b.done[i].Err == nil {
			return true
		}
	}
	return false
}

// owners names the account of each bucket that may be held back.
func (b *book) owners() map[uuid.UUID]uuid.UUID {
	owners := map[uuid.UUID]uuid.UUID{}
	for _, p := range b.payers {
		for _, purses := range [][]*purse{p.units, p.money, p.foreign} {
			for _, one := range purses {
				owners[one.ID] = one.AccountID
			}
		}
	}
	return owners
}
