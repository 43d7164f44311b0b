package account

import (
	"context"
	"errors"
	"fmt"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"tollhouse/billing/event"
	"tollhouse/billing/tenant"
)

// Activate makes pending subscriptions active, from now on.
func Activate(ctx context.Context, tx tenant.Tx, subscriptions ...uuid.UUID) error {
	return move(ctx, tx, SubscriptionActive, []SubscriptionState{SubscriptionPending}, subscriptions)
}

// Suspend stops active subscriptions for a while, with their parts; they keep
// their identities.
func Suspend(ctx context.Context, tx tenant.Tx, subscriptions ...uuid.UUID) error {
	subscriptions, err := withParts(ctx, tx, subscriptions, SubscriptionActive)
	if err != nil {
		return err
	}
	return move(ctx, tx, SubscriptionSuspended, []SubscriptionState{SubscriptionActive}, subscriptions)
}

// Resume makes suspended subscriptions active again, with their parts.
func Resume(ctx context.Context, tx tenant.Tx, subscriptions ...uuid.UUID) error {
	subscriptions, err := withParts(ctx, tx, subscriptions, SubscriptionSuspended)
	if err != nil {
		return err
	}
	return move(ctx, tx, SubscriptionActive, []SubscriptionState{SubscriptionSuspended}, subscriptions)
}

// Terminate ends subscriptions for good, with their parts, and frees their identities from this
// instant on; usage from before still finds its service.
func Terminate(ctx context.Context, tx tenant.Tx, subscriptions ...uuid.UUID) error {
	subscriptions, err := withParts(ctx, tx, subscriptions, SubscriptionActive, SubscriptionSuspended)
	if err != nil {
		return err
	}
	if err := move(ctx, tx, SubscriptionTerminated, []SubscriptionState{SubscriptionActive, SubscriptionSuspended}, subscriptions); err != nil {
		return err
	}
	_, err = tx.Exec(ctx, `
		update service_identity i
		   set valid_to = $2
		  from service s
		 where s.subscription_id = any ($1) and i.service_id = s.id and i.valid_to is null`, subscriptions, tx.At)
	if err != nil {
		return fmt.Errorf("free identities: %w", err)
	}
	return nil
}

const moveSubscriptions = `
update subscription
   set state = $2,
       activated_at  = case when state = 'pending' then $4 else activated_at end,
       terminated_at = case when $2 = 'terminated' then $4 else terminated_at end
 where id = any ($1) and state = any ($3)`

// move takes all subscriptions, and their services, along one arrow, or none:
// the first that may not go there is named in a *MoveError.
func move(ctx context.Context, tx tenant.Tx, to SubscriptionState, from []SubscriptionState, subscriptions []uuid.UUID) error {
	for _, s := range from {
		if !subscriptionMoves.allow(s, to) {
			panic(fmt.Sprintf("account: no arrow from %s to %s", s, to))
		}
	}
	if err := checkMove(ctx, tx, to, from, subscriptions); err != nil {
		return err
	}
	done, err := tx.Exec(ctx, moveSubscriptions, subscriptions, to, from, tx.At)
	if err != nil {
		return fmt.Errorf("make subscriptions %s: %w", to, err)
	}
	if int(done.RowsAffected()) != len(subscriptions) {
		return fmt.Errorf("make subscriptions %s: %d of %d moved", to, done.RowsAffected(), len(subscriptions))
	}
	_, err = tx.Exec(ctx, `update service set state = $2 where subscription_id = any ($1)`, subscriptions, to)
	if err != nil {
		return fmt.Errorf("make services %s: %w", to, err)
	}
	if err := recordSubscriptions(ctx, tx, movedBy(from[0], to), subscriptions, nil); err != nil {
		return err
	}
	return bumpEpoch(ctx, tx)
}

// movedBy is what programs of others are told of a move.
func movedBy(from, to SubscriptionState) event.Type {
	switch {
	case to == SubscriptionSuspended:
		return event.SubscriptionSuspended
	case to == SubscriptionTerminated:
		return event.SubscriptionTerminated
	case from == SubscriptionSuspended:
		return event.SubscriptionResumed
	}
	return event.SubscriptionActivated
}

// checkMove locks the subscriptions in id order, so that two movers cannot
// deadlock, and refuses the move if one of them may not make it.
func checkMove(ctx context.Context, tx tenant.Tx, to SubscriptionState, from []SubscriptionState, subscriptions []uuid.UUID) error {
	rows, err := tx.Query(ctx, `select id, state from subscription where id = any ($1) order by id for update`, subscriptions)
	if err != nil {
		return fmt.Errorf("lock subscriptions: %w", err)
	}
	allowed := map[SubscriptionState]bool{}
	for _, s := range from {
		allowed[s] = true
	}
	var id uuid.UUID
	var state SubscriptionState
	found := 0
	_, err = pgx.ForEachRow(rows, []any{&id, &state}, func() error {
		found++
		if !allowed[state] {
			return &MoveError{Subject: "subscription " + id.String(), From: string(state), To: string(to)}
		}
		return nil
	})
	if refused := (*MoveError)(nil); errors.As(err, &refused) {
		return refused
	}
	if err != nil {
		return fmt.Errorf("lock subscriptions: %w", err)
	}
	if found != len(subscriptions) {
		return fmt.Errorf("subscription to make %s: %w", to, ErrNotFound)
	}
	return nil
}
