package desk

import (
	"context"
	"fmt"

	"github.com/google/uuid"

	"tollhouse/billing/account"
	"tollhouse/billing/bill"
	"tollhouse/billing/calendar"
	"tollhouse/billing/catalog"
	"tollhouse/billing/charging"
	"tollhouse/billing/money"
	"tollhouse/billing/onboarding"
	"tollhouse/billing/replay"
	"tollhouse/billing/tenant"
)

// Timing says when a change of plan takes effect.
type Timing string

// When that may be: where all that was paid for has run out, today, or on a day
// that somebody names. A day in the past lies within the correction window.
const (
	AtPeriodEnd Timing = "period_end" // also empty
	Now         Timing = "now"
	OnDate      Timing = "date"
)

// maxAhead bounds how far ahead a change may be laid.
const maxAhead = 366

// place finds the day of a change, and its instant.
func (c *Change) place(ctx context.Context, tx tenant.Tx, n NewChange) (err error) {
	profile, err := account.GetProfile(ctx, tx)
	if err != nil {
		return err
	}
	today := profile.LocalDate(tx.At)
	switch n.When {
	case "", AtPeriodEnd:
		if c.Day, err = dayOfChange(ctx, tx, c.Subscription.AccountID, c.From, calendar.Date{}); err != nil {
			return err
		}
	case Now:
		c.Day = today
		if c.exact = profile.Proration == calendar.BySecond; c.exact {
			c.At = profile.Counted().Cut(tx.At)
			return nil
		}
	case OnDate:
		if c.Day = n.Day; c.Day.IsZero() {
			return &account.FieldError{Field: "day", Want: "the new plan's first day"}
		}
	default:
		return &account.FieldError{Field: "when", Want: "now, period_end or date"}
	}
	days, err := account.CorrectionDays(ctx, tx)
	if err != nil {
		return err
	}
	begun := profile.LocalDate(*c.Subscription.ActivatedAt)
	switch {
	case c.Day.Before(today.AddDays(-days)):
		return &account.FieldError{Field: "day", Want: fmt.Sprintf("a day from %s on: corrections reach back %d days", today.AddDays(-days), days)}
	case c.Day.Before(begun):
		return &account.FieldError{Field: "day", Want: "a day from " + begun.String() + " on, the plan's first"}
	case c.Day.After(today.AddDays(maxAhead)) && n.When == OnDate:
		return &account.FieldError{Field: "day", Want: "a day within a year"}
	}
	c.At = c.Day.Start(profile.Zone)
	if c.At.Before(*c.Subscription.ActivatedAt) {
		c.At, c.exact = *c.Subscription.ActivatedAt, true // it began later that day
	}
	return nil
}

// quote says what the change costs before the next whole period.
func (c *Change) quote(ctx context.Context, tx tenant.Tx, language string) (err error) {
	if language == "" {
		language = "en"
	}
	if c.From.Billing == catalog.Postpaid {
		c.Money, err = bill.QuoteChange(ctx, tx, c.Subscription, c.To, c.At, language)
		return err
	}
	return c.quotePrepaid(ctx, tx, language)
}

// quotePrepaid is what the balance gets back and pays.
func (c *Change) quotePrepaid(ctx context.Context, tx tenant.Tx, language string) error {
	profile, err := account.GetProfile(ctx, tx)
	if err != nil {
		return err
	}
	a, err := account.Get(ctx, tx, c.Subscription.AccountID)
	if err != nil {
		return err
	}
	c.Money.Net = money.Zero(a.Currency)
	add := func(code, name string, period calendar.Period, price money.Decimal) {
		if price.IsZero() {
			return
		}
		c.Money.Lines = append(c.Money.Lines, bill.QuoteLine{Code: code, Name: name, Period: period, Price: money.New(price, a.Currency)})
		c.Money.Net = money.New(c.Money.Net.Decimal().Add(price), a.Currency)
	}
	cycles := a.Cycles(profile.AnchorPolicy)
	rest := calendar.Period{From: c.Day, To: cycles.Containing(c.Day).To}
	back, err := charging.QuoteReturn(ctx, tx, profile, c.Day, c.Subscription.ID)
	if err != nil {
		return err
	}
	add("return", c.From.Names.In(language), rest, back.Neg())
	for _, p := range c.To.Prices.Recurring {
		whole := p.Cycle(cycles).Containing(c.Day)
		price := p.Amount
		if p.Prorate == catalog.ProrateDay && whole.From.Before(c.Day) {
			if price, err = p.Amount.MulDiv(money.NewDecimal(int64(c.Day.DaysUntil(whole.To))), money.NewDecimal(int64(whole.Days())),
				a.Currency.DocumentDigits(), money.HalfAwayFromZero); err != nil {
				return err
			}
		}
		add(p.Code, p.Names.In(language), calendar.Period{From: c.Day, To: whole.To}, price)
		c.Money.Then = append(c.Money.Then, bill.QuoteLine{Code: p.Code, Name: p.Names.In(language), Price: money.New(p.Amount, a.Currency), Period: p.Cycle(cycles).Containing(whole.To)})
	}
	return nil
}

