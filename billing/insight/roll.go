package insight

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"tollhouse/billing/calendar"
	"tollhouse/billing/ledger"
	"tollhouse/billing/tenant"
)

// rollAtOnce is how many transfers one transaction sums up: some tens of
// milliseconds.
const rollAtOnce = 50_000

// margin is how long before a mark a transfer's key must have been made for its
// transaction to be surely over when the mark has passed. Keys are made while a
// transaction is reckoned, some moments before it writes.
const margin = 30 * time.Second

// Roll sums up one portion of the transfers that no running transaction can add
// to any more: those whose key was made well before a mark that has passed. more
// says that there is more. Whoever sums up the same period at the same time is
// left to it.
func Roll(ctx context.Context, tx tenant.Tx, passed tenant.Mark) (more bool, err error) {
	zone, err := ledger.Zone(ctx, tx)
	if err != nil {
		return false, err
	}
	periods, err := ledger.Periods(ctx, tx)
	if err != nil {
		return false, err
	}
	bound := ledger.KeyAt(passed.WallAt.Add(-margin))
	for _, period := range periods {
		n, err := rollPeriod(ctx, tx, zone, period, bound)
		if err != nil {
			return false, fmt.Errorf("sum up revenue of %s: %w", period, err)
		}
		if n == rollAtOnce {
			return true, nil
		}
	}
	return false, nil
}

// months steps along the ledger's key from month to month.
const months = `
	months as (
	    (select period from ledger_transfer order by period limit 1)
	    union all
	    select (select t.period from ledger_transfer t where t.period > m.period order by t.period limit 1)
	      from months m where m.period is not null)`

// move is a transfer's effect on revenue.
const move = `
	select (t.at at time zone $1)::date as day, t.branch, t.unit as currency, t.event, t.event_id, t.period,
	       case when t.credit = 'revenue' then t.amount else -t.amount end as amount`

// splitRevenue gives each move its kind. A bill's transfer is for all that it
// earns at once: its one-time lines are told apart from fees in arrears. charge
// is found by its key, as a charge has its transfers' period; bill_line's key
// begins with the bill.
const splitRevenue = `
	parts as (
	    select day, branch, currency, 'usage' as kind, amount from moves where event = 'usage'
	    union all
	    select day, branch, currency, 'recurring', amount from moves where event = 'recognition'
	    union all
	    select m.day, m.branch, m.currency, case when c.kind = 'one_time' then 'one_time' else 'recurring' end, m.amount
	      from moves m left join charge c on c.period = m.period and c.id = m.event_id
	     where m.event = 'fee'
	    union all
	    select m.day, m.branch, m.currency, 'recurring', m.amount - coalesce(o.net, 0)
	      from moves m left join lateral (select sum(l.net) as net from bill_line l where l.bill_id = m.event_id and l.kind = 'one_time') o on true
	     where m.event = 'bill'
	    union all
	    select m.day, m.branch, m.currency, 'one_time', o.net
	      from moves m join lateral (select sum(l.net) as net from bill_line l where l.bill_id = m.event_id and l.kind = 'one_time') o on o.net <> 0
	     where m.event = 'bill'
	    union all
	    select day, branch, currency, 'one_time', amount from moves where event not in ('usage', 'recognition', 'fee', 'bill'))`

// rollOn walks the ledger's key from the mark on: taken are the next transfers
// of any account, moves those among them that concern revenue.
const rollOn = `
	with taken as materialized (
	    select id, debit, credit from ledger_transfer
	     where period = $2 and id > $3 and id < $4 order by id limit $5),
	moves as materialized (` + move + `
	      from ledger_transfer t
	     where t.period = $2 and t.id in (select id from taken where debit = 'revenue' or credit = 'revenue')),` + splitRevenue + `,
	added as (
	    insert into insight_revenue (day, kind, branch, currency, amount)
	    select day, kind, branch, currency, sum(amount) from parts group by day, kind, branch, currency having sum(amount) <> 0
	    on conflict (day, kind, branch, currency) do update set amount = insight_revenue.amount + excluded.amount)
	select count(*), coalesce(max(id::text)::uuid, $3) from taken`

func rollPeriod(ctx context.Context, tx tenant.Tx, zone *time.Location, period calendar.Date, bound uuid.UUID) (n int, err error) {
	if _, err := tx.Exec(ctx, `insert into insight_mark (period, through) values ($1, $2) on conflict (period) do nothing`, period, uuid.Nil); err != nil {
		return 0, err
	}
	var through uuid.UUID
	err = tx.QueryRow(ctx, `select through from insight_mark where period = $1 for update skip locked`, period).Scan(&through)
	if errors.Is(err, pgx.ErrNoRows) {
		return 0, nil
	}
	if err != nil {
		return 0, err
	}
	if err := tx.QueryRow(ctx, rollOn, zone.String(), period, through, bound, rollAtOnce).Scan(&n, &through); err != nil || n == 0 {
		return 0, err
	}
	_, err = tx.Exec(ctx, `update insight_mark set through = $2 where period = $1`, period, through)
	return n, err
}
