package onboarding

import (
	"context"
	"fmt"
	"slices"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"tollhouse/billing/account"
	"tollhouse/billing/catalog"
	"tollhouse/billing/tenant"
)

// Held is an option that a subscription has, or a part of a bundle.
type Held struct {
	account.Subscription
	Version  uuid.UUID
	Offering catalog.Offering
}

// OptionsOf lists the options that a subscription has.
func OptionsOf(ctx context.Context, tx tenant.Tx, subscription uuid.UUID) ([]Held, error) {
	return heldBy(ctx, tx, subscription, account.OnTop)
}

// ComponentsOf lists the parts of a bundle that a subscription has.
func ComponentsOf(ctx context.Context, tx tenant.Tx, bundle uuid.UUID) ([]Held, error) {
	return heldBy(ctx, tx, bundle, account.Component)
}

// subscription_part_of finds them.
func heldBy(ctx context.Context, tx tenant.Tx, whole uuid.UUID, part account.Part) ([]Held, error) {
	rows, err := tx.Query(ctx, `
		select id
		  from subscription
		 where part_of = $1 and part = $2 and state in ('active', 'suspended')
		 order by id`, whole, part)
	if err != nil {
		return nil, fmt.Errorf("parts of subscription %s: %w", whole, err)
	}
	ids, err := pgx.CollectRows(rows, pgx.RowTo[uuid.UUID])
	if err != nil {
		return nil, fmt.Errorf("parts of subscription %s: %w", whole, err)
	}
	held := make([]Held, len(ids))
	for i, id := range ids {
		if held[i].Subscription, err = account.GetSubscription(ctx, tx, id); err != nil {
			return nil, err
		}
		held[i].Version = held[i].OfferingID
		if held[i].Offering, err = catalog.LoadVersion(ctx, tx, held[i].Version); err != nil {
			return nil, err
		}
	}
	return held, nil
}

// GoesWith says whether an option can be had on top of a plan: it is for it, and
// its prices are written as the plan's are.
func GoesWith(option, plan catalog.Offering) bool { return mixes(option, plan) && isFor(option, plan) }

func mixes(option, plan catalog.Offering) bool {
	return option.Billing == plan.Billing && option.Currency == plan.Currency && (len(option.Usage) == 0 || option.Tax.Included == plan.Tax.Included)
}

func isFor(option, plan catalog.Offering) bool {
	return option.Option != nil && (len(option.Option.For) == 0 || slices.Contains(option.Option.For, plan.Code))
}
