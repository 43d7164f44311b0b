package billing

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/google/uuid"

	"tollhouse/billing/account"
	"tollhouse/billing/balance"
	"tollhouse/billing/calendar"
	"tollhouse/billing/desk"
	"tollhouse/billing/money"
	"tollhouse/billing/replay"
	"tollhouse/billing/tenant"
)

// usePlan is a plan of a fee of 31.00 whose gigabytes have a price.
func usePlan(code, rule, extra string) string {
	return fmt.Sprintf(`
code: %s
names: {en: Plan %s}
billing: postpaid
services: [mobile]
currency: EUR
tax: {category: standard, included: true}
prices: {recurring: [{code: fee-%s, names: {en: Fee %s}, amount: "31.00", months: 1, timing: advance, prorate: day}]}
usage:
  - {code: data, names: {en: Data}, kind: data, rules: [{code: bytes, destinations: ["*"], %s}]}
%s`, code, code, code, code, rule, extra)
}

func perGB(price string) string { return fmt.Sprintf(`price: "%s", per: 1 GB`, price) }

const gb = 1_000_000_000

// used is what an account's usage of a cycle costs, wherever it is billed.
func (w *world) used(c customer, cycle string) string {
	w.t.Helper()
	return w.text(`select round(coalesce(sum(price), 0), 2)::text from charge where account_id = $1 and usage_id is not null and coalesce(own_cycle, cycle_start) = $2`, c.ID, cycle)
}

// reratings are the states of what changes of plan brought about, in order.
func (w *world) reratings() string {
	w.t.Helper()
	return w.text(`select coalesce(string_agg(state || ' ' || charges::text, ', ' order by asked_at, id), '') from rerating where cause is not null`)
}

// Usage of an open period that came before a change of its past was told costs
// what the new plan asks from its day on.
func TestBackDated_usageOfTheOpenPeriod(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.publish(usePlan("a", perGB("1.00"), ""))
	w.publish(usePlan("b", perGB("3.00"), ""))
	c, other := w.connect("a"), w.connect("a")
	w.advance(w.day("2026-07-20"))
	for _, day := range []string{"2026-07-05", "2026-07-12", "2026-07-15"} {
		w.ingest(c.data(w.key(), w.day(day), 2*gb), other.data(w.key(), w.day(day), 2*gb))
	}
	var would desk.Change
	w.read(func(ctx context.Context, tx tenant.Tx) (err error) {
		would, err = desk.Preview(ctx, tx, w.Desk(), desk.NewChange{SubscriptionID: w.running(c), OfferingID: w.plans["b"], When: desk.OnDate, Day: calendar.DateOf(w.day("2026-07-11"), w.Zone)})
		return err
	})
	if would.PricedAnew != 2 {
		t.Errorf("%d charges would be priced anew, want 2", would.PricedAnew)
	}
	if _, err := w.changeWhen(c, "b", desk.OnDate, "2026-07-11"); err != nil {
		t.Fatal(err)
	}
	w.work()
	if got := w.reratings(); got != "applied 2" {
		t.Fatalf("re-ratings: %s", got)
	}
	if got, others := w.used(c, "2026-07-01"), w.used(other, "2026-07-01"); got != "14.00" || others != "6.00" {
		t.Errorf("used for %s, another for %s; want 2.00 + 6.00 + 6.00, and 6.00", got, others)
	}
	if got := w.text(`select string_agg(distinct reason, ',') from charge where account_id = $1 and kind = 'correction'`, c.ID); got != "Change of plan from 2026-07-11" {
		t.Errorf("the reason is %q", got)
	}
	if got := w.text(`select actor || ' ' || action || ' ' || (detail ->> 'gross') from audit where object = 'rerating'`); got != "job:rerating rerating.apply 8.00 EUR" {
		t.Errorf("the trace is %q", got)
	}
	w.ingest(c.data(w.key(), w.day("2026-07-20"), gb))
	if got := w.used(c, "2026-07-01"); got != "17.00" {
		t.Errorf("with one more, %s", got)
	}
	w.advance(w.day("2026-08-02"))
	if got := w.text(`select sum(price)::numeric(9, 2)::text from bill_line l where l.kind in ('usage', 'correction') and l.bill_id = (select id from bill where account_id = $1 order by cycle_start desc limit 1)`, c.ID); got != "17.00" {
		t.Errorf("July's bill asks %s: %s", got, w.lines(c))
	}
	if err := w.sums(); err != nil {
		t.Error(err)
	}
}

