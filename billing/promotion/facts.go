package promotion

import (
	"context"
	_ "embed"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"cel.dev/cel-go/interpreter"

	"tollhouse/billing/calendar"
	"tollhouse/billing/money"
	"tollhouse/billing/tenant"
)

// AccountFacts are what a condition may ask of a billing account. Amounts are
// minor units (ISO 4217) of its currency, without fractions of them.
type AccountFacts struct {
	Kind          string   `cel:"kind"` // prepaid or postpaid
	State         string   `cel:"state"`
	Branch        string   `cel:"branch"` // its name
	AgeDays       int64    `cel:"age_days"`
	BalanceMinor  int64    `cel:"balance_minor"` // money of prepaid buckets
	OwedMinor     int64    `cel:"owed_minor"`
	OverdueMinor  int64    `cel:"overdue_minor"`
	Subscriptions []string `cel:"subscriptions"` // codes of the offerings it has now
}

// PartyFacts are what a condition may ask of whom the account belongs to.
type PartyFacts struct {
	Kind     string `cel:"kind"` // individual or organization
	Language string `cel:"language"`
	City     string `cel:"city"`
	AgeYears int64  `cel:"age_years"` // -1 where no birth date is known
}

// SubscriptionFacts are what a condition may ask of the subscription that the
// promotion would be for; of a top-up it is the account's oldest active one.
type SubscriptionFacts struct {
	Offering  string   `cel:"offering"`
	Version   int64    `cel:"version"`
	State     string   `cel:"state"`
	AgeDays   int64    `cel:"age_days"`
	AgeMonths int64    `cel:"age_months"`
	Services  []string `cel:"services"`
}

// UsageFacts are what the account used in the last 30 days.
type UsageFacts struct {
	Seconds    int64 `cel:"seconds"`
	Bytes      int64 `cel:"bytes"`
	Events     int64 `cel:"events"`
	SpentMinor int64 `cel:"spent_minor"` // charged for usage, with tax where prices have it inside
}

// PaymentFacts are what the account paid.
type PaymentFacts struct {
	Count       int64 `cel:"count"`
	LastDaysAgo int64 `cel:"last_days_ago"` // -1 where there was none
	LastMinor   int64 `cel:"last_minor"`
	YearMinor   int64 `cel:"year_minor"` // in the last 365 days
}

// subject is whom a promotion is looked at for.
type subject struct {
	account      uuid.UUID
	subscription uuid.UUID // uuid.Nil: of the account as a whole
}

// facts reads what a condition asks for, each kind at most once. An error is
// kept until the answer is used.
type facts struct {
	ctx      context.Context
	tx       tenant.Tx
	of       subject
	currency money.Currency
	zone     *time.Location
	known    map[string]any
	err      error
}

var _ interpreter.Activation = (*facts)(nil)

func newFacts(ctx context.Context, tx tenant.Tx, of subject, currency money.Currency, zone *time.Location) *facts {
	return &facts{ctx: ctx, tx: tx, of: of, currency: currency, zone: zone, known: map[string]any{}}
}

// Parent is none: these are all the facts there are.
func (f *facts) Parent() interpreter.Activation { return nil }

// ResolveName reads the facts of a name.
func (f *facts) ResolveName(name string) (any, bool) {
	if value, known := f.known[name]; known {
		return value, true
	}
	var value any
	var err error
	switch name {
	case "account":
		value, err = f.account()
	case "party":
		value, err = f.party()
	case "subscription":
		value, err = f.subscription()
	case "usage":
		value, err = f.usage()
	case "payment":
		value, err = f.payment()
	default:
		return nil, false
	}
	if err != nil {
		f.err = fmt.Errorf("facts of %s: %w", name, err)
		return nil, false
	}
	f.known[name] = value
	return value, true
}

// minor turns an amount into whole minor units, what is below one cut off.
func (f *facts) minor(amount money.Decimal) (int64, error) {
	return money.New(amount.Round(f.currency.Digits(), money.Down), f.currency).Minor()
}

func (f *facts) minors(into []*int64, amounts ...money.Decimal) error {
	for i, amount := range amounts {
		n, err := f.minor(amount)
		if err != nil {
			return err
		}
		*into[i] = n
	}
	return nil
}

//go:embed facts_account.sql
var selectAccountFacts string

