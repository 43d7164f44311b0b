package replay_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"tollhouse/billing/account"
	"tollhouse/billing/catalog"
	"tollhouse/billing/money"
	"tollhouse/billing/replay"
	"tollhouse/billing/tenant"
)

// usa is an option for calls to the United States, with a fee, its own price
// and an allowance for what follows.
const usa = `
code: usa
names: {en: America}
kind: option
billing: postpaid
services: []
currency: EUR
tax: {category: standard, included: true}
option: {for: [bundle]}
destinations: [{code: us, prefixes: ["1"]}]
prices: {recurring: [{code: usa-fee, names: {en: America}, amount: "6.20", months: 1, timing: advance, prorate: day}]}
usage: [{code: usa-calls, names: {en: America}, kind: voice, rules: [{code: usa-rule, destinations: [us], price: %s, per: 1 min}]}]
`

// buy puts an option on top of an account's subscription.
func (w *world) buy(a account.Account, v catalog.Version, at time.Time) {
	w.t.Helper()
	w.write(func(ctx context.Context, tx tenant.Tx) error {
		tx.At = at
		have, err := account.Subscriptions(ctx, tx, a.ID)
		if err != nil {
			return err
		}
		made, err := account.Subscribe(ctx, tx, []account.NewSubscription{{AccountID: a.ID, OfferingID: v.ID, PartOf: &have[0].ID, Part: account.OnTop}})
		if err != nil {
			return err
		}
		return account.Activate(ctx, tx, made[0].ID)
	})
}

// America's own price is part of what a subscription has: a trial and a
// re-rating of its plan keep it, those of the option put another in its place.
func TestReplay_optionsKeepTheirPrices(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	plan := w.publish(strings.Replace(fmt.Sprintf(bundle, "postpaid", "0.10"), "amount: 10 min", "amount: 1 min", 1))
	option := w.publish(fmt.Sprintf(usa, "0.05"))
	a, b := w.customer(plan, account.Postpaid, 1), w.customer(plan, account.Postpaid, 2)
	w.write(func(ctx context.Context, tx tenant.Tx) error {
		_, err := w.engine.GrantCycle(ctx, tx, a.ID, b.ID)
		return err
	})
	w.buy(a, option, w.may(10))
	for n := 1; n <= 2; n++ {
		w.ingest(w.call(n, "+1212", w.may(5), 11), w.call(n, "+1212", w.may(15), 10), w.call(n, "+4930", w.may(16), 10))
	}
	// a: 10 × 0.50 + 10 × 0.05 + 10 × 0.10; b: 10 × 0.50 twice + 1.00
	if got := w.billed(a, may) + " " + w.billed(b, may); got != "6.50 11.00" {
		t.Fatalf("billed %s", got)
	}
	if s := w.try(plan, may, replay.Segment{}).Sums; s.Total.Accounts != 2 || s.Same != 2 || !s.Total.Difference().IsZero() || len(s.Unpriced) > 0 {
		t.Errorf("a trial of the plan they have: %+v", s)
	}
	dearer := w.draft(strings.Replace(fmt.Sprintf(usa, "0.15"), "6.20", "12.40", 1))
	had := w.try(dearer, may, replay.Segment{Offering: "usa"}).Sums
	// from the 10th (22 of 31 days) a fee of 4.40 more, and 10 × 0.10: 5.40 gross
	if had.Total.Accounts != 1 || !within(had.Total.Difference(), net(t, "5.40")) {
		t.Errorf("a trial of the option, for those who have it: %+v, %s more", had.Total, had.Total.Difference())
	}
	all := w.try(dearer, may, replay.Segment{Offering: "bundle"}).Sums
	// a: 12.40 for 4.40, 10 × 0.15 for 10 × 0.50 on the 5th, then 1.50 for 0.50; b: 12.40 for nothing, 2 × 1.50 for 2 × 5.00
	if want := net(t, "12.40").Sub(net(t, "4.40")).Add(net(t, "1.50")).Sub(net(t, "5.00")).Add(net(t, "1.00")).Add(net(t, "12.40")).Sub(net(t, "7.00")); all.Total.Accounts != 2 || !within(all.Total.Difference(), want) {
		t.Errorf("a trial of the option, for all of the plan: %+v, %s more, want %s", all.Total, all.Total.Difference(), want)
	}
	// a re-rating under the same plan changes nothing, under another option's version only what that priced
	for _, c := range []struct {
		under uuid.UUID
		want  string
	}{{plan.ID, "6.50"}, {w.publish(fmt.Sprintf(usa, "0.15")).ID, "7.50"}} {
		r := w.propose(replay.Proposal{Action: replay.PriceAgain, Offering: c.under, Choice: replay.Choice{Days: may, Account: a.ID}})
		if r.State != replay.Ready {
			t.Fatalf("proposal is %s: %s", r.State, r.Error)
		}
		if r.Charges == 0 {
			if c.want != w.billed(a, may) {
				t.Errorf("nothing would change, want %s", c.want)
			}
			continue
		}
		w.apply(r)
		if got := w.billed(a, may); got != c.want {
			t.Errorf("priced again: %s, want %s", got, c.want)
		}
	}
	w.sums()
}

