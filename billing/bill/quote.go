package bill

import (
	"context"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"tollhouse/billing/account"
	"tollhouse/billing/calendar"
	"tollhouse/billing/catalog"
	"tollhouse/billing/money"
	"tollhouse/billing/tenant"
)

// Quote is the money of a change before it is made, as the next bill would
// show it beside the cycle to come.
type Quote struct {
	Lines []QuoteLine
	Net   money.Amount // of the lines together, as prices are written
	// Then is what the new plan costs for each of its periods from there on.
	Then []QuoteLine
}

// QuoteLine is one amount of a quote.
type QuoteLine struct {
	Code, Name string
	Period     calendar.Period
	Price      money.Amount
}

// QuoteChange says what a change of a postpaid subscription to another offering
// at an instant would give back of what was asked and charge for the rest of
// the periods under way.
func QuoteChange(ctx context.Context, tx tenant.Tx, s account.Subscription, to catalog.Offering, at time.Time, language string) (Quote, error) {
	profile, err := account.GetProfile(ctx, tx)
	if err != nil {
		return Quote{}, err
	}
	rows, err := tx.Query(ctx, `select `+dueColumns+` from billing_account a join party p on p.id = a.party_id where a.id = $1`, s.AccountID)
	if err != nil {
		return Quote{}, fmt.Errorf("quote a change: %w", err)
	}
	due, err := pgx.CollectExactlyOneRow(rows, scanDue)
	if err != nil {
		return Quote{}, fmt.Errorf("quote a change: %w", err)
	}
	f := &frame{profile: profile, counted: profile.Counted(), at: tx.At}
	q := quoter{f: f, fees: f.fees(&closing{openCycle: &openCycle{dueAccount: due}}), language: language}
	q.Net = money.Zero(due.Currency)
	day := calendar.DateOf(at, profile.Zone)
	items, err := differences(ctx, tx, day, []uuid.UUID{s.ID}, func(l *asked) { l.Terminated = &at })
	if err != nil {
		return Quote{}, err
	}
	for _, i := range items {
		q.add(QuoteLine{i.Code, i.Words[language], i.Period, i.Price})
	}
	old, err := catalog.LoadVersion(ctx, tx, s.OfferingID)
	if err != nil {
		return Quote{}, err
	}
	if s.FeesIncluded {
		return q.Quote, nil
	}
	through := calendar.Date{}
	if s.ChargedThrough != nil {
		through = *s.ChargedThrough
	}
	if err := q.charges(old, lifeOf(f.counted, *s.ActivatedAt, &at, s.Pauses), through); err != nil {
		return Quote{}, err
	}
	next := lifeOf(f.counted, at, nil, s.Pauses)
	if err := q.charges(to, next, calendar.Date{}); err != nil {
		return Quote{}, err
	}
	for _, p := range to.Prices.Recurring {
		q.Then = append(q.Then, QuoteLine{Code: p.Code, Name: p.Names.In(language), Price: money.New(p.Amount, due.Currency), Period: p.Cycle(q.fees.cycle).Containing(later(day, due.Cycle.To))})
	}
	return q.Quote, nil
}

type quoter struct {
	Quote
	f        *frame
	fees     feeFrame
	language string
}

func (q *quoter) add(l QuoteLine) {
	if sum, err := q.Net.Add(l.Price); err == nil {
		q.Net = sum
	}
	q.Lines = append(q.Lines, l)
}

// charges adds what an offering's prices would be asked for periods that begin
// before the open cycle's end.
func (q *quoter) charges(o catalog.Offering, there span, through calendar.Date) error {
	for _, p := range o.Prices.Recurring {
		fees, err := q.fees.recurring(p, there, through)
		if err != nil {
			return err
		}
		if p.Period().Daily() {
			fees = q.fees.gather(fees)
		}
		for _, one := range fees {
			if one.fresh && one.period.From.Before(q.fees.closing.To) {
				q.add(QuoteLine{p.Code, p.Names.In(q.language), one.period, money.New(one.amount, q.Net.Currency())})
			}
		}
	}
	return nil
}
