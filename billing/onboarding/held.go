package onboarding

import (
	"context"
	"fmt"
	"slices"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"tollhouse/billing/catalog"
	"tollhouse/billing/tenant"
)

// Held is an option that a subscription has.
type Held struct {
	ID       uuid.UUID // of the option's own subscription
	Version  uuid.UUID
	Offering catalog.Offering
}

// OptionsOf lists the options that a subscription has. subscription_part_of
// finds them.
func OptionsOf(ctx context.Context, tx tenant.Tx, subscription uuid.UUID) ([]Held, error) {
	rows, err := tx.Query(ctx, `
		select id, offering_id
		  from subscription
		 where part_of = $1 and part = 'option' and state in ('active', 'suspended')
		 order by id`, subscription)
	if err != nil {
		return nil, fmt.Errorf("options of subscription %s: %w", subscription, err)
	}
	held, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (h Held, err error) {
		err = row.Scan(&h.ID, &h.Version)
		return h, err
	})
	if err != nil {
		return nil, fmt.Errorf("options of subscription %s: %w", subscription, err)
	}
	for i := range held {
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
