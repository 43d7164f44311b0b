package billing

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"tollhouse/billing/account"
	"tollhouse/billing/calendar"
	"tollhouse/billing/desk"
	"tollhouse/billing/money"
	"tollhouse/billing/onboarding"
	"tollhouse/billing/payment"
	"tollhouse/billing/tenant"
)

// An option whose gigabytes last for longer than a cycle, for either plan, and
// one for the smaller plan alone.
const optionPlans = `
code: extra
names: {en: Extra}
kind: option
billing: postpaid
services: []
currency: EUR
tax: {category: standard, included: true}
option: {}
prices: {recurring: [{code: extra-fee, names: {en: Extra}, amount: "3.00", months: 1, timing: advance, prorate: day}]}
allowances: [{code: extra, names: {en: Extra GB}, amount: 2 GB, kinds: [data], validity_days: 40, priority: 1}]
usage:
  - {code: extra-calls, names: {en: Calls under Extra}, kind: voice, rules: [{code: extra-all, destinations: ["*"], price: "0.01", per: 1 min, increments: {first: 60 s, next: 60 s}}]}
`

const flexOnly = `
code: small
names: {en: Small}
kind: option
billing: postpaid
services: []
currency: EUR
tax: {category: standard, included: true}
option: {for: [flex]}
prices: {recurring: [{code: small-fee, names: {en: Small}, amount: "1.00", months: 1, timing: arrears, prorate: day}]}
allowances: [{code: small, names: {en: Small GB}, amount: 1 GB, kinds: [data], validity_days: 40, priority: 1}]
`

func (w *world) buy(c customer, option string) (id uuid.UUID) {
	w.t.Helper()
	base := w.base(c)
	w.write(func(ctx context.Context, tx tenant.Tx) error {
		placed, err := w.Desk().Place(ctx, tx, []onboarding.NewOrder{{OfferingID: w.plans[option], PartOf: &base, CreatedBy: "clerk"}})
		if err != nil {
			return err
		}
		done, err := w.Desk().Activate(ctx, tx, placed[0].ID)
		if err == nil {
			id = *done[0].SubscriptionID
		}
		return err
	})
	return id
}

func (w *world) base(c customer) (id uuid.UUID) {
	w.t.Helper()
	w.read(func(ctx context.Context, tx tenant.Tx) error {
		all, err := account.Subscriptions(ctx, tx, c.ID)
		for _, s := range all {
			if s.State != account.SubscriptionTerminated && s.Part == "" {
				id = s.ID
			}
		}
		return err
	})
	return id
}

// Under another plan that allows it an option goes on, its price, its fee and
// what its allowances have left with it; another ends with the old plan.
func TestPlanChange_optionsGoOnOrEnd(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for _, o := range []string{largerPlans, optionPlans, flexOnly} {
		w.publish(o)
	}
	c := w.connect("flex")
	w.advance(w.day("2026-05-10"))
	extra := w.buy(c, "extra")
	w.SetClock(t, w.day("2026-05-10").Add(time.Minute))
	small := w.buy(c, "small")
	w.work()
	w.ingest(c.data(w.key(), w.day("2026-05-11"), 500_000_000), c.call(w.key(), w.day("2026-05-11"), 60))
	if got := w.has(c); got["extra"] == "" || got["small"] == "" {
		t.Fatalf("there is %v", got)
	}
	var change desk.Change
	base := w.base(c)
	w.write(func(ctx context.Context, tx tenant.Tx) (err error) {
		n := desk.NewChange{ID: uuid.Must(uuid.NewV7()), SubscriptionID: base, OfferingID: w.plans["flex-xl"], By: "clerk"}
		if change, err = desk.Preview(ctx, tx, w.Desk(), n); err != nil {
			return err
		}
		_, err = desk.Schedule(ctx, tx, w.Desk(), n)
		return err
	})
	if len(change.Options) != 1 || change.Options[0].ID != small {
		t.Errorf("options that end: %+v", change.Options)
	}
	before := w.has(c)
	w.advance(w.day("2026-06-02"))
	got := w.has(c)
	if got["extra"] != before["extra"] || got["small"] != "" || got["package"] != "" || got["large"] != "10000000000" {
		t.Errorf("in June there is %v, before %v", got, before)
	}
	states := w.text(`select string_agg(v.code || ' ' || s.state, ', ' order by v.code, s.id) from subscription s join offering_version v on v.id = s.offering_id where s.account_id = $1`, c.ID)
	if states != "extra active, flex terminated, flex-xl active, small terminated" {
		t.Errorf("subscriptions: %s", states)
	}
	// June's calls have the option's price still; so have late ones of May, and late data of May the option's gigabytes
	w.ingest(c.call(w.key(), w.day("2026-06-03"), 120), c.call(w.key(), w.day("2026-05-30"), 180), c.data(w.key(), w.day("2026-05-31"), 100_000_000))
	if got := w.text(`select string_agg(trim_scale(price)::text, ' ' order by id) from charge where account_id = $1 and line_code = 'extra-calls'`, c.ID); got != "0.01 0.03 0.02" {
		t.Errorf("calls cost %s", got)
	}
	if n := w.text(`select count(*)::text from subscription where id = $1 and part_of = $2 and state = 'active'`, extra, w.base(c)); n != "1" {
		t.Error("the option is not on top of the new plan")
	}
	if err := w.sums(); err != nil {
		t.Error(err)
	}
}