// What was billed stays: the difference is on the next bill, or in a credit note
// of the old one where it is below zero.
func TestBackDated_usageThatWasBilled(t *testing.T) {
	t.Parallel()
	for price, want := range map[string]struct{ july, line, notes string }{
		"3.00": {"8.00", "4.00", "0.00"},
		"0.25": {"2.50", "0.00", "1.50"},
	} {
		w := newWorld(t)
		w.publish(usePlan("a", perGB("1.00"), ""))
		w.publish(usePlan("b", perGB(price), ""))
		c := w.connect("a")
		w.advance(w.day("2026-07-20"))
		w.ingest(c.data(w.key(), w.day("2026-07-05"), 2*gb), c.data(w.key(), w.day("2026-07-15"), 2*gb))
		w.advance(w.day("2026-08-05"))
		w.ingest(c.data(w.key(), w.day("2026-08-03"), 4*gb))
		before := w.text(`select string_agg(number || ' ' || total::text, ',' order by number) from bill where account_id = $1`, c.ID)
		if _, err := w.changeWhen(c, "b", desk.OnDate, "2026-07-11"); err != nil {
			t.Fatal(err)
		}
		w.work()
		if got := w.reratings(); got != "applied 2" {
			t.Fatalf("re-ratings: %s", got)
		}
		if got := w.text(`select string_agg(number || ' ' || total::text, ',' order by number) from bill where account_id = $1`, c.ID); got != before {
			t.Errorf("bills were %s, are %s", before, got)
		}
		if got := w.used(c, "2026-07-01"); got != want.july {
			t.Errorf("at %s: July comes to %s, want %s", price, got, want.july)
		}
		w.advance(w.day("2026-09-02"))
		line := w.text(`select coalesce(sum(l.price), 0)::numeric(9, 2)::text from bill b join bill_line l on l.bill_id = b.id where b.account_id = $1 and b.kind = 'bill' and l.kind = 'correction' and l.period_from = '2026-07-01'`, c.ID)
		notes := w.text(`select coalesce(sum(l.price), 0)::numeric(9, 2)::text from bill b join bill_line l on l.bill_id = b.id where b.account_id = $1 and b.kind = 'credit_note'`, c.ID)
		if line != want.line || notes != want.notes {
			t.Errorf("at %s: the next bill corrects July by %s, credit notes by %s; want %s and %s", price, line, notes, want.line, want.notes)
		}
		if err := w.sums(); err != nil {
			t.Error(err)
		}
	}
}

// Several changes with effect from before in one day come to their result, also
// there and back.
func TestBackDated_changesOfOneDay(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		plans []string
		apart bool // each re-rating is worked before the next change
		want  string
	}{
		{[]string{"b", "c"}, true, "18.00"}, {[]string{"b", "c"}, false, "18.00"},
		{[]string{"b", "a"}, true, "6.00"}, {[]string{"b", "a"}, false, "6.00"},
		{[]string{"b", "a", "c", "b"}, true, "14.00"},
	} {
		w := newWorld(t)
		for plan, price := range map[string]string{"a": "1.00", "b": "3.00", "c": "4.00"} {
			w.publish(usePlan(plan, perGB(price), ""))
		}
		who := w.connect("a")
		w.advance(w.day("2026-07-20"))
		for _, day := range []string{"2026-07-05", "2026-07-12", "2026-07-15"} {
			w.ingest(who.data(w.key(), w.day(day), 2*gb))
		}
		for i, plan := range c.plans {
			w.SetClock(t, w.day("2026-07-20").Add(time.Duration(i+1)*time.Hour))
			if _, err := w.changeWhen(who, plan, desk.OnDate, "2026-07-11"); err != nil {
				t.Fatal(err)
			}
			if c.apart {
				w.work()
			}
		}
		w.work()
		if got := w.used(who, "2026-07-01"); got != c.want {
			t.Errorf("%v (apart %v): used for %s, want %s; %s", c.plans, c.apart, got, c.want, w.reratings())
		}
		if err := w.sums(); err != nil {
			t.Error(err)
		}
	}
}

