package charging

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgtype"

	"tollhouse/billing/balance"
	"tollhouse/billing/calendar"
	"tollhouse/billing/charging/session"
	"tollhouse/billing/ledger"
	"tollhouse/billing/money"
	"tollhouse/billing/tenant"
	"tollhouse/billing/usage"
)

// batch is one attempt at requests in one transaction.
type batch struct {
	*known
	flow     *tenant.Flow
	requests []*request
	claims   *usage.Claims
	payers   map[uuid.UUID]*payer
	held     map[uuid.UUID]money.Decimal // of buckets, by open sessions
	till     *till
	ids      *ledger.Sequence
	stored   []usage.Stored // records to be kept
	earliest time.Time      // end of all uses
	accounts []pgtype.UUID  // that are locked
	book     *book          // of steps of sessions; nil: none

	byClaim []*request
	settled []*request
	repeats []*request            // of an earlier transaction
	same    map[*request]*request // repeats within the batch, and of which
}

// attempt runs a batch in one transaction: one trip that begins, locks and
// reads, and one that writes and commits. It gives the requests whose keys were
// taken before: they are answered from what is stored.
func (o *Online) attempt(ref tenant.Ref, requests []*request) ([]*request, error) {
	ctx := context.Background() // nobody's haste stops a batch; its trips are bounded
	memory := o.scenes.recall(ref.ID, requests)
	if memory == nil {
		var err error
		if memory, err = o.scenes.learn(ctx, o.config.DB, ref, requests); err != nil {
			return nil, err
		}
	}
	var b *batch
	err := o.config.DB.Flow(ctx, ref, func(ctx context.Context, f *tenant.Flow) error {
		return safely(func() error {
			if err := memory.complete(f, requests); err != nil {
				return err
			}
			b = newBatch(memory, f, requests)
			return b.run(ctx, o.config.Engine)
		})
	})
	if errors.Is(err, errStale) {
		o.scenes.forget(ref.ID)
		return nil, errStale
	}
	if err != nil {
		return nil, usage.Race(err)
	}
	o.memory.forget(ref.ID, b.accounts)
	for r, original := range b.same {
		r.answer = r.kind.again(original.answer)
	}
	return b.repeats, nil
}

// repeat answers requests from what is stored.
func (o *Online) repeat(ref tenant.Ref, repeats []*request) {
	if len(repeats) == 0 {
		return
	}
	ctx := context.Background()
	memory := o.scenes.recall(ref.ID, repeats)
	var err error
	if memory == nil || len(memory.missing) > 0 {
		memory, err = o.scenes.learn(ctx, o.config.DB, ref, repeats)
	}
	if err == nil {
		err = o.config.DB.Flow(ctx, ref, func(_ context.Context, f *tenant.Flow) error {
			return eachKind(repeats, func(k kind, of []*request) error { return k.repeat(f, memory, of) })
		})
	}
	for _, r := range repeats {
		if err != nil && r.answer == nil {
			r.err = err // whatever was assumed before the answer was to come
		}
	}
}

// eachKind calls fn for the requests of each kind.
func eachKind(requests []*request, fn func(k kind, of []*request) error) error {
	var kinds []kind
	of := map[kind][]*request{}
	for _, r := range requests {
		if of[r.kind] == nil {
			kinds = append(kinds, r.kind)
		}
		of[r.kind] = append(of[r.kind], r)
	}
	for _, k := range kinds {
		if err := fn(k, of[k]); err != nil {
			return err
		}
	}
	return nil
}

func (b *batch) run(ctx context.Context, e *Engine) error {
	if err := b.read(ctx, e); err != nil {
		return err
	}
	for _, r := range b.requests {
		if err := b.settle(r); err != nil {
			return err
		}
	}
	return b.write(ctx)
}

