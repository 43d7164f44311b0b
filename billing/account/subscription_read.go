package account

import (
	"context"
	"fmt"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"tollhouse/billing/tenant"
)

// Subscriptions reads an account's subscriptions with their services and the
// identities they have now, oldest first, ended ones included.
func Subscriptions(ctx context.Context, tx tenant.Tx, accountID uuid.UUID) ([]Subscription, error) {
	return subscriptionsWhere(ctx, tx, `account_id = $1`, accountID)
}

// GetSubscription reads one subscription in the same way; ErrNotFound if there
// is none.
func GetSubscription(ctx context.Context, tx tenant.Tx, id uuid.UUID) (Subscription, error) {
	found, err := subscriptionsWhere(ctx, tx, `id = $1`, id)
	if err != nil {
		return Subscription{}, err
	}
	if len(found) == 0 {
		return Subscription{}, fmt.Errorf("subscription %s: %w", id, ErrNotFound)
	}
	return found[0], nil
}

// subscriptionsWhere takes a condition written in this file, with one value.
func subscriptionsWhere(ctx context.Context, tx tenant.Tx, condition string, key uuid.UUID) ([]Subscription, error) {
	rows, err := tx.Query(ctx, `
		select id, account_id, offering_id, state, activated_at, terminated_at, charged_through, setup_charged, deferred,
		       term_from, term_until, termination_fee, part_of, coalesce(part, ''), not pays_fees, ends_on, pauses, created_at
		  from subscription
		 where `+condition+`
		 order by created_at, id`, key)
	if err != nil {
		return nil, fmt.Errorf("read subscriptions: %w", err)
	}
	found, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (Subscription, error) {
		var s Subscription
		err := row.Scan(&s.ID, &s.AccountID, &s.OfferingID, &s.State, &s.ActivatedAt, &s.TerminatedAt, &s.ChargedThrough, &s.SetupCharged, &s.Deferred,
			&s.Term.From, &s.Term.Until, &s.Term.TerminationFee,
			&s.PartOf, &s.Part, &s.FeesIncluded, &s.EndsOn, &s.Pauses, &s.CreatedAt)
		return s, err
	})
	if err != nil {
		return nil, fmt.Errorf("read subscriptions: %w", err)
	}
	services, err := servicesOf(ctx, tx, found)
	if err != nil {
		return nil, err
	}
	for i := range found {
		found[i].Services = services[found[i].ID]
	}
	return found, nil
}

func servicesOf(ctx context.Context, tx tenant.Tx, subscriptions []Subscription) (map[uuid.UUID][]Service, error) {
	ids := make([]uuid.UUID, len(subscriptions))
	for i, s := range subscriptions {
		ids[i] = s.ID
	}
	rows, err := tx.Query(ctx, `
		select s.id, s.subscription_id, s.kind, s.state, s.facts, s.created_at,
		       coalesce(array_agg(i.kind order by i.kind, i.value) filter (where i.kind is not null), '{}'),
		       coalesce(array_agg(i.value order by i.kind, i.value) filter (where i.kind is not null), '{}')
		  from service s
		  left join service_identity i on i.service_id = s.id and i.valid_to is null
		 where s.subscription_id = any ($1)
		 group by s.id
		 order by s.created_at, s.id`, ids)
	if err != nil {
		return nil, fmt.Errorf("read services: %w", err)
	}
	services := map[uuid.UUID][]Service{}
	_, err = pgx.CollectRows(rows, func(row pgx.CollectableRow) (struct{}, error) {
		s, err := scanService(row)
		services[s.SubscriptionID] = append(services[s.SubscriptionID], s)
		return struct{}{}, err
	})
	if err != nil {
		return nil, fmt.Errorf("read services: %w", err)
	}
	return services, nil
}

func scanService(row pgx.CollectableRow) (Service, error) {
	var s Service
	var kinds, values []string
	if err := row.Scan(&s.ID, &s.SubscriptionID, &s.Kind, &s.State, &s.Facts, &s.CreatedAt, &kinds, &values); err != nil {
		return s, err
	}
	for i := range kinds {
		s.Identities = append(s.Identities, Identity{Kind: IdentityKind(kinds[i]), Value: values[i]})
	}
	return s, nil
}
