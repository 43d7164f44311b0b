package billing

import (
	"context"
	"errors"

	"github.com/google/uuid"

	"tollhouse/billing/agenda"
	"tollhouse/billing/balance"
	"tollhouse/billing/payment"
	"tollhouse/billing/recharge"
	"tollhouse/billing/tenant"
)

// autoTopUp works an automatic top-up: the provider is called between two
// transactions, under a key that was stored in the first.
func (s *Stack) autoTopUp(ctx context.Context, item agenda.Item) (again bool, err error) {
	var attempt *recharge.Attempt
	err = s.Write(ctx, func(ctx context.Context, tx tenant.Tx) (err error) {
		attempt, err = recharge.Begin(ctx, tx, item)
		return err
	})
	if err != nil || attempt == nil {
		return false, err
	}
	event, err := s.host.till.ChargeStored(ctx, s.Ref, attempt.Intent, attempt.Method, attempt.Description)
	if err != nil {
		return false, err // asked again under the same key
	}
	err = s.Write(ctx, func(ctx context.Context, tx tenant.Tx) error {
		if event.Kind != payment.EventIgnored {
			if err := s.apply(ctx, tx, event); err != nil {
				return err
			}
		}
		again, err = recharge.Finish(ctx, tx, item.Ref)
		if errors.Is(err, recharge.ErrNone) {
			return nil
		}
		return err
	})
	return again, err
}

// apply applies what a provider has answered as its webhook would be.
func (s *Stack) apply(ctx context.Context, tx tenant.Tx, event payment.ProviderEvent) error {
	stored, err := payment.Receive(ctx, tx, event)
	if err != nil {
		return err
	}
	outcome, err := payment.Work(ctx, tx, stored)
	if err != nil {
		return err
	}
	return s.follow(ctx, tx, outcome)
}

// remindAtOnce bounds one portion of reminders.
const remindAtOnce = 200

// remindOfExpiry tells of one portion of what expires.
func (s *Stack) remindOfExpiry(ctx context.Context, item agenda.Item) (again bool, err error) {
	var at struct {
		After uuid.UUID `json:"after"`
	}
	if err := item.Read(&at); err != nil {
		return false, err
	}
	err = s.Write(ctx, func(ctx context.Context, tx tenant.Tx) error {
		next, err := balance.Remind(ctx, tx, item.DueAt, at.After, remindAtOnce)
		if err != nil || next == uuid.Nil {
			return err
		}
		again, at.After = true, next
		return agenda.Keep(ctx, tx, item.ID, at)
	})
	return again, err
}
