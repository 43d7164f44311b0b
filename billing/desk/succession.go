package desk

import (
	"context"
	"time"

	"github.com/google/uuid"

	"tollhouse/billing/account"
	"tollhouse/billing/balance"
	"tollhouse/billing/catalog"
	"tollhouse/billing/charging"
	"tollhouse/billing/tenant"
)

// succession is what goes on when a subscription has taken another's place, and
// what ends with the old one.
type succession struct {
	account.PlanChange
	profile     account.Profile
	to          catalog.Offering
	made        uuid.UUID
	at          time.Time // the first instant of the new plan
	goOn, ended []uuid.UUID
}

// options end where the new plan begins if they are not for it.
func (s *succession) options(ctx context.Context, tx tenant.Tx) error {
	goOn, end, err := optionsUnder(ctx, tx, s.made, s.to)
	if err != nil {
		return err
	}
	for _, o := range goOn {
		s.goOn = append(s.goOn, o.ID)
	}
	for _, o := range end {
		if err := account.EndOn(ctx, tx, o.ID, &s.TakesEffect); err != nil {
			return err
		}
		s.ended = append(s.ended, o.ID)
	}
	return nil
}

// allowances of the old plan end with it, and those of options that end with
// them; those of options that go on do so as well.
func (s *succession) allowances(ctx context.Context, tx tenant.Tx) error {
	if err := balance.MoveAllowances(ctx, tx, s.SubscriptionID, s.made, s.at, s.goOn...); err != nil {
		return err
	}
	return balance.EndAllowances(ctx, tx, s.at, append(s.ended, s.SubscriptionID)...)
}

// counters of tiers go on within a cycle where both plans count the same unit
// under one code, each plan pricing its own part.
func (s *succession) counters(ctx context.Context, tx tenant.Tx) error {
	a, err := account.Get(ctx, tx, s.AccountID)
	if err != nil {
		return err
	}
	cycle := a.Cycles(s.profile.AnchorPolicy).Containing(s.TakesEffect)
	if cycle.From == s.TakesEffect {
		return nil
	}
	from, err := catalog.LoadVersion(ctx, tx, s.From)
	if err != nil {
		return err
	}
	var codes []string
	before := from.Counters()
	for code, unit := range s.to.Counters() {
		if before[code] == unit {
			codes = append(codes, code)
		}
	}
	return charging.CarryCounters(ctx, tx, s.SubscriptionID, s.made, cycle.From, codes)
}
