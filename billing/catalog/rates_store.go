package catalog

import (
	"context"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"

	"tollhouse/billing/calendar"
	"tollhouse/billing/money"
	"tollhouse/billing/tenant"
)

// ErrRate says that an exchange rate cannot be used.
var ErrRate = errors.New("not a usable exchange rate")

// NewRatesEntry are rates to be put into the table, in the place of those of
// the same currencies and day.
type NewRatesEntry struct {
	Rates  []ExchangeRate
	Source string // where they are from, such as a file's name
	// Past accepts rates of days that are over: what was charged stays, what
	// comes late or is rated again goes by them.
	Past bool
}

// PutRates stores rates and raises the catalog's epoch. It returns how many
// are new or other than before. ErrRate, ErrPastDay.
func PutRates(ctx context.Context, tx tenant.Tx, n NewRatesEntry) (int, error) {
	var from, to []string
	var days []calendar.Date
	var values []money.Decimal
	var bothWays []bool
	for _, r := range n.Rates {
		if err := r.check(); err != nil {
			return 0, err
		}
		from, to, days = append(from, r.From.Code()), append(to, r.To.Code()), append(days, r.Day)
		values, bothWays = append(values, r.Value), append(bothWays, r.BothWays)
	}
	if err := overDays(ctx, tx, n.Past, days...); err != nil {
		return 0, err
	}
	const put = `
insert into exchange_rate (from_currency, to_currency, day, value, both_ways, source)
select f, t, d, v, b, $6
  from unnest($1::text[], $2::text[], $3::date[], $4::numeric[], $5::boolean[]) as new (f, t, d, v, b)
on conflict (from_currency, to_currency, day) do update
   set value = excluded.value, both_ways = excluded.both_ways, source = excluded.source
 where (exchange_rate.value, exchange_rate.both_ways) is distinct from (excluded.value, excluded.both_ways)`
	tag, err := tx.Exec(ctx, put, from, to, days, values, bothWays, n.Source)
	if err == nil && tag.RowsAffected() > 0 {
		err = bumpEpoch(ctx, tx)
	}
	if err != nil {
		return 0, fmt.Errorf("store exchange rates: %w", err)
	}
	return int(tag.RowsAffected()), nil
}

// overDays refuses days that are over, unless that is accepted.
func overDays(ctx context.Context, tx tenant.Tx, accepted bool, days ...calendar.Date) error {
	today, err := Today(ctx, tx)
	if err != nil || accepted {
		return err
	}
	for _, day := range days {
		if day.Before(today) {
			return fmt.Errorf("%w: exchange rate of %s", ErrPastDay, day)
		}
	}
	return nil
}

// RemoveRate takes a rate out of the table. ErrNoRate, ErrPastDay.
func RemoveRate(ctx context.Context, tx tenant.Tx, from, to money.Currency, day calendar.Date, past bool) error {
	if err := overDays(ctx, tx, past, day); err != nil {
		return err
	}
	tag, err := tx.Exec(ctx, `delete from exchange_rate where from_currency = $1 and to_currency = $2 and day = $3`, from, to, day)
	if err == nil && tag.RowsAffected() != 1 {
		return fmt.Errorf("%w from %s to %s that begins on %s", ErrNoRate, from, to, day)
	}
	if err == nil {
		err = bumpEpoch(ctx, tx)
	}
	if err != nil {
		return fmt.Errorf("remove exchange rate: %w", err)
	}
	return nil
}

// StoredRate is a rate of the table.
type StoredRate struct {
	ExchangeRate
	Source string
}

// RateQuery selects rates. The zero value is the first page of all.
type RateQuery struct {
	From, To money.Currency // zero: any
	// Before is the last rate of the page before.
	Before *ExchangeRate
	Limit  int // 1 to 1000; 0 is 50
}

// ListRates returns rates, the newest day first.
func ListRates(ctx context.Context, tx tenant.Tx, q RateQuery) ([]StoredRate, error) {
	const list = `
select from_currency, to_currency, day, value, both_ways, source
  from exchange_rate
 where ($1 = '' or from_currency = $1) and ($2 = '' or to_currency = $2)
   and ($3::date is null or day < $3 or (day = $3 and (from_currency, to_currency) > ($4, $5)))
 order by day desc, from_currency, to_currency
 limit $6`
	var before ExchangeRate
	if q.Before != nil {
		before = *q.Before
	}
	if q.Limit <= 0 {
		q.Limit = 50
	}
	rows, err := tx.Query(ctx, list, q.From.Code(), q.To.Code(), before.Day, before.From.Code(), before.To.Code(), min(q.Limit, 1000))
	if err != nil {
		return nil, fmt.Errorf("list exchange rates: %w", err)
	}
	rates, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (r StoredRate, err error) {
		return r, row.Scan(&r.From, &r.To, &r.Day, &r.Value, &r.BothWays, &r.Source)
	})
	if err != nil {
		return nil, fmt.Errorf("list exchange rates: %w", err)
	}
	return rates, nil
}

// LoadRates returns the table of the rates between some currencies.
func LoadRates(ctx context.Context, tx tenant.Tx, currencies []money.Currency) (*Rates, error) {
	var codes []string
	for _, c := range currencies {
		codes = append(codes, c.Code())
	}
	const load = `
select from_currency, to_currency, day, value, both_ways
  from exchange_rate
 where from_currency = any ($1) and to_currency = any ($1)`
	rows, err := tx.Query(ctx, load, codes)
	if err != nil {
		return nil, fmt.Errorf("read exchange rates: %w", err)
	}
	rates, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (r ExchangeRate, err error) {
		return r, row.Scan(&r.From, &r.To, &r.Day, &r.Value, &r.BothWays)
	})
	if err != nil {
		return nil, fmt.Errorf("read exchange rates: %w", err)
	}
	return NewRates(rates), nil
}