// newBatch gives each request its uses and forgets what an attempt before left.
func newBatch(k *known, f *tenant.Flow, requests []*request) *batch {
	b := &batch{known: k, flow: f, requests: requests, ids: ledger.NewSequence(), same: map[*request]*request{}}
	records := 0
	for _, r := range b.requests {
		records += len(r.records)
	}
	backing, places := make([]use, records), make([]*use, records)
	copies := make([]usage.Record, records)
	for _, r := range b.requests {
		r.payer, r.answer, r.err, r.claim = nil, nil, nil, -1
		n := len(r.records)
		r.uses, places = places[:n:n], places[n:]
		for i := range r.records {
			u, record := &backing[0], &copies[0]
			backing, copies = backing[1:], copies[1:]
			*record = r.records[i]
			u.record = record
			if u.holder = b.holdings[record.Identity].at(u.at()); u.holder != nil {
				u.tariff = b.tariffs[u.holder.plan().id()].at(record.Start)
			}
			r.uses[i] = u
			if b.earliest.IsZero() || record.End.Before(b.earliest) {
				b.earliest = record.End
			}
		}
	}
	if b.earliest.IsZero() {
		b.earliest = b.flow.At
	}
	return b
}

// read makes the first trip: it checks what was remembered, locks accounts,
// then buckets, by id, and reads counters, keys and what kinds want to know.
// Keys stand behind the locks: whoever takes the same key at the same time has
// the account.
func (b *batch) read(ctx context.Context, e *Engine) error {
	f, s := b.flow, b.scene
	s.queueCheck(f)
	accounts, counting := map[uuid.UUID]bool{}, map[uuid.UUID]bool{}
	for _, r := range b.requests {
		if r.account != uuid.Nil {
			accounts[r.account] = true
		}
		for _, u := range r.uses {
			if u.holder == nil {
				continue
			}
			accounts[u.holder.account] = true
			if u.shares() {
				accounts[u.holder.owner] = true
			}
			if u.tariff != nil && u.tariff.counts {
				counting[u.holder.subscription] = true
			}
		}
	}
	ids := keys(accounts)
	b.accounts = ids
	b.payers = make(map[uuid.UUID]*payer, len(ids))
	if len(ids) > 0 {
		f.Query(lockPayers, []any{ids}, func(row pgx.CollectableRow) error {
			p, err := s.scanPayer(row)
			b.payers[p.id] = p
			return err
		})
		balance.QueueLock(f, ids, b.earliest, func(one *balance.Bucket) error { return s.addPurse(b.payers, one, 0) })
	}
	if len(ids) > 0 {
		b.held = queueHeld(f, ids)
	}
	b.till = newTill(s, f.At, len(b.requests))
	b.till.covered = newCovering(nil)
	b.till.counters = queueCounters(f, keys(counting), calendar.DateOf(b.earliest, s.zone).AddMonths(-longestCycle))
	if err := b.queueClaims(); err != nil {
		return err
	}
	if err := eachKind(b.requests, func(k kind, of []*request) error { return k.read(b, of) }); err != nil {
		return err
	}
	known := s.queueNumbers(f, b.destinations())
	if err := f.Trip(); err != nil {
		return err
	}
	known()
	return b.prepare(ctx, e, accounts)
}

// destinations are those of which some price asks whose they are.
func (b *batch) destinations() (asked []string) {
	for _, r := range b.requests {
		for _, u := range r.uses {
			if u.asksNetwork() {
				asked = append(asked, u.record.Destination)
			}
		}
		asked = append(asked, b.reported(r)...)
	}
	return asked
}

// reported are the destinations of a session's step, if the plan of whoever it
// is of asks for them.
func (b *batch) reported(r *request) (asked []string) {
	step, is := r.ask.(*session.Step)
	if !is {
		return nil
	}
	for _, u := range r.uses {
		if u.tariff.asksNetwork() {
			for i := range step.Reports {
				asked = append(asked, step.Reports[i].Destination)
			}
		}
	}
	return asked
}

// longestCycle is how many months before a use its cycle may have begun.
const longestCycle = 13

