package charging

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"

	"tollhouse/billing/calendar"
	"tollhouse/billing/catalog"
	"tollhouse/billing/money"
	"tollhouse/billing/tenant"
	"tollhouse/billing/usage"
)

// ErrTooMuchUsage means that an account has more usage in a period than is
// priced again at once.
var ErrTooMuchUsage = errors.New("more usage than is priced again at once")

// MostAgain bounds the uses that one call of PriceAgain looks at.
const MostAgain = 500_000

// Again says what is to be priced once more.
type Again struct {
	Accounts []uuid.UUID
	// Whole cycles that touch these days are priced, as tiers and allowances go
	// from use to use; only what is chosen goes by another version or is taken back.
	Days   calendar.Period
	Chosen func(*Used) bool
	// Chosen uses are priced under this version; uuid.Nil: under the plan that
	// holds at the use now, also where it was changed since with effect from before.
	Offering uuid.UUID
	TakeBack func(*Used) int64
	// PresentDecks prices chosen uses by the decks of now, not by those in force
	// when they began.
	PresentDecks bool
	// Basis is what charges were last priced by, where that is not their own: uses
	// that are not chosen, or are taken back in part, keep it.
	Basis map[uuid.UUID]Basis
}

// Basis is what a charge was priced by anew.
type Basis struct {
	Offering uuid.UUID // uuid.Nil: its own version
	Holder   uuid.UUID // the subscription by whose plan; uuid.Nil: its own
	Decks    time.Time // by the decks of this instant; zero: those in force at the use's begin
}

// Used is a use that was charged, as it is kept.
type Used struct {
	Record  usage.Record
	File    uuid.UUID
	Service uuid.UUID
	Session uuid.UUID
	Voided  int64 // of its quantity, taken back before
	Was     *InForce
}

// Left is how much of its quantity still counts.
func (u *Used) Left() int64 { return u.Record.Quantity - u.Voided }

// PricedAgain is what came of one account.
type PricedAgain struct {
	Account  uuid.UUID
	Currency money.Currency
	Uses     int
	Facts    [32]byte // hash of all that the prices were made from
	Changes  []Changed
	Counters []CounterMove
}

// Changed is a charge that would be another, or cannot be priced.
type Changed struct {
	Used    *Used
	Chosen  bool
	Holder  uuid.UUID // the subscription by whose plan it is priced; uuid.Nil: its own
	Same    bool      // nothing else changes than whose plan it is priced by
	Target  Target
	Voids   int64          // of the use's quantity, taken back
	Problem *usage.Problem // it keeps its price then
}

// CounterMove is what a tier counter has to be moved by.
type CounterMove struct {
	Subscription uuid.UUID     `json:"subscription"`
	Cycle        calendar.Date `json:"cycle"`
	Code         string        `json:"code"`
	By           int64         `json:"by"`
}

// PriceAgain prices the usage of whole cycles of accounts once more, in order
// of event time and by the function that charged it: the cycle's counters begin
// as they were at its start, and buckets hold what they have now with what these
// uses took from them. It writes nothing, and gives what would change. The
// accounts are locked meanwhile.
func (e *Engine) PriceAgain(ctx context.Context, tx tenant.Tx, ask Again) ([]PricedAgain, error) {
	s, err := e.begin(ctx, tx)
	if err != nil {
		return nil, err
	}
	a := &again{scene: s, now: tx.At, ask: &ask, byAccount: map[uuid.UUID][]*Used{}, purses: map[uuid.UUID]*purse{}}
	if err := a.load(ctx, tx); err != nil {
		return nil, err
	}
	var results []PricedAgain
	for _, account := range ask.Accounts {
		used := a.byAccount[account]
		if len(used) == 0 {
			continue
		}
		delete(a.byAccount, account) // an account that is named twice is priced once
		result, err := a.account(account, used)
		if err != nil {
			return nil, fmt.Errorf("price account %s again: %w", account, err)
		}
		results = append(results, result)
	}
	return results, nil
}

// again is one call of PriceAgain.
type again struct {
	scene    *scene
	now      time.Time
	ask      *Again
	payers   map[uuid.UUID]*payer
	groups   map[uuid.UUID]group // by member
	sharing  *sharing
	plans    map[uuid.UUID]*plans           // by subscription
	inLine   map[uuid.UUID]catalog.Offering // of subscriptions that took others' places, and of those others
	asked    map[uuid.UUID]catalog.Offering // versions that are asked for, or were
	tariffs  map[uuid.UUID]*tariff
	counters *counters
	// successors are the subscriptions that took the place of one since, in order
	successors map[uuid.UUID][]successor
	byAccount  map[uuid.UUID][]*Used
	sessions   map[uuid.UUID]earlier
	purses     map[uuid.UUID]*purse
}

// window spans the account's cycles that touch the days asked for.
func (a *again) window(p *payer) (from, to time.Time) {
	first, last := p.cycle.Containing(a.ask.Days.From), p.cycle.Containing(a.ask.Days.To.AddDays(-1))
	return calendar.Period{From: first.From, To: last.To}.Instants(a.scene.zone)
}

