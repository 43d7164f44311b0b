package ledger

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"tollhouse/billing/calendar"
	"tollhouse/billing/tenant"
)

// snapAtOnce is how many transfers one transaction sums up.
const snapAtOnce = 20_000

// margin is how long before a mark a transfer's key must have been made for its
// transaction to be surely over when the mark has passed. Keys are made while a
// transaction is reckoned, some moments before it writes.
const margin = 30 * time.Second

// Snap sums up one portion of the transfers that no running transaction can
// add to any more: those whose key was made well before a mark that has passed
// (pg_snapshot_xmin is above its transaction). more says that there is more.
// Whoever sums up the same period at the same time is left to it.
func Snap(ctx context.Context, tx tenant.Tx, passed tenant.Mark) (more bool, err error) {
	zone, err := Zone(ctx, tx)
	if err != nil {
		return false, err
	}
	periods, err := Periods(ctx, tx)
	if err != nil {
		return false, err
	}
	bound := KeyAt(passed.WallAt.Add(-margin))
	for _, period := range periods {
		n, err := snapPeriod(ctx, tx, zone, period, bound)
		if err != nil {
			return false, fmt.Errorf("sum up the ledger of %s: %w", period, err)
		}
		if n == snapAtOnce {
			return true, nil
		}
	}
	return false, nil
}

// KeyAt is below every UUIDv7 made at an instant or later.
func KeyAt(at time.Time) (key uuid.UUID) {
	var millis [8]byte
	binary.BigEndian.PutUint64(millis[:], uint64(at.UnixMilli()))
	copy(key[:6], millis[2:])
	key[6] = 0x70
	return key
}

// months steps along the ledger's key from month to month.
const months = `
	months as (
	    (select period from ledger_transfer order by period limit 1)
	    union all
	    select (select t.period from ledger_transfer t where t.period > m.period order by t.period limit 1)
	      from months m where m.period is not null)`

// Periods lists the months that the ledger has.
func Periods(ctx context.Context, tx tenant.Tx) ([]calendar.Date, error) {
	rows, err := tx.Query(ctx, `with recursive`+months+` select period from months where period is not null`)
	if err != nil {
		return nil, fmt.Errorf("months of the ledger: %w", err)
	}
	return pgx.CollectRows(rows, pgx.RowTo[calendar.Date])
}

// snapOn walks the ledger's key from the mark on.
const snapOn = `
	with taken as materialized (
	    select id, (at at time zone $1)::date as day, debit, debit_id, credit, credit_id, amount, unit, event, legal_entity, branch
	      from ledger_transfer
	     where period = $2 and id > $3 and id < $4
	     order by id limit $5),
	side as (
	    select day, debit as kind, debit_id as id, unit, event, legal_entity, branch, amount as debit, 0 as credit from taken
	    union all
	    select day, credit, credit_id, unit, event, legal_entity, branch, 0, amount from taken),
	days as (
	    insert into ledger_day (day, kind, event, unit, legal_entity, branch, debit, credit)
	    select day, kind, event, unit, legal_entity, branch, sum(debit), sum(credit)
	      from side group by day, kind, event, unit, legal_entity, branch
	     order by day, kind, event, unit, legal_entity, branch
	    on conflict (day, kind, event, unit, legal_entity, branch) do update
	       set debit = ledger_day.debit + excluded.debit, credit = ledger_day.credit + excluded.credit),
	totals as (
	    insert into ledger_total (kind, id, unit, amount)
	    select kind, coalesce(id, '00000000-0000-0000-0000-000000000000'), unit, sum(debit - credit)
	      from side group by kind, id, unit
	     order by kind, id, unit
	    on conflict (kind, id, unit) do update set amount = ledger_total.amount + excluded.amount)
	select count(*), coalesce(max(id::text)::uuid, $3) from taken`

func snapPeriod(ctx context.Context, tx tenant.Tx, zone *time.Location, period calendar.Date, bound uuid.UUID) (n int, err error) {
	if _, err := tx.Exec(ctx, `insert into ledger_mark (period, through) values ($1, $2) on conflict (period) do nothing`, period, uuid.Nil); err != nil {
		return 0, err
	}
	var through uuid.UUID
	err = tx.QueryRow(ctx, `select through from ledger_mark where period = $1 for update skip locked`, period).Scan(&through)
	if errors.Is(err, pgx.ErrNoRows) {
		return 0, nil
	}
	if err != nil {
		return 0, err
	}
	if err := tx.QueryRow(ctx, snapOn, zone.String(), period, through, bound, snapAtOnce).Scan(&n, &through); err != nil || n == 0 {
		return 0, err
	}
	done, err := tx.Exec(ctx, `update ledger_mark set through = $2 where period = $1`, period, through)
	if err == nil && done.RowsAffected() != 1 {
		err = fmt.Errorf("%d marks moved, want 1", done.RowsAffected())
	}
	return n, err
}

// tail is what no snapshot holds yet. OFFSET 0 keeps the planner from reading
// whole months where it may step over what is summed up.
const tail = months + `,
	tail as (
	    select t.id, t.at, t.debit, t.debit_id, t.credit, t.credit_id, t.amount, t.unit, t.event, t.legal_entity, t.branch
	      from months m
	      left join ledger_mark k on k.period = m.period
	      cross join lateral (
	          select id, at, debit, debit_id, credit, credit_id, amount, unit, event, legal_entity, branch
	            from ledger_transfer
	           where period = m.period and id > coalesce(k.through, '00000000-0000-0000-0000-000000000000')
	          offset 0) t)`

// Days begins a query of the days' sums: snapshots and what came since. $1 is
// the operator's zone; days has day, kind, event, unit, legal_entity, branch,
// debit and credit.
const Days = `
	with recursive` + tail + `,
	days as (
	    select day, kind, event, unit, legal_entity, branch, debit, credit from ledger_day
	    union all
	    select (at at time zone $1)::date, debit, event, unit, legal_entity, branch, amount, 0 from tail
	    union all
	    select (at at time zone $1)::date, credit, event, unit, legal_entity, branch, 0, amount from tail)`