// Tiers begin anew with the new plan, or go on where both count by one code, and
// its allowances are for the usage since, in every cycle.
func TestBackDated_tiersAndAllowances(t *testing.T) {
	t.Parallel()
	tiers := func(counter string) string {
		return fmt.Sprintf(`tiers: {kind: graduated, counter: %s, bands: [{to: 3 GB, price: "2.00", per: 1 GB}, {price: "1.00", per: 1 GB}]}`, counter)
	}
	for name, c := range map[string]struct{ rule, extra, july, august string }{
		"one counter":     {tiers("all"), "", "9.00", "12.00"},                                                                                                        // 2×2, then 2+1, 2×1; 2×3 and 6×1
		"another counter": {tiers("new"), "", "11.00", "12.00"},                                                                                                       // 2×2; 2×2 and 2+1
		"allowance":       {perGB("1.00"), `allowances: [{code: gb, names: {en: GB}, amount: 3 GB, kinds: [data], validity_months: 1, priority: 1}]`, "5.00", "6.00"}, // 4 less 3, 9 less 3
	} {
		w := newWorld(t)
		w.publish(usePlan("a", tiers("all"), ""))
		w.publish(usePlan("b", c.rule, c.extra))
		who := w.connect("a")
		w.advance(w.day("2026-07-20"))
		for _, day := range []string{"2026-07-05", "2026-07-12", "2026-07-15"} {
			w.ingest(who.data(w.key(), w.day(day), 2*gb))
		}
		w.advance(w.day("2026-08-05"))
		w.ingest(who.data(w.key(), w.day("2026-08-03"), 4*gb))
		if _, err := w.changeWhen(who, "b", desk.OnDate, "2026-07-11"); err != nil {
			t.Fatal(err)
		}
		w.work()
		w.ingest(who.data(w.key(), w.day("2026-08-05"), 5*gb))
		for cycle, want := range map[string]string{"2026-07-01": c.july, "2026-08-01": c.august} {
			if got := w.used(who, cycle); got != want {
				t.Errorf("%s: %s costs %s, want %s; %s", name, cycle, got, want, w.reratings())
			}
		}
		// a person who has all of it priced again changes nothing
		if r := w.again(replay.Choice{Subscription: w.running(who), Days: calendar.Period{From: calendar.DateOf(w.day("2026-07-01"), w.Zone), To: calendar.DateOf(w.day("2026-08-06"), w.Zone)}}); r.State != replay.Ready || r.Charges != 0 {
			t.Errorf("%s: priced again it is %s with %d charges", name, r.State, r.Charges)
		}
		if err := w.sums(); err != nil {
			t.Error(err)
		}
	}
}

// again has usage priced again because a person asks.
func (w *world) again(choice replay.Choice) (r replay.Rerating) {
	w.t.Helper()
	w.write(func(ctx context.Context, tx tenant.Tx) (err error) {
		r, err = replay.Propose(ctx, tx, replay.Proposal{Action: replay.PriceAgain, Choice: choice, By: "user:test"})
		return err
	})
	w.work()
	w.read(func(ctx context.Context, tx tenant.Tx) (err error) {
		r, err = replay.Get(ctx, tx, r.ID)
		return err
	})
	return r
}