// ChangePlan schedules a change, and carries it out at once where its time has
// come: what the old plan asked in advance is given back, the new one is asked
// for the rest, and usage from a past day on is priced anew by the new plan
// (replay.Follow). A repeat under the same id changes nothing. A prepaid balance
// that does not reach is refused with charging.ErrInsufficient.
func ChangePlan(ctx context.Context, tx tenant.Tx, gate *onboarding.Desk, engine *charging.Engine, n NewChange) (account.PlanChange, error) {
	s, err := account.GetSubscription(ctx, tx, n.SubscriptionID)
	if err != nil {
		return account.PlanChange{}, err
	}
	if _, err := account.Lock(ctx, tx, s.AccountID); err != nil {
		return account.PlanChange{}, err
	}
	change, err := Schedule(ctx, tx, gate, n)
	if err != nil || change.State != account.ChangeScheduled {
		return change, err
	}
	profile, err := account.GetProfile(ctx, tx)
	if err != nil {
		return account.PlanChange{}, err
	}
	if change.Begins(profile).After(tx.At) {
		return change, nil
	}
	to, err := catalog.LoadVersion(ctx, tx, change.To)
	if err != nil {
		return account.PlanChange{}, err
	}
	waits, err := carryOutWithin(ctx, tx, engine, change, to, profile, n.Role)
	if err != nil {
		return account.PlanChange{}, err
	}
	if waits {
		return account.PlanChange{}, fmt.Errorf("change to %s: %w", to.Code, charging.ErrInsufficient)
	}
	return account.GetPlanChange(ctx, tx, change.ID)
}

// carryOutWithin carries a change out with the money of the period that it cuts,
// and says whether the new plan waits for a prepaid balance. What was used since
// its day is priced anew; role is that of whoever made the change, if a person.
func carryOutWithin(ctx context.Context, tx tenant.Tx, engine *charging.Engine, c account.PlanChange, to catalog.Offering, profile account.Profile, role string) (waits bool, err error) {
	a, err := account.Get(ctx, tx, c.AccountID)
	if err != nil {
		return false, err
	}
	old, err := account.WithParts(ctx, tx, c.SubscriptionID)
	if err != nil {
		return false, err
	}
	made, err := carryOut(ctx, tx, c, to, profile, account.Replacement{})
	if err != nil || made == uuid.Nil {
		return false, err
	}
	if err := replay.Follow(ctx, tx, c, role); err != nil {
		return false, err
	}
	if a.Kind == account.Postpaid {
		if _, err := bill.Adjust(ctx, tx, bill.ItemPlanChange, c.TakesEffect, c.By, old...); err != nil {
			return false, err
		}
	}
	if boundary := a.Cycles(profile.AnchorPolicy).Containing(c.TakesEffect).From == c.TakesEffect && c.At == nil; boundary && !c.TakesEffect.Before(a.Cycle.To) {
		return false, nil // the cycle that begins there grants and asks for the rest
	}
	if a.Kind == account.Postpaid {
		_, err = engine.GrantSince(ctx, tx, c.TakesEffect, a.ID)
		return false, err
	}
	gone, err := ended(ctx, tx, old)
	if err != nil {
		return false, err
	}
	if err := engine.ReturnFees(ctx, tx, profile, c.TakesEffect, gone...); err != nil {
		return false, err
	}
	renewed, err := engine.Renew(ctx, tx, a.ID)
	if err != nil {
		return false, err
	}
	for _, id := range renewed.Waiting {
		waits = waits || id == made
	}
	return waits, nil
}

// ended are those of some subscriptions that have ended; options go on.
func ended(ctx context.Context, tx tenant.Tx, subscriptions []uuid.UUID) (list []uuid.UUID, err error) {
	for _, id := range subscriptions {
		s, err := account.GetSubscription(ctx, tx, id)
		if err != nil {
			return nil, err
		}
		if s.State == account.SubscriptionTerminated {
			list = append(list, id)
		}
	}
	return list, nil
}