// net is a gross amount at 19 % to nine digits.
func net(t *testing.T, gross string) money.Decimal {
	t.Helper()
	d, err := money.MustDecimal(gross).MulDiv(money.NewDecimal(100), money.NewDecimal(119), money.Scale, money.HalfAwayFromZero)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// within allows for the ninth digits of a few roundings.
func within(got, want money.Decimal) bool {
	return got.Sub(want).Abs().Cmp(money.MustDecimal("0.00000001")) < 0
}

// Both sides of a trial's fees are less the discounts that the subscription has:
// in each cycle those that covered it.
func TestTrial_feesWithTheSubscriptionsDiscounts(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	plan := w.publish(fmt.Sprintf(tiered, "postpaid", "0.10")) // 3.10 a month
	dearer := w.draft(strings.Replace(fmt.Sprintf(tiered, "postpaid", "0.10"), "3.10", "6.20", 1))
	for n, d := range []account.Discount{{}, {Percent: decimal("50")}, {Amount: decimal("4.00")}, {Amount: decimal("1.00"), CyclesLeft: new(int)}} {
		a := w.customer(plan, account.Postpaid, n+1)
		if n == 0 {
			continue
		}
		if d.CyclesLeft != nil {
			*d.CyclesLeft = 1
		}
		d.Reason, d.ValidFrom = "loyal", may.From
		w.write(func(ctx context.Context, tx tenant.Tx) error {
			have, err := account.Subscriptions(ctx, tx, a.ID)
			if err != nil {
				return err
			}
			d.SubscriptionID = have[0].ID
			given, err := account.GiveDiscounts(ctx, tx, []account.Discount{d})
			if err == nil && d.CyclesLeft != nil { // May has used it up
				given[0].Count(may)
				err = account.CountDiscounts(ctx, tx, given)
			}
			return err
		})
	}
	s := w.try(dearer, may, replay.Segment{}).Sums
	// 3.10, 1.55, 0, 2.10 against 6.20, 3.10, 2.20, 5.20
	if !within(s.Fees.Old, net(t, "6.75")) || !within(s.Fees.New, net(t, "16.70")) {
		t.Errorf("fees of May are %s, would be %s; want %s and %s", s.Fees.Old, s.Fees.New, net(t, "6.75"), net(t, "16.70"))
	}
	s = w.try(dearer, june, replay.Segment{}).Sums
	// the last one has its list price again: 3.10, 1.55, 0, 3.10 against 6.20, 3.10, 2.20, 6.20
	if !within(s.Fees.Old, net(t, "7.75")) || !within(s.Fees.New, net(t, "17.70")) {
		t.Errorf("fees of June are %s, would be %s", s.Fees.Old, s.Fees.New)
	}
}

func decimal(text string) *money.Decimal {
	d := money.MustDecimal(text)
	return &d
}
