package history

import (
	"context"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"tollhouse/billing/calendar"
	"tollhouse/billing/money"
	"tollhouse/billing/tenant"
	"tollhouse/billing/usage"
)

// Day is what an account used of one kind on one day.
type Day struct {
	Day      calendar.Date // in the operator's zone, by the end of the use
	Kind     usage.Kind
	Count    int64
	Quantity money.Decimal // in Kind's unit
	Price    money.Decimal // as the offerings write prices, in the account's currency
}

// Days sums what an account used in a half-open span of time by day and kind,
// days without use left out. usage_record_account finds the rows; a usage's
// charge has its primary key.
func Days(ctx context.Context, tx tenant.Tx, account uuid.UUID, from, to time.Time, zone *time.Location) ([]Day, error) {
	rows, err := tx.Query(ctx, `
		select (u.ended_at at time zone $4)::date as day, u.kind, count(*), sum(u.quantity)::numeric, coalesce(sum(c.price), 0)
		  from usage_record u
		  left join charge c on c.period = u.period and c.id = u.id
		 where u.account_id = $1 and u.ended_at >= $2 and u.ended_at < $3
		 group by 1, 2
		 order by 1, 2`, account, from, to, zone.String())
	return collect("days of usage", rows, err, func(row pgx.CollectableRow) (Day, error) {
		var d Day
		err := row.Scan(&d.Day, &d.Kind, &d.Count, &d.Quantity, &d.Price)
		return d, err
	})
}
