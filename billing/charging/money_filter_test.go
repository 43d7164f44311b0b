package charging_test

import (
	"errors"
	"testing"

	"tollhouse/billing/account"
	"tollhouse/billing/charging"
	"tollhouse/billing/charging/session"
	"tollhouse/billing/money"
	"tollhouse/billing/usage"
)

// potPlan costs 5.00 a month and has 6.00 that are for data by 4g only; data
// costs 1.00 a GB, a message 0.50.
const potPlan = `
code: pot
names: {en: Pot}
billing: prepaid
services: [mobile]
currency: EUR
tax: {category: standard, included: true}
prices: {recurring: [{code: fee, names: {en: Fee}, amount: "5.00", months: 1, timing: advance, prorate: none}]}
allowances: [{code: pot, names: {en: Pot}, amount: 6.00 EUR, kinds: [data], qualities: [4g], priority: 1, validity: cycle}]
usage:
  - {code: data, names: {en: Data}, kind: data, rules: [{code: anydata, destinations: ["*"], price: 1.00, per: 1 GB}]}
  - {code: message, names: {en: Messages}, kind: message, rules: [{code: anymsg, destinations: ["*"], price: 0.50, per: "1"}]}
`

// Money that a plan includes for certain use pays for that and nothing else:
// not for other use, online, from files or in sessions, and for no fee.
func TestMoneyAllowance_paysWhatItsFilterAdmits(t *testing.T) {
	t.Parallel()
	w := newWorld(t, potPlan)
	w.quota(func(p *session.Policy) { p.Data.Units = 2e9 })
	a := w.customers("pot", account.Prepaid, 1, 1)[0]
	w.topUp(a, "8.00")
	w.renew(a)
	at := w.noon(4)
	w.SetClock(t, at)
	has := func(pot, main string) { w.t.Helper(); w.wantValues(a, map[string]string{"pot": pot, "main EUR": main}) }
	has("6", "3")

	fast := func(key string, gigabytes int64) usage.Record {
		r := w.data(key, 1, at, gigabytes*1e9)
		r.Quality = "4g"
		return r
	}
	message := func(key string) usage.Record {
		r := w.data(key, 1, at, 1)
		r.Kind, r.Unit, r.Destination = usage.Message, money.Event, "+49301"
		return r
	}
	debit := func(r usage.Record, want error) {
		t.Helper()
		if _, err := w.debit(r); !errors.Is(err, want) {
			t.Errorf("%s: %v, want %v", r.Key, err, want)
		}
	}
	debit(fast("fast", 1), nil)
	has("5", "3")
	debit(w.data("slow", 1, at, 1e9), nil)
	has("5", "2")
	debit(message("message"), nil)
	has("5", "1.5")
	wantStatuses(t, w.ingest(fast("fast file", 1), w.data("slow file", 1, at, 5e8), message("message file")), charging.Accepted, charging.Accepted, charging.Accepted)
	has("4", "0.5")
	debit(w.data("slow beyond", 1, at, 1e9), charging.ErrInsufficient)
	has("4", "0.5")

	// a session holds back what it may use
	begin := func(name, quality string) session.Given {
		step := surf(name, 1)
		step.Reports[0].Quality = quality
		return w.one(at, step).Services[0]
	}
	if g := begin("fast", "4g"); g.Granted != 2e9 {
		t.Errorf("granted %+v of the pot", g)
	}
	if g := begin("slow", "2g"); g.Granted != 5e8 || g.Final == nil {
		t.Errorf("granted %+v of main", g)
	}
	w.stands(a, at, "4.5", "2.5", "2")

	// the next month's fee is not paid from it, and what is left of it goes
	end := a.Cycle.To.Start(w.Zone).UTC()
	w.SetClock(t, end)
	w.expire(end)
	w.topUp(a, "4.49")
	if done := w.renew(a); len(done.Waiting) != 1 {
		t.Errorf("4.99 of money and a pot for 5.00: %+v", done)
	}
	w.topUp(a, "0.01")
	if done := w.renew(a); len(done.Renewed) != 1 {
		t.Errorf("5.00 for 5.00: %+v", done)
	}
	w.sums()
}
