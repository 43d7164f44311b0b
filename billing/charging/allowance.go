package charging

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"tollhouse/billing/balance"
	"tollhouse/billing/calendar"
	"tollhouse/billing/catalog"
	"tollhouse/billing/money"
	"tollhouse/billing/rating"
	"tollhouse/billing/tenant"
)

// allowances appends a subscription's buckets of a span of whole cycles: those
// of each period of validity in it that the subscription has seen, and those
// that its activation and the subscriber's birthday bring.
func (s *cycleScene) allowances(sub *subscribed, span calendar.Period, to []balance.NewBucket) ([]balance.NewBucket, error) {
	t, p := s.tariffs[sub.OfferingID], s.payers[sub.AccountID]
	if t == nil {
		return nil, fmt.Errorf("offering version %s of subscription %s cannot be used", sub.OfferingID, sub.ID)
	}
	for i := range t.offering.Allowances {
		a := &t.offering.Allowances[i]
		g := granting{subscribed: sub, Allowance: a, offering: t.offering, payer: p, zone: s.zone}
		var err error
		switch {
		case a.RefillsOn() == catalog.OnCycle:
			to, err = g.eachPeriod(span, to)
		case a.RefillsAt(catalog.ActivationEvent):
			to, err = g.onActivation(span, to)
		case a.RefillsAt(catalog.BirthdayEvent):
			to, err = g.onBirthday(s.birthdays[sub.AccountID], span, to)
		}
		if err != nil {
			return nil, fmt.Errorf("allowance %s of %s: %w", a.Code, t.offering.Code, err)
		}
	}
	return to, nil
}

// granting is an allowance on its way to a subscription's bucket.
type granting struct {
	*subscribed
	*catalog.Allowance
	offering catalog.Offering
	payer    *payer
	zone     *time.Location
}

// periods is the series in which the allowance is given on each cycle.
func (g *granting) periods() calendar.Cycle {
	own := calendar.Cycle{Anchor: g.payer.cycle.Anchor, Months: g.ValidityMonths, Policy: g.payer.cycle.Policy}
	if g.ValidityMonths == 0 { // in days, or for the account's cycle
		own.Months, own.Days = g.payer.cycle.Months, g.payer.cycle.Days
	}
	return own
}

func (g *granting) eachPeriod(span calendar.Period, to []balance.NewBucket) ([]balance.NewBucket, error) {
	series := g.periods()
	for period := series.Containing(span.From); period.From.Before(span.To); period = series.Containing(period.To) {
		last := period
		if g.ValidityDays > 0 {
			last = calendar.Period{From: period.From, To: period.From.AddDays(g.ValidityDays)}
		}
		from, until := last.Instants(g.zone)
		if !g.ActivatedAt.Before(until) {
			continue
		}
		rolled := last.To
		for range g.rolls() {
			if g.ValidityDays > 0 {
				rolled = rolled.AddDays(g.ValidityDays)
			} else {
				rolled = series.Containing(rolled).To
			}
		}
		bucket, err := g.bucket(derivedID(from, g.ID, g.Code), from, until, rolled)
		if err != nil {
			return nil, err
		}
		if bucket.Amount, err = g.midway(bucket.Amount, last); err != nil {
			return nil, err
		}
		to = append(to, bucket)
	}
	return to, nil
}

// midway is what a subscription gets that begins within a period: a share by
// local days, in whole units, where the offering says so.
func (g *granting) midway(amount money.Decimal, period calendar.Period) (money.Decimal, error) {
	begun := calendar.DateOf(g.ActivatedAt, g.zone)
	if g.Midway != catalog.MidwayProrated || !begun.After(period.From) {
		return amount, nil
	}
	digits := int32(0)
	if currency, err := g.Amount.Unit().Currency(); err == nil {
		digits = currency.DocumentDigits()
	}
	return amount.MulDiv(money.NewDecimal(int64(begun.DaysUntil(period.To))), money.NewDecimal(int64(period.Days())), digits, money.Down)
}

// onActivation gives a postpaid subscription its bucket with the first cycle
// that begins, a prepaid one when it has first paid. What was activated before
// the cycle, elsewhere, gets nothing.
func (g *granting) onActivation(span calendar.Period, to []balance.NewBucket) ([]balance.NewBucket, error) {
	first := !calendar.DateOf(g.ActivatedAt, g.zone).Before(span.From)
	if g.payer.prepaid {
		first = g.ChargedThrough == nil
	}
	if !first {
		return to, nil
	}
	bucket, err := g.from(derivedID(g.ActivatedAt, g.ID, g.Code), g.ActivatedAt)
	return append(to, bucket), err
}

