package billing

import (
	"context"
	"errors"
	"fmt"

	"tollhouse/billing/account"
	"tollhouse/billing/catalog"
	"tollhouse/billing/onboarding"
	"tollhouse/billing/points"
	"tollhouse/billing/tenant"
)

// giveOption puts the option of a reward on top of the account's plan. It goes
// the way of every option, through the same gate, and costs nothing: the points
// were its price.
func (s *Stack) giveOption(ctx context.Context, tx tenant.Tx, b points.Burn, reward points.Reward) error {
	option, err := catalog.Current(ctx, tx, reward.Option, tx.At)
	if errors.Is(err, catalog.ErrNotFound) {
		return fmt.Errorf("%w: the option %s is not on sale", points.ErrNoReward, reward.Option)
	}
	if err != nil {
		return err
	}
	if !ForPoints(option.Offering) {
		return fmt.Errorf("%w: %s does not end by itself, or asks a fee at once", points.ErrNoReward, reward.Option)
	}
	plan, err := planFor(ctx, tx, b, option)
	if err != nil {
		return err
	}
	placed, err := s.Desk().Place(ctx, tx, []onboarding.NewOrder{{OfferingID: option.ID, PartOf: &plan.ID, CreatedBy: b.By}})
	if err != nil {
		return err
	}
	holder, err := account.Get(ctx, tx, b.AccountID)
	if err != nil {
		return err
	}
	party, err := account.GetParty(ctx, tx, holder.PartyID)
	if err != nil {
		return err
	}
	_, err = s.Desk().ActivateGiven(ctx, tx, reward.Name(string(party.Language)), placed[0].ID)
	return err
}

// ForPoints says whether an option can be had for points: it ends by itself,
// so that nothing is asked later, and has no fee at once.
func ForPoints(o catalog.Offering) bool {
	return o.OnTop() && o.Option.Lasts != nil && len(o.Prices.OneTime) == 0
}

// planFor is the subscription that the option goes on top of: the one that was
// named, or the account's first that can have it.
func planFor(ctx context.Context, tx tenant.Tx, b points.Burn, option catalog.Stored) (account.Subscription, error) {
	all, err := account.Subscriptions(ctx, tx, b.AccountID)
	if err != nil {
		return account.Subscription{}, err
	}
	for _, one := range all {
		if b.SubscriptionID != nil && one.ID != *b.SubscriptionID {
			continue
		}
		base, err := onboarding.LoadBase(ctx, tx, one.ID)
		if err != nil {
			return account.Subscription{}, err
		}
		if len(base.Obstacles(option.Offering)) == 0 {
			return one, nil
		}
	}
	return account.Subscription{}, fmt.Errorf("%w: no subscription can have %s now", points.ErrNoReward, option.Code)
}
