package charging_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"tollhouse/billing/account"
	"tollhouse/billing/balance"
	"tollhouse/billing/charging"
	"tollhouse/billing/money"
	"tollhouse/billing/tenant"
	"tollhouse/billing/usage"
)

// june1 is the end of the first cycle and the start of the next.
func (w *world) june1() time.Time { return time.Date(2026, 6, 1, 0, 0, 0, 0, w.Zone).UTC() }

// held lists what an account has now, by code.
func (w *world) held(a account.Account) string {
	w.t.Helper()
	var have []string
	w.Read(w.t, func(ctx context.Context, tx tenant.Tx) error {
		buckets, err := balance.List(ctx, tx, a.ID)
		for _, b := range buckets {
			have = append(have, b.Code+" "+b.Value.String())
		}
		return err
	})
	slices.Sort(have)
	return strings.Join(have, ", ")
}

// Case "A: anchors": periods are half-open, so what ends at the bound is the
// new cycle's, and its allowance pays although nobody has begun the cycle yet.
func TestIngest_newCycleHasItsAllowanceAtOnce(t *testing.T) {
	t.Parallel()
	w := newWorld(t, bundlePlan)
	a := w.customers("bundle", account.Postpaid, 1, 1)[0]
	w.grantCycle(a)
	w.ingest(w.call("may", 1, w.noon(30), 200*60)) // all of May's minutes
	w.SetClock(t, w.june1().Add(time.Minute))
	outcomes := w.ingest(
		w.call("before", 1, w.june1().Add(-121*time.Second), 120), // ends a second before: May's minutes are used up
		w.call("bound", 1, w.june1().Add(-60*time.Second), 60),
		w.call("after", 1, w.june1(), 120),
		w.data("data", 1, w.june1(), 1e9),
	)
	for i, want := range []string{"0.2", "0", "0", "0"} {
		if got := outcomes[i].Price.String(); outcomes[i].Status != charging.Accepted || got != want {
			t.Errorf("item %d: %s for %s (%v), want %s", i, outcomes[i].Status, got, outcomes[i].Problem, want)
		}
	}
	want := "data 2000000000, minutes 11820"
	if got := w.held(a); got != want {
		t.Errorf("June begins with %q, want %q", got, want)
	}
	w.grantCycle(a) // what the agenda does when it comes round
	if got := w.held(a); got != want {
		t.Errorf("after the cycle start %q, want %q", got, want)
	}
	w.sums()
}

// A producer's clock may run ahead of ours over the bound.
func TestIngest_usageAheadOfTheBound(t *testing.T) {
	t.Parallel()
	w := newWorld(t, bundlePlan)
	a := w.customers("bundle", account.Postpaid, 1, 1)[0]
	w.grantCycle(a)
	w.SetClock(t, w.june1().Add(-time.Second))
	outcomes := w.ingest(w.call("ahead", 1, w.june1().Add(time.Second), 60))
	if !outcomes[0].Price.IsZero() {
		t.Errorf("costs %s, want nothing", outcomes[0].Price)
	}
	if got, want := w.held(a), "data 3000000000, minutes 12000"; got != want {
		t.Errorf("May still has %q, want %q", got, want)
	}
	w.sums()
}

// A start that was missed is made up for, month by month.
func TestGrantCycle_missedStarts(t *testing.T) {
	t.Parallel()
	w := newWorld(t, bundlePlan)
	a := w.customers("bundle", account.Postpaid, 1, 1)[0]
	w.grantCycle(a)
	w.SetClock(t, w.june1().AddDate(0, 1, 2))
	outcomes := w.ingest(w.call("june", 1, w.june1().AddDate(0, 0, 29), 150*60), w.call("july", 1, w.june1().AddDate(0, 1, 1), 150*60))
	for i, o := range outcomes {
		if !o.Price.IsZero() {
			t.Errorf("call %d costs %s, want nothing", i, o.Price)
		}
	}
	w.wantSums(map[string]string{"unit_issued second": "36000", "unit_consumed second": "-18000", "unit_bucket second": "-18000"})
}

// A quarterly account has its monthly allowance every month.
func TestGrantCycle_monthlyAllowanceOfAQuarterlyAccount(t *testing.T) {
	t.Parallel()
	w := newWorld(t, bundlePlan)
	a := w.customer("bundle", account.NewAccount{Kind: account.Postpaid, CycleMonths: 3}, 1)
	w.grantCycle(a)
	for month := range 3 {
		w.SetClock(t, w.noon(10).AddDate(0, month, 0))
		if got, want := w.held(a), "data 3000000000, minutes 12000"; got != want {
			t.Errorf("month %d has %q, want %q", month, got, want)
		}
	}
	w.sums()
}

// A prepaid subscriber whose money reaches is renewed before the first usage of
// the cycle is priced.
func TestIngest_prepaidRenewsBeforeItsFirstUsage(t *testing.T) {
	t.Parallel()
	w := newWorld(t, prepaidPlan)
	rich, poor := w.customers("prepaid", account.Prepaid, 1, 1)[0], w.customers("prepaid", account.Prepaid, 2, 1)[0]
	w.topUp(rich, "12.00")
	w.topUp(poor, "10.00")
	w.renew(rich)
	w.renew(poor)
	w.SetClock(t, w.june1().Add(time.Minute))
	outcomes := w.ingest(w.data("r", 1, w.june1(), 1e9), w.data("p", 2, w.june1(), 1e9))
	for i, want := range []string{"0", "1.19"} {
		if got := outcomes[i].Price.String(); got != want {
			t.Errorf("item %d costs %s, want %s", i, got, want)
		}
	}
	if got, want := w.held(rich), "data 9000000000, main 0.1"; got != want {
		t.Errorf("renewed: %q, want %q", got, want)
	}
	if got := w.renew(rich); len(got.Renewed)+len(got.Waiting) != 0 {
		t.Errorf("renewed again: %v", got)
	}
	w.topUp(poor, "5.00") // 10 - 5.95 - 1.19 + 5 - 5.95
	if got := w.renew(poor); len(got.Renewed) != 1 {
		t.Errorf("not renewed after a top-up: %v", got)
	}
	if got, want := w.held(poor), "data 10000000000, main 1.91"; got != want {
		t.Errorf("after a top-up: %q, want %q", got, want)
	}
	w.sums()
}

