package readiness

import (
	"context"
	"encoding/json"
	"slices"
	"strconv"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"tollhouse/billing/calendar"
	"tollhouse/billing/catalog"
	"tollhouse/billing/money"
	"tollhouse/billing/tax"
)

// sold is an offering version that accounts of the run have taken.
type sold struct {
	ID            uuid.UUID
	Code          string
	Version       int
	State         catalog.State
	Currency      money.Currency
	Document      json.RawMessage
	Subscriptions int64
	Postpaid      bool          // sold to postpaid accounts of the run
	Months        int           // of the longest cycle
	Since         calendar.Date // the earliest open cycle
	offering      catalog.Offering
}

// Subscriptions that ended before their account's cycle are charged already.
const selectSold = `
	select v.id, v.code, v.version, v.state, v.currency, v.document, t.subscriptions, t.postpaid, t.months, t.since
	  from (select s.offering_id, count(*) as subscriptions, bool_or(a.kind = 'postpaid') as postpaid,
	               max(a.cycle_months) as months, min(a.cycle_start) as since
	          from (select a.id, a.kind, a.cycle_months, a.cycle_start from ` + due + `) a
	          join subscription s on s.account_id = a.id
	         where s.activated_at is not null and (s.terminated_at is null or s.terminated_at >= a.cycle_start)
	         group by s.offering_id) t
	  join offering_version v on v.id = t.offering_id
	 order by v.code, v.version`

// offerings looks at every version that the run bills, once each.
func (l *look) offerings(ctx context.Context) error {
	rows, err := l.tx.Query(ctx, selectSold, l.report.Day)
	if err != nil {
		return err
	}
	versions, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (v sold, err error) {
		err = row.Scan(&v.ID, &v.Code, &v.Version, &v.State, &v.Currency, &v.Document, &v.Subscriptions, &v.Postpaid, &v.Months, &v.Since)
		return v, err
	})
	if err != nil {
		return err
	}
	for i := range versions {
		if err := l.version(ctx, &versions[i]); err != nil {
			return err
		}
	}
	return nil
}

func (l *look) version(ctx context.Context, v *sold) error {
	for _, f := range l.faults(v) {
		if f.Values == nil {
			f.Values = map[string]string{}
		}
		f.Values["offering"], f.Values["version"] = v.Code, strconv.Itoa(v.Version)
		accounts, _, err := l.examples(ctx, "account", `
			select a.id, a.number, 0::bigint
			  from (select a.id, a.number from `+due+`) a
			 where exists (select from subscription s where s.account_id = a.id and s.offering_id = $2)
			 order by a.id
			 limit $3`, l.report.Day, v.ID, maxExamples-1)
		if err != nil {
			return err
		}
		f.Count, f.Examples = v.Subscriptions, append([]Example{{"offering", v.ID, v.Code + " " + strconv.Itoa(v.Version)}}, accounts...)
		l.report.add(f)
	}
	return nil
}

// faults are what is wrong with a version, without examples.
func (l *look) faults(v *sold) (found []Finding) {
	if err := json.Unmarshal(v.Document, &v.offering); err != nil || v.State == catalog.Draft {
		return []Finding{{Code: NoOffering, Severity: Stops}}
	}
	if faults := catalog.Check(v.offering); len(faults) > 0 {
		found = append(found, Finding{Code: NotClean, Severity: Wrong, Values: map[string]string{"fault": faults[0].String()}})
	}
	if v.Currency != l.profile.Currency && v.Postpaid {
		found = append(found, Finding{Code: OtherCurrency, Severity: Stops, Values: map[string]string{"currency": v.Currency.Code()}})
	}
	if v.offering.Tax.Included != l.profile.PricesIncludeTax && v.Postpaid {
		found = append(found, Finding{Code: MixedBasis, Severity: Stops})
	}
	for _, need := range v.needs(l.report.Day) {
		if day, without := uncovered(l.rates, need.category, need.days); without {
			found = append(found, Finding{Code: NoTaxRate, Severity: Stops, Values: map[string]string{"category": need.category, "day": day.String()}})
		}
	}
	return found
}

// need is a tax category with the days on which its services are rendered.
type need struct {
	category string
	days     calendar.Period
}

// needs are the categories that billing a version needs rates of: usage and
// one-time fees until the cycle ends, recurring fees until their own periods
// do, those in advance a cycle later.
func (v *sold) needs(end calendar.Date) []need {
	last := map[string]calendar.Date{}
	want := func(own string, until calendar.Date) {
		category := v.offering.Tax.CategoryOr(own)
		if known, there := last[category]; !there || until.After(known) {
			last[category] = until
		}
	}
	want("", end)
	for _, p := range v.offering.Prices.OneTime {
		want(p.TaxCategory, end)
	}
	for _, p := range v.offering.Prices.Recurring {
		until := end
		if p.Timing == catalog.Advance {
			until = end.AddMonths(v.Months)
			if own := p.Cycle(calendar.Cycle{Anchor: end, Policy: calendar.Clamp}).Bound(1); own.After(until) {
				until = own
			}
		}
		want(p.TaxCategory, until)
	}
	var list []need
	for category, until := range last {
		list = append(list, need{category, calendar.Period{From: v.Since, To: until}})
	}
	slices.SortFunc(list, func(a, b need) int {
		if a.category < b.category {
			return -1
		}
		return 1
	})
	return list
}

// uncovered is the first day of a period on which a category has no rate.
func uncovered(rates tax.Table, category string, days calendar.Period) (calendar.Date, bool) {
	for day := days.From; day.Before(days.To); {
		rate, err := rates.At(category, day)
		if err != nil {
			return day, true
		}
		if rate.To.IsZero() {
			return calendar.Date{}, false
		}
		day = rate.To // the next day that another rate has to cover
	}
	return calendar.Date{}, false
}
