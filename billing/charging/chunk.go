package charging

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5/pgtype"

	"tollhouse/billing/balance"
	"tollhouse/billing/calendar"
	"tollhouse/billing/ledger"
	"tollhouse/billing/tenant"
	"tollhouse/billing/usage"
)

// run is one attempt at a part of a batch.
type run struct {
	engine   *Engine
	batch    *Batch
	part     []int // items of the batch
	outcomes []Outcome
	taken    []usage.Taken  // set: the batch's items come out of suspense
	online   bool           // refuse what money does not cover
	fault    *usage.Problem // set: hold the part's records with it, don't price them

	unreadable bool // with fault: the part's records cannot be stored

	scene *scene
	uses  []*use
	held  []held
}

// held is something for suspense.
type held struct {
	item   int
	fault  *usage.Problem
	record *usage.Record // nil: what stood there is no record
	keyed  bool          // its key is taken
}

// chunk does all of the part's work. The outcomes are complete when it returns
// without error; otherwise the transaction must not be committed.
func (r *run) chunk(ctx context.Context, tx tenant.Tx) (err error) {
	r.uses, r.held = nil, nil
	if r.scene, err = r.engine.begin(ctx, tx); err != nil {
		return err
	}
	fresh, places := r.sort()
	if err := r.accept(ctx, tx, fresh, places); err != nil {
		return err
	}
	if err := r.count(ctx, tx); err != nil {
		return err
	}
	if err := r.findSubscribers(ctx, tx); err != nil {
		return err
	}
	if err := r.charge(ctx, tx); err != nil {
		return err
	}
	if r.online && len(r.held) > 0 {
		return &DebitError{r.held[0].fault} // the asker is told; nothing is kept
	}
	return r.suspend(ctx, tx)
}

// sort puts aside what is no record, lets through whose key is taken since
// before it was suspended, and gives the rest with their places.
func (r *run) sort() (fresh []usage.Record, places []int) {
	fresh, places = make([]usage.Record, 0, len(r.part)), make([]int, 0, len(r.part))
	for _, i := range r.part {
		item := &r.batch.Items[i]
		r.outcomes[i] = Outcome{}
		fault := item.Problem
		if r.unreadable {
			fault = r.fault
		}
		switch {
		case r.unreadable && r.batch.File == uuid.Nil && r.taken == nil:
			r.outcomes[i] = Outcome{Status: Rejected, Problem: fault}
		case r.unreadable:
			r.hold(held{item: i, fault: fault})
		case item.Record != nil && r.taken != nil && r.taken[i].Keyed:
			record := *item.Record
			r.admit(i, &record)
		case item.Record != nil:
			fresh, places = append(fresh, *item.Record), append(places, i)
		case item.Skipped:
			r.outcomes[i].Status = Ignored
		case r.batch.File == uuid.Nil && r.taken == nil:
			r.outcomes[i] = Outcome{Status: Rejected, Problem: fault}
		default:
			r.hold(held{item: i, fault: fault})
		}
	}
	return fresh, places
}

func (r *run) hold(h held) {
	r.held = append(r.held, h)
	r.outcomes[h.item] = Outcome{Status: Suspended, Problem: h.fault}
}

// admit lets a record whose key is taken go on, unless it is to be held.
func (r *run) admit(item int, record *usage.Record) {
	fault := r.batch.Items[item].Problem
	if fault == nil {
		fault = r.fault
	}
	if fault != nil {
		r.hold(held{item, fault, record, true})
		return
	}
	r.uses = append(r.uses, &use{item: item, record: record})
}

// accept takes the keys of what is new. The records are copies: turning
// counters into use changes them.
func (r *run) accept(ctx context.Context, tx tenant.Tx, records []usage.Record, places []int) error {
	if len(records) == 0 {
		return nil
	}
	gate, err := r.engine.gate(ctx, tx)
	if err != nil {
		return err
	}
	admissions, err := gate.Accept(ctx, tx, r.batch.Source, r.batch.File, records)
	if err != nil {
		return err
	}
	for n, admission := range admissions {
		item, record := places[n], &records[n]
		switch admission.Outcome {
		case usage.Duplicate:
			r.outcomes[item].Status = Duplicate
		case usage.Conflicting:
			r.conflict(item, record)
		case usage.Overlapping:
			r.hold(held{item, admission.Problem(), record, true})
			r.outcomes[item].Overlaps = admission.OtherFile
		default:
			r.admit(item, record)
		}
	}
	return nil
}