// onBirthday gives the bucket of a birthday in the span, once a year: it is
// valid from then on.
func (g *granting) onBirthday(born *calendar.Date, span calendar.Period, to []balance.NewBucket) ([]balance.NewBucket, error) {
	if born == nil {
		return to, nil
	}
	for year := span.From.Year; year <= span.To.Year; year++ {
		day := born.AddMonths(12 * (year - born.Year)) // Feb 29: the 28th, where there is none
		at := day.Start(g.zone)
		if day.Before(span.From) || !day.Before(span.To) || at.Before(g.ActivatedAt) {
			continue
		}
		newYear := calendar.Date{Year: year, Month: time.January, Day: 1}.Start(g.zone)
		bucket, err := g.from(derivedID(newYear, g.ID, g.Code), at)
		if err != nil {
			return nil, err
		}
		to = append(to, bucket)
	}
	return to, nil
}

// from is the bucket that something gives at an instant. Months and days end
// with the local day so many later.
func (g *granting) from(id uuid.UUID, at time.Time) (balance.NewBucket, error) {
	day := calendar.DateOf(at, g.zone)
	end := day
	last := func(n int) calendar.Date {
		switch {
		case g.ValidityMonths > 0:
			return day.AddMonths(n * g.ValidityMonths).AddDays(1)
		case g.ValidityDays > 0:
			return day.AddDays(n*g.ValidityDays + 1)
		}
		end = day
		for range n {
			end = g.payer.cycle.Containing(end).To
		}
		return end
	}
	return g.bucket(id, at, last(1).Start(g.zone).UTC(), last(1+g.rolls()))
}

// rolls is for how many further periods the rest of a bucket lasts.
func (g *granting) rolls() int {
	if g.Rollover == nil {
		return 0
	}
	return g.Rollover.Periods
}

func (g *granting) bucket(id uuid.UUID, from, until time.Time, rolled calendar.Date) (balance.NewBucket, error) {
	n := balance.NewBucket{
		ID: id, AccountID: g.AccountID, SubscriptionID: g.holder(), GrantedBy: g.ID, Code: g.Code,
		Unit: g.Amount.Unit(), Origin: balance.Allowance, Amount: g.Amount.Decimal(), Priority: max(1, g.Priority),
		ValidFrom: from, ExpiresAt: until, LegalEntity: g.payer.legalEntity, Branch: g.payer.branch,
		Shared: g.Shared != nil,
	}
	var err error
	if n.Filter, err = json.Marshal(rating.AllowanceFilter(g.offering, *g.Allowance)); err != nil {
		return n, err
	}
	if n.Terms, err = json.Marshal(rating.AllowanceTerms(*g.Allowance)); err != nil {
		return n, err
	}
	if g.Shared != nil && g.Shared.Limit != nil {
		limit := g.Shared.Limit.Decimal()
		n.MemberLimit = &limit
	}
	if r := g.Rollover; r != nil {
		n.Rollover = &balance.Rollover{Share: r.Share, Until: rolled.Start(g.zone).UTC(), Priority: n.Priority + 1}
		if r.Use != catalog.UseLast {
			n.Rollover.Priority = max(1, n.Priority-1)
		}
		if r.Amount != nil {
			most := r.Amount.Decimal()
			n.Rollover.Amount = &most
		}
	}
	return n, nil
}

// loadBirthdays reads when the holders of accounts were born, where an
// allowance goes by it.
func (s *cycleScene) loadBirthdays(ctx context.Context, tx tenant.Tx) error {
	wanted := map[uuid.UUID]bool{}
	for i := range s.subscriptions {
		sub := &s.subscriptions[i]
		if t := s.tariffs[sub.OfferingID]; t != nil {
			for _, a := range t.offering.Allowances {
				if a.RefillsAt(catalog.BirthdayEvent) {
					wanted[sub.AccountID] = true
				}
			}
		}
	}
	if len(wanted) == 0 {
		return nil
	}
	rows, err := tx.Query(ctx, `
		select a.id, p.birth_date
		from billing_account as a
		join party as p on p.id = a.party_id
		where a.id = any ($1) and p.birth_date is not null`, keys(wanted))
	if err != nil {
		return fmt.Errorf("read birthdays: %w", err)
	}
	s.birthdays = map[uuid.UUID]*calendar.Date{}
	var id uuid.UUID
	var born calendar.Date
	_, err = pgx.ForEachRow(rows, []any{&id, &born}, func() error {
		day := born
		s.birthdays[id] = &day
		return nil
	})
	if err != nil {
		return fmt.Errorf("read birthdays: %w", err)
	}
	return nil
}

