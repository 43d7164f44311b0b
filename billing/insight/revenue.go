package insight

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"

	"tollhouse/billing/account"
	"tollhouse/billing/calendar"
	"tollhouse/billing/money"
	"tollhouse/billing/tenant"
)

// Revenue is what was earned in a span, net, by what it was earned with.
type Revenue struct {
	Recurring, Usage, OneTime money.Decimal
}

// Total is all of it.
func (r Revenue) Total() money.Decimal { return r.Recurring.Add(r.Usage).Add(r.OneTime) }

// Plus is both together.
func (r Revenue) Plus(o Revenue) Revenue {
	return Revenue{r.Recurring.Add(o.Recurring), r.Usage.Add(o.Usage), r.OneTime.Add(o.OneTime)}
}

func (r *Revenue) add(kind string, amount money.Decimal) {
	switch kind {
	case "recurring":
		r.Recurring = r.Recurring.Add(amount)
	case "usage":
		r.Usage = r.Usage.Add(amount)
	default:
		r.OneTime = r.OneTime.Add(amount)
	}
}

// Day is one local day's revenue.
type Day struct {
	Day calendar.Date
	Revenue
}

// Month is one calendar month's revenue, in the operator's zone.
type Month struct {
	First calendar.Date
	Revenue
}

// readRevenue is what is summed up and, beside it, what came since: so that the
// figures are true to the moment without having read the whole ledger. OFFSET 0
// keeps the planner from reading whole months where it may step over what is
// summed up.
const readRevenue = `
	with recursive` + months + `,
	moves as materialized (` + move + `
	      from months m
	      left join insight_mark k on k.period = m.period
	      cross join lateral (
	          select at, branch, unit, event, event_id, period, debit, credit, amount
	            from ledger_transfer
	           where period = m.period and id > coalesce(k.through, '00000000-0000-0000-0000-000000000000')
	          offset 0) t
	     where m.period >= $2 and m.period < $3 and (t.debit = 'revenue' or t.credit = 'revenue')),` + splitRevenue + `
	select %[1]s, kind, sum(amount)
	  from (select day, kind, currency, amount from insight_revenue where day >= $2 and day < $3
	        union all
	        select day, kind, currency, amount from parts) r
	 where currency = $4
	 group by 1, 2
	 order by 1`

// Months reads the revenue of n months up to and with that of a day, oldest
// first, none left out.
func Months(ctx context.Context, tx tenant.Tx, profile account.Profile, last calendar.Date, n int) ([]Month, error) {
	first := firstOf(last).AddMonths(1 - n)
	months := make([]Month, n)
	for i := range months {
		months[i].First = first.AddMonths(i)
	}
	err := eachRevenue(ctx, tx, profile, `date_trunc('month', day)::date`, calendar.Period{From: first, To: first.AddMonths(n)},
		func(at calendar.Date, kind string, amount money.Decimal) {
			months[(at.Year-first.Year)*12+int(at.Month)-int(first.Month)].add(kind, amount)
		})
	return months, err
}

// Days reads the revenue of a month by its days, those without any left out.
func Days(ctx context.Context, tx tenant.Tx, profile account.Profile, month calendar.Date) ([]Day, error) {
	first := firstOf(month)
	var days []Day
	err := eachRevenue(ctx, tx, profile, `day`, calendar.Period{From: first, To: first.AddMonths(1)},
		func(at calendar.Date, kind string, amount money.Decimal) {
			if len(days) == 0 || days[len(days)-1].Day != at {
				days = append(days, Day{Day: at})
			}
			days[len(days)-1].add(kind, amount)
		})
	return days, err
}

func firstOf(d calendar.Date) calendar.Date { return d.AddDays(1 - d.Day) }

func eachRevenue(ctx context.Context, tx tenant.Tx, profile account.Profile, by string, span calendar.Period,
	each func(at calendar.Date, kind string, amount money.Decimal)) error {
	rows, err := tx.Query(ctx, fmt.Sprintf(readRevenue, by), profile.Zone.String(), span.From, span.To, profile.Currency.Code())
	if err != nil {
		return fmt.Errorf("read revenue: %w", err)
	}
	var at calendar.Date
	var kind string
	var amount money.Decimal
	_, err = pgx.ForEachRow(rows, []any{&at, &kind, &amount}, func() error {
		each(at, kind, amount)
		return nil
	})
	if err != nil {
		return fmt.Errorf("read revenue: %w", err)
	}
	return nil
}
