package charging

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/google/uuid"

	"tollhouse/billing/balance"
	"tollhouse/billing/calendar"
	"tollhouse/billing/catalog"
	"tollhouse/billing/money"
	"tollhouse/billing/tenant"
	"tollhouse/billing/usage"
)

// Trial prices usage that has happened under an offering that nobody has, by
// the function that charges, and writes nothing. One goroutine uses it.
type Trial struct {
	scene    *scene
	document catalog.Offering
	tariff   *tariff // of the offering without options
	now      time.Time
	till     *till
	// PresentDecks prices by the decks of now, not by those of each use's begin.
	PresentDecks bool

	plans     map[uuid.UUID]*trialPlan // by subscription; see Prepare
	offerings map[uuid.UUID]*tariff    // uncompiled, by version
	everybody bool
}

// trialVersion stands for the offering's version: it may have none yet.
var trialVersion = uuid.Must(uuid.Parse("00000000-0000-7000-8000-000000000001"))

// NewTrial makes an offering ready. What its check finds fault with is refused.
func (e *Engine) NewTrial(ctx context.Context, tx tenant.Tx, offering catalog.Offering) (*Trial, error) {
	s, err := e.begin(ctx, tx)
	if err != nil {
		return nil, err
	}
	s.begins(time.Unix(0, 0)) // usage of any time: decks with all their switches
	compiled, err := s.compile(ctx, tx, offering)
	if err != nil {
		return nil, err
	}
	return &Trial{scene: s, document: offering, tariff: compiled, now: tx.At, till: newTill(s, tx.At, 64)}, nil
}

func (t *Trial) decksOf(start time.Time) time.Time {
	if t.PresentDecks {
		return t.now
	}
	return start
}

// tariffOf is what prices a subscription's use of an instant.
func (t *Trial) tariffOf(subscription uuid.UUID, at time.Time) *tariff {
	if p := t.plans[subscription]; p != nil {
		return p.at(at)
	}
	return t.tariff
}

// Zone is the operator's.
func (t *Trial) Zone() *time.Location { return t.scene.zone }

// AnchorPolicy is the operator's.
func (t *Trial) AnchorPolicy() calendar.AnchorPolicy { return t.scene.anchorPolicy }

// TrialAccount is whose usage is priced.
type TrialAccount struct {
	ID            uuid.UUID
	Currency      money.Currency
	Cycle         calendar.Cycle
	Open          calendar.Period
	Subscriptions []TrialSubscription // those that are tried
}

// TrialSubscription is taken to have the offering on trial.
type TrialSubscription struct {
	ID          uuid.UUID
	ActivatedAt time.Time
}

// TrialUse is a use of one of the account's subscriptions.
type TrialUse struct {
	Record        usage.Record
	Service       uuid.UUID
	Subscription  uuid.UUID
	Session       uuid.UUID
	Before        int64 // of the session, by pieces that are not among the uses
	BeforeCovered int64
}

// Tried is what a use would have cost.
type Tried struct {
	Net     money.Decimal
	Covered money.Decimal // by allowances
	Problem *usage.Problem
}

// Price prices an account's uses, which are in order of event time, and tells
// each. Allowances of the offering are granted for all cycles from the first
// day on; counters begin at nothing.
func (t *Trial) Price(a *TrialAccount, from calendar.Date, uses []TrialUse, each func(i int, tried Tried)) error {
	p, err := t.payer(a, from)
	if err != nil {
		return err
	}
	t.till.charges, t.till.postings, t.till.transfers, t.till.why = t.till.charges[:0], t.till.postings[:0], t.till.transfers[:0], t.till.why[:0]
	t.till.counters = &counters{values: map[counterKey]map[string]int64{}, changed: map[counterKey]map[string]bool{}}
	on := make([]*use, len(uses))
	offsets := map[uuid.UUID]int64{}
	for i := range uses {
		one := &uses[i]
		u := &use{
			record: &one.Record, session: one.Session, payer: p, covered: one.BeforeCovered,
			holder: &holding{service: one.Service, subscription: one.Subscription, account: a.ID, offering: trialVersion},
		}
		u.tariff = t.tariffOf(one.Subscription, u.at()).at(t.decksOf(one.Record.Start))
		if one.Session != uuid.Nil {
			if _, begun := offsets[one.Session]; !begun {
				offsets[one.Session] = one.Before
			}
			u.offset = offsets[one.Session]
			offsets[one.Session] += one.Record.Quantity
		}
		on[i] = u
	}
	t.till.covered = newCovering(on)
	for i, u := range on {
		booked := len(t.till.charges)
		if u.fault = u.unpriced(); u.fault != nil {
			each(i, Tried{Problem: u.fault})
			continue
		}
		if err := t.till.charge(u); err != nil {
			return fmt.Errorf("try use of account %s: %w", a.ID, err)
		}
		tried := Tried{Problem: u.fault}
		if len(t.till.charges) > booked {
			tried.Net, tried.Covered = t.till.charges[booked].Net, t.till.charges[booked].Allowance
		}
		each(i, tried)
	}
	return nil
}