// Refill gives the buckets of those allowances that an account's active
// subscriptions refill by something that has happened, and lists them. id names
// what happened: the same again gives nothing.
type Refill struct {
	ID      uuid.UUID
	Account uuid.UUID
	// Subscription narrows it to one; uuid.Nil: all of the account.
	Subscription uuid.UUID
	Event        string         // set: an event of this name
	Paid         *money.Decimal // set: a top-up of a prepaid account, or a payment of another's bills
}

// Refill grants what a refill brings.
func (e *Engine) Refill(ctx context.Context, tx tenant.Tx, r Refill) ([]balance.NewBucket, error) {
	s, err := e.beginCycle(ctx, tx, []uuid.UUID{r.Account})
	if err != nil {
		return nil, err
	}
	var wanted []balance.NewBucket
	given, err := s.given(ctx, tx)
	if err != nil {
		return nil, err
	}
	for i := range s.subscriptions {
		sub := &s.subscriptions[i]
		t := s.tariffs[sub.OfferingID]
		if t == nil || (r.Subscription != uuid.Nil && r.Subscription != sub.ID) {
			continue
		}
		for n := range t.offering.Allowances {
			a := &t.offering.Allowances[n]
			if !r.gives(a) || (a.Refill.Times > 0 && given[grantKey{sub.holder(), a.Code}] >= a.Refill.Times) {
				continue
			}
			g := granting{subscribed: sub, Allowance: a, offering: t.offering, payer: s.payers[sub.AccountID], zone: s.zone}
			bucket, err := g.from(derivedID(sub.ActivatedAt, r.ID, sub.ID.String()+a.Code), tx.At)
			if err != nil {
				return nil, fmt.Errorf("allowance %s of %s: %w", a.Code, t.offering.Code, err)
			}
			wanted = append(wanted, bucket)
		}
	}
	_, err = balance.Grant(ctx, tx, wanted)
	return wanted, err
}

func (r *Refill) gives(a *catalog.Allowance) bool {
	if r.Paid != nil {
		return a.RefillsOn() == catalog.OnPayment && (a.Refill.Minimum == nil || r.Paid.Cmp(*a.Refill.Minimum) >= 0)
	}
	return r.Event != "" && a.RefillsAt(r.Event)
}

type grantKey struct {
	subscription uuid.UUID
	code         string
}

// given counts how often allowances were given that are given some times only.
func (s *cycleScene) given(ctx context.Context, tx tenant.Tx) (map[grantKey]int, error) {
	bounded := map[uuid.UUID]bool{}
	for i := range s.subscriptions {
		sub := &s.subscriptions[i]
		if t := s.tariffs[sub.OfferingID]; t != nil {
			for _, a := range t.offering.Allowances {
				if a.Refill != nil && a.Refill.Times > 0 {
					bounded[sub.holder()] = true
				}
			}
		}
	}
	counts := map[grantKey]int{}
	if len(bounded) == 0 {
		return counts, nil
	}
	rows, err := tx.Query(ctx, `
		select subscription_id, code, count(*)
		from bucket
		where account_id = any ($1) and subscription_id = any ($2) and origin = 'allowance' and rolled_from is null
		group by subscription_id, code`, members(s.accounts()), keys(bounded))
	if err != nil {
		return nil, fmt.Errorf("count allowances given: %w", err)
	}
	var key grantKey
	var n int
	_, err = pgx.ForEachRow(rows, []any{&key.subscription, &key.code, &n}, func() error { counts[key] = n; return nil })
	if err != nil {
		return nil, fmt.Errorf("count allowances given: %w", err)
	}
	return counts, nil
}

func (s *cycleScene) accounts() map[uuid.UUID]bool {
	all := make(map[uuid.UUID]bool, len(s.payers))
	for id := range s.payers {
		all[id] = true
	}
	return all
}
