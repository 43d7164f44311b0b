package migration

import (
	"context"
	"errors"
	"fmt"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"tollhouse/billing/account"
	"tollhouse/billing/catalog"
	"tollhouse/billing/desk"
	"tollhouse/billing/money"
	"tollhouse/billing/onboarding"
	"tollhouse/billing/tenant"
)

// monthly is what an offering's recurring prices come to in a month.
func monthly(o catalog.Offering) (money.Decimal, error) {
	var sum money.Decimal
	for _, p := range o.Prices.Recurring {
		month, err := p.AMonth(money.Scale)
		if err != nil {
			return money.Decimal{}, err
		}
		sum = sum.Add(month)
	}
	return sum, nil
}

// Work carries a migration a portion of up to limit subscriptions further, and
// says whether more is left for now. The agenda calls it on the day of the notice
// and on the day before the first change.
func Work(ctx context.Context, tx tenant.Tx, gate *onboarding.Desk, id uuid.UUID, limit int) (again bool, err error) {
	m, err := lock(ctx, tx, id)
	if err != nil {
		return false, err
	}
	switch m.State {
	case Planned:
		return tellSome(ctx, tx, m, limit)
	case Told, Running:
		return scheduleSome(ctx, tx, gate, m, limit)
	}
	return false, nil // cancelled, or done before
}

// tellSome tells the next subscribers; when none is left it waits for the day
// before the first change.
func tellSome(ctx context.Context, tx tenant.Tx, m Migration, limit int) (again bool, err error) {
	rows, err := tx.Query(ctx, `
		insert into offering_migration_member (migration_id, subscription_id, state, at)
		select $1, s.id, 'told', $3
		  from subscription s
		 where s.offering_id = any ($2) and s.state in ('active', 'suspended')
		   and not exists (select from offering_migration_member b where b.migration_id = $1 and b.subscription_id = s.id)
		 order by s.id
		 limit $4
		returning subscription_id`, m.ID, m.From, tx.At, limit)
	if err != nil {
		return false, fmt.Errorf("tell members of migration %s: %w", m.ID, err)
	}
	told, err := pgx.CollectRows(rows, pgx.RowTo[uuid.UUID])
	if err != nil {
		return false, fmt.Errorf("tell members of migration %s: %w", m.ID, err)
	}
	if len(told) > 0 {
		return true, tell(ctx, tx, m, told, wordsComing)
	}
	if err := enter(ctx, tx, &m, Told); err != nil {
		return false, err
	}
	return false, remind(ctx, tx, m.ID, m.StartsOn.AddDays(-1))
}

// scheduleSome gives the next members their change of plan.
func scheduleSome(ctx context.Context, tx tenant.Tx, gate *onboarding.Desk, m Migration, limit int) (again bool, err error) {
	profile, err := account.GetProfile(ctx, tx)
	if err != nil {
		return false, err
	}
	if profile.LocalDate(tx.At).Before(m.StartsOn.AddDays(-1)) {
		return false, remind(ctx, tx, m.ID, m.StartsOn.AddDays(-1))
	}
	if m.State == Told {
		if err := enter(ctx, tx, &m, Running); err != nil {
			return false, err
		}
	}
	next, err := members(ctx, tx, m, Telling, limit)
	if err != nil {
		return false, err
	}
	for _, subscription := range next {
		if err := schedule(ctx, tx, gate, m, subscription); err != nil {
			return false, err
		}
	}
	if len(next) > 0 {
		return true, nil
	}
	return false, enter(ctx, tx, &m, Done)
}

// members are the next of a state, by id.
func members(ctx context.Context, tx tenant.Tx, m Migration, state MemberState, limit int) ([]uuid.UUID, error) {
	rows, err := tx.Query(ctx, `
		select subscription_id from offering_migration_member
		 where migration_id = $1 and state = $2
		 order by subscription_id
		 limit $3`, m.ID, state, limit)
	if err != nil {
		return nil, fmt.Errorf("members of migration %s: %w", m.ID, err)
	}
	list, err := pgx.CollectRows(rows, pgx.RowTo[uuid.UUID])
	if err != nil {
		return nil, fmt.Errorf("members of migration %s: %w", m.ID, err)
	}
	return list, nil
}

// schedule schedules one change, or notes why it cannot be.
func schedule(ctx context.Context, tx tenant.Tx, gate *onboarding.Desk, m Migration, subscription uuid.UUID) error {
	change, err := desk.ChangeFrom(ctx, tx, gate, desk.NewChange{ID: uuid.Must(uuid.NewV7()), SubscriptionID: subscription, OfferingID: m.To,
		Reason: m.Reason, By: m.By}, m.StartsOn)
	for _, refusal := range []error{desk.ErrNotRunning, desk.ErrSamePlan, desk.ErrOtherBilling, desk.ErrOtherKind, desk.ErrInBundle, desk.ErrNewService,
		account.ErrChangeScheduled, onboarding.ErrIncomplete, onboarding.ErrNotSold} {
		if errors.Is(err, refusal) {
			return put(ctx, tx, m, subscription, Skipped, err.Error(), nil)
		}
	}
	if err != nil {
		return fmt.Errorf("migrate subscription %s: %w", subscription, err)
	}
	return put(ctx, tx, m, subscription, Scheduled, "", &change.ID)
}

func put(ctx context.Context, tx tenant.Tx, m Migration, subscription uuid.UUID, state MemberState, reason string, change *uuid.UUID) error {
	done, err := tx.Exec(ctx, `
		update offering_migration_member set state = $3, reason = $4, plan_change_id = $5, at = $6
		 where migration_id = $1 and subscription_id = $2 and state = 'told'`, m.ID, subscription, state, reason, change, tx.At)
	if err != nil {
		return fmt.Errorf("keep member of migration %s: %w", m.ID, err)
	}
	if done.RowsAffected() != 1 {
		return fmt.Errorf("subscription %s: %w", subscription, ErrNotMember)
	}
	return nil
}
