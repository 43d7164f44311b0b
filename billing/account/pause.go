package account

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"tollhouse/billing/tenant"
)

// Pause is a span in which a subscription rests: its fee stops, or is what the
// offering asks while it rests.
type Pause struct {
	From   time.Time  `json:"from"`
	To     *time.Time `json:"to,omitempty"` // nil: it still rests
	Reason string     `json:"reason,omitempty"`
	By     string     `json:"by,omitempty"`
	EndBy  string     `json:"end_by,omitempty"`
}

// Errors of pauses.
var (
	// ErrPaused means that the subscription rests already.
	ErrPaused = errors.New("the subscription rests already")
	// ErrNotPaused means that the subscription does not rest.
	ErrNotPaused = errors.New("the subscription does not rest")
)

// Resting is the pause that has not ended; nil: it does not rest.
func (s Subscription) Resting() *Pause {
	if last := len(s.Pauses) - 1; last >= 0 && s.Pauses[last].To == nil {
		return &s.Pauses[last]
	}
	return nil
}

// PauseFrom notes that an active subscription and its parts rest from an instant
// on, which is not before the last pause's end, and gives those that do. The
// caller holds the account's lock, suspends them and sees to what was charged.
func PauseFrom(ctx context.Context, tx tenant.Tx, id uuid.UUID, p Pause) ([]uuid.UUID, error) {
	s, err := GetSubscription(ctx, tx, id)
	if err != nil {
		return nil, err
	}
	if s.Resting() != nil {
		return nil, fmt.Errorf("subscription %s: %w", id, ErrPaused)
	}
	if err := checkMove(ctx, tx, SubscriptionSuspended, []SubscriptionState{SubscriptionActive}, []uuid.UUID{id}); err != nil {
		return nil, err
	}
	if last := len(s.Pauses) - 1; p.From.Before(*s.ActivatedAt) || last >= 0 && p.From.Before(*s.Pauses[last].To) {
		return nil, &FieldError{"from", "a day on or after the subscription's first, and the end of its last pause"}
	}
	all, err := withParts(ctx, tx, []uuid.UUID{id}, SubscriptionActive)
	if err != nil {
		return nil, err
	}
	text, err := json.Marshal(p)
	if err != nil {
		return nil, fmt.Errorf("pause of subscription %s: %w", id, err)
	}
	_, err = tx.Exec(ctx, `update subscription set pauses = coalesce(pauses, '[]') || $2::jsonb where id = any ($1)`, all, text)
	if err != nil {
		return nil, fmt.Errorf("pause subscription %s: %w", id, err)
	}
	return all, nil
}

// EndPause notes that a resting subscription and the parts that rest with it go
// on from an instant on, and gives them. The caller makes them active.
func EndPause(ctx context.Context, tx tenant.Tx, id uuid.UUID, at time.Time, by string) ([]uuid.UUID, error) {
	s, err := GetSubscription(ctx, tx, id)
	if err != nil {
		return nil, err
	}
	resting := s.Resting()
	if resting == nil {
		return nil, fmt.Errorf("subscription %s: %w", id, ErrNotPaused)
	}
	if at.Before(resting.From) {
		return nil, &FieldError{"from", "a day on or after the pause's first"}
	}
	all, err := withParts(ctx, tx, []uuid.UUID{id}, SubscriptionSuspended)
	if err != nil {
		return nil, err
	}
	end, err := json.Marshal(Pause{To: &at, EndBy: by})
	if err != nil {
		return nil, fmt.Errorf("end pause of subscription %s: %w", id, err)
	}
	rows, err := tx.Query(ctx, `
		update subscription
		   set pauses = jsonb_set(pauses, '{-1}', pauses -> -1 || ($2::jsonb - 'from'))
		 where id = any ($1) and pauses -> -1 ? 'from' and not pauses -> -1 ? 'to'
		returning id`, all, end)
	if err != nil {
		return nil, fmt.Errorf("end pause of subscription %s: %w", id, err)
	}
	ended, err := pgx.CollectRows(rows, pgx.RowTo[uuid.UUID])
	if err != nil {
		return nil, fmt.Errorf("end pause of subscription %s: %w", id, err)
	}
	return ended, nil
}
