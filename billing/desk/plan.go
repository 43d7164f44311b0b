package desk

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/google/uuid"

	"tollhouse/billing/account"
	"tollhouse/billing/agenda"
	"tollhouse/billing/bill"
	"tollhouse/billing/calendar"
	"tollhouse/billing/catalog"
	"tollhouse/billing/charging"
	"tollhouse/billing/onboarding"
	"tollhouse/billing/replay"
	"tollhouse/billing/tenant"
)

// Errors of changes of plan.
var (
	ErrSamePlan     = errors.New("the subscription has this plan already")
	ErrOtherBilling = errors.New("a prepaid plan and a postpaid one can't take each other's place")
	ErrNewService   = errors.New("the plan carries a service that the subscription does not have: it is connected by an order")
	ErrOtherKind    = errors.New("a plan, a bundle and an option can't take each other's place")
	ErrInBundle     = errors.New("the bundle's price pays for this part: change the bundle")
	ErrNotRunning   = errors.New("only an active or suspended subscription can change its plan")
)

// NewChange is a change of plan that somebody wants.
type NewChange struct {
	ID             uuid.UUID // of the command: a repeat changes nothing
	SubscriptionID uuid.UUID
	OfferingID     uuid.UUID // a version that is on sale
	Reason         string
	By             string // an actor
	Role           string // of By: usage that is priced anew above its limit of adjustments waits
	When           Timing
	Day            calendar.Date // of OnDate
	Language       string        // of the words of a preview; empty: English
}

// Change is what a change of plan would be: on which day, from what to what,
// and which services and options end with it. Other options go on.
type Change struct {
	Subscription account.Subscription
	From, To     catalog.Offering
	exact        bool          // the new plan begins at At, and not where the day does
	Day          calendar.Date // the first of the new plan
	Ends         []account.ServiceKind
	Options      []onboarding.Held // that end
	At           time.Time         // the new plan's first instant
	Money        bill.Quote        // what it gives back and asks before the next whole period
	PricedAnew   int64             // charges of usage from At on, which are priced again by the new plan
}

// Preview says what a change would be, or why it can't be: ErrNotRunning,
// ErrSamePlan, ErrOtherBilling, ErrNewService, *onboarding.NotSoldError, or
// *onboarding.IncompleteError where facts are missing that the plan needs.
func Preview(ctx context.Context, tx tenant.Tx, gate *onboarding.Desk, n NewChange) (Change, error) {
	s, err := account.GetSubscription(ctx, tx, n.SubscriptionID)
	if err != nil {
		return Change{}, err
	}
	c := Change{Subscription: s}
	if c.From, err = catalog.LoadVersion(ctx, tx, s.OfferingID); err != nil {
		return Change{}, err
	}
	if c.To, err = catalog.LoadVersion(ctx, tx, n.OfferingID); err != nil {
		return Change{}, err
	}
	if c.Ends, err = c.fits(n.OfferingID); err != nil {
		return Change{}, err
	}
	if _, c.Options, err = optionsUnder(ctx, tx, s.ID, c.To); err != nil {
		return Change{}, err
	}
	missing, err := gate.MissingForChange(ctx, tx, s, n.OfferingID)
	if err != nil {
		return Change{}, err
	}
	if len(missing) > 0 {
		return Change{}, &onboarding.IncompleteError{Order: s.ID.String(), Findings: missing}
	}
	if err := c.place(ctx, tx, n); err != nil {
		return Change{}, err
	}
	if c.At.Before(tx.At) {
		if c.PricedAnew, err = replay.Since(ctx, tx, s.ID, c.At); err != nil {
			return Change{}, err
		}
	}
	return c, c.quote(ctx, tx, n.Language)
}

// ChangeFrom schedules a change for the first day from a given one on that
// Preview would allow, past what it refuses.
func ChangeFrom(ctx context.Context, tx tenant.Tx, gate *onboarding.Desk, n NewChange, from calendar.Date) (account.PlanChange, error) {
	c, err := Preview(ctx, tx, gate, n)
	if err != nil {
		return account.PlanChange{}, err
	}
	if c.Day, err = dayOfChange(ctx, tx, c.Subscription.AccountID, c.From, from.AddDays(-1)); err != nil {
		return account.PlanChange{}, err
	}
	profile, err := account.GetProfile(ctx, tx)
	if err != nil {
		return account.PlanChange{}, err
	}
	c.At, c.exact = c.Day.Start(profile.Zone), false
	return c.schedule(ctx, tx, n)
}

