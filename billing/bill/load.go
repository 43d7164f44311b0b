package bill

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"tollhouse/billing/calendar"
	"tollhouse/billing/catalog"
	"tollhouse/billing/tenant"
)

// load completes due accounts with their subscriptions, charges and
// allowances, in a number of statements that doesn't grow with the accounts.
func (f *frame) load(ctx context.Context, tx tenant.Tx, due []dueAccount) ([]*openCycle, error) {
	asked := len(due)
	children, parents, err := f.loadChildren(ctx, tx, due)
	if err != nil {
		return nil, err
	}
	due = append(due[:asked:asked], children...)
	cycles, byID := make([]*openCycle, len(due)), make(map[uuid.UUID]*openCycle, len(due))
	ids, starts := make([]uuid.UUID, len(due)), make([]calendar.Date, len(due))
	for i, a := range due {
		cycles[i] = &openCycle{dueAccount: a}
		byID[a.ID], ids[i], starts[i] = cycles[i], a.ID, a.Cycle.From
	}
	if len(due) == 0 {
		return nil, nil
	}
	if err := loadSubscriptions(ctx, tx, ids, byID); err != nil {
		return nil, err
	}
	if err := loadDiscounts(ctx, tx, byID); err != nil {
		return nil, err
	}
	if err := f.loadCharges(ctx, tx, ids, starts, byID); err != nil {
		return nil, err
	}
	if err := f.loadAllowances(ctx, tx, ids, due, byID); err != nil {
		return nil, err
	}
	if err := loadCommitments(ctx, tx, ids, byID); err != nil {
		return nil, err
	}
	if err := loadItems(ctx, tx, due, byID); err != nil {
		return nil, err
	}
	if err := loadPast(ctx, tx, byID); err != nil {
		return nil, err
	}
	if err := f.loadQuotes(ctx, tx, ids); err != nil {
		return nil, err
	}
	if err := f.loadOfferings(ctx, tx, cycles); err != nil {
		return nil, err
	}
	for i, parent := range parents {
		byID[parent].children = append(byID[parent].children, cycles[asked+i])
	}
	return cycles[:asked], nil
}

// The identities are gathered by joins and not subscription by subscription:
// where the tables have no statistics yet, the planner would read all
// identities for each. subscription_account, service_subscription and
// service_identity_service keep it an index walk.
const selectSubscriptions = `
	with taken as materialized (
	    select s.id, s.account_id, s.offering_id, s.activated_at, s.terminated_at, s.charged_through, s.setup_charged, s.deferred, s.created_at,
	           s.pays_fees, s.part_of, s.pauses
	    from subscription s
	    where s.account_id = any ($1) and s.activated_at is not null),
	known as (
	    select t.id, string_agg(i.value, ', ' order by i.valid_from, i.value) as identities
	    from taken t
	    join service v on v.subscription_id = t.id
	    join service_identity i on i.service_id = v.id
	    where i.kind <> 'imsi' and (i.valid_to is null or i.valid_to > t.activated_at)
	    group by t.id)
	select t.id, t.account_id, t.offering_id, t.activated_at, t.terminated_at, t.charged_through, t.setup_charged, t.deferred,
	       t.created_at, t.pays_fees, t.part_of, coalesce(k.identities, ''), t.pauses
	from taken t
	left join known k on k.id = t.id
	order by t.account_id, t.created_at, t.id`

func loadSubscriptions(ctx context.Context, tx tenant.Tx, ids []uuid.UUID, byID map[uuid.UUID]*openCycle) error {
	rows, err := tx.Query(ctx, selectSubscriptions, ids)
	if err != nil {
		return fmt.Errorf("load subscriptions: %w", err)
	}
	list, err := pgx.CollectRows(rows, pgx.RowToStructByPos[subscription])
	if err != nil {
		return fmt.Errorf("load subscriptions: %w", err)
	}
	for _, s := range list {
		byID[s.Account].subscriptions = append(byID[s.Account].subscriptions, s)
	}
	return nil
}

