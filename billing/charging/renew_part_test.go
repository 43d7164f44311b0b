package charging_test

import (
	"context"
	"strings"
	"testing"

	"github.com/google/uuid"

	"tollhouse/billing/account"
	"tollhouse/billing/tenant"
)

// dailyPlan: 0.50 a day beside 5.95 a month.
var dailyPlan = strings.Replace(strings.Replace(prepaidPlan, "code: prepaid", "code: daily", 1), "prices: {recurring: [",
	`prices: {recurring: [{code: day, names: {en: Day}, amount: "0.50", every: day, timing: advance, prorate: none}, `, 1)

// A price by the day is paid day by day: each day costs 0.50, the month once,
// and days in which the money did not reach are not paid later.
func TestRenew_dayByDay(t *testing.T) {
	t.Parallel()
	w := newWorld(t, dailyPlan)
	a := w.customers("daily", account.Prepaid, 1, 1)[0]
	w.topUp(a, "7.45") // the month and three days
	day := 1
	step := func(renewed int, money string) {
		t.Helper()
		w.SetClock(t, w.noon(day))
		if got := w.renew(a); len(got.Renewed) != renewed {
			t.Errorf("May %d: %d renewed, want %d", day, len(got.Renewed), renewed)
		}
		if got := w.renew(a); len(got.Renewed) != 0 {
			t.Errorf("May %d: renewed twice", day)
		}
		if got := w.held(a); !strings.HasSuffix(got, "main "+money) {
			t.Errorf("May %d: %s, want %s", day, got, money)
		}
		day++
	}
	step(1, "1")
	step(1, "0.5")
	step(1, "0")
	step(0, "0")
	step(0, "0")
	w.topUp(a, "1.00")
	step(1, "0.5")
	var due int
	w.Read(t, func(ctx context.Context, tx tenant.Tx) error {
		return tx.QueryRow(ctx, `select count(*) from agenda where kind = 'renewal' and state = 'due'`).Scan(&due)
	})
	if due != 4 {
		t.Errorf("%d renewals on the agenda, want one for each paid day", due)
	}
	w.sums()
}

// A component that a bundle's price pays for costs nothing, and waits with its
// allowances until the bundle has been paid.
func TestRenew_componentWaitsForItsBundle(t *testing.T) {
	t.Parallel()
	bundle := `
code: both
names: {en: Both}
kind: bundle
billing: prepaid
services: []
currency: EUR
tax: {category: standard, included: true}
bundle: {pricing: one, components: [{offering: prepaid}, {offering: home}]}
prices: {recurring: [{code: both-fee, names: {en: Fee}, amount: "8.00", months: 1, timing: advance, prorate: none}]}
`
	home := strings.NewReplacer("code: prepaid", "code: home", "services: [mobile]", "services: [internet]").Replace(prepaidPlan)
	w := newWorld(t, prepaidPlan, home, bundle)
	a := w.customers("both", account.Prepaid, 1, 1)[0] // a bundle needs no line of its own; a fixture may have one
	w.write(func(ctx context.Context, tx tenant.Tx) error {
		main, err := account.Subscriptions(ctx, tx, a.ID)
		if err != nil {
			return err
		}
		made, err := account.Subscribe(ctx, tx, []account.NewSubscription{{AccountID: a.ID, OfferingID: w.plans["prepaid"].ID,
			PartOf: &main[0].ID, Part: account.Component, FeesIncluded: true}})
		if err != nil {
			return err
		}
		return account.Activate(ctx, tx, []uuid.UUID{made[0].ID}...)
	})
	w.topUp(a, "7.99")
	if got := w.renew(a); len(got.Waiting) != 2 {
		t.Fatalf("with too little: %+v", got)
	}
	w.topUp(a, "0.01")
	if got := w.renew(a); len(got.Renewed) != 2 {
		t.Fatalf("with enough: %+v", got)
	}
	if got, want := w.held(a), "data 10000000000, main 0"; got != want {
		t.Errorf("has %s, want %s", got, want)
	}
	w.wantSums(map[string]string{"revenue EUR": "-6.722689076", "tax EUR": "-1.277310924"})
}
