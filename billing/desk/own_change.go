package desk

import (
	"context"
	"errors"
	"fmt"

	"tollhouse/billing/account"
	"tollhouse/billing/catalog"
	"tollhouse/billing/charging"
	"tollhouse/billing/money"
	"tollhouse/billing/onboarding"
	"tollhouse/billing/tenant"
)

// Errors of changes that subscribers make by themselves.
var (
	// ErrNotByOwn means that the offering leaves the change to the operator.
	ErrNotByOwn = errors.New("the plan is changed by the operator only")
	// ErrInTerm means that a minimum term holds the plan.
	ErrInTerm = errors.New("the plan is bound by its minimum term")
)

// Own is what a subscriber may change of a plan by itself.
type Own struct {
	Rule  catalog.OwnChange
	Plans []catalog.Stored // that it may choose, the cheapest first as the catalog lists them
}

// OwnAlternatives says what a subscriber may change its plan to: what its
// offering allows of Alternatives. ErrNotRunning, ErrNotByOwn or ErrInTerm say
// why it may not at all, account.ErrChangeScheduled that a change is to come.
func OwnAlternatives(ctx context.Context, tx tenant.Tx, s account.Subscription) (Own, error) {
	rule, err := ownRule(ctx, tx, s)
	if err != nil {
		return Own{}, err
	}
	coming, err := account.ScheduledChanges(ctx, tx, s.AccountID)
	if err != nil {
		return Own{}, err
	}
	for _, c := range coming {
		if c.SubscriptionID == s.ID {
			return Own{}, account.ErrChangeScheduled
		}
	}
	own := Own{Rule: rule}
	fitting, err := Alternatives(ctx, tx, s)
	if err != nil {
		return Own{}, err
	}
	from, err := catalog.LoadVersion(ctx, tx, s.OfferingID)
	if err != nil {
		return Own{}, err
	}
	for _, one := range fitting {
		to := one.Offering.Code
		if to == from.Code {
			continue // another version of the same plan is no other plan
		}
		if rule.Allows(to, catalog.ChangeNow) || rule.Allows(to, catalog.ChangeAtEnd) {
			own.Plans = append(own.Plans, one)
		}
	}
	return own, nil
}

// ownRule is what the version on sale says of own changes; one that is sold no
// more says it itself.
func ownRule(ctx context.Context, tx tenant.Tx, s account.Subscription) (catalog.OwnChange, error) {
	if s.State != account.SubscriptionActive {
		return catalog.OwnChange{}, ErrNotRunning
	}
	from, err := catalog.LoadVersion(ctx, tx, s.OfferingID)
	if err != nil {
		return catalog.OwnChange{}, err
	}
	current, err := catalog.Current(ctx, tx, from.Code, tx.At)
	switch {
	case err == nil:
		from = current.Offering
	case !errors.Is(err, catalog.ErrNotFound):
		return catalog.OwnChange{}, err
	}
	profile, err := account.GetProfile(ctx, tx)
	if err != nil {
		return catalog.OwnChange{}, err
	}
	switch {
	case from.OwnChange == nil:
		return catalog.OwnChange{}, ErrNotByOwn
	case s.Term.Until != nil && s.Term.Until.After(profile.LocalDate(tx.At)):
		return catalog.OwnChange{}, fmt.Errorf("until %s: %w", s.Term.Until, ErrInTerm)
	}
	return *from.OwnChange, nil
}

// PreviewOwn is Preview of a change that a subscriber makes: only what its
// offering allows. It says as well what a prepaid balance lacks for it; zero
// where it suffices, or where a bill asks for the money.
func PreviewOwn(ctx context.Context, tx tenant.Tx, gate *onboarding.Desk, n NewChange) (c Change, lacks money.Amount, err error) {
	s, err := account.GetSubscription(ctx, tx, n.SubscriptionID)
	if err != nil {
		return c, lacks, err
	}
	own, err := OwnAlternatives(ctx, tx, s)
	if err != nil {
		return c, lacks, err
	}
	allowed := false
	for _, one := range own.Plans {
		allowed = allowed || one.ID == n.OfferingID && own.Rule.Allows(one.Offering.Code, catalog.ChangeTime(n.When))
	}
	if !allowed {
		return c, lacks, ErrNotByOwn
	}
	if c, err = Preview(ctx, tx, gate, n); err != nil {
		return c, lacks, err
	}
	lacks = money.Zero(c.Money.Net.Currency())
	if c.From.Billing != catalog.Prepaid || n.When != Now {
		return c, lacks, nil
	}
	standing, err := charging.Available(ctx, tx, s.AccountID, tx.At)
	if err != nil {
		return c, lacks, err
	}
	if missing := c.Money.Net.Decimal().Sub(standing.Available()); missing.Sign() > 0 {
		lacks = money.New(missing, lacks.Currency())
	}
	return c, lacks, nil
}
