package fleet

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"

	"tollhouse/billing/calendar"
	"tollhouse/provisioning"
	"tollhouse/tenants"
)

// stock is how much of something a cloud has, at its tighter end: our quota, or
// what its hypervisors carry.
type stock struct {
	Has, Used int64 // Has below zero: no limit is set
	Largest   int64 // of one hypervisor; zero: the quota is the tighter end
}

func (s stock) free() int64 { return s.Has - s.Used }

// stockOf gathers a cloud's room by what there is of it.
func stockOf(room provisioning.Room) map[string]stock {
	found := map[string]stock{}
	for _, h := range room.Hypervisors {
		if !h.Up {
			continue
		}
		for _, a := range h.Amounts {
			s := found[a.What]
			s.Has, s.Used, s.Largest = s.Has+max(a.Limit, 0), s.Used+a.Used, max(s.Largest, a.Limit)
			found[a.What] = s
		}
	}
	for _, q := range room.Quotas {
		quota := stock{Has: q.Limit, Used: q.Used}
		carried, known := found[q.What]
		if !known || quota.Has >= 0 && quota.free() < carried.free() {
			found[q.What] = quota
		}
	}
	return found
}

// Capacity is how much there is of something in a cloud, and how long it lasts.
type Capacity struct {
	What     string
	Has      int64 // below zero: no limit is set
	Used     int64
	Reserved int64 // promised: what schedules and rules may bring, and what is on its way
	Grew     int64 // in the days below
	Days     int   // that the growth is counted over; zero: too few days are known
	RunsOut  *calendar.Date
	// Buy is how much more there should be for the next 90 days; zero: enough.
	Buy      int64
	Machines int64 // hypervisors as large as the largest; zero: the quota is to be raised
}

// Free is what is neither used nor promised.
func (c Capacity) Free() int64 { return c.Has - c.Used - c.Reserved }

const (
	growthOver = 28 // days that growth is counted over, at most
	growthFrom = 3  // and at least
	buyFor     = 90 // days that a purchase should last
)

// CapacityOf is a cloud's capacity as it was seen last. Growth is the straight
// line from the oldest day of the last four weeks to now.
func CapacityOf(ctx context.Context, tx tenants.Tx, view CloudView) ([]Capacity, error) {
	if view.Room == nil {
		return nil, nil
	}
	reserved, err := reservedIn(ctx, tx, view.Name, *view.Room)
	if err != nil {
		return nil, err
	}
	today := calendar.DateOf(tx.At, time.UTC)
	rows, err := tx.Query(ctx, `
		select distinct on (what) what, day, used
		  from capacity_day
		 where cloud = $1 and day >= $2
		 order by what, day`, view.Name, today.AddDays(-growthOver))
	if err != nil {
		return nil, fmt.Errorf("read growth of cloud %s: %w", view.Name, err)
	}
	type past struct {
		day  calendar.Date
		used int64
	}
	oldest := map[string]past{}
	var what string
	var p past
	if _, err := pgx.ForEachRow(rows, []any{&what, &p.day, &p.used}, func() error { oldest[what] = p; return nil }); err != nil {
		return nil, fmt.Errorf("read growth of cloud %s: %w", view.Name, err)
	}
	var list []Capacity
	for what, s := range stockOf(*view.Room) {
		c := Capacity{What: what, Has: s.Has, Used: s.Used, Reserved: reserved[what]}
		if before, known := oldest[what]; known && before.day.DaysUntil(today) >= growthFrom {
			c.Days, c.Grew = before.day.DaysUntil(today), s.Used-before.used
		}
		c.forecast(today, s.Largest)
		list = append(list, c)
	}
	slices.SortFunc(list, func(a, b Capacity) int { return cmp.Compare(a.What, b.What) })
	return list, nil
}

// forecast says when it runs out at this growth, and what to buy.
func (c *Capacity) forecast(today calendar.Date, largest int64) {
	if c.Has < 0 {
		return
	}
	free := max(c.Free(), 0)
	grows := int64(0)
	if c.Days > 0 && c.Grew > 0 {
		days := free * int64(c.Days) / c.Grew
		if days <= 3650 {
			out := today.AddDays(int(days))
			c.RunsOut = &out
		}
		grows = (c.Grew*buyFor + int64(c.Days) - 1) / int64(c.Days)
	}
	c.Buy = max(grows-c.Free(), 0)
	if c.Buy > 0 && largest > 0 {
		c.Machines = (c.Buy + largest - 1) / largest
	}
}

