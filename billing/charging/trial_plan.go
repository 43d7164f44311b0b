package charging

import (
	"context"
	"slices"
	"time"

	"github.com/google/uuid"

	"tollhouse/billing/catalog"
	"tollhouse/billing/tenant"
)

// trialPlan is what prices a subscription's usage on trial: its plan, or the one
// on trial in its place, under the options it had.
type trialPlan struct {
	plans
	had     []option    // with or without prices of usage
	cuts    []time.Time // where an option begins or ends
	tariffs []*tariff   // before, between and after the cuts; nil: cannot be compiled
}

func (p *trialPlan) at(instant time.Time) *tariff {
	i := 0
	for i < len(p.cuts) && !instant.Before(p.cuts[i]) {
		i++
	}
	return p.tariffs[i]
}

// TrialOption is a span in which a subscription had an option of the code that
// is on trial.
type TrialOption struct {
	Subscription uuid.UUID // the option's own
	Offering     uuid.UUID
	From         time.Time
	To           *time.Time
}

// Prepare reads the options of subscriptions that are tried, and makes the
// tariffs ready that these come to. An option on trial stands in the place of
// those of its code or, for everybody, is had by each subscription all the time.
func (t *Trial) Prepare(ctx context.Context, tx tenant.Tx, subscriptions []uuid.UUID, everybody bool) error {
	wanted := map[uuid.UUID]bool{}
	for _, id := range subscriptions {
		wanted[id] = true
	}
	found, err := queryPlans(ctx, tx, optionsFrom+`) end`, keys(wanted))
	if err != nil {
		return err
	}
	t.everybody = everybody && t.document.OnTop()
	t.plans, t.offerings = make(map[uuid.UUID]*trialPlan, len(found)), map[uuid.UUID]*tariff{trialVersion: {offering: t.document}}
	compiled := map[uuid.UUID]*tariff{trialVersion: t.tariff}
	for id, p := range found {
		tried := &trialPlan{plans: *p, had: p.options}
		if err := t.load(ctx, tx, tried); err != nil {
			return err
		}
		tried.offering, tried.options = t.replace(p)
		tried.options = slices.DeleteFunc(tried.options, func(o option) bool { return len(t.offerings[o.Offering].offering.Usage) == 0 })
		whole := holding{}
		for _, piece := range whole.split(tried.options, nil) {
			by := plan{tried.offering, piece.options}
			one, known := compiled[by.id()]
			if !known {
				if one, err = t.compile(ctx, tx, by); err != nil {
					return err
				}
				compiled[by.id()] = one
			}
			if !piece.heldTo.IsZero() {
				tried.cuts = append(tried.cuts, piece.heldTo)
			}
			tried.tariffs = append(tried.tariffs, one)
		}
		t.plans[id] = tried
	}
	return nil
}

// replace puts what is on trial in the place of what a subscription has.
func (t *Trial) replace(p *plans) (offering uuid.UUID, options []option) {
	if !t.document.OnTop() {
		return trialVersion, p.options
	}
	for _, o := range p.options {
		switch {
		case o.Code != t.document.Code:
			options = append(options, o)
		case !t.everybody:
			o.Offering, o.Priority = trialVersion, t.document.Option.PriorityOr()
			options = append(options, o)
		}
	}
	if t.everybody {
		options = append(options, option{Offering: trialVersion, Code: t.document.Code, Priority: t.document.Option.PriorityOr(), tried: true})
	}
	return p.offering, options
}

// load reads the offerings that a subscription's plan is made of.
func (t *Trial) load(ctx context.Context, tx tenant.Tx, p *trialPlan) error {
	versions := []uuid.UUID{p.offering}
	for _, o := range p.had {
		versions = append(versions, o.Offering)
	}
	for _, version := range versions {
		if t.offerings[version] != nil {
			continue
		}
		offering, err := catalog.LoadVersion(ctx, tx, version)
		if err != nil {
			return err
		}
		t.offerings[version] = &tariff{offering: offering}
	}
	return nil
}

func (t *Trial) compile(ctx context.Context, tx tenant.Tx, by plan) (*tariff, error) {
	options := make([]catalog.Offering, len(by.options))
	for i, version := range by.options {
		options[i] = t.offerings[version].offering
	}
	return unready(t.scene.compileWith(ctx, tx, t.offerings[by.offering].offering, by.options, options))
}

// Had lists the spans in which a subscription had the option that is on trial.
func (t *Trial) Had(subscription uuid.UUID) (list []TrialOption) {
	p := t.plans[subscription]
	if p == nil || !t.document.OnTop() {
		return nil
	}
	for _, o := range p.had {
		if o.Code == t.document.Code {
			list = append(list, TrialOption{o.Subscription, o.Offering, o.From, o.To})
		}
	}
	return list
}

// granted are the subscriptions whose allowances a subscription uses on trial:
// itself and its options.
func (t *Trial) granted(sub *TrialSubscription, account uuid.UUID) (list []trialGrant) {
	own := trialGrant{subscribed: subscribed{ID: sub.ID, AccountID: account, OfferingID: trialVersion, ActivatedAt: sub.ActivatedAt}}
	p := t.plans[sub.ID]
	if p == nil {
		return []trialGrant{own}
	}
	var options []option
	own.OfferingID, options = t.replace(&plans{offering: p.offering, options: p.had})
	list = append(list, own)
	for _, o := range options {
		one := trialGrant{subscribed: subscribed{ID: o.Subscription, AccountID: account, OfferingID: o.Offering, ActivatedAt: o.From, PartOf: &sub.ID, Option: true}, to: o.To}
		if o.tried {
			one.ID, one.ActivatedAt = derivedID(sub.ActivatedAt, sub.ID, t.document.Code), sub.ActivatedAt
		}
		list = append(list, one)
	}
	return list
}

type trialGrant struct {
	subscribed
	to *time.Time // it is granted nothing more from then on
}
