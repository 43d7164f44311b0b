package desk

import (
	"context"
	"errors"
	"fmt"

	"github.com/google/uuid"

	"tollhouse/billing/account"
	"tollhouse/billing/balance"
	"tollhouse/billing/catalog"
	"tollhouse/billing/onboarding"
	"tollhouse/billing/tenant"
)

// part is a component of the bundle on its way to the new version.
type part struct {
	onboarding.Held
	to catalog.Stored // uuid.Nil: it ends
}

// parts of a bundle follow it: each that the new version has becomes the version
// of its offering that is on sale, at the new bundle's terms; others end; those
// that it needs besides are ordered for the day.
func (s *succession) parts(ctx context.Context, tx tenant.Tx) error {
	if s.to.Bundle == nil {
		return nil
	}
	held, err := onboarding.ComponentsOf(ctx, tx, s.made)
	if err != nil {
		return err
	}
	have := map[string]*part{}
	for _, h := range held {
		have[h.Offering.Code] = &part{Held: h}
	}
	var follow []*part
	var ordered []catalog.Offering
	for _, c := range s.to.Bundle.Components {
		one := have[c.Offering]
		if one == nil && c.Optional {
			continue
		}
		now, err := catalog.Current(ctx, tx, c.Offering, tx.At)
		switch {
		case one == nil && err != nil:
			return fmt.Errorf("part %s of bundle %s: %w", c.Offering, s.to.Code, err)
		case one == nil:
			if err := onboarding.OrderPart(ctx, tx, s.made, s.SubscriptionID, now, s.TakesEffect, s.By); err != nil {
				return err
			}
			ordered = append(ordered, now.Offering)
			continue
		case err != nil && !errors.Is(err, catalog.ErrNotFound):
			return err
		}
		if one.to = now; err != nil || !one.fits() {
			one.to = catalog.Stored{Version: catalog.Version{ID: one.Version}, Offering: one.Offering}
		}
		follow = append(follow, one)
		delete(have, c.Offering)
	}
	for _, one := range have {
		if err := s.endPart(ctx, tx, one); err != nil {
			return err
		}
	}
	return s.follow(ctx, tx, follow, ordered)
}

// fits says whether the part's services are all that its new version carries.
func (p *part) fits() bool {
	_, err := (Change{Subscription: p.Subscription, From: p.Offering, To: p.to.Offering}).fits(p.to.ID)
	return err == nil || errors.Is(err, ErrSamePlan)
}

func (s *succession) endPart(ctx context.Context, tx tenant.Tx, one *part) error {
	ends, err := account.WithParts(ctx, tx, one.ID)
	if err != nil {
		return err
	}
	if err := account.EndOn(ctx, tx, one.ID, &s.TakesEffect); err != nil {
		return err
	}
	return balance.EndAllowances(ctx, tx, s.at, ends...)
}

// follow carries the change out for each part, with what the bundle takes off
// its prices now: of an amount, what those that are ordered leave.
func (s *succession) follow(ctx context.Context, tx tenant.Tx, parts []*part, ordered []catalog.Offering) error {
	offerings := make([]catalog.Offering, len(parts))
	for i, one := range parts {
		offerings[i] = one.to.Offering
	}
	words, err := onboarding.BundleWords(ctx, tx, s.AccountID, s.to)
	if err != nil {
		return err
	}
	less, err := onboarding.BundleDiscounts(s.to, words, append(offerings, ordered...))
	if err != nil {
		return err
	}
	included := s.to.Bundle.Pricing == catalog.AsOne
	for i, one := range parts {
		change, err := account.SchedulePlanChange(ctx, tx, account.PlanChange{ID: uuid.Must(uuid.NewV7()), AccountID: s.AccountID, SubscriptionID: one.ID,
			From: one.Version, To: one.to.ID, TakesEffect: s.TakesEffect, Reason: s.Reason, By: s.By})
		if errors.Is(err, account.ErrChangeScheduled) {
			continue // it has a change of its own
		}
		if err != nil {
			return err
		}
		made, err := carryOut(ctx, tx, change, one.to.Offering, s.profile, account.Replacement{Without: []string{onboarding.BundleDiscount}, FeesIncluded: &included})
		if err != nil {
			return fmt.Errorf("part %s: %w", one.Offering.Code, err)
		}
		if less[i] == nil || made == uuid.Nil {
			continue
		}
		less[i].SubscriptionID, less[i].ValidFrom = made, s.TakesEffect
		if _, err := account.GiveDiscounts(ctx, tx, []account.Discount{*less[i]}); err != nil {
			return err
		}
	}
	return nil
}