// charge_cycle finds an account's charges of a cycle; they are summed there,
// so that what is read does not grow with usage. Days on which a rate of tax
// changes part a line in two. Each account is summed up by itself, so that the
// way to its charges is the index whatever is known of the table. What came
// late is only found here and summed by selectLate: it is rare, and what it
// needs would cost every charge.
const selectCharges = `
	select due.account_id, s.subscription_id, s.offering_id, s.kind, s.line_code, s.unit, s.tax_category, due.cycle_start,
	       s.quantity, s.allowance, s.price, s.net, s.tax, s.events, null::uuid, null::date, s.first_at, s.late
	from unnest($1::uuid[], $2::date[], $4::timestamptz[]) as due (account_id, cycle_start, since)
	cross join lateral (
	    select c.subscription_id, c.offering_id, c.kind, c.line_code, c.unit, c.tax_category,
	           c.corrects_id is not null or c.own_cycle is not null and c.at < due.since as late,
	           sum(c.quantity) as quantity, sum(c.allowance) as allowance, sum(c.price) as price, sum(c.net) as net, sum(c.tax) as tax, count(*) as events,
	           min(c.at) as first_at
	    from charge c
	    where c.account_id = due.account_id and c.cycle_start = due.cycle_start
	    group by 1, 2, 3, 4, 5, 6, 7, width_bucket(c.at, $3::timestamptz[])) as s`

// Late usage of a cycle and corrections of it are one thing to a customer.
const selectLate = `
	select c.account_id, c.subscription_id, c.offering_id, 'correction', c.line_code, c.unit, c.tax_category, coalesce(c.own_cycle, c.cycle_start),
	       sum(c.quantity), sum(c.allowance), sum(c.price), sum(c.net), sum(c.tax), count(*),
	       (array_agg(coalesce(c.corrects_id, c.id)))[1], (array_agg(coalesce(c.corrects_period, c.period)))[1], min(c.at), false
	from unnest($1::uuid[], $2::date[], $4::timestamptz[]) as due (account_id, cycle_start, since)
	join charge c on c.account_id = due.account_id and c.cycle_start = due.cycle_start
	where c.corrects_id is not null or c.own_cycle is not null and c.at < due.since
	group by 1, 2, 3, 5, 6, 7, 8, width_bucket(c.at, $3::timestamptz[])`

// since are the first instants of days.
func (f *frame) since(days []calendar.Date) []time.Time {
	known, list := map[calendar.Date]time.Time{}, make([]time.Time, len(days))
	for i, day := range days {
		at, seen := known[day]
		if !seen {
			at = day.Start(f.profile.Zone)
			known[day] = at
		}
		list[i] = at
	}
	return list
}

func (f *frame) loadCharges(ctx context.Context, tx tenant.Tx, ids []uuid.UUID, starts []calendar.Date, byID map[uuid.UUID]*openCycle) error {
	bounds, since := f.rateBounds(byID), f.since(starts)
	list, err := sumCharges(ctx, tx, selectCharges, ids, starts, bounds, since)
	if err != nil {
		return err
	}
	late := map[uuid.UUID]bool{}
	for _, c := range list {
		if c.late {
			late[c.Account] = true
		} else {
			byID[c.Account].charges = append(byID[c.Account].charges, c.chargeSum)
		}
	}
	if err := f.loadLate(ctx, tx, late, byID, bounds); err != nil {
		return err
	}
	for _, c := range byID {
		slices.SortFunc(c.charges, chargeSum.compare)
	}
	return nil
}

// loadLate adds what accounts have that came late or corrects what was.
func (f *frame) loadLate(ctx context.Context, tx tenant.Tx, accounts map[uuid.UUID]bool, byID map[uuid.UUID]*openCycle, bounds []time.Time) error {
	if len(accounts) == 0 {
		return nil
	}
	ids, starts := make([]uuid.UUID, 0, len(accounts)), make([]calendar.Date, 0, len(accounts))
	for id := range accounts {
		ids, starts = append(ids, id), append(starts, byID[id].Cycle.From)
	}
	list, err := sumCharges(ctx, tx, selectLate, ids, starts, bounds, f.since(starts))
	for _, c := range list {
		byID[c.Account].charges = append(byID[c.Account].charges, c.chargeSum)
	}
	return err
}

// foundSum is a sum of charges, or a sign that some came late.
type foundSum struct {
	chargeSum
	late bool
}