// Above what the role of whoever changed the plan may adjust, a person applies it.
func TestBackDated_waitsAboveTheLimit(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.publish(usePlan("a", perGB("1.00"), ""))
	w.publish(usePlan("b", perGB("3.00"), ""))
	eight := money.NewDecimal(8)
	w.write(func(ctx context.Context, tx tenant.Tx) error {
		return balance.PutAdjustPolicy(ctx, tx, balance.AdjustPolicy{Limits: []balance.AdjustLimit{{Role: "clerk", Unit: "EUR", PerAct: eight, PerDay: eight}}}, "admin")
	})
	customers := map[int64]customer{4: w.connect("a"), 5: w.connect("a")}
	w.SetClock(t, w.day("2026-05-20"))
	for gigabytes, want := range map[int64]string{4: "applied 1 false", 5: "ready 1 true"} {
		c := customers[gigabytes]
		w.ingest(c.data(w.key(), w.day("2026-05-15"), gigabytes*gb))
		err := w.Stack.Write(t.Context(), func(ctx context.Context, tx tenant.Tx) error {
			_, err := w.ChangePlan(ctx, tx, desk.NewChange{ID: uuid.Must(uuid.NewV7()), SubscriptionID: w.running(c), OfferingID: w.plans["b"], By: "user:1", Role: "clerk",
				When: desk.OnDate, Day: calendar.DateOf(w.day("2026-05-11"), w.Zone)})
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		w.work()
		id := w.text(`select r.id::text from rerating r join plan_change c on c.id = r.cause where c.account_id = $1`, c.ID)
		if got := w.text(`select state || ' ' || charges || ' ' || waits from rerating where id = $1`, id); got != want {
			t.Errorf("%d GB: %s, want %s", gigabytes, got, want)
		}
		if want[:5] == "ready" {
			w.write(func(ctx context.Context, tx tenant.Tx) error {
				_, err := replay.Apply(ctx, tx, uuid.MustParse(id), "right", "user:2")
				return err
			})
			w.work()
		}
		if got, want := w.used(c, "2026-05-01"), fmt.Sprintf("%d.00", 3*gigabytes); got != want {
			t.Errorf("%d GB cost %s, want %s: %s", gigabytes, got, want, w.text(`select r.state || a.state || a.problem from rerating r left join rerating_account a on a.rerating_id = r.id where r.id = $1`, id))
		}
	}
	if err := w.sums(); err != nil {
		t.Error(err)
	}
}

// A part that is cut off leaves nothing, and ends exactly once however often it
// is begun again.
func TestBackDated_cutOffAnywhereEndsOnce(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.publish(usePlan("a", perGB("1.00"), ""))
	w.publish(usePlan("b", perGB("3.00"), ""))
	c := w.connect("a")
	w.advance(w.day("2026-07-20"))
	w.ingest(c.data(w.key(), w.day("2026-07-12"), 2*gb), c.data(w.key(), w.day("2026-07-15"), 2*gb))
	if _, err := w.changeWhen(c, "b", desk.OnDate, "2026-07-11"); err != nil {
		t.Fatal(err)
	}
	id := uuid.MustParse(w.text(`select id::text from rerating`))
	killed := errors.New("killed")
	for range 2 { // the step that begins, the one that applies
		for range 3 {
			_, err := replay.WorkRerating(t.Context(), func(ctx context.Context, fn func(context.Context, tenant.Tx) error) error {
				return w.Stack.Write(ctx, func(ctx context.Context, tx tenant.Tx) error { return errors.Join(fn(ctx, tx), killed) })
			}, w.Charging(), id, time.Now)
			if !errors.Is(err, killed) {
				t.Fatal(err)
			}
			if got := w.used(c, "2026-07-01"); got != "4.00" {
				t.Fatalf("killed before its end: used for %s", got)
			}
		}
		if _, err := replay.WorkRerating(t.Context(), w.Stack.Write, w.Charging(), id, time.Now); err != nil {
			t.Fatal(err)
		}
	}
	for range 2 {
		if again, err := replay.WorkRerating(t.Context(), w.Stack.Write, w.Charging(), id, time.Now); again || err != nil {
			t.Errorf("worked again: %v, %v", again, err)
		}
	}
	w.work()
	if got, n := w.used(c, "2026-07-01"), w.text(`select count(*)::text from charge where kind = 'correction'`); got != "12.00" || n != "2" {
		t.Errorf("used for %s with %s corrections, want 12.00 with 2", got, n)
	}
	// the same change told again brings no second one
	w.write(func(ctx context.Context, tx tenant.Tx) error {
		change, err := account.GetPlanChange(ctx, tx, uuid.MustParse(w.text(`select id::text from plan_change`)))
		if err != nil {
			return err
		}
		return replay.Follow(ctx, tx, change, "")
	})
	if n := w.text(`select count(*)::text from rerating`); n != "1" {
		t.Errorf("%s re-ratings", n)
	}
	if err := w.sums(); err != nil {
		t.Error(err)
	}
}
