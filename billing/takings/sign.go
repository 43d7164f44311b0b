package takings

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/golang-jwt/jwt/v5"
	"github.com/jackc/pgx/v5"

	"tollhouse/billing/audit"
	"tollhouse/billing/calendar"
	"tollhouse/billing/ledger"
	"tollhouse/billing/money"
	"tollhouse/billing/tenant"
)

// Signer signs for the stack.
type Signer interface {
	Attest(ctx context.Context, tx tenant.Tx, kind string, claims jwt.Claims) (string, error)
}

// places are the accounts in which money from outside lies, and what it costs:
// a provider's fee for a dispute is no money that a subscriber took back.
var places = []ledger.Kind{ledger.ProviderClearing, ledger.Bank, ledger.Cash, ledger.Dispute, ledger.ProviderFee}

// causes are the events by which it comes and goes back. Payouts, drawers and
// banks' own entries only move it.
var causes = []ledger.EventKind{ledger.Payment, ledger.TopUp, ledger.Voucher, ledger.Refund, ledger.TakenBack, ledger.Return}

// SignDays signs up to limit of the days that ended before an instant of
// business time, and says whether there are more. The caller knows that no
// transaction runs any more that began before that instant. wallAt is what the
// statements say of when they were signed.
func SignDays(ctx context.Context, tx tenant.Tx, with Signer, ended, wallAt time.Time, limit int) (more bool, err error) {
	// Of two that sign at once the second waits here, and finds the days signed.
	var zone, currency string
	var since time.Time
	err = tx.QueryRow(ctx, `select zone, currency, created_at from operator where id = 1 for no key update`).Scan(&zone, &currency, &since)
	if err != nil {
		return false, fmt.Errorf("read the operator: %w", err)
	}
	place, err := time.LoadLocation(zone)
	if err != nil {
		return false, fmt.Errorf("operator's zone: %w", err)
	}
	own, err := money.ParseCurrency(currency)
	if err != nil {
		return false, fmt.Errorf("operator's currency: %w", err)
	}
	last, signed, err := newest(ctx, tx)
	if err != nil {
		return false, err
	}
	day := last.AddDays(1)
	if last.IsZero() {
		if day, err = first(ctx, tx, calendar.DateOf(since, place)); err != nil {
			return false, err
		}
	}
	today := calendar.DateOf(ended, place)
	if !day.Before(today) {
		return false, nil
	}
	through := day.AddDays(limit - 1)
	if more = through.Before(today.AddDays(-1)); !more {
		through = today.AddDays(-1)
	}
	came, err := collected(ctx, tx, zone, day, through)
	if err != nil {
		return false, err
	}
	head, err := audit.Head(ctx, tx)
	if err != nil {
		return false, err
	}
	running := sums{}
	for ; !day.After(through); day = day.AddDays(1) {
		running.add(came[day])
		s := Statement{Stack: tx.Tenant, Day: day, Totals: running.totals(signed, own), HeadSeq: head.Seq, HeadHash: head.Hash, SignedAt: wallAt.UTC().Truncate(time.Second)}
		signed = map[money.Currency]money.Decimal{}
		for _, t := range s.Totals {
			signed[t.Cumulative.Currency()] = t.Cumulative.Decimal()
		}
		if err := s.keep(ctx, tx, with); err != nil {
			return false, err
		}
	}
	return more, nil
}

func (s Statement) keep(ctx context.Context, tx tenant.Tx, with Signer) error {
	text, err := with.Attest(ctx, tx, Kind, s.claims())
	if err != nil {
		return fmt.Errorf("sign takings of %s: %w", s.Day, err)
	}
	_, err = tx.Exec(ctx, `insert into daily_taking (day, totals, statement, signed_at) values ($1, $2, $3, $4)`, s.Day, s.Totals, text, s.SignedAt)
	if err != nil {
		return fmt.Errorf("keep takings of %s: %w", s.Day, err)
	}
	return nil
}