func (f *facts) account() (a AccountFacts, err error) {
	var balance, owed, overdue money.Decimal
	var created time.Time
	err = f.tx.QueryRow(f.ctx, selectAccountFacts, f.of.account, f.tx.At, calendar.DateOf(f.tx.At, f.zone)).
		Scan(&a.Kind, &a.State, &a.Branch, &created, &balance, &owed, &overdue, &a.Subscriptions)
	if err != nil {
		return a, err
	}
	a.AgeDays = int64(calendar.DateOf(created, f.zone).DaysUntil(calendar.DateOf(f.tx.At, f.zone)))
	return a, f.minors([]*int64{&a.BalanceMinor, &a.OwedMinor, &a.OverdueMinor}, balance, owed, overdue)
}

func (f *facts) party() (p PartyFacts, err error) {
	var born *calendar.Date
	err = f.tx.QueryRow(f.ctx, `
		select p.kind, p.language, coalesce(p.address ->> 'city', ''), p.birth_date
		from billing_account as a join party as p on p.id = a.party_id
		where a.id = $1`, f.of.account).Scan(&p.Kind, &p.Language, &p.City, &born)
	p.AgeYears = -1
	if err == nil && born != nil {
		const year = 12
		p.AgeYears = int64(monthsBetween(*born, calendar.DateOf(f.tx.At, f.zone)) / year)
	}
	return p, err
}

func (f *facts) subscription() (s SubscriptionFacts, err error) {
	var activated time.Time
	var wanted *uuid.UUID
	if f.of.subscription != uuid.Nil {
		wanted = &f.of.subscription
	}
	err = f.tx.QueryRow(f.ctx, `
		select v.code, v.version, s.state, coalesce(s.activated_at, s.created_at),
		       coalesce((select array_agg(distinct i.kind order by i.kind) from service as i where i.subscription_id = s.id), '{}')
		from subscription as s join offering_version as v on v.id = s.offering_id
		where s.account_id = $1 and (s.id = $2 or ($2::uuid is null and s.state = 'active'))
		order by s.created_at, s.id
		limit 1`, f.of.account, wanted).Scan(&s.Offering, &s.Version, &s.State, &activated, &s.Services)
	if errors.Is(err, pgx.ErrNoRows) {
		return SubscriptionFacts{}, nil
	}
	if err != nil {
		return s, err
	}
	from, today := calendar.DateOf(activated, f.zone), calendar.DateOf(f.tx.At, f.zone)
	s.AgeDays, s.AgeMonths = int64(from.DaysUntil(today)), int64(monthsBetween(from, today))
	return s, nil
}

const factDays = 30

func (f *facts) usage() (u UsageFacts, err error) {
	var spent money.Decimal
	// usage_record_account and charge_cycle narrow it to the account's last weeks
	err = f.tx.QueryRow(f.ctx, `
		select coalesce(sum(r.quantity) filter (where r.unit = 'second'), 0)::bigint,
		       coalesce(sum(r.quantity) filter (where r.unit = 'byte'), 0)::bigint,
		       coalesce(sum(r.quantity) filter (where r.unit = 'event'), 0)::bigint,
		       coalesce(sum(c.price), 0)
		from usage_record as r
		left join charge as c on c.period = r.period and c.id = r.id
		where r.account_id = $1 and r.ended_at > $2`, f.of.account, f.tx.At.AddDate(0, 0, -factDays)).
		Scan(&u.Seconds, &u.Bytes, &u.Events, &spent)
	if err != nil {
		return u, err
	}
	return u, f.minors([]*int64{&u.SpentMinor}, spent)
}

func (f *facts) payment() (p PaymentFacts, err error) {
	var last, year money.Decimal
	var at *time.Time
	err = f.tx.QueryRow(f.ctx, `
		select count(*), max(received_at),
		       coalesce((select amount from payment where account_id = $1 and method <> 'goodwill' order by received_at desc, id desc limit 1), 0),
		       coalesce(sum(amount - refunded) filter (where received_at > $2), 0)
		from payment
		where account_id = $1 and method <> 'goodwill'`, f.of.account, f.tx.At.AddDate(-1, 0, 0)).Scan(&p.Count, &at, &last, &year)
	if err != nil {
		return p, err
	}
	p.LastDaysAgo = -1
	if at != nil {
		p.LastDaysAgo = int64(calendar.DateOf(*at, f.zone).DaysUntil(calendar.DateOf(f.tx.At, f.zone)))
	}
	return p, f.minors([]*int64{&p.LastMinor, &p.YearMinor}, last, year)
}

// monthsBetween counts whole months: a month is over on the same day of the
// next, or on its last day where that has fewer.
func monthsBetween(from, to calendar.Date) int {
	const year = 12
	n := (to.Year-from.Year)*year + int(to.Month) - int(from.Month)
	if from.AddMonths(n).After(to) {
		n--
	}
	return max(0, n)
}
