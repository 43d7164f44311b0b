package account

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"tollhouse/billing/calendar"
	"tollhouse/billing/tenant"
)

// PlanChange is a subscription's change to another offering, on the day a
// cycle of its account begins. It is carried out by Replace: a new
// subscription, with the old one's services, takes its place.
//
//	           ReplaceDue
//	scheduled ───────────> done
//	    │  └──CancelPlanChange──> cancelled
//	    └── the subscription ended before its day ──> dropped
type PlanChange struct {
	ID             uuid.UUID
	AccountID      uuid.UUID
	SubscriptionID uuid.UUID
	From, To       uuid.UUID     // offering versions
	TakesEffect    calendar.Date // its first instant, in the operator's zone
	At             *time.Time    // the exact instant on that day, if not the first
	State          PlanChangeState
	Successor      *uuid.UUID // the new subscription; nil until it is done
	Reason         string
	By             string // an actor
	CreatedAt      time.Time
	EndedAt        *time.Time
}

// Begins is the new plan's first instant.
func (c PlanChange) Begins(profile Profile) time.Time {
	if c.At != nil {
		return *c.At
	}
	return c.TakesEffect.Start(profile.Zone)
}

// PlanChangeState is where a change of plan stands.
type PlanChangeState string

// The states of a change of plan.
const (
	ChangeScheduled PlanChangeState = "scheduled"
	ChangeDone      PlanChangeState = "done"
	ChangeCancelled PlanChangeState = "cancelled"
	ChangeDropped   PlanChangeState = "dropped"
)

// Errors of changes of plan.
var (
	// ErrChangeScheduled means that the subscription has a change to come already.
	ErrChangeScheduled = errors.New("the subscription has a change of plan scheduled already")
	// ErrNoPlanChange means that there is no such change.
	ErrNoPlanChange = errors.New("no such change of plan")
	// ErrChangeEnded means that a change is done or cancelled already.
	ErrChangeEnded = errors.New("the change of plan is done or cancelled already")
)

const changeColumns = `id, account_id, subscription_id, from_offering, to_offering, takes_effect, takes_effect_at, state, new_subscription_id, reason, created_by, created_at, ended_at`

// SchedulePlanChange keeps a change for its day. A repeat under the same id
// changes nothing; ErrChangeScheduled refuses a second one for a subscription.
func SchedulePlanChange(ctx context.Context, tx tenant.Tx, c PlanChange) (PlanChange, error) {
	c.State, c.CreatedAt = ChangeScheduled, tx.At
	done, err := tx.Exec(ctx, `
		insert into plan_change (id, account_id, subscription_id, from_offering, to_offering, takes_effect, state, reason, created_by, created_at, takes_effect_at)
		values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)
		on conflict (id) do nothing`,
		c.ID, c.AccountID, c.SubscriptionID, c.From, c.To, c.TakesEffect, c.State, c.Reason, c.By, c.CreatedAt, c.At)
	var pg *pgconn.PgError
	if errors.As(err, &pg) && pg.ConstraintName == "plan_change_one" {
		return PlanChange{}, fmt.Errorf("subscription %s: %w", c.SubscriptionID, ErrChangeScheduled)
	}
	if err != nil {
		return PlanChange{}, fmt.Errorf("schedule change of plan: %w", missingReference(err))
	}
	if done.RowsAffected() == 0 {
		return GetPlanChange(ctx, tx, c.ID)
	}
	return c, nil
}

// GetPlanChange reads a change; ErrNoPlanChange if there is none.
func GetPlanChange(ctx context.Context, tx tenant.Tx, id uuid.UUID) (PlanChange, error) {
	found, err := planChanges(ctx, tx, `select `+changeColumns+` from plan_change where id = $1`, id)
	if err == nil && len(found) == 0 {
		err = fmt.Errorf("change of plan %s: %w", id, ErrNoPlanChange)
	}
	if err != nil {
		return PlanChange{}, err
	}
	return found[0], nil
}

// ScheduledChanges lists an account's changes that are still to come, by day.
func ScheduledChanges(ctx context.Context, tx tenant.Tx, accountID uuid.UUID) ([]PlanChange, error) {
	return planChanges(ctx, tx, `
		select `+changeColumns+`
		  from plan_change
		 where account_id = $1 and state = 'scheduled'
		 order by takes_effect, id`, accountID)
}

// CancelPlanChange takes a change back before its day; ErrChangeEnded after.
func CancelPlanChange(ctx context.Context, tx tenant.Tx, id uuid.UUID) (PlanChange, error) {
	found, err := planChanges(ctx, tx, `
		update plan_change
		   set state = 'cancelled', ended_at = $2
		 where id = $1 and state = 'scheduled'
		returning `+changeColumns, id, tx.At)
	if err != nil {
		return PlanChange{}, err
	}
	if len(found) == 1 {
		return found[0], nil
	}
	if _, err := GetPlanChange(ctx, tx, id); err != nil {
		return PlanChange{}, err
	}
	return PlanChange{}, fmt.Errorf("change of plan %s: %w", id, ErrChangeEnded)
}

// DueChanges locks up to limit changes whose day has come, after their
// accounts, in the order of the accounts' ids. plan_change_due finds them.
func DueChanges(ctx context.Context, tx tenant.Tx, day calendar.Date, limit int) ([]PlanChange, error) {
	_, err := tx.Exec(ctx, `
		select a.id
		  from billing_account a
		 where a.id in (select account_id from plan_change where state = 'scheduled' and takes_effect <= $1 order by takes_effect, id limit $2)
		 order by a.id
		   for update`, day, limit)
	if err != nil {
		return nil, fmt.Errorf("lock accounts that change plan: %w", err)
	}
	return planChanges(ctx, tx, `
		select `+changeColumns+`
		  from plan_change
		 where id in (select id from plan_change where state = 'scheduled' and takes_effect <= $1 order by takes_effect, id limit $2)
		   and state = 'scheduled'
		 order by account_id, id
		   for update`, day, limit)
}

// EndPlanChange notes what became of a due change: the subscription that took
// the place, or uuid.Nil where the old one had ended by itself.
func EndPlanChange(ctx context.Context, tx tenant.Tx, id, successor uuid.UUID) error {
	state, made := ChangeDone, &successor
	if successor == uuid.Nil {
		state, made = ChangeDropped, nil
	}
	done, err := tx.Exec(ctx, `update plan_change set state = $2, new_subscription_id = $3, ended_at = $4 where id = $1 and state = 'scheduled'`,
		id, state, made, tx.At)
	if err != nil {
		return fmt.Errorf("end change of plan %s: %w", id, err)
	}
	if done.RowsAffected() != 1 {
		return fmt.Errorf("change of plan %s: %w", id, ErrChangeEnded)
	}
	return nil
}

func planChanges(ctx context.Context, tx tenant.Tx, query string, args ...any) ([]PlanChange, error) {
	rows, err := tx.Query(ctx, query, args...)
	if err != nil {
		return nil, fmt.Errorf("changes of plan: %w", err)
	}
	found, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (PlanChange, error) {
		var c PlanChange
		err := row.Scan(&c.ID, &c.AccountID, &c.SubscriptionID, &c.From, &c.To, &c.TakesEffect, &c.At, &c.State, &c.Successor, &c.Reason, &c.By, &c.CreatedAt, &c.EndedAt)
		c.CreatedAt = c.CreatedAt.UTC()
		return c, err
	})
	if err != nil {
		return nil, fmt.Errorf("changes of plan: %w", err)
	}
	return found, nil
}