// fits says whether one plan can take the other's place, and which services
// end with it.
func (c Change) fits(version uuid.UUID) (ends []account.ServiceKind, err error) {
	switch {
	case c.Subscription.State != account.SubscriptionActive && c.Subscription.State != account.SubscriptionSuspended:
		return nil, ErrNotRunning
	case c.Subscription.OfferingID == version:
		return nil, ErrSamePlan
	case c.From.Sort() != c.To.Sort() || c.From.OnTop() != c.To.OnTop():
		return nil, ErrOtherKind
	case c.Subscription.FeesIncluded && c.From.Code != c.To.Code:
		return nil, ErrInBundle
	case c.From.Billing != c.To.Billing:
		return nil, ErrOtherBilling
	}
	carried := onboarding.Kinds(c.To)
	had := map[account.ServiceKind]bool{}
	for _, service := range c.Subscription.Services {
		had[service.Kind] = true
		if !slices.Contains(carried, service.Kind) {
			ends = append(ends, service.Kind)
		}
	}
	for _, kind := range carried {
		if !had[kind] {
			return nil, fmt.Errorf("%s: %w", kind, ErrNewService)
		}
	}
	return ends, nil
}

// dayOfChange is the first day of a cycle, later than today and than another day, on which nothing that a price of the
// old plan pays for is cut short: a yearly price holds it to its year's end.
func dayOfChange(ctx context.Context, tx tenant.Tx, accountID uuid.UUID, old catalog.Offering, after calendar.Date) (calendar.Date, error) {
	profile, err := account.GetProfile(ctx, tx)
	if err != nil {
		return calendar.Date{}, err
	}
	a, err := account.Get(ctx, tx, accountID)
	if err != nil {
		return calendar.Date{}, err
	}
	cycles := a.Cycles(profile.AnchorPolicy)
	today := profile.LocalDate(tx.At)
	if today.Before(after) {
		today = after
	}
	day := cycles.Containing(today).To
	first := day
	for _, price := range old.Prices.Recurring {
		if price.Period().Daily() {
			continue // its periods are no cycles: the rest of one under way is not waited for
		}
		own := price.Cycle(cycles)
		if end := own.Containing(first.AddDays(-1)).To; end.After(day) {
			day = end
		}
	}
	return day, nil
}

// Schedule keeps a change for its day. Besides what Preview refuses,
// account.ErrSuspended while the operator may not sell and
// account.ErrChangeScheduled where the subscription has one to come.
func Schedule(ctx context.Context, tx tenant.Tx, gate *onboarding.Desk, n NewChange) (account.PlanChange, error) {
	known, err := account.GetPlanChange(ctx, tx, n.ID)
	if !errors.Is(err, account.ErrNoPlanChange) {
		return known, err // a repeat, or a failure
	}
	standing, err := account.GetStanding(ctx, tx)
	if err != nil {
		return account.PlanChange{}, err
	}
	// No wall time is needed: a sale waits for good standing, whatever the hour.
	if err := standing.Refuses(account.Manage, time.Time{}); err != nil {
		return account.PlanChange{}, err
	}
	c, err := Preview(ctx, tx, gate, n)
	if err != nil {
		return account.PlanChange{}, err
	}
	return c.schedule(ctx, tx, n)
}

func (c Change) schedule(ctx context.Context, tx tenant.Tx, n NewChange) (account.PlanChange, error) {
	change := account.PlanChange{ID: n.ID, AccountID: c.Subscription.AccountID, SubscriptionID: n.SubscriptionID,
		From: c.Subscription.OfferingID, To: n.OfferingID, TakesEffect: c.Day, Reason: n.Reason, By: n.By}
	if c.exact {
		change.At = &c.At
	}
	made, err := account.SchedulePlanChange(ctx, tx, change)
	if err != nil {
		return made, err
	}
	// Where no cycle ends that day, nothing else would carry it out.
	return made, agenda.Add(ctx, tx, agenda.Item{Kind: agenda.PartsDue, Ref: made.ID, DueAt: c.At.UTC(), Detail: onboarding.Due{Day: c.Day}})
}

