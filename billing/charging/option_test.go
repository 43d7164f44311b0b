package charging_test

import (
	"context"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"tollhouse/billing/account"
	"tollhouse/billing/calendar"
	"tollhouse/billing/catalog"
	"tollhouse/billing/charging"
	"tollhouse/billing/rating"
	"tollhouse/billing/tenant"
)

// optionOf is an option with a price of its own for calls, and what else it has.
func optionOf(code, billing, rule, more string) string {
	return `
code: ` + code + `
names: {en: Option ` + code + `}
kind: option
billing: ` + billing + `
services: []
currency: EUR
tax: {category: standard, included: true}
destinations: [{code: us, prefixes: ["1"]}]
usage: [{code: ` + code + `-calls, names: {en: Calls under ` + code + `}, kind: voice, rules: [{code: ` + code + `-rule, destinations: [us], ` + rule + `}]}]
` + more
}

// buy puts an option on top of an account's first subscription.
func (w *world) buy(a account.Account, option string, at time.Time) uuid.UUID {
	w.t.Helper()
	var id uuid.UUID
	w.write(func(ctx context.Context, tx tenant.Tx) error {
		tx.At = at
		have, err := account.Subscriptions(ctx, tx, a.ID)
		if err != nil {
			return err
		}
		base := have[0]
		for _, s := range have {
			if s.Part == "" && s.State == account.SubscriptionActive {
				base = s
			}
		}
		made, err := account.Subscribe(ctx, tx, []account.NewSubscription{{AccountID: a.ID, OfferingID: w.plans[option].ID, PartOf: &base.ID, Part: account.OnTop}})
		if err != nil {
			return err
		}
		id = made[0].ID
		return account.Activate(ctx, tx, id)
	})
	return id
}

// lastCharge is what was charged last: the offering, the price, and why.
func (w *world) lastCharge(a account.Account) (offering uuid.UUID, line, price string, why rating.Explanation) {
	w.t.Helper()
	w.Read(w.t, func(ctx context.Context, tx tenant.Tx) error {
		var document []byte
		err := tx.QueryRow(ctx, `select offering_id, line_code, price::text, why from charge where account_id = $1 and kind = 'usage' order by id desc limit 1`, a.ID).
			Scan(&offering, &line, &price, &document)
		if err == nil {
			err = json.Unmarshal(document, &why)
		}
		return err
	})
	return offering, line, strings.TrimRight(strings.TrimRight(price, "0"), "."), why
}

