package replay

import (
	"context"
	"slices"

	"github.com/google/uuid"

	"tollhouse/billing/account"
	"tollhouse/billing/calendar"
	"tollhouse/billing/catalog"
	"tollhouse/billing/charging"
	"tollhouse/billing/money"
	"tollhouse/billing/tenant"
)

// leaveOut drops the subscriptions that cannot have the option on trial.
func (p *pricing) leaveOut() {
	option := p.trial.Document.Option
	if option == nil {
		return
	}
	cannot := func(version uuid.UUID) bool {
		base := p.offerings[version]
		return base.Billing != p.trial.Document.Billing || len(option.For) > 0 && !slices.Contains(option.For, base.Code)
	}
	for _, a := range p.accounts {
		for _, s := range a.subscriptions {
			if cannot(s.Offering) {
				delete(p.services, s.ID)
			}
		}
		a.subscriptions = slices.DeleteFunc(a.subscriptions, func(s heldSubscription) bool { return cannot(s.Offering) })
		a.Subscriptions = slices.DeleteFunc(a.Subscriptions, func(s charging.TrialSubscription) bool { return !p.services[s.ID] })
	}
}

// prepare makes the tariffs ready of all that the subscriptions have, and reads
// their discounts. An option
// on trial is had by those of the segment, unless this is those who have it.
func (p *pricing) prepare(ctx context.Context, tx tenant.Tx) (err error) {
	var ids []uuid.UUID
	for id := range p.services {
		ids = append(ids, id)
	}
	if err := p.charging.Prepare(ctx, tx, ids, p.everybody()); err != nil {
		return err
	}
	all := ids
	for _, id := range ids {
		for _, o := range p.charging.Had(id) {
			all = append(all, o.Subscription)
			if _, known := p.offerings[o.Offering]; known {
				continue
			}
			if p.offerings[o.Offering], err = catalog.LoadVersion(ctx, tx, o.Offering); err != nil {
				return err
			}
		}
	}
	p.discounts, err = account.Discounts(ctx, tx, all...)
	return err
}

func (p *pricing) everybody() bool { return p.trial.Segment.Offering != p.trial.Document.Code }

// optionFees are the recurring fees of the option on trial and of those that it
// takes the place of.
func (p *pricing) optionFees(a *trialAccount, s *heldSubscription) (Cell, error) {
	var sum Cell
	add := func(to *money.Decimal, of uuid.UUID, o catalog.Offering, days calendar.Period) error {
		if days.Days() <= 0 {
			return nil
		}
		fees, err := p.feesOf(a, p.discounts[of], &o, days)
		*to = to.Add(fees)
		return err
	}
	for _, had := range p.charging.Had(s.ID) {
		days := p.activeDays(&heldSubscription{TrialSubscription: charging.TrialSubscription{ActivatedAt: had.From}, Terminated: had.To})
		if err := add(&sum.Old, had.Subscription, p.offerings[had.Offering], days); err != nil {
			return sum, err
		}
		if p.everybody() {
			continue
		}
		if err := add(&sum.New, had.Subscription, p.trial.Document, days); err != nil {
			return sum, err
		}
	}
	if !p.everybody() {
		return sum, nil
	}
	return sum, add(&sum.New, uuid.Nil, p.trial.Document, p.activeDays(s))
}
