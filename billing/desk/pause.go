package desk

import (
	"context"
	"time"

	"github.com/google/uuid"

	"tollhouse/billing/access"
	"tollhouse/billing/account"
	"tollhouse/billing/bill"
	"tollhouse/billing/calendar"
	"tollhouse/billing/charging"
	"tollhouse/billing/tenant"
)

// NewPause is a pause, or its end, that somebody wants.
type NewPause struct {
	SubscriptionID uuid.UUID
	Day            calendar.Date // zero: now; a day in the past within the correction window
	Reason         string
	By             string // an actor
}

// at is the instant of a pause's bound.
func (p NewPause) at(ctx context.Context, tx tenant.Tx, profile account.Profile) (time.Time, error) {
	if p.Day.IsZero() {
		return profile.Counted().Cut(tx.At), nil
	}
	days, err := account.CorrectionDays(ctx, tx)
	if err != nil {
		return time.Time{}, err
	}
	today := profile.LocalDate(tx.At)
	if p.Day.After(today) || p.Day.Before(today.AddDays(-days)) {
		return time.Time{}, &account.FieldError{Field: "day", Want: "a day from " + today.AddDays(-days).String() + " to today"}
	}
	return p.Day.Start(profile.Zone), nil
}

// Pause lets an active subscription rest, with its options and parts: its fees
// stop, or are what the offering asks while it rests. Days that were asked in
// advance are given back on the next bill, a prepaid balance gets them back at
// once. The network ends its sessions.
func Pause(ctx context.Context, tx tenant.Tx, engine *charging.Engine, p NewPause) error {
	profile, s, err := lockSubscription(ctx, tx, p.SubscriptionID)
	if err != nil {
		return err
	}
	at, err := p.at(ctx, tx, profile)
	if err != nil {
		return err
	}
	if at.Before(*s.ActivatedAt) && p.Day.IsZero() {
		at = *s.ActivatedAt // it was activated today
	}
	all, err := account.PauseFrom(ctx, tx, s.ID, account.Pause{From: at, Reason: p.Reason, By: p.By})
	if err != nil {
		return err
	}
	if err := access.SuspendOne(ctx, tx, s.ID, p.Reason, p.By); err != nil {
		return err
	}
	for _, id := range all {
		if err := charging.AbortSessions(ctx, tx, id); err != nil {
			return err
		}
	}
	day := profile.LocalDate(at)
	if _, err := bill.Adjust(ctx, tx, bill.ItemPause, day, p.By, all...); err != nil {
		return err
	}
	if err := engine.ReturnFees(ctx, tx, profile, day, all...); err != nil {
		return err
	}
	return charging.PaidUpTo(ctx, tx, day, all...)
}

// Continue lets a subscription go on that was suspended or rests: its fees are
// asked from that day on. A prepaid one pays the rest of its period now, as far
// as its balance reaches.
func Continue(ctx context.Context, tx tenant.Tx, engine *charging.Engine, p NewPause) error {
	profile, s, err := lockSubscription(ctx, tx, p.SubscriptionID)
	if err != nil {
		return err
	}
	resting := s.Resting()
	if resting == nil {
		return Resume(ctx, tx, s.ID, Word{p.Reason, p.By})
	}
	at, err := p.at(ctx, tx, profile)
	if err != nil {
		return err
	}
	if at.Before(resting.From) && p.Day.IsZero() {
		at = resting.From // both today
	}
	all, err := account.EndPause(ctx, tx, s.ID, at, p.By)
	if err != nil {
		return err
	}
	if err := access.ResumeOne(ctx, tx, s.ID, p.By); err != nil {
		return err
	}
	if _, err := bill.Adjust(ctx, tx, bill.ItemPause, profile.LocalDate(resting.From), p.By, all...); err != nil {
		return err
	}
	return engine.BeginCycle(ctx, tx, s.AccountID)
}

func lockSubscription(ctx context.Context, tx tenant.Tx, id uuid.UUID) (account.Profile, account.Subscription, error) {
	profile, err := account.GetProfile(ctx, tx)
	if err != nil {
		return profile, account.Subscription{}, err
	}
	s, err := account.GetSubscription(ctx, tx, id)
	if err != nil {
		return profile, s, err
	}
	if _, err := account.Lock(ctx, tx, s.AccountID); err != nil {
		return profile, s, err
	}
	s, err = account.GetSubscription(ctx, tx, id) // as it stands under the lock
	return profile, s, err
}