// newest is the last day that is signed, with its cumulative figures.
func newest(ctx context.Context, tx tenant.Tx) (day calendar.Date, sum sums, err error) {
	sum = sums{}
	var totals []Total
	err = tx.QueryRow(ctx, `select day, totals from daily_taking order by day desc limit 1`).Scan(&day, &totals)
	if errors.Is(err, pgx.ErrNoRows) {
		return calendar.Date{}, sum, nil
	}
	if err != nil {
		return day, nil, fmt.Errorf("read the last takings: %w", err)
	}
	for _, t := range totals {
		sum[t.Cumulative.Currency()] = t.Cumulative.Decimal()
	}
	return day, sum, nil
}

// first is the first day that is signed: of the month in which the stack was
// set up, or of the first that its ledger has. Before that nothing was collected.
func first(ctx context.Context, tx tenant.Tx, setUp calendar.Date) (calendar.Date, error) {
	months, err := ledger.Periods(ctx, tx)
	if err != nil {
		return calendar.Date{}, err
	}
	from := calendar.Date{Year: setUp.Year, Month: setUp.Month, Day: 1}
	for _, m := range months {
		if m.Before(from) {
			from = m
		}
	}
	return from, nil
}

// sums are amounts by currency.
type sums map[money.Currency]money.Decimal

func (s sums) add(more sums) {
	for currency, amount := range more {
		s[currency] = s[currency].Add(amount)
	}
}

// totals are a day's, where the sums are all that was collected by then.
func (s sums) totals(signed sums, own money.Currency) []Total {
	totals := []Total{}
	add := func(currency money.Currency, all money.Decimal) {
		totals = append(totals, Total{Collected: money.New(all.Sub(signed[currency]), currency), Cumulative: money.New(all, currency)})
	}
	add(own, s[own])
	for currency, all := range s {
		if currency != own {
			add(currency, all)
		}
	}
	slices.SortFunc(totals[1:], func(a, b Total) int {
		return strings.Compare(a.Cumulative.Currency().Code(), b.Cumulative.Currency().Code())
	})
	return totals
}

// collected is what came in by day, from the first of these days through the
// last; the first holds all that is booked onto days before it as well.
func collected(ctx context.Context, tx tenant.Tx, zone string, from, through calendar.Date) (map[calendar.Date]sums, error) {
	rows, err := tx.Query(ctx, ledger.Days+`
		select greatest(day, $2::date), unit, sum(debit - credit)
		  from days
		 where day <= $3::date and kind = any ($4::text[]) and event = any ($5::text[])
		 group by 1, 2`, zone, from, through, places, causes)
	if err != nil {
		return nil, fmt.Errorf("read what was collected: %w", err)
	}
	came := map[calendar.Date]sums{}
	var day calendar.Date
	var unit string
	var amount money.Decimal
	_, err = pgx.ForEachRow(rows, []any{&day, &unit, &amount}, func() error {
		currency, err := money.ParseCurrency(unit)
		if err != nil {
			return err
		}
		if came[day] == nil {
			came[day] = sums{}
		}
		came[day][currency] = came[day][currency].Add(amount)
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("read what was collected: %w", err)
	}
	return came, nil
}

// Signed is a statement as it was signed.
type Signed struct {
	Day       calendar.Date
	Totals    []Total
	Statement string
	SignedAt  time.Time
}

// After lists what was signed of the days after one (zero: from the first), in
// their order.
func After(ctx context.Context, tx tenant.Tx, day calendar.Date, limit int) ([]Signed, error) {
	var after *calendar.Date
	if !day.IsZero() {
		after = &day
	}
	rows, err := tx.Query(ctx, `
		select day, totals, statement, signed_at from daily_taking
		 where $1::date is null or day > $1 order by day limit $2`, after, limit)
	if err != nil {
		return nil, fmt.Errorf("list takings: %w", err)
	}
	return pgx.CollectRows(rows, pgx.RowToStructByPos[Signed])
}
