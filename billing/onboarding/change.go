package onboarding

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"tollhouse/billing/account"
	"tollhouse/billing/catalog"
	"tollhouse/billing/tenant"
)

// MissingForChange says what a subscription lacks to become one of another
// offering version: the same as an order for it would be asked, where the
// facts are those of the order that connected it, of its party as it is known
// today, and of its services. *NotSoldError refuses a version that is not on
// sale.
func (d *Desk) MissingForChange(ctx context.Context, tx tenant.Tx, s account.Subscription, version uuid.UUID) ([]Finding, error) {
	g, err := d.newGate(ctx, tx)
	if err != nil {
		return nil, err
	}
	offering, err := g.sold(ctx, tx, version)
	if err != nil {
		return nil, err
	}
	if offering, _, err = Whole(ctx, tx, offering, nil); err != nil {
		return nil, err
	}
	known, err := factsOfSubscription(ctx, tx, s)
	if err != nil {
		return nil, err
	}
	return Missing(Requirements(offering, g.profile.Country), known, g.today), nil
}

// factsOfSubscription gathers what is known of a connected service.
func factsOfSubscription(ctx context.Context, tx tenant.Tx, s account.Subscription) (Facts, error) {
	known, err := factsOfOrder(ctx, tx, s.ID)
	if err != nil {
		return nil, err
	}
	a, err := account.Get(ctx, tx, s.AccountID)
	if err != nil {
		return nil, err
	}
	party, err := account.GetParty(ctx, tx, a.PartyID)
	if err != nil {
		return nil, err
	}
	maps.Copy(known, factsOf(party))
	for _, service := range s.Services {
		section := string(service.Kind) + "."
		for name, value := range service.Facts {
			known[section+name] = value
		}
		for _, i := range service.Identities {
			for field, kind := range identities {
				if kind == i.Kind && strings.HasPrefix(field, section) {
					known[field] = i.Value
				}
			}
		}
	}
	return known, nil
}

// factsOfOrder are those of the order from which a subscription comes, also by
// changes of plan; none for one that was brought in otherwise.
func factsOfOrder(ctx context.Context, tx tenant.Tx, subscription uuid.UUID) (Facts, error) {
	facts := Facts{}
	err := tx.QueryRow(ctx, lineOf+`
		select o.facts
		  from line l
		  join product_order o on o.subscription_id = l.id`, subscription).Scan(&facts)
	if err != nil && !errors.Is(err, pgx.ErrNoRows) {
		return nil, fmt.Errorf("facts of subscription %s: %w", subscription, err)
	}
	return facts, nil
}

// lineOf are a subscription and those whose place it took.
const lineOf = `
	with recursive line (id) as (
	    select $1::uuid
	    union
	    select c.subscription_id from plan_change c join line l on c.new_subscription_id = l.id
	)`

// Kinds are the services that an offering carries, in account's words.
func Kinds(o catalog.Offering) []account.ServiceKind {
	kinds := make([]account.ServiceKind, len(o.Services))
	for i, k := range o.Services {
		kinds[i] = account.ServiceKind(k)
	}
	return slices.Compact(kinds)
}