// conflict tells the sender, or keeps the line where there is none to tell.
func (r *run) conflict(item int, record *usage.Record) {
	fault := &usage.Problem{Field: "key", Code: usage.KeyConflict,
		Reason: fmt.Sprintf("the id %.80q was accepted before with other contents", record.Key), Want: "an id of its own"}
	if r.batch.File == uuid.Nil && r.taken == nil {
		r.outcomes[item] = Outcome{Status: Conflict, Problem: fault}
		return
	}
	r.hold(held{item: item, fault: fault, record: record})
}

// count turns cumulative counters into use. What adds nothing is done with:
// its session knows it.
func (r *run) count(ctx context.Context, tx tenant.Tx) error {
	records := make([]*usage.Record, len(r.uses))
	for i, u := range r.uses {
		records[i] = u.record
	}
	deltas, err := usage.ApplyCounters(ctx, tx, r.batch.Source, records)
	if err != nil {
		return err
	}
	kept := r.uses[:0]
	for i, u := range r.uses {
		delta := &deltas[i]
		switch {
		case delta.Problem != nil:
			r.hold(held{u.item, delta.Problem, u.record, true})
		case u.record.Counter != nil && u.record.Quantity == 0:
			r.outcomes[u.item].Status = Accepted
		default:
			// A piece that waited in suspense has no delta any more: it stands alone.
			u.session, u.offset, u.covered = delta.Session, delta.BeforeBytes, delta.Covered
			if u.taken, err = takenOf(delta.Taken); err != nil {
				return fmt.Errorf("what was paid of session %s: %w", u.session, err)
			}
			kept = append(kept, u)
		}
	}
	r.uses = kept
	return nil
}

// findSubscribers keeps the uses whose service was known and active.
func (r *run) findSubscribers(ctx context.Context, tx tenant.Tx) error {
	wanted := make(map[usage.Identity]holdings, len(r.uses))
	for _, u := range r.uses {
		wanted[u.record.Identity] = nil
	}
	if err := r.scene.subscribers(ctx, tx, wanted); err != nil {
		return err
	}
	kept := r.uses[:0]
	for _, u := range r.uses {
		u.holder = wanted[u.record.Identity].at(u.at())
		if fault := u.missing(); fault != nil {
			r.hold(held{u.item, fault, u.record, true})
			continue
		}
		kept = append(kept, u)
	}
	r.uses = kept
	return nil
}

// missing says why nobody can be charged for a use; nil: somebody can.
func (u *use) missing() *usage.Problem {
	at, identity := u.at(), u.record.Identity
	switch {
	case u.holder == nil:
		return &usage.Problem{Field: "identity", Code: usage.UnknownSubscriber,
			Reason: fmt.Sprintf("no service had the %s %.80q at %s", identity.Kind, identity.Value, at.Format(time.RFC3339)),
			Want:   "the identity of a connected service"}
	case !u.holder.active(at):
		return &usage.Problem{Field: "identity", Code: usage.ServiceInactive,
			Reason: fmt.Sprintf("the service of the %s %.80q was not active at %s", identity.Kind, identity.Value, at.Format(time.RFC3339)),
			Want:   "a service that was active then"}
	}
	return nil
}

// unpriced says why a use whose holder is known has no tariff; nil: it has one.
func (u *use) unpriced() *usage.Problem {
	if u.tariff != nil {
		return nil
	}
	return &usage.Problem{Field: "identity", Code: usage.NoTariff, Want: "a service of a published offering", Reason: "the offering version " + u.holder.offering.String() + " cannot be used"}
}

// charge locks, rates in order of event time and writes.
func (r *run) charge(ctx context.Context, tx tenant.Tx) error {
	if len(r.uses) == 0 {
		return nil
	}
	t := newTill(r.scene, tx.At, len(r.uses))
	t.online = r.online
	if err := r.prepare(ctx, tx, t); err != nil {
		return err
	}
	byTime := func(a, b *use) int {
		return cmp.Or(a.record.End.Compare(b.record.End), cmp.Compare(a.offset, b.offset))
	}
	if !slices.IsSortedFunc(r.uses, byTime) {
		slices.SortStableFunc(r.uses, byTime)
	}
	if err := r.rate(ctx, tx, t); err != nil {
		return err
	}
	if err := t.write(ctx, tx); err != nil {
		return err
	}
	return r.scene.watch(ctx, tx, payersOf(r.uses), t.sharing, t.charges)
}

