package billing

import (
	"context"
	"errors"
	"strings"
	"testing"

	"tollhouse/billing/account"
	"tollhouse/billing/balance"
	"tollhouse/billing/money"
	"tollhouse/billing/points"
	"tollhouse/billing/tenant"
)

const rewardOptions = `
code: %k-gift
kind: option
names: {en: 5 GB for points}
billing: %k
services: []
currency: EUR
tax: {category: standard, included: true}
option: {for: [%p], at_most: 1, lasts: {days: 20}}
prices: {recurring: [{code: gift, names: {en: 5 GB for points}, amount: "3.00", months: 1, timing: advance, prorate: day}]}
allowances: [{code: five, names: {en: 5 GB}, amount: 5 GB, kinds: [data], validity_months: 1, priority: 1}]
`

// An option that points buy costs no money, prepaid or by bill; one that goes
// on for money cannot be had for them, and a refusal takes no points.
func TestBurnPoints_buysAnOption(t *testing.T) {
	t.Parallel()
	for kind, plan := range map[string]string{"prepaid": "prepaid", "postpaid": "flex"} {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			option := strings.NewReplacer("%k", kind, "%p", plan).Replace(rewardOptions)
			w.publish(option)
			w.publish(strings.NewReplacer("code: "+kind+"-gift", "code: "+kind+"-on", ", lasts: {days: 20}", "").Replace(option))
			c := w.connect(plan)
			w.advance(w.day("2026-05-10"))
			if kind == "prepaid" {
				w.cash(c.ID, "10.00")
			}
			w.write(func(ctx context.Context, tx tenant.Tx) error {
				names := map[string]string{"en": "Thank you"}
				err := points.Put(ctx, tx, points.Policy{Months: 12, Earnings: []points.Earning{{Source: points.TopUp, Points: 1, PerAmount: money.NewDecimal(1), Currency: "EUR"}},
					Rewards: []points.Reward{{Code: "gift", Names: names, Points: 40, Option: kind + "-gift"}, {Code: "on", Names: names, Points: 1, Option: kind + "-on"}}}, "user:owner")
				if err != nil {
					return err
				}
				_, err = balance.IssuePoints(ctx, tx, balance.Points{ID: id7(), AccountID: c.ID, Total: money.NewDecimal(50), ExpiresAt: tx.At.AddDate(1, 0, 0)})
				return err
			})
			had := w.mainOf(c.ID)
			id := id7()
			burn := func(reward string) error {
				return w.try(func(ctx context.Context, tx tenant.Tx) error {
					_, err := w.BurnPoints(ctx, tx, points.Burn{ID: id, AccountID: c.ID, Reward: reward, By: "user:x"})
					return err
				})
			}
			if err := burn("on"); !errors.Is(err, points.ErrNoReward) {
				t.Errorf("an option that goes on: %v", err)
			}
			for range 2 { // a repeat takes nothing more
				if err := burn("gift"); err != nil {
					t.Fatal(err)
				}
			}
			if got := w.text(`select count(*)::text || ' ' || min(state) from subscription where account_id = $1 and part = 'option'`, c.ID); got != "1 "+string(account.SubscriptionActive) {
				t.Errorf("options: %s", got)
			}
			if got := w.text(`select trim_scale(sum(value))::text from bucket where account_id = $1 and unit = 'point'`, c.ID); got != "10" {
				t.Errorf("points left: %s", got)
			}
			if got := w.text(`select trim_scale(sum(value))::text from bucket where account_id = $1 and code = 'five'`, c.ID); got != "5000000000" {
				t.Errorf("bytes: %s", got)
			}
			if now := w.mainOf(c.ID); !now.Equal(had) {
				t.Errorf("the balance was %s and is %s", had, now)
			}
			w.advance(w.day("2026-06-12"))
			w.work()
			if kind == "postpaid" {
				if got := w.text(`select count(*)::text || ' ' || trim_scale(sum(l.net))::text from bill_line l join bill b on b.id = l.bill_id
					where b.account_id = $1 and l.kind in ('recurring', 'discount') and (l.code like '%gift' or l.description like '%hank%' or l.description like '%points%')`, c.ID); got != "2 0" {
					t.Errorf("the option is billed with %s", got)
				}
			}
			w.mustSums()
		})
	}
}
