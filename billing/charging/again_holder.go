package charging

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgtype"

	"tollhouse/billing/calendar"
	"tollhouse/billing/catalog"
	"tollhouse/billing/tenant"
)

// successor is a subscription that has taken another's place, and from when.
type successor struct {
	id   uuid.UUID
	from time.Time
}

// plan_change_subscription finds each next one.
const selectSuccessors = `
	with recursive line (first, id, step) as (
	    select c.subscription_id, c.new_subscription_id, 1
	      from plan_change as c where c.subscription_id = any ($1) and c.state = 'done'
	    union all
	    select line.first, c.new_subscription_id, line.step + 1
	      from line join plan_change as c on c.subscription_id = line.id and c.state = 'done')
	select line.first, s.id, s.activated_at
	from line join subscription as s on s.id = line.id
	order by line.first, line.step`

// loadSuccessors reads which subscriptions have taken the place of some, one
// after the other.
func loadSuccessors(ctx context.Context, tx tenant.Tx, subscriptions []pgtype.UUID) (map[uuid.UUID][]successor, error) {
	rows, err := tx.Query(ctx, selectSuccessors, subscriptions)
	if err != nil {
		return nil, fmt.Errorf("read what took subscriptions' places: %w", err)
	}
	found := map[uuid.UUID][]successor{}
	var first uuid.UUID
	var next successor
	_, err = pgx.ForEachRow(rows, []any{&first, &next.id, &next.from}, func() error {
		found[first] = append(found[first], next)
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("read what took subscriptions' places: %w", err)
	}
	return found, nil
}

// loadHolders adds the subscriptions that have taken the place of those that
// used something, and the offerings of all that are in such a line.
func (a *again) loadHolders(ctx context.Context, tx tenant.Tx, counting map[uuid.UUID]bool) (err error) {
	if a.successors, err = loadSuccessors(ctx, tx, keys(counting)); err != nil {
		return err
	}
	inLine := map[uuid.UUID]bool{}
	for first, line := range a.successors {
		inLine[first] = true
		for _, next := range line {
			counting[next.id], inLine[next.id] = true, true
		}
	}
	if a.plans, err = loadPlans(ctx, tx, keys(counting)); err != nil {
		return err
	}
	var versions []uuid.UUID
	for id := range inLine {
		if version := a.plans[id].offering; !slices.Contains(versions, version) {
			versions = append(versions, version)
		}
	}
	a.inLine, err = catalog.LoadVersions(ctx, tx, versions)
	return err
}

// at decides whose use it was, as when it was charged: a piece of a session goes
// by its own end.
func (u *Used) at() time.Time {
	if u.Session != uuid.Nil {
		return u.Record.End
	}
	return u.Record.Start
}

// holderAt is the subscription that holds the place of a use's own at the use,
// as things stand now; uuid.Nil: its own.
func (a *again) holderAt(one *Used) (holder uuid.UUID) {
	for _, next := range a.successors[one.Was.Charge.SubscriptionID] {
		if next.from.After(one.at()) {
			break
		}
		holder = next.id
	}
	return holder
}

// subscriptionOf is by whose plan a use is priced on this basis.
func (b Basis) subscriptionOf(one *Used) uuid.UUID {
	if b.Holder != uuid.Nil {
		return b.Holder
	}
	return one.Was.Charge.SubscriptionID
}

// basisOf is what a use is priced by anew: as is asked if it is chosen, else as
// it was the last time. Another version than the plan's counts where the use did.
func (a *again) basisOf(one *Used, chosen bool) (b Basis) {
	last := a.ask.Basis[one.Was.Charge.ID]
	switch {
	case !chosen || a.ask.TakeBack != nil:
		return last
	case a.ask.PresentDecks:
		b.Decks = a.now
	}
	if b.Offering, b.Holder = a.ask.Offering, last.Holder; b.Offering == uuid.Nil {
		b.Holder = a.holderAt(one)
	}
	return b
}

// planOf is what a use is priced by: what its holder had then or, where another
// version is asked for, with that in the place of the plan, or of the options of
// the same code.
func (a *again) planOf(one *Used, basis Basis) plan {
	had := a.plans[basis.subscriptionOf(one)]
	by := had.at(one.at())
	if basis.Offering == uuid.Nil {
		return by
	}
	asked := a.asked[basis.Offering]
	if !asked.OnTop() {
		by.offering = basis.Offering
		return by
	}
	for i := range by.options {
		for _, o := range had.options {
			if o.Offering == by.options[i] && o.Code == asked.Code {
				by.options[i] = basis.Offering
			}
		}
	}
	return by
}

// follows says whether some use is priced by the plan of another subscription
// than the one it was charged to.
func follows(used []*Used, uses []*use) bool {
	for i, one := range used {
		if uses[i].holder.subscription != one.Was.Charge.SubscriptionID {
			return true
		}
	}
	return false
}

// carrying lets tiers go on where a plan took another's place within a cycle, as
// they did when that was carried out.
type carrying struct {
	again *again
	// counts is what is counted anew; before, by successor, is whose place it took.
	counts *counters
	before map[uuid.UUID]uuid.UUID
	from   map[uuid.UUID]time.Time
	done   map[counterKey]bool
}

// carry begins counters again where uses follow another plan: those of a
// successor begin with nothing, or with what the one before had counted.
func (a *again) carry(counts *counters, used []*Used, uses []*use, payer *payer) *carrying {
	if !follows(used, uses) {
		return nil
	}
	c := &carrying{again: a, counts: counts, before: map[uuid.UUID]uuid.UUID{}, from: map[uuid.UUID]time.Time{}, done: map[counterKey]bool{}}
	for _, one := range used {
		before := one.Was.Charge.SubscriptionID
		for _, next := range a.successors[before] {
			c.before[next.id], c.from[next.id] = before, next.from
			before = next.id
		}
	}
	for i, one := range used {
		own := payer.ownCycle(one.Record.End, a.scene.zone)
		for _, id := range []uuid.UUID{one.Was.Charge.SubscriptionID, uses[i].holder.subscription} {
			c.reset(counterKey{id, own})
		}
	}
	return c
}

// reset lets a successor's counter begin with nothing.
func (c *carrying) reset(key counterKey) {
	if _, follows := c.before[key.subscription]; !follows {
		return
	}
	values := map[string]int64{}
	for code := range c.again.counters.of(key) {
		values[code] = 0
	}
	c.counts.values[key] = values
}

// begin hands the tiers of a cycle over, before the first use of a successor in it.
func (c *carrying) begin(key counterKey) {
	if c == nil || c.done[key] {
		return
	}
	c.done[key] = true
	before, follows := c.before[key.subscription]
	if !follows || !key.cycleStart.Before(calendar.DateOf(c.from[key.subscription], c.again.scene.zone)) {
		return // it had the cycle from its first day on
	}
	last := counterKey{before, key.cycleStart}
	c.begin(last)
	theirs, own := c.again.plans[before].offering, c.again.plans[key.subscription].offering
	had, has := c.again.inLine[theirs].Counters(), c.again.inLine[own].Counters()
	if c.counts.values[last] == nil { // nothing of it is priced again
		for code, n := range c.again.counters.of(last) {
			c.counts.of(last)[code] = n
		}
	}
	for code, n := range c.counts.of(last) {
		if unit, counted := has[code]; counted && had[code] == unit || strings.Contains(code, "/") {
			c.counts.of(key)[code] = n
		}
	}
}
