package billing

import (
	"context"
	"fmt"
	"testing"
	"time"

	"tollhouse/billing/calendar"
	"tollhouse/billing/desk"
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
	if _, err := w.Admin.Exec(t.Context(), `update `+w.TenantDB.Ref.Slot.Schema()+`.operator set events_kept = true`); err != nil {
		t.Fatal(err)
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
	if got := w.text(`select type || ' ' || (data ->> 'charges') || ' ' || (data -> 'gross' ->> 'amount') || ' ' || (data ->> 'from') from event where object = 'rerating'`); got != "rerating.applied 2 8.00 2026-07-11" {
		t.Errorf("webhooks tell %q", got)
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
