package report

import (
	"context"
	"errors"
	"time"

	"github.com/jackc/pgx/v5"

	"tollhouse/billing/calendar"
	"tollhouse/billing/money"
	"tollhouse/billing/tax"
	"tollhouse/billing/tenant"
)

// use is what prepaid use of one category came to at one rate.
type use struct {
	category string
	day      calendar.Date // one of those on which it holds
	currency money.Currency
	count    int64
	net, tax money.Decimal
	levies   []tax.LevyAmount
}

// prepaidUse sums prepaid use up by its rates and names each tax of them.
func prepaidUse(ctx context.Context, tx tenant.Tx, q query) ([]use, error) {
	table, err := tax.Load(ctx, tx)
	if err != nil {
		return nil, err
	}
	bounds := []time.Time{}
	for _, day := range table.Days() {
		bounds = append(bounds, day.Start(q.profile.Zone))
	}
	rows, err := tx.Query(ctx, vatUse, append(q.common(), bounds)...)
	if err != nil {
		return nil, err
	}
	list, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (u use, err error) {
		err = row.Scan(&u.category, &u.day, &u.currency, &u.count, &u.net, &u.tax)
		return u, err
	})
	if err != nil {
		return nil, err
	}
	for i := range list {
		u := &list[i]
		rate, err := table.At(u.category, u.day)
		if errors.Is(err, tax.ErrNoRate) {
			rate, err = tax.Rate{Category: u.category}, nil
		}
		if err == nil {
			u.levies, err = rate.Share(money.New(u.net, u.currency), money.New(u.tax, u.currency), money.Scale)
		}
		if err != nil {
			return nil, err
		}
	}
	return list, nil
}