// reservedIn is what is promised in a cloud and not taken yet: what schedules
// and rules may bring to its sites, and those that are on their way.
func reservedIn(ctx context.Context, tx tenants.Tx, cloud string, room provisioning.Room) (map[string]int64, error) {
	offers, err := Offers(ctx, tx)
	if err != nil {
		return nil, err
	}
	rows, err := tx.Query(ctx, `
		select `+siteColumns+`
		  from site
		 where cloud = $1 and state not in ('closing', 'removing', 'removed', 'clearing', 'cleared')`, cloud)
	if err != nil {
		return nil, fmt.Errorf("list sites of cloud %s: %w", cloud, err)
	}
	sites, err := pgx.CollectRows(rows, scanSite)
	if err != nil {
		return nil, fmt.Errorf("list sites of cloud %s: %w", cloud, err)
	}
	b, reserved := bookOf(offers), map[string]int64{}
	for _, s := range sites {
		wants, err := need(s.Want.peak(b, s.Shape), room.Flavors)
		if err != nil {
			continue // a flavour that the cloud dropped: nothing can be said
		}
		taken := map[string]int64{}
		if s.Made > 0 {
			if taken, err = need(s.Shape, room.Flavors); err != nil {
				continue
			}
		}
		for what, n := range wants {
			reserved[what] += max(n-taken[what], 0)
		}
	}
	return reserved, nil
}

// keepDay writes down what a cloud has today; the last word of a day stays.
func (r *Reconciler) keepDay(ctx context.Context, tx tenants.Tx, cloud string, room provisioning.Room) error {
	reserved, err := reservedIn(ctx, tx, cloud, room)
	if err != nil {
		return err
	}
	today := calendar.DateOf(tx.At, time.UTC)
	for what, s := range stockOf(room) {
		if s.Has < 0 || s.Used < 0 {
			continue
		}
		_, err := tx.Exec(ctx, `
			insert into capacity_day (cloud, day, what, has, used, reserved)
			values ($1, $2, $3, $4, $5, $6)
			on conflict (cloud, day, what) do update set has = excluded.has, used = excluded.used, reserved = excluded.reserved`,
			cloud, today, what, s.Has, s.Used, reserved[what])
		if err != nil {
			return fmt.Errorf("keep capacity of cloud %s: %w", cloud, err)
		}
	}
	return nil
}

// Day is what there was of something at the end of a day.
type Day struct {
	Day                 calendar.Date
	What                string
	Has, Used, Reserved int64
}

// Days lists what a cloud had, from a day on.
func Days(ctx context.Context, tx tenants.Tx, cloud string, from calendar.Date) ([]Day, error) {
	rows, err := tx.Query(ctx, `
		select day, what, has, used, reserved from capacity_day where cloud = $1 and day >= $2 order by what, day`, cloud, from)
	if err != nil {
		return nil, fmt.Errorf("list days of cloud %s: %w", cloud, err)
	}
	days, err := pgx.CollectRows(rows, pgx.RowToStructByPos[Day])
	if err != nil {
		return nil, fmt.Errorf("list days of cloud %s: %w", cloud, err)
	}
	return days, nil
}

// Guaranteed is how many charges a second the sizes of a cloud's sites carry in
// all: what is promised by contract stays below.
func Guaranteed(ctx context.Context, tx tenants.Tx, cloud string) (sum int64, err error) {
	err = tx.QueryRow(ctx, `
		select coalesce(sum(o.guarantee), 0)::bigint
		  from site s
		  join site_offer o on o.name = s.want ->> 'size'
		 where s.cloud = $1 and s.state not in ('removing', 'removed', 'clearing', 'cleared')`, cloud).Scan(&sum)
	if err != nil {
		return 0, fmt.Errorf("sum guarantees of cloud %s: %w", cloud, err)
	}
	return sum, nil
}