// A plan that ends takes its options with it, and what both had left goes back
// after the late usage has come.
func TestTerminate_endsOptionsAndTheirAllowances(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.publish(optionPlans)
	c := w.connect("flex")
	w.advance(w.day("2026-05-10"))
	w.buy(c, "extra")
	w.work()
	w.ingest(c.data(w.key(), w.day("2026-05-10"), 500_000_000))
	w.SetClock(t, w.day("2026-05-12"))
	base := w.base(c)
	w.write(func(ctx context.Context, tx tenant.Tx) error { return w.Terminate(ctx, tx, base) })
	if got := w.has(c); got["extra"] != "" || got["package"] != "" {
		t.Errorf("after the end there is %v", got)
	}
	// late use of before still finds the allowances
	w.ingest(c.data(w.key(), w.day("2026-05-11"), 500_000_000))
	if got := w.text(`select sum(allowance)::bigint::text from charge where account_id = $1`, c.ID); got != "1000000000" {
		t.Errorf("allowances gave %s", got)
	}
	w.advance(w.day("2026-05-20"))
	if n := w.text(`select count(*)::text from bucket where account_id = $1 and origin = 'allowance' and value > 0`, c.ID); n != "0" {
		t.Errorf("%s allowances hold something still", n)
	}
	w.advance(w.day("2026-07-10"))
	if n := w.text(`select count(*)::text from bill_line l join bill b on b.id = l.bill_id where b.account_id = $1 and l.code in ('extra-fee', 'monthly') and l.period_from >= '2026-06-01'`, c.ID); n != "0" {
		t.Errorf("%s fees were billed for after the end", n)
	}
	if err := w.sums(); err != nil {
		t.Error(err)
	}
}

// Case "B: tiers": a tier table changed in mid-period splits by version. 80
// events of 1.00 to 100, then 0.50, and 40 of 2.00 to 100, then 0.75: the first
// 20 of the 40 fill the tier that both plans count.
func TestPlanChange_tiersSplitByVersion(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	plan := func(code, first, then string) string {
		return "code: " + code + `
names: {en: Tiers}
billing: postpaid
services: [mobile]
currency: EUR
tax: {category: standard, included: true}
usage:
  - code: messages
    names: {en: Messages}
    kind: message
    rules:
      - {code: any, destinations: ["*"], tiers: {kind: graduated, counter: all, bands: [{to: "100", price: "` + first + `", per: "1"}, {price: "` + then + `", per: "1"}]}}
`
	}
	w.publish(plan("old", "1.00", "0.50"))
	w.publish(plan("new", "2.00", "0.75"))
	c := w.connect("old")
	send := func(day string, n int64) {
		r := c.data(w.key(), w.day(day), n)
		r.Kind, r.Unit, r.Destination = "message", "event", "+4930"
		w.ingest(r)
	}
	send("2026-05-05", 80)
	w.SetClock(t, w.day("2026-05-16"))
	base := w.base(c)
	w.write(func(ctx context.Context, tx tenant.Tx) error {
		_, err := account.SchedulePlanChange(ctx, tx, account.PlanChange{ID: uuid.Must(uuid.NewV7()), AccountID: c.ID, SubscriptionID: base,
			From: w.plans["old"], To: w.plans["new"], TakesEffect: calendar.Date{Year: 2026, Month: time.May, Day: 16}, By: "clerk"})
		if err == nil {
			_, err = desk.CarryOut(ctx, tx, w.host.charging, calendar.Date{Year: 2026, Month: time.May, Day: 16}, 10)
		}
		return err
	})
	send("2026-05-20", 40)
	send("2026-05-06", 30) // late, of the old plan: 20 fill its first tier
	if got := w.text(`select string_agg(trim_scale(price)::text, ' ' order by id) from charge where account_id = $1`, c.ID); got != "80 55 25" {
		t.Errorf("charged %s, want 80, 20 × 2.00 + 20 × 0.75, 20 × 1.00 + 10 × 0.50", got)
	}
	if err := w.sums(); err != nil {
		t.Error(err)
	}
}