// payer is the account with the allowances of the offering on trial, and of what
// else its subscriptions have. Its money
// does not matter: what a use costs does not depend on who pays.
func (t *Trial) payer(a *TrialAccount, from calendar.Date) (*payer, error) {
	p := &payer{id: a.ID, currency: a.Currency, cycle: a.Cycle, open: a.Open}
	p.openFrom, p.openTo = p.open.Instants(t.scene.zone)
	s := cycleScene{scene: t.scene, day: t.scene.today, payers: map[uuid.UUID]*payer{a.ID: p}, tariffs: t.offerings}
	if s.tariffs == nil {
		s.tariffs = map[uuid.UUID]*tariff{trialVersion: t.tariff}
	}
	for i := range a.Subscriptions {
		for _, g := range t.granted(&a.Subscriptions[i], a.ID) {
			if err := t.grant(&s, p, &g, from); err != nil {
				return nil, err
			}
		}
	}
	return p, nil
}

func (t *Trial) grant(s *cycleScene, p *payer, g *trialGrant, from calendar.Date) error {
	granted, err := s.allowances(&g.subscribed, calendar.Period{From: from, To: p.cycle.Containing(s.day).To}, nil)
	if err != nil {
		return err
	}
	for i := range granted {
		if g.to != nil && !granted[i].ValidFrom.Before(*g.to) {
			continue
		}
		one, err := t.purse(&granted[i])
		if err != nil {
			return err
		}
		p.add(one)
	}
	return nil
}

func (t *Trial) purse(n *balance.NewBucket) (*purse, error) {
	filter, err := t.scene.filter(n.Filter)
	if err != nil {
		return nil, fmt.Errorf("filter of allowance %s: %w", n.Code, err)
	}
	b := balance.Bucket{
		ID: n.ID, AccountID: n.AccountID, Code: n.Code, Unit: n.Unit, Origin: n.Origin, Initial: n.Amount, Value: n.Amount,
		Priority: n.Priority, ValidFrom: n.ValidFrom, CreatedAt: n.ValidFrom, Filter: n.Filter,
	}
	if n.SubscriptionID != uuid.Nil {
		b.SubscriptionID = &n.SubscriptionID
	}
	if !n.ExpiresAt.IsZero() {
		b.ExpiresAt = &n.ExpiresAt
	}
	terms, err := t.scene.termsOf(objectOf(n.Terms))
	if err != nil {
		return nil, fmt.Errorf("terms of allowance %s: %w", n.Code, err)
	}
	return newPurse(&b, filter, terms), nil
}

// NetOf is the net of a price of the offering on a day, as a fee has it.
func (t *Trial) NetOf(o *catalog.Offering, category string, price money.Decimal, currency money.Currency, day calendar.Date) (money.Decimal, error) {
	rate, err := t.scene.taxRate(nil, o.Tax.CategoryOr(category), day)
	if err != nil {
		return money.Decimal{}, err
	}
	c, err := split(price, currency, rate, basisOf(o))
	return c.net, err
}

// objectOf is a JSON document, an empty one for none.
func objectOf(document json.RawMessage) json.RawMessage {
	if len(document) == 0 {
		return json.RawMessage("{}")
	}
	return document
}