// prepare loads and locks all that rating needs: accounts, then buckets.
func (r *run) prepare(ctx context.Context, tx tenant.Tx, t *till) error {
	accounts, versions := map[uuid.UUID]bool{}, map[uuid.UUID]bool{}
	earliest := r.uses[0].record.End
	for _, u := range r.uses {
		r.scene.begins(u.record.Start)
		accounts[u.holder.account] = true
		r.scene.wants(versions, u.holder.plan())
		if u.record.End.Before(earliest) {
			earliest = u.record.End
		}
	}
	owners := r.owners()
	for _, owner := range owners {
		accounts[owner] = true
	}
	payers, err := r.scene.lockAccounts(ctx, tx, keys(accounts), earliest)
	if err != nil {
		return err
	}
	if changed, err := r.engine.beginCycles(ctx, tx, r.uses, payers); err != nil {
		return err
	} else if changed {
		if payers, err = r.scene.lockAccounts(ctx, tx, keys(accounts), earliest); err != nil {
			return err
		}
	}
	if r.online {
		held, err := loadHeld(ctx, tx, keys(accounts), tx.At, nil)
		if err != nil {
			return err
		}
		for _, p := range payers {
			p.respect(held)
		}
	}
	tariffs, err := r.scene.tariffsOf(ctx, tx, keys(versions))
	if err != nil {
		return err
	}
	counting := map[uuid.UUID]bool{}
	from := calendar.Date{}
	for _, u := range r.uses {
		u.payer, u.tariff = payers[u.holder.account], tariffs[u.holder.plan().id()].at(u.record.Start)
		u.lend(payers)
		if u.fault = u.unpriced(); u.fault != nil {
			continue
		}
		if u.fault = r.scene.tooLate(u.payer, u.record.End); u.fault != nil {
			continue
		}
		if u.tariff.counts {
			counting[u.holder.subscription] = true
			if own := u.payer.ownCycle(u.record.End, r.scene.zone); from.IsZero() || own.Before(from) {
				from = own
			}
		}
	}
	if err := r.scene.findNumbers(ctx, tx, r.uses); err != nil {
		return err
	}
	t.covered = newCovering(r.uses)
	if t.sharing, err = loadSharing(ctx, tx, owners, calendar.DateOf(earliest, r.scene.zone).AddMonths(-12)); err != nil {
		return err
	}
	t.counters, err = loadCounters(ctx, tx, keys(counting), from)
	return err
}

// queue does what write does with a flow's next trip. What few uses leave is
// written at once.
func (t *till) queue(ctx context.Context, f *tenant.Flow) error {
	if len(t.taken) > 0 || t.sharing != nil && len(t.sharing.changed) > 0 {
		tx, err := f.Tx()
		if err == nil {
			err = balance.TakeBack(ctx, tx, t.taken)
		}
		if err == nil {
			err = t.sharing.write(ctx, tx)
		}
		if err != nil {
			return err
		}
	}
	f.Copy(chargeRows(t.charges))
	if err := ledger.QueueLocked(f, t.scene.zone, t.postings); err != nil {
		return err
	}
	t.counters.queue(f)
	if !t.scene.shares(t.charges) {
		return nil
	}
	tx, err := f.Tx()
	if err != nil {
		return err
	}
	return t.scene.share(ctx, tx, t.charges)
}

// write stores what the till gathered; the accounts are locked.
func (t *till) write(ctx context.Context, tx tenant.Tx) error {
	if err := writeCharges(ctx, tx, t.charges); err != nil {
		return err
	}
	if err := ledger.PostLocked(ctx, tx, t.scene.zone, t.postings); err != nil {
		return err
	}
	if err := t.scene.share(ctx, tx, t.charges); err != nil {
		return err
	}
	if err := balance.TakeBack(ctx, tx, t.taken); err != nil {
		return err
	}
	if err := t.sharing.write(ctx, tx); err != nil {
		return err
	}
	if err := t.covered.keep(ctx, tx); err != nil {
		return err
	}
	return t.counters.write(ctx, tx)
}

// keys are the ids of a set, in the form that the driver encodes fastest.
func keys(set map[uuid.UUID]bool) []pgtype.UUID {
	ids := make([]pgtype.UUID, 0, len(set))
	for id := range set {
		ids = append(ids, pgtype.UUID{Bytes: id, Valid: true})
	}
	return ids
}
