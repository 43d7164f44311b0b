package access

import (
	"context"
	"fmt"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"tollhouse/billing/account"
	"tollhouse/billing/tenant"
)

// Suspend stops subscriptions of an account for a cause. What is suspended
// already stays so until this cause, too, has ended. Terminated ones are left
// alone: nothing comes back from there.
func Suspend(ctx context.Context, tx tenant.Tx, h Hold, subscriptions ...uuid.UUID) (stopped []uuid.UUID, err error) {
	if _, err := account.Lock(ctx, tx, h.AccountID); err != nil {
		return nil, err
	}
	subscriptions, states, err := mainOnes(ctx, tx, subscriptions)
	if err != nil {
		return nil, err
	}
	for _, id := range subscriptions {
		switch states[id] {
		case account.SubscriptionActive:
			stopped = append(stopped, id)
		case account.SubscriptionSuspended:
			if err := keepSuspended(ctx, tx, h.AccountID, id); err != nil {
				return nil, err
			}
		default:
			continue
		}
		one := h
		one.SubscriptionID, one.Level, one.Suspends = &id, Cut, true
		if _, err := put(ctx, tx, one); err != nil {
			return nil, err
		}
	}
	if len(stopped) > 0 {
		if err := account.Suspend(ctx, tx, stopped...); err != nil {
			return nil, err
		}
	}
	return stopped, Settle(ctx, tx, h.AccountID)
}

// keepSuspended notes who has stopped a subscription that nothing here tells
// about, so that it does not resume with another cause's end.
func keepSuspended(ctx context.Context, tx tenant.Tx, accountID, subscription uuid.UUID) error {
	var told bool
	err := tx.QueryRow(ctx, `select exists (select from access_hold where subscription_id = $1 and suspends and ended_at is null)`, subscription).Scan(&told)
	if err != nil {
		return fmt.Errorf("read holds of subscription %s: %w", subscription, err)
	}
	if told {
		return nil
	}
	_, err = put(ctx, tx, Hold{AccountID: accountID, SubscriptionID: &subscription, Cause: Desk, CauseID: subscription, Level: Cut, Suspends: true, By: "system:before"})
	return err
}

// SuspendOne stops a subscription because a person says so. One that may not be
// stopped is refused (account.MoveError).
func SuspendOne(ctx context.Context, tx tenant.Tx, subscription uuid.UUID, reason, by string) error {
	s, err := lockOwner(ctx, tx, subscription)
	if err != nil {
		return err
	}
	if s.State != account.SubscriptionActive {
		return &account.MoveError{Subject: "subscription " + s.ID.String(), From: string(s.State), To: string(account.SubscriptionSuspended)}
	}
	_, err = Suspend(ctx, tx, Hold{AccountID: s.AccountID, Cause: Desk, CauseID: s.ID, Reason: reason, By: by}, s.ID)
	return err
}

// ResumeOne makes a suspended subscription active again because a person says
// so: what people and thresholds hold of it ends. What is held for unpaid bills
// is not: ErrHeld. A payment, a promise or a hold of the dunning ends that.
func ResumeOne(ctx context.Context, tx tenant.Tx, subscription uuid.UUID, by string) error {
	s, err := lockOwner(ctx, tx, subscription)
	if err != nil {
		return err
	}
	if s.State != account.SubscriptionSuspended {
		return &account.MoveError{Subject: "subscription " + s.ID.String(), From: string(s.State), To: string(account.SubscriptionActive)}
	}
	rows, err := tx.Query(ctx, `select h.cause from access_hold h join billing_account a on a.id = $2
		where h.ended_at is null and h.level = 'cut' and h.cause = 'dunning' and h.from_at <= $3
		  and (h.subscription_id = $1 or h.subscription_id is null and h.account_id in (a.id, a.parent_id))`, s.ID, s.AccountID, tx.At)
	if err != nil {
		return fmt.Errorf("read holds of subscription %s: %w", s.ID, err)
	}
	held, err := pgx.CollectRows(rows, pgx.RowTo[Cause])
	if err != nil {
		return fmt.Errorf("read holds of subscription %s: %w", s.ID, err)
	}
	if len(held) > 0 {
		return fmt.Errorf("resume subscription %s, held for unpaid bills: %w", s.ID, ErrHeld)
	}
	if err := end(ctx, tx, `subscription_id = $3 and suspends`, by, s.ID); err != nil {
		return err
	}
	if err := resumeFree(ctx, tx, []uuid.UUID{s.ID}); err != nil { // suspended without a hold
		return err
	}
	return Settle(ctx, tx, s.AccountID)
}

func lockOwner(ctx context.Context, tx tenant.Tx, subscription uuid.UUID) (account.Subscription, error) {
	s, err := account.GetSubscription(ctx, tx, subscription)
	if err != nil {
		return account.Subscription{}, err
	}
	if _, err := account.Lock(ctx, tx, s.AccountID); err != nil {
		return account.Subscription{}, err
	}
	return account.GetSubscription(ctx, tx, subscription)
}

// mainOnes leaves out what is part of another one of them: parts stop and
// resume with what they are part of.
func mainOnes(ctx context.Context, tx tenant.Tx, subscriptions []uuid.UUID) (mains []uuid.UUID, states map[uuid.UUID]account.SubscriptionState, err error) {
	rows, err := tx.Query(ctx, `select id, state from subscription
		where id = any ($1) and (part_of is null or part_of <> all ($1)) order by id for update`, subscriptions)
	if err != nil {
		return nil, nil, fmt.Errorf("lock subscriptions: %w", err)
	}
	states = map[uuid.UUID]account.SubscriptionState{}
	var id uuid.UUID
	var state account.SubscriptionState
	_, err = pgx.ForEachRow(rows, []any{&id, &state}, func() error {
		mains, states[id] = append(mains, id), state
		return nil
	})
	if err != nil {
		return nil, nil, fmt.Errorf("lock subscriptions: %w", err)
	}
	return mains, states, nil
}