// Alternatives are the offerings on sale that could take a plan's place: those
// of the same billing whose services the subscription has, its own version
// left out.
func Alternatives(ctx context.Context, tx tenant.Tx, s account.Subscription) ([]catalog.Stored, error) {
	old, err := catalog.LoadVersion(ctx, tx, s.OfferingID)
	if err != nil {
		return nil, err
	}
	sold, err := catalog.OnSale(ctx, tx, tx.At)
	if err != nil {
		return nil, err
	}
	var fitting []catalog.Stored
	for _, v := range sold {
		stored, err := catalog.Get(ctx, tx, v.ID)
		if err != nil {
			return nil, err
		}
		if _, err := (Change{Subscription: s, From: old, To: stored.Offering}).fits(v.ID); err == nil {
			fitting = append(fitting, stored)
		}
	}
	return fitting, nil
}

// CarryOut carries out up to limit changes of plan whose day has come, and says
// how many it took. The job that closes the cycles of a day calls it before it
// closes any, until none is left. A subscription that has ended meanwhile needs
// no other plan: its change is dropped.
func CarryOut(ctx context.Context, tx tenant.Tx, engine *charging.Engine, day calendar.Date, limit int) (int, error) {
	due, err := account.DueChanges(ctx, tx, day, limit)
	if err != nil || len(due) == 0 {
		return 0, err
	}
	profile, err := account.GetProfile(ctx, tx)
	if err != nil {
		return 0, err
	}
	offerings := map[uuid.UUID]catalog.Offering{}
	for _, c := range due {
		if _, known := offerings[c.To]; !known {
			if offerings[c.To], err = catalog.LoadVersion(ctx, tx, c.To); err != nil {
				return 0, err
			}
		}
		if _, err := carryOutWithin(ctx, tx, engine, c, offerings[c.To], profile, ""); err != nil {
			return 0, fmt.Errorf("change of plan %s: %w", c.ID, err)
		}
	}
	return len(due), nil
}

// optionsUnder parts the options of a subscription in those that go on under
// another plan and those that end, as they are not for it.
func optionsUnder(ctx context.Context, tx tenant.Tx, subscription uuid.UUID, plan catalog.Offering) (goOn, end []onboarding.Held, err error) {
	options, err := onboarding.OptionsOf(ctx, tx, subscription)
	for _, o := range options {
		if onboarding.GoesWith(o.Offering, plan) {
			goOn = append(goOn, o)
		} else {
			end = append(end, o)
		}
	}
	return goOn, end, err
}

// carryOut puts a new subscription in an old one's place, as r says beside the
// change, and gives its id; uuid.Nil if the old one has ended by itself.
func carryOut(ctx context.Context, tx tenant.Tx, c account.PlanChange, to catalog.Offering, profile account.Profile, r account.Replacement) (uuid.UUID, error) {
	r.Old, r.OfferingID, r.Kinds, r.Day = c.SubscriptionID, c.To, onboarding.Kinds(to), c.TakesEffect
	if c.At != nil {
		r.At = *c.At
	}
	made, err := account.Replace(ctx, tx, r)
	if errors.Is(err, account.ErrMove) {
		return uuid.Nil, account.EndPlanChange(ctx, tx, c.ID, uuid.Nil)
	}
	if err != nil {
		return uuid.Nil, err
	}
	s := succession{PlanChange: c, profile: profile, to: to, made: made.ID, at: c.Begins(profile)}
	for _, step := range []func(context.Context, tenant.Tx) error{s.options, s.allowances, s.counters, s.parts} {
		if err := step(ctx, tx); err != nil {
			return uuid.Nil, err
		}
	}
	return made.ID, account.EndPlanChange(ctx, tx, c.ID, made.ID)
}