// What was asked in advance for the days after the end comes back on the next
// bill, of the plan and of its option, less what was off it: what was used is
// rounded, as in the case "C: plan change".
func TestTerminate_givesPaidDaysBack(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.publish(optionPlans)
	c := w.connect("flex")
	extra := w.buy(c, "extra")
	half := money.NewDecimal(50)
	w.write(func(ctx context.Context, tx tenant.Tx) error {
		_, err := account.GiveDiscounts(ctx, tx, []account.Discount{{SubscriptionID: extra, Reason: "half", Percent: &half, ValidFrom: calendar.Date{Year: 2026, Month: time.May, Day: 1}}})
		return err
	})
	w.advance(w.day("2026-06-12")) // June is billed: 12.99 and 3.00 less 1.50
	base := w.base(c)
	w.write(func(ctx context.Context, tx tenant.Tx) error { return w.Terminate(ctx, tx, base) })
	w.ingest(c.call(w.key(), w.day("2026-06-11"), 6000), c.data(w.key(), w.day("2026-06-11"), 10_000_000_000)) // late, so that there is something to bill
	w.advance(w.day("2026-07-02"))
	// of 30 days 11 are used: 12.99 − 4.76 and 1.50 − 0.55
	const credits = `select string_agg(l.code || ' ' || trim_scale(l.price)::text, ', ' order by l.code) from bill_line l join bill b on b.id = l.bill_id
		where b.account_id = $1 and l.kind = 'item'`
	if got := w.text(credits, c.ID); got != "extra-fee -0.95, monthly -8.23" {
		t.Errorf("given back %s", got)
	}
	if err := w.sums(); err != nil {
		t.Error(err)
	}
	if left := w.text(`select coalesce(sum(deferred), 0)::text from subscription where account_id = $1`, c.ID); left != "0.000000000" {
		t.Errorf("%s stays deferred", left)
	}
}

// A prepaid plan's prorated fee comes back to the money that paid it: of 31 days
// 11 are used, 6.20 − 2.20, and with half of it off 3.10 − 1.10.
func TestTerminate_givesPrepaidDaysBack(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ off, main string }{{"", "17.80"}, {"50", "18.90"}} {
		w := newWorld(t)
		w.publish(strings.NewReplacer("code: prepaid", "code: byday", `"7.99"`, `"6.20"`, "prorate: none", "prorate: day").Replace(prepaidPlan))
		who := w.connect("byday")
		base := w.base(who)
		if c.off != "" {
			half := money.MustDecimal(c.off)
			w.write(func(ctx context.Context, tx tenant.Tx) error {
				_, err := account.GiveDiscounts(ctx, tx, []account.Discount{{SubscriptionID: base, Reason: "half", Percent: &half, ValidFrom: calendar.Date{Year: 2026, Month: time.May, Day: 1}}})
				return err
			})
		}
		w.pay(who, payment.PurposeTopUp, "20.00")
		w.advance(w.day("2026-05-12"))
		w.write(func(ctx context.Context, tx tenant.Tx) error { return w.Terminate(ctx, tx, base) })
		if got := w.has(who)["main"]; money.MustDecimal(got).Cmp(money.MustDecimal(c.main)) != 0 {
			t.Errorf("%s %% off: %s is left, want %s", c.off, got, c.main)
		}
		if err := w.sums(); err != nil {
			t.Error(err)
		}
	}
}