// account prices one account's uses, which are in order of event time.
func (a *again) account(id uuid.UUID, used []*Used) (PricedAgain, error) {
	p := a.payers[id]
	defer a.fill(used)()
	result := PricedAgain{Account: id, Currency: p.currency, Uses: len(used), Facts: a.facts(p, used)}
	t := newTill(a.scene, a.now, len(used))
	t.counters = a.countersBefore(used)
	before := map[uuid.UUID]int64{}
	for session, e := range a.sessions {
		before[session] = e.quantity
	}
	uses := make([]*use, len(used))
	for i, one := range used {
		uses[i] = a.use(p, one, before)
	}
	t.covered, t.sharing = newCovering(uses), a.sharingBefore(t, used, uses)
	carrying := a.carry(t.counters, used, uses, p)
	for i, one := range used {
		carrying.begin(counterKey{uses[i].holder.subscription, p.ownCycle(one.Record.End, a.scene.zone)})
		changed, err := a.one(t, one, uses[i])
		if err != nil {
			return result, err
		}
		if changed != nil {
			result.Changes = append(result.Changes, *changed)
		}
	}
	result.Counters = a.moved(t.counters)
	return result, nil
}

// use makes a stored use one on its way to a charge again. before is what its
// session has used so far.
func (a *again) use(p *payer, one *Used, before map[uuid.UUID]int64) *use {
	record := one.Record
	record.Quantity = one.Left()
	chosen := a.chosen(one)
	if chosen && a.ask.TakeBack != nil {
		record.Quantity -= a.ask.TakeBack(one)
	}
	c := &one.Was.Charge
	basis := a.basisOf(one, chosen)
	subscription := basis.subscriptionOf(one)
	u := &use{
		id: c.ID, record: &record, session: one.Session, payer: p,
		holder: &holding{service: one.Service, subscription: subscription, account: c.AccountID},
	}
	if of, is := a.groups[c.AccountID]; is {
		u.holder.owner, u.holder.joined = of.owner, of.joined
		u.lend(a.payers)
	}
	by := a.planOf(one, basis)
	u.holder.offering, u.holder.options, u.holder.heirs = by.offering, by.options, a.plans[subscription].heirs
	decks := record.Start
	if !basis.Decks.IsZero() {
		decks = basis.Decks
	}
	u.tariff = a.tariffs[by.id()].at(decks)
	if one.Session != uuid.Nil {
		u.offset, u.covered = before[one.Session], a.sessions[one.Session].covered
		before[one.Session] += record.Quantity
	}
	return u
}

func (a *again) chosen(one *Used) bool {
	day := calendar.DateOf(one.Record.End, a.scene.zone)
	return a.ask.Days.Contains(day) && (a.ask.Chosen == nil || a.ask.Chosen(one))
}

// one prices a use and compares; nil means that nothing changes.
func (a *again) one(t *till, one *Used, u *use) (*Changed, error) {
	changed := &Changed{Used: one, Chosen: a.chosen(one), Voids: one.Left() - u.record.Quantity}
	if u.holder.subscription != one.Was.Charge.SubscriptionID {
		changed.Holder = u.holder.subscription
	}
	booked := len(t.charges)
	switch {
	case one.Was.Gone():
		return nil, nil
	case u.tariff == nil:
		u.fault = &usage.Problem{Field: "offering", Code: usage.NoTariff, Reason: "the offering version " + u.holder.offering.String() + " cannot be used", Want: "a published version"}
	case u.record.Quantity > 0:
		if err := t.charge(u); err != nil {
			return nil, err
		}
	}
	if u.fault != nil {
		changed.Problem, changed.Target = u.fault, one.Was.Target()
		if changed.Chosen {
			return changed, nil
		}
		return nil, nil // it has its price, whatever has become of its offering since
	}
	if len(t.charges) > booked {
		if fault := changed.take(&t.charges[booked]); fault != nil {
			changed.Problem, changed.Target = fault, one.Was.Target()
			return changed, nil
		}
	}
	if changed.Voids == 0 && changed.Target.Equals(one.Was) {
		changed.Same = true
		if !changed.Chosen || changed.Holder == a.ask.Basis[one.Was.Charge.ID].Holder {
			return nil, nil
		}
	}
	return changed, nil
}

// take makes a charge the target.
func (c *Changed) take(to *Charge) *usage.Problem {
	was := &c.Used.Was.Charge
	if to.TaxCategory != was.TaxCategory {
		return &usage.Problem{
			Field: "tax_category", Code: usage.NoPrice, Want: "the same tax category, or the use taken back and sent again",
			Reason: fmt.Sprintf("its tax category would change from %s to %s", was.TaxCategory, to.TaxCategory),
		}
	}
	priced, err := inForce(*to)
	if err != nil {
		return &usage.Problem{Code: usage.RatingFailed, Reason: err.Error()}
	}
	c.Target = priced.Target()
	c.Target.Why = priced.steps
	return nil
}

// Target is the charge as it is now.
func (s *InForce) Target() Target {
	return Target{Price: s.Rated(), Net: s.Net, Tax: s.Tax, Quantity: s.Quantity, Allowance: s.Allowance, Units: s.Units}
}

// Equals compares what is booked: price, and what each bucket gave.
func (t *Target) Equals(f *InForce) bool {
	if !t.Price.Equal(f.Rated()) || len(t.Units) != len(f.Units) || !t.Quantity.Equal(f.Quantity) || !t.Allowance.Equal(f.Allowance) {
		return false
	}
	if f.Given.IsZero() && (!t.Net.Equal(f.Net) || !t.Tax.Equal(f.Tax)) {
		return false
	}
	for bucket, units := range t.Units {
		if have, known := f.Units[bucket]; !known || !units.Equal(have) {
			return false
		}
	}
	return true
}
