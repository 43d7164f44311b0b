package charging_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"tollhouse/billing/account"
	"tollhouse/billing/charging/session"
	"tollhouse/billing/money"
	"tollhouse/billing/tenant"
	"tollhouse/billing/usage"
)

// tricky has what depends on a session as a whole: a connect fee, a first
// increment, a window at 18:00 and a rounding to cents; data has tiers.
const tricky = `
code: tricky
names: {en: Tricky}
billing: prepaid
services: [mobile]
currency: EUR
tax: {category: standard, included: true}
usage:
  - code: voice
    names: {en: Calls}
    kind: voice
    rounding: {digits: 2, mode: half_away_from_zero}
    rules:
      - {code: day, destinations: ["*"], windows: [{from: "00:00", to: "18:00"}], price: 0.10, per: 1 min, connect_fee: 0.07, increments: {first: 30 s, next: 6 s}}
      - {code: night, destinations: ["*"], windows: [{from: "18:00", to: "24:00"}], price: 0.05, per: 1 min, increments: {first: 30 s, next: 6 s}}
`

// A session costs what one event of the same use costs, however it is cut.
func TestSession_anyCuttingCostsTheSame(t *testing.T) {
	t.Parallel()
	w := newWorld(t, tricky)
	a := w.customers("tricky", account.Prepaid, 1, 1)[0]
	w.topUp(a, "1000.00")
	begin := w.noon(4).Add(5*time.Hour + 50*time.Minute) // 17:50
	n := 0
	rapid.Check(t, func(r *rapid.T) {
		n++
		pieces := rapid.SliceOfN(rapid.Int64Range(1, 400), 1, 5).Draw(r, "pieces")
		steps := []session.Step{start("cut"+time.Duration(n).String(), 1)}
		id := w.one(begin, steps[0]).Session
		at, total := begin, int64(0)
		sum := money.Decimal{}
		for i, piece := range pieces {
			at, total = at.Add(time.Duration(piece)*time.Second), total+piece
			step := update(id, int64(i+1), piece)
			if i == len(pieces)-1 {
				step = terminate(id, int64(i+1), piece)
			}
			sum = sum.Add(w.one(at, step).Services[0].Price)
		}
		begun := w.one(begin, start("at"+time.Duration(n).String(), 1)).Session
		want := w.one(begin.Add(time.Duration(total)*time.Second), terminate(begun, 1, total)).Services[0].Price
		if !sum.Equal(want) {
			r.Fatalf("%v cost %s, in one piece %s", pieces, sum, want)
		}
	})
	w.sums()
}

// 3 GB are included; what lies beyond costs 1.00 a GB, whichever service of
// the session uses it.
func TestSession_severalServicesAndAnAllowance(t *testing.T) {
	t.Parallel()
	w := newWorld(t, strings.Replace(payAsYouGo, "code: payg", "code: incl", 1)+`
allowances: [{code: data, names: {en: Data}, amount: 3 GB, kinds: [data], validity_months: 1, priority: 1}]
`)
	w.quota(func(p *session.Policy) { p.Data.Units = 2_000_000_000 })
	a := w.customers("incl", account.Prepaid, 1, 1)[0]
	w.topUp(a, "10.00")
	at := w.noon(4)
	step := start("multi", 1)
	step.Reports = []session.Report{{Service: "10", Kind: usage.Data, Ask: true}, {Service: "20", Kind: usage.Data, Ask: true}, {Service: "30", Kind: usage.Message, Ask: true}}
	got := w.one(at, step)
	for i, want := range []int64{2_000_000_000, 2_000_000_000, 1} {
		if g := got.Services[i]; g.Granted != want || g.Final != nil {
			t.Errorf("service %s is given %+v, want %d", g.Service, g, want)
		}
	}
	w.stands(a, at, "10", "1.50", "8.50") // a GB of the second beyond the allowance, and a message
	// the first has half a GB of the allowance still: the second does not get it
	got = w.one(at, session.Step{Kind: session.Update, Session: got.Session, Number: 1, Reports: []session.Report{
		{Service: "10", Used: 1_500_000_000}, {Service: "20", Used: 2_000_000_000, Ended: true}, {Service: "30", Used: 1, Ask: true}}})
	if got.Services[0].Covered != 1_500_000_000 || got.Services[1].Covered != 1_000_000_000 || got.Services[1].Price.String() != "1" || got.Services[2].Price.String() != "0.5" {
		t.Errorf("answered %+v", got.Services)
	}
	w.one(at, session.Step{Kind: session.Terminate, Session: got.Session, Number: 2})
	w.stands(a, at, "8.50", "0", "8.50")
}

// A cap of 0.50 that ends the session: five minutes, and nothing more.
func TestSession_capThatEndsTheSession(t *testing.T) {
	t.Parallel()
	w := newWorld(t, strings.Replace(payAsYouGo, "increments: {first: 1 s, next: 1 s}", "increments: {first: 1 s, next: 1 s}, cap: {amount: 0.50, then: end}", 1))
	w.quota(func(p *session.Policy) { p.Voice.Units = twoEuro })
	a := w.customers("payg", account.Prepaid, 1, 1)[0]
	w.topUp(a, "10.00")
	at := w.noon(4)
	got := w.one(at, start("one", 1))
	if g := got.Services[0]; g.Granted != 300 || g.Final == nil || g.Final.Action != session.EndService {
		t.Fatalf("granted %+v, want 300 s and the end", g)
	}
	last := w.one(at.Add(5*time.Minute), update(got.Session, 1, 300))
	if last.Services[0].Result != session.CapReached || last.State != session.Closed || last.Ending != session.Exhausted {
		t.Errorf("after the cap %+v", last)
	}
	w.stands(a, at, "9.50", "0", "9.50")
}

// Postpaid sessions go as far as the credit limit.
func TestSession_postpaidWithinItsLimit(t *testing.T) {
	t.Parallel()
	w := newWorld(t, strings.Replace(payAsYouGo, "billing: prepaid", "billing: postpaid", 1))
	w.quota(func(p *session.Policy) { p.Voice.Units = twoEuro })
	a := w.customers("payg", account.Postpaid, 1, 1)[0]
	at := w.noon(4)
	if g := w.one(at, start("free", 1)).Services[0]; g.Granted != twoEuro || g.Final != nil {
		t.Errorf("without a limit %+v", g)
	}
	w.write(func(ctx context.Context, tx tenant.Tx) error {
		_, err := tx.Exec(ctx, `update billing_account set credit_limit = 1 where id = $1`, a.ID)
		return err
	})
	if g := w.one(at, start("limited", 1)).Services[0]; g.Granted == 0 || g.Granted >= twoEuro || g.Final == nil {
		t.Errorf("with a limit of 1.00 %+v", g)
	}
	if g := w.one(at, start("beyond", 1)).Services[0]; g.Result != session.NoCredit {
		t.Errorf("beyond the limit %+v", g)
	}
	w.sums()
}