// An option's own price goes before the plan's for the use it matches, from the
// instant it was bought to the one it ended at, on each way a use can come.
func TestOption_ownPriceGoesBeforeThePlan(t *testing.T) {
	t.Parallel()
	w := newWorld(t, payAsYouGo, optionOf("usa", "prepaid", "price: 0.02, per: 1 min", "option: {}"))
	o := w.online()
	a := w.customers("payg", account.Prepaid, 1, 1)[0]
	w.topUp(a, "100.00")
	usa := func(key string, at time.Time, seconds int64) (offering, price string) {
		w.t.Helper()
		r := w.call(key, 1, at, seconds)
		r.Destination = "+1212555"
		wantStatuses(t, w.ingest(r), charging.Accepted)
		version, _, price, _ := w.lastCharge(a)
		return map[uuid.UUID]string{w.plans["payg"].ID: "payg", w.plans["usa"].ID: "usa"}[version], price
	}
	want := func(what, offering, price, wantOffering, wantPrice string) {
		w.t.Helper()
		if offering != wantOffering || price != wantPrice {
			t.Errorf("%s: %s by %s, want %s by %s", what, price, offering, wantPrice, wantOffering)
		}
	}
	before, price := usa("before", w.noon(3), 600)
	want("before it was bought", before, price, "payg", "1")
	option := w.buy(a, "usa", w.noon(4))
	by, price := usa("after", w.noon(5), 600)
	want("bulk", by, price, "usa", "0.2")
	if _, line, _, why := w.lastCharge(a); line != "usa-calls" || why[0].Option != "usa" || !strings.Contains(why[0].String(), "rule usa-rule of option usa") {
		t.Errorf("line %s, why %v", line, why.Lines())
	}
	by, price = usa("late", w.noon(3).Add(time.Hour), 600)
	want("late use of before", by, price, "payg", "1")
	local := w.call("local", 1, w.noon(5), 600)
	wantStatuses(t, w.ingest(local), charging.Accepted)
	if version, _, price, _ := w.lastCharge(a); version != w.plans["payg"].ID || price != "1" {
		t.Errorf("a call that the option is not for: %s", price)
	}
	// quoted, debited online, and in a session
	call := w.call("online", 1, w.noon(6), 600)
	call.Destination = "+1212555"
	w.SetClock(t, w.noon(6))
	if quoted, err := o.Authorize(t.Context(), w.Ref, w.feed.ID, call); err != nil || quoted.Price.String() != "0.2" || !quoted.Enough {
		t.Errorf("quoted %+v, %v", quoted, err)
	}
	if debited, err := o.Debit(t.Context(), w.Ref, w.feed.ID, call); err != nil || debited.Price.String() != "0.2" {
		t.Errorf("debited %+v, %v", debited, err)
	}
	step := start("talk", 1)
	step.Reports[0].Destination = "+1212555"
	for _, online := range []bool{false, true} {
		w.SetClock(t, w.noon(6))
		step.Name += "!"
		var id uuid.UUID
		if online {
			id = asked(t, o, w.Ref, step).Session
		} else {
			id = w.one(w.noon(6), step).Session
		}
		w.SetClock(t, w.noon(6).Add(10*time.Minute))
		end := terminate(id, 1, 600)
		var got string
		if online {
			got = asked(t, o, w.Ref, end).Services[0].Price.String()
		} else {
			got = w.one(w.noon(6).Add(10*time.Minute), end).Services[0].Price.String()
		}
		if got != "0.2" {
			t.Errorf("a session (online: %v) cost %s", online, got)
		}
	}
	// it ends: the plan's price again, and still the option's for what was before
	w.write(func(ctx context.Context, tx tenant.Tx) error {
		tx.At = w.noon(8)
		return account.Terminate(ctx, tx, option)
	})
	by, price = usa("ended", w.noon(9), 600)
	want("after it ended", by, price, "payg", "1")
	by, price = usa("old", w.noon(7), 600)
	want("late use of before the end", by, price, "usa", "0.2")
	w.sums()
}

// Options go by their priority, then the one bought last; each counts its own
// tiers, beside the plan's.
func TestOption_orderAndTiers(t *testing.T) {
	t.Parallel()
	tiers := func(price string) string {
		return "tiers: {kind: graduated, bands: [{to: 10 min, price: " + price + ", per: 1 min}, {price: 0.01, per: 1 min}]}"
	}
	w := newWorld(t, postpaidPlan, optionOf("first", "postpaid", tiers("0.05"), "option: {}"), optionOf("second", "postpaid", tiers("0.04"), "option: {}"),
		optionOf("ahead", "postpaid", tiers("0.03"), "option: {priority: 1}"))
	a := w.customers("talk", account.Postpaid, 1, 1)[0]
	n := 0
	for _, row := range []struct{ buy, price string }{{"", "0.6"}, {"first", "0.3"}, {"second", "0.24"}, {"ahead", "0.18"}, {"", "0.14"}} { // the last: 4 × 0.03 + 2 × 0.01
		n++
		if row.buy != "" {
			w.buy(a, row.buy, w.noon(n))
		}
		r := w.call(row.buy+row.price, 1, w.noon(n).Add(time.Minute), 360)
		r.Destination = "+1212555"
		wantStatuses(t, w.ingest(r), charging.Accepted)
		if _, _, price, why := w.lastCharge(a); price != row.price {
			t.Errorf("after %q: %s, want %s\n%s", row.buy, price, row.price, strings.Join(why.Lines(), "\n"))
		}
	}
	var counters []string
	w.Read(t, func(ctx context.Context, tx tenant.Tx) error {
		return tx.QueryRow(ctx, `select array_agg(code || ' ' || quantity::bigint order by code) from usage_counter`).Scan(&counters)
	})
	if got := strings.Join(counters, ", "); got != "ahead/ahead-rule 720, first/first-rule 360, second/second-rule 360" {
		t.Errorf("counted %s", got)
	}
	w.sums()
}