// A prepaid account with a long cycle pays each month of it.
func TestRenew_quarterPaysThreeMonths(t *testing.T) {
	t.Parallel()
	w := newWorld(t, prepaidPlan)
	a := w.customer("prepaid", account.NewAccount{Kind: account.Prepaid, CycleMonths: 3}, 1)
	w.topUp(a, "17.84")
	if got := w.renew(a); len(got.Waiting) != 1 {
		t.Fatalf("renewed with a cent too little: %v", got)
	}
	w.topUp(a, "0.01")
	if got := w.renew(a); len(got.Renewed) != 1 {
		t.Fatalf("not renewed: %v", got)
	}
	if got, want := w.held(a), "data 10000000000, main 0"; got != want {
		t.Errorf("has %q, want %q", got, want)
	}
	w.wantSums(map[string]string{"unit_issued byte": "30000000000"})
}

// Case "B: exactness", what A needs of it: a session is one event, whichever
// chunk its pieces come in, also where an allowance pays some of it.
func TestIngest_sessionOverAnAllowance(t *testing.T) {
	t.Parallel()
	w := newWorld(t, bundlePlan)
	w.sessionsCost("7.14") // 3 GB of 9 are free, 6 at 1.19
}

// An allowance with a price of its own goes on asking it from piece to piece,
// and its connect fee once.
func TestIngest_sessionOverAnAllowanceWithAPrice(t *testing.T) {
	t.Parallel()
	w := newWorld(t, strings.NewReplacer(
		"amount: 3 GB,", "amount: 3 GB, price: {connect_fee: 0.50, price: 0.113, per: 1 GB},",
		"kind: data, rules", "kind: data, rounding: {digits: 2, mode: half_away_from_zero}, rules").Replace(bundlePlan))
	w.sessionsCost("7.98") // 0.50, 3 GB at 0.113 and 6 at 1.19, rounded once
}

// sessionsCost checks the price of 9 GB in pieces, in chunks of their own and in
// one, and as a whole.
func (w *world) sessionsCost(want string) {
	w.t.Helper()
	t := w.t
	accounts := w.customers("bundle", account.Postpaid, 1, 3)
	w.grantCycle(accounts...)
	packet := func(customer int, bytes uint64) usage.Record {
		at := w.noon(2).Add(time.Duration(bytes/1e9) * time.Hour)
		return usage.Record{Key: fmt.Sprint(customer, "-", bytes), Kind: usage.Data, Start: at, End: at, Unit: money.Byte,
			Identity: usage.Identity{Kind: usage.MSISDN, Value: msisdn(customer)},
			Counter: &usage.Counter{NAS: "nas", SessionID: fmt.Sprint(customer), Status: usage.Interim, InputBytes: bytes,
				SessionSeconds: bytes / 1e9 * 3600, ReportedAt: at}}
	}
	reports := []uint64{1e9, 2_500_000_001, 3_333_333_333, 7_777_777_777, 9e9}
	var together []usage.Record
	for _, bytes := range reports {
		w.ingest(packet(1, bytes))
		together = append(together, packet(2, bytes))
	}
	w.ingest(together...)
	w.ingest(packet(3, 9e9))
	for n, a := range accounts {
		var price, covered money.Decimal
		w.Read(t, func(ctx context.Context, tx tenant.Tx) error {
			return tx.QueryRow(ctx, `select sum(price), sum(allowance) from charge where account_id = $1`, a.ID).Scan(&price, &covered)
		})
		if price.String() != want || !covered.Equal(money.NewDecimal(3e9)) {
			t.Errorf("customer %d pays %s, %s bytes free; want %s, 3000000000", n+1, price, covered, want)
		}
	}
	w.sums()
}

// customer connects one with an account of its own kind.
func (w *world) customer(plan string, n account.NewAccount, number int) account.Account {
	w.t.Helper()
	var opened []account.Account
	w.write(func(ctx context.Context, tx tenant.Tx) error {
		parties, err := account.AddParties(ctx, tx, []account.Party{{Kind: account.Individual, Name: "Customer"}})
		if err != nil {
			return err
		}
		n.PartyID = parties[0].ID
		if opened, err = account.Open(ctx, tx, []account.NewAccount{n}); err != nil {
			return err
		}
		made, err := account.Subscribe(ctx, tx, []account.NewSubscription{{AccountID: opened[0].ID, OfferingID: w.plans[plan].ID,
			Services: []account.NewService{{Kind: account.Mobile, Identities: []account.Identity{{Kind: account.MSISDN, Value: msisdn(number)}}}}}})
		if err != nil {
			return err
		}
		return account.Activate(ctx, tx, []uuid.UUID{made[0].ID}...)
	})
	return opened[0]
}