func (b *batch) queueClaims() (err error) {
	if b.claims, err = b.scene.gate.Claims(len(b.requests)); err != nil {
		return err
	}
	for _, r := range b.requests {
		if r.once {
			r.claim = b.claims.Add(r.source, &r.records[0])
			b.byClaim = append(b.byClaim, r)
		}
	}
	b.claims.QueueLookUp(b.flow)
	return nil
}

// exchanges says whether somebody has money in another currency.
func (b *batch) exchanges() bool {
	for _, p := range b.payers {
		if len(p.foreign) > 0 {
			return true
		}
	}
	return false
}

// prepare sees to what is rare, one statement after the other: accounts without
// a main bucket, money in other currencies, members of groups, and cycles that
// nobody has begun.
func (b *batch) prepare(ctx context.Context, e *Engine, accounts map[uuid.UUID]bool) error {
	bare := sortPurses(b.payers)
	uses := make([]*use, 0, len(b.requests))
	for _, r := range b.requests {
		for _, u := range r.uses {
			if u.holder != nil {
				uses = append(uses, u)
			}
		}
	}
	owners := ownersOf(uses)
	if len(bare) > 0 || len(owners) > 0 || b.exchanges() || cyclesToBegin(b.flow.At, uses, b.payers) {
		tx, err := b.flow.Tx()
		if err != nil {
			return err
		}
		if _, err := e.beginCycles(ctx, tx, uses, b.payers); err != nil {
			return err
		}
		if b.payers, err = b.scene.lockAccounts(ctx, tx, keys(accounts), b.earliest); err != nil {
			return err
		}
		if b.till.sharing, err = loadSharing(ctx, tx, owners, calendar.DateOf(b.earliest, b.scene.zone).AddMonths(-12)); err != nil {
			return err
		}
	}
	for _, p := range b.payers {
		p.respect(b.held)
	}
	for _, r := range b.requests {
		r.payer = b.payers[r.account]
		for _, u := range r.uses {
			if u.holder != nil {
				u.payer = b.payers[u.holder.account]
				u.lend(b.payers)
			}
			if r.payer == nil {
				r.payer = u.payer
			}
		}
	}
	if lent := asking(uses); len(b.scene.unknownNumbers(lent)) > 0 { // a balance asks
		tx, err := b.flow.Tx()
		if err == nil {
			err = b.scene.findDestinations(ctx, tx, lent)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// settle decides one request. A refusal costs itself only.
func (b *batch) settle(r *request) error {
	if r.claim >= 0 {
		switch outcome, of := b.claims.Decide(r.claim); {
		case outcome == usage.Conflicting:
			r.err = fmt.Errorf("%.80q: %w", r.records[0].Key, ErrConflict)
			return nil
		case outcome == usage.Duplicate && of == usage.Before:
			b.repeats = append(b.repeats, r)
			return nil
		case outcome == usage.Duplicate:
			b.same[r] = b.byClaim[of]
			return nil
		}
	}
	charges, transfers := len(b.till.charges), len(b.till.transfers)
	if err := r.kind.settle(b, r); err != nil {
		if len(b.till.charges) != charges || len(b.till.transfers) != transfers {
			return err // something was booked: the batch can't go on with it
		}
		r.err = err
		return nil
	}
	if r.claim >= 0 {
		b.claims.Take(r.claim)
	}
	b.settled = append(b.settled, r)
	return nil
}

// write queues all rows; they go out with the commit.
func (b *batch) write(ctx context.Context) error {
	b.claims.QueueStore(b.flow)
	usage.QueueStore(b.flow, b.stored)
	if err := b.till.queue(ctx, b.flow); err != nil {
		return err
	}
	if err := b.watch(ctx); err != nil {
		return err
	}
	return eachKind(b.settled, func(k kind, of []*request) error { return k.write(b, of) })
}

// keep has a priced use stored as usage.
func (b *batch) keep(r *request, u *use) {
	b.stored = append(b.stored, usage.Stored{
		ID: u.id, Period: b.till.months.of(u.record.End, b.scene.zone), Source: r.source,
		Service: u.holder.service, Account: u.holder.account, Session: u.session, Record: u.record,
	})
}