// An option goes on with the plan that takes another's place; use from before
// the change still finds it.
func TestOption_goesOnAfterAChangeOfPlan(t *testing.T) {
	t.Parallel()
	other := strings.NewReplacer("code: talk", "code: other", "price: 0.10", "price: 0.30").Replace(postpaidPlan)
	w := newWorld(t, postpaidPlan, other, optionOf("usa", "postpaid", "price: 0.02, per: 1 min", "option: {}"))
	a := w.customers("talk", account.Postpaid, 1, 1)[0]
	w.buy(a, "usa", w.noon(2))
	w.write(func(ctx context.Context, tx tenant.Tx) error {
		tx.At = w.noon(12)
		have, err := account.Subscriptions(ctx, tx, a.ID)
		if err != nil {
			return err
		}
		day := calendar.Date{Year: 2026, Month: 5, Day: 10}
		change, err := account.SchedulePlanChange(ctx, tx, account.PlanChange{ID: uuid.Must(uuid.NewV7()), AccountID: a.ID, SubscriptionID: have[0].ID,
			From: w.plans["talk"].ID, To: w.plans["other"].ID, TakesEffect: day, By: "user:test"})
		if err != nil {
			return err
		}
		made, err := account.Replace(ctx, tx, account.Replacement{Old: have[0].ID, OfferingID: w.plans["other"].ID, Kinds: []account.ServiceKind{account.Mobile}, Day: day})
		if err != nil {
			return err
		}
		return account.EndPlanChange(ctx, tx, change.ID, made.ID)
	})
	for key, row := range map[string]struct {
		day       int
		to, price string
	}{"a": {5, "+1212", "0.2"}, "b": {5, "+4930", "1"}, "c": {15, "+1212", "0.2"}, "d": {15, "+4930", "3"}} {
		r := w.call(key, 1, w.noon(row.day), 600)
		r.Destination = row.to
		wantStatuses(t, w.ingest(r), charging.Accepted)
		if _, _, price, _ := w.lastCharge(a); price != row.price {
			t.Errorf("on the %d. to %s: %s, want %s", row.day, row.to, price, row.price)
		}
	}
}

// What an option does not price the plan does, so it may leave gaps; it is
// still told of rules that nothing can reach.
func TestCheck_optionMayLeaveGaps(t *testing.T) {
	for _, row := range []struct{ text, want string }{
		{optionOf("night", "prepaid", `price: 0.02, per: 1 min, windows: [{from: "22:00", to: "24:00"}]`, "option: {}"), ""},
		{optionOf("night", "prepaid", `price: 0.02, per: 1 min, network: own`, "option: {}"), ""},
		{strings.Replace(optionOf("night", "prepaid", `price: 0.02, per: 1 min, windows: [{from: "22:00", to: "24:00"}]`, ""), "kind: option", "kind: simple", 1), "leaves a gap"},
	} {
		o, err := catalog.Parse([]byte(row.text))
		if err != nil {
			t.Fatal(err)
		}
		var gaps string
		for _, f := range catalog.Check(o) {
			gaps += f.Message
		}
		if row.want == "" && gaps != "" || !strings.Contains(gaps, row.want) {
			t.Errorf("%s: found %q, want %q", o.Code, gaps, row.want)
		}
	}
}
