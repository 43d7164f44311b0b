package charging

import (
	"context"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgtype"

	"tollhouse/billing/calendar"
	"tollhouse/billing/money"
	"tollhouse/billing/tenant"
)

// counterKey is whose tiers in which cycle.
type counterKey struct {
	subscription uuid.UUID
	cycleStart   calendar.Date
}

// counters are the tier counters of a chunk's subscriptions, and what changed.
type counters struct {
	values  map[counterKey]map[string]int64
	changed map[counterKey]map[string]bool
}

// The rows need no lock: their accounts are locked, and nobody counts
// without that.
const selectCounters = `
	select subscription_id, cycle_start, code, quantity
	from usage_counter
	where subscription_id = any($1) and cycle_start >= $2`

// loadCounters reads the counters of subscriptions from a cycle start on.
func loadCounters(ctx context.Context, tx tenant.Tx, subscriptions []pgtype.UUID, from calendar.Date) (*counters, error) {
	c := &counters{values: map[counterKey]map[string]int64{}, changed: map[counterKey]map[string]bool{}}
	if len(subscriptions) == 0 {
		return c, nil
	}
	rows, err := tx.Query(ctx, selectCounters, planned, subscriptions, from)
	if err != nil {
		return nil, fmt.Errorf("read usage counters: %w", err)
	}
	_, err = pgx.CollectRows(rows, func(row pgx.CollectableRow) (struct{}, error) { return struct{}{}, c.scan(row) })
	if err != nil {
		return nil, fmt.Errorf("read usage counters: %w", err)
	}
	return c, nil
}

// queueCounters does what loadCounters does with a flow's next trip.
func queueCounters(f *tenant.Flow, subscriptions []pgtype.UUID, from calendar.Date) *counters {
	c := &counters{values: map[counterKey]map[string]int64{}, changed: map[counterKey]map[string]bool{}}
	if len(subscriptions) > 0 {
		f.Query(selectCounters, []any{subscriptions, from}, c.scan)
	}
	return c
}

func (c *counters) scan(row pgx.CollectableRow) error {
	var key counterKey
	var code string
	var quantity money.Decimal
	if err := row.Scan(&key.subscription, &key.cycleStart, &code, &quantity); err != nil {
		return err
	}
	n, err := quantity.Int64()
	c.of(key)[code] = n
	return err
}

func (c *counters) of(key counterKey) map[string]int64 {
	values := c.values[key]
	if values == nil {
		values = map[string]int64{}
		c.values[key] = values
	}
	return values
}

func (c *counters) add(key counterKey, counted map[string]int64) {
	values := c.of(key)
	for code, n := range counted {
		values[code] += n
		if c.changed[key] == nil {
			c.changed[key] = map[string]bool{}
		}
		c.changed[key][code] = true
	}
}

const upsertCounters = `
	insert into usage_counter (subscription_id, code, cycle_start, quantity)
	select n.subscription_id, n.code, n.cycle_start, n.quantity
	from unnest($1::uuid[], $2::text[], $3::date[], $4::numeric[]) as n (subscription_id, code, cycle_start, quantity)
	on conflict (subscription_id, code, cycle_start) do update set quantity = excluded.quantity`

// write stores the totals of what changed.
func (c *counters) write(ctx context.Context, tx tenant.Tx) error {
	if len(c.changed) == 0 {
		return nil
	}
	if _, err := tx.Exec(ctx, upsertCounters, c.arguments()...); err != nil {
		return fmt.Errorf("write usage counters: %w", err)
	}
	return nil
}

// queue does what write does with a flow's next trip.
func (c *counters) queue(f *tenant.Flow) {
	if len(c.changed) > 0 {
		f.Exec(upsertCounters, c.arguments()...)
	}
}

func (c *counters) arguments() []any {
	var (
		subscriptions []uuid.UUID
		codes         []string
		starts        []time.Time
		quantities    []money.Decimal
	)
	for key, changed := range c.changed {
		for code := range changed {
			subscriptions, codes = append(subscriptions, key.subscription), append(codes, code)
			starts = append(starts, key.cycleStart.Start(time.UTC))
			quantities = append(quantities, money.NewDecimal(c.values[key][code]))
		}
	}
	return []any{subscriptions, codes, starts, quantities}
}

const carryCounters = `
	insert into usage_counter (subscription_id, code, cycle_start, quantity)
	select $2, code, cycle_start, quantity
	from usage_counter
	where subscription_id = $1 and cycle_start = $3 and (code = any ($4) or position('/' in code) > 0)
	on conflict (subscription_id, code, cycle_start) do nothing`

// CarryCounters lets a cycle's tiers go on in the subscription that takes
// another's place within it: those of its options, and of the plan those with
// the codes given. Use from before the change that comes later counts where it
// was used. The account is locked.
func CarryCounters(ctx context.Context, tx tenant.Tx, from, to uuid.UUID, cycle calendar.Date, codes []string) error {
	if _, err := tx.Exec(ctx, carryCounters, from, to, cycle, codes); err != nil {
		return fmt.Errorf("carry usage counters of subscription %s: %w", from, err)
	}
	return nil
}