func sumCharges(ctx context.Context, tx tenant.Tx, statement string, ids []uuid.UUID, starts []calendar.Date, bounds, since []time.Time) ([]foundSum, error) {
	rows, err := tx.Query(ctx, statement, ids, starts, bounds, since)
	if err != nil {
		return nil, fmt.Errorf("load charges: %w", err)
	}
	list, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (s foundSum, err error) {
		err = row.Scan(&s.Account, &s.Subscription, &s.Offering, &s.Kind, &s.Code, &s.Unit, &s.Category, &s.OwnCycle,
			&s.Quantity, &s.Allowance, &s.Price, &s.Net, &s.Tax, &s.Events, &s.Corrects, &s.CorrectsPeriod, &s.First, &s.late)
		return s, err
	})
	if err != nil {
		return nil, fmt.Errorf("load charges: %w", err)
	}
	return list, nil
}

// compare puts an account's sums in a fixed order, in which their lines are
// printed. They are sorted here, as the database sums them up unsorted.
func (s chargeSum) compare(o chargeSum) int {
	return cmp.Or(bytes.Compare(s.Subscription[:], o.Subscription[:]), s.OwnCycle.Compare(o.OwnCycle), cmp.Compare(s.Code, o.Code),
		bytes.Compare(s.Offering[:], o.Offering[:]), cmp.Compare(s.Kind, o.Kind), cmp.Compare(s.Unit, o.Unit), cmp.Compare(s.Category, o.Category), s.First.Compare(o.First))
}

// What an allowance's end took was not used, nor what rolled over to a bucket of
// its own, which is told of from then on.
const selectAllowances = `
	select b.account_id, b.subscription_id, b.code, b.unit, b.initial,
	       b.initial - b.value - b.expired - coalesce(r.initial, 0)
	from unnest($1::uuid[], $2::timestamptz[], $3::timestamptz[]) as due (account_id, cycle_from, cycle_to)
	join bucket b on b.account_id = due.account_id
	left join bucket r on r.rolled_from = b.id
	left join bucket p on p.id = b.rolled_from
	where b.origin = 'allowance' and b.unit in ('second', 'byte', 'event')
	  and coalesce(p.expires_at, b.valid_from) < due.cycle_to and b.expires_at > due.cycle_from
	order by b.account_id, b.subscription_id, b.priority, b.code, b.id`

func (f *frame) loadAllowances(ctx context.Context, tx tenant.Tx, ids []uuid.UUID, due []dueAccount, byID map[uuid.UUID]*openCycle) error {
	froms, tos := make([]time.Time, len(due)), make([]time.Time, len(due))
	for i, a := range due {
		froms[i], tos[i] = a.Cycle.Instants(f.profile.Zone)
	}
	rows, err := tx.Query(ctx, selectAllowances, ids, froms, tos)
	if err != nil {
		return fmt.Errorf("load allowances: %w", err)
	}
	list, err := pgx.CollectRows(rows, pgx.RowToStructByPos[allowanceUse])
	if err != nil {
		return fmt.Errorf("load allowances: %w", err)
	}
	for _, a := range list {
		byID[a.Account].allowances = append(byID[a.Account].allowances, a)
	}
	return nil
}

// loadOfferings reads the sold versions' documents, each once a chunk. They
// are immutable.
func (f *frame) loadOfferings(ctx context.Context, tx tenant.Tx, cycles []*openCycle) error {
	var missing []uuid.UUID
	seen := map[uuid.UUID]bool{}
	want := func(id uuid.UUID) {
		if _, known := f.offerings[id]; !known && !seen[id] {
			seen[id], missing = true, append(missing, id)
		}
	}
	for _, c := range cycles {
		for _, s := range c.subscriptions {
			want(s.Offering)
		}
		for _, s := range c.charges {
			want(s.Offering)
		}
	}
	if len(missing) == 0 {
		return nil
	}
	rows, err := tx.Query(ctx, `select id, document from offering_version where id = any ($1)`, missing)
	if err != nil {
		return fmt.Errorf("load offerings: %w", err)
	}
	var id uuid.UUID
	var document json.RawMessage
	_, err = pgx.ForEachRow(rows, []any{&id, &document}, func() error {
		var o catalog.Offering
		if err := json.Unmarshal(document, &o); err != nil {
			return fmt.Errorf("offering version %s: %w", id, err)
		}
		f.offerings[id] = o
		return nil
	})
	if err != nil {
		return err
	}
	return f.loadExchange(ctx, tx)
}
