package insight

import (
	"context"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"tollhouse/billing/calendar"
	"tollhouse/billing/catalog"
	"tollhouse/billing/money"
	"tollhouse/billing/tenant"
)

// ActiveSubscribers counts the accounts that have an active subscription.
// subscription_active is read in the order of accounts, without its table.
func ActiveSubscribers(ctx context.Context, tx tenant.Tx) (n int64, err error) {
	err = tx.QueryRow(ctx, `select count(*) from (select distinct account_id from subscription where state = 'active') a`).Scan(&n)
	if err != nil {
		return 0, fmt.Errorf("count active subscribers: %w", err)
	}
	return n, nil
}

// SubscribersAt counts the accounts that had a subscription at an instant.
func SubscribersAt(ctx context.Context, tx tenant.Tx, at time.Time) (n int64, err error) {
	err = tx.QueryRow(ctx, `select count(*) from (
		select distinct account_id from subscription
		 where activated_at <= $1 and (terminated_at is null or terminated_at > $1)) a`, at).Scan(&n)
	if err != nil {
		return 0, fmt.Errorf("count subscribers at %s: %w", at, err)
	}
	return n, nil
}

// Week is who came and who went in the seven days from a Monday.
type Week struct {
	From         calendar.Date
	Joined, Left int64
}

// Net is by how many the subscribers grew.
func (w Week) Net() int64 { return w.Joined - w.Left }

// An account joins with its first subscription and leaves with its last.
// subscription_joined and subscription_left bound what is looked at,
// subscription_account finds the account's others.
const comingAndGoing = `
	select date_trunc('week', s.activated_at at time zone $1)::date as week, 1 as joined, 0 as went
	  from subscription s
	 where s.activated_at >= $2 and s.activated_at < $3
	   and not exists (select from subscription e where e.account_id = s.account_id and e.activated_at is not null
	                   and (e.activated_at, e.id) < (s.activated_at, s.id))
	union all
	select date_trunc('week', s.terminated_at at time zone $1)::date, 0, 1
	  from subscription s
	 where s.terminated_at >= $2 and s.terminated_at < $3
	   and not exists (select from subscription e where e.account_id = s.account_id and e.activated_at is not null
	                   and (e.terminated_at is null or (e.terminated_at, e.id) > (s.terminated_at, s.id)))`

// Weeks reads who came and who went in n weeks up to and with that of a day,
// oldest first, none left out.
func Weeks(ctx context.Context, tx tenant.Tx, zone *time.Location, last calendar.Date, n int) ([]Week, error) {
	const week = 7
	monday := last.AddDays(-(int(last.Weekday()) + week - 1) % week)
	first := monday.AddDays(-week * (n - 1))
	weeks := make([]Week, n)
	for i := range weeks {
		weeks[i].From = first.AddDays(week * i)
	}
	rows, err := tx.Query(ctx, `select week, sum(joined), sum(went) from (`+comingAndGoing+`) w group by week`,
		zone.String(), first.Start(zone), monday.AddDays(week).Start(zone))
	if err != nil {
		return nil, fmt.Errorf("read who came and went: %w", err)
	}
	var at calendar.Date
	var joined, left int64
	_, err = pgx.ForEachRow(rows, []any{&at, &joined, &left}, func() error {
		w := &weeks[first.DaysUntil(at)/week]
		w.Joined, w.Left = joined, left
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("read who came and went: %w", err)
	}
	return weeks, nil
}

// Sold is how one version of an offering stands.
type Sold struct {
	OfferingID uuid.UUID
	Active     int64 // subscriptions now
	New, Left  int64 // since an instant
	Recurring  money.Decimal
}

// maxVersions bounds the versions whose prices are read for one answer.
const maxVersions = 500

// SoldSince tells how every version stands that has subscriptions, and what
// they bring a month by their recurring prices, as the offerings write them.
func SoldSince(ctx context.Context, tx tenant.Tx, since time.Time) ([]Sold, error) {
	rows, err := tx.Query(ctx, `
		select offering_id, count(*) filter (where state = 'active'),
		       count(*) filter (where activated_at >= $1), count(*) filter (where terminated_at >= $1)
		  from subscription
		 where state in ('active', 'suspended') or terminated_at >= $1
		 group by offering_id
		 order by 2 desc, offering_id
		 limit $2`, since, maxVersions)
	if err != nil {
		return nil, fmt.Errorf("count subscriptions by offering: %w", err)
	}
	sold, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (s Sold, err error) {
		err = row.Scan(&s.OfferingID, &s.Active, &s.New, &s.Left)
		return s, err
	})
	if err != nil {
		return nil, fmt.Errorf("count subscriptions by offering: %w", err)
	}
	for i := range sold {
		offering, err := catalog.LoadVersion(ctx, tx, sold[i].OfferingID)
		if err != nil {
			return nil, err
		}
		monthly, err := monthly(offering)
		if err != nil {
			return nil, err
		}
		sold[i].Recurring = monthly.Mul(money.NewDecimal(sold[i].Active))
	}
	return sold, nil
}

// monthly is what an offering's recurring prices come to in a month.
func monthly(o catalog.Offering) (money.Decimal, error) {
	var sum money.Decimal
	for _, p := range o.Prices.Recurring {
		part, err := p.AMonth(money.Scale)
		if err != nil {
			return money.Decimal{}, fmt.Errorf("price %s: %w", p.Code, err)
		}
		sum = sum.Add(part)
	}
	return sum, nil
}
