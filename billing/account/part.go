package account

import (
	"context"
	"errors"
	"fmt"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"tollhouse/billing/calendar"
	"tollhouse/billing/event"
	"tollhouse/billing/tenant"
)

// ErrNoPart means that a subscription is part of no other.
var ErrNoPart = errors.New("the subscription is neither an option nor part of a bundle")

// withParts adds to subscriptions those that are part of them, and parts of
// these, as far as they are in some states. subscription_part_of finds them.
func withParts(ctx context.Context, tx tenant.Tx, subscriptions []uuid.UUID, states ...SubscriptionState) ([]uuid.UUID, error) {
	rows, err := tx.Query(ctx, `
		with recursive part (id) as (
		    select unnest($1::uuid[])
		    union
		    select s.id from subscription s join part p on s.part_of = p.id where s.state = any ($2)
		)
		select id from part`, subscriptions, states)
	if err != nil {
		return nil, fmt.Errorf("parts of subscriptions: %w", err)
	}
	all, err := pgx.CollectRows(rows, pgx.RowTo[uuid.UUID])
	if err != nil {
		return nil, fmt.Errorf("parts of subscriptions: %w", err)
	}
	return all, nil
}

// WithParts lists a subscription with all that is part of it, or on top of it,
// and has not ended.
func WithParts(ctx context.Context, tx tenant.Tx, subscription uuid.UUID) ([]uuid.UUID, error) {
	return withParts(ctx, tx, []uuid.UUID{subscription}, SubscriptionActive, SubscriptionSuspended)
}

// EndOn lets an option or a part end by itself where a day begins; nil takes
// that back. ErrNoPart for a subscription that is part of none.
func EndOn(ctx context.Context, tx tenant.Tx, id uuid.UUID, day *calendar.Date) error {
	done, err := tx.Exec(ctx, `update subscription set ends_on = $2 where id = $1 and part is not null and state in ('active', 'suspended')`, id, day)
	if err != nil {
		return fmt.Errorf("end subscription %s: %w", id, err)
	}
	if done.RowsAffected() == 1 {
		return nil
	}
	if _, err := GetSubscription(ctx, tx, id); err != nil {
		return err
	}
	return fmt.Errorf("subscription %s: %w", id, ErrNoPart)
}

// EndDue ends up to limit subscriptions whose last day is over, with what is part
// of them, where their day began, however late it is called, and gives all that ended.
// subscription_ends finds them, subscription_part_of their parts.
func EndDue(ctx context.Context, tx tenant.Tx, day calendar.Date, limit int) ([]uuid.UUID, error) {
	profile, err := GetProfile(ctx, tx)
	if err != nil {
		return nil, err
	}
	_, err = tx.Exec(ctx, `
		select a.id
		  from billing_account a
		 where a.id in (select account_id from subscription where ends_on <= $1 and state <> 'terminated' order by ends_on, id limit $2)
		 order by a.id
		   for update`, day, limit)
	if err != nil {
		return nil, fmt.Errorf("lock accounts whose options end: %w", err)
	}
	rows, err := tx.Query(ctx, `
		with recursive ending (id, day) as (
		    (select id, ends_on from subscription where ends_on <= $1 and state <> 'terminated' order by ends_on, id limit $2)
		    union
		    select s.id, e.day from ending e join subscription s on s.part_of = e.id where s.state in ('active', 'suspended')),
		first (id, day) as (select id, min(day) from ending group by id)
		update subscription s
		   set state = 'terminated', terminated_at = greatest(s.activated_at, f.day::timestamp at time zone $3)
		  from first f
		 where s.id = f.id
		returning s.id`, day, limit, profile.Zone.String())
	if err != nil {
		return nil, fmt.Errorf("end options: %w", err)
	}
	ended, err := pgx.CollectRows(rows, pgx.RowTo[uuid.UUID])
	if err != nil {
		return nil, fmt.Errorf("end options: %w", err)
	}
	if len(ended) == 0 {
		return nil, nil
	}
	_, err = tx.Exec(ctx, `
		update service_identity i
		   set valid_to = greatest(i.valid_from, s.terminated_at)
		  from service v
		  join subscription s on s.id = v.subscription_id
		 where s.id = any ($1) and i.service_id = v.id and i.valid_to is null`, ended)
	if err != nil {
		return nil, fmt.Errorf("free identities: %w", err)
	}
	if _, err := tx.Exec(ctx, `update service set state = 'terminated' where subscription_id = any ($1)`, ended); err != nil {
		return nil, fmt.Errorf("end services: %w", err)
	}
	if err := recordSubscriptions(ctx, tx, event.SubscriptionTerminated, ended, nil); err != nil {
		return nil, err
	}
	return ended, bumpEpoch(ctx, tx)
}
