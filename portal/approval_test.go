package portal_test

import (
	"context"
	"net/http"
	"strings"
	"testing"

	"github.com/google/uuid"

	"tollhouse/billing/balance"
	"tollhouse/billing/identity"
	"tollhouse/billing/money"
	"tollhouse/billing/points"
	"tollhouse/billing/tenant"
	"tollhouse/billing/transfer"
)

// A clerk who may not give so much lays it before a second person, who sees
// who asks, for whom and why, and decides.
func TestApprovals_aSecondPersonDecides(t *testing.T) {
	t.Parallel()
	w := newWorld(t, hanse)
	c := w.customer(1, "hanse-postpaid-flex", "en")
	w.Write(t, func(ctx context.Context, tx tenant.Tx) error {
		return balance.PutAdjustPolicy(ctx, tx, balance.AdjustPolicy{Limits: []balance.AdjustLimit{{Role: "clerk", Unit: "EUR", PerAct: money.NewDecimal(5), PerDay: money.NewDecimal(5)}}}, "user:owner")
	})
	clerk, at := w.works(identity.Clerk), w.console("subscribers/"+c.ID.String()+"/adjust")
	give := []string{"target", "account", "way", "give", "amount", "30.00", "reason", "a week without service"}
	form := clerk.get(at)
	no := clerk.post(at, form, append(give, "key", form.value("key"), "confirmed", "1")...)
	contains(t, "refused, with a way on", no.words(), "at most 5,00 €", "Lay 30,00 € before a second person")
	asked := clerk.follow(at, no, append(give, "key", no.value("key"), "second", "1")...)
	contains(t, "asked", asked.words(), "It waits for a second person")
	mine := clerk.get(w.console("approvals"))
	contains(t, "one's own", mine.words(), "30,00 €", "a week without service", "Take it back")
	approve := func(p page) string {
		for _, n := range p.all("button") {
			if to := attribute(n, "formaction"); strings.HasSuffix(to, "/approve") {
				return to
			}
		}
		return ""
	}
	if approve(mine) != "" {
		t.Error("one's own can be approved")
	}
	owner := w.works(identity.Owner)
	list := owner.get(w.console("approvals"))
	to := approve(list)
	contains(t, "before the second person", list.words(), "Approve 30,00 €")
	if no := owner.post(strings.TrimSuffix(to, "approve")+"refuse", list, "key", list.value("key")); no.status != http.StatusUnprocessableEntity {
		t.Errorf("refused without a reason: %d %s", no.status, no.words())
	}
	contains(t, "approved", owner.follow(to, list, "key", list.value("key")).words(), "It was approved and carried out", "Nothing waits", "Approved")
	contains(t, "twice", owner.post(to, list).words(), "Somebody has decided already")
	w.sums()
}

// A clerk does with a subscriber's balance what the subscriber could do: gives
// of it, takes a reward, and is told what is wrong beside the field.
func TestWallet_clerkActsForASubscriber(t *testing.T) {
	t.Parallel()
	w := newWorld(t, operator{name: "Hanse Mobil", colour: "#1d4f91", country: "DE", zone: "Europe/Berlin", currency: "EUR", language: "en", included: true, plans: []string{"hanse-prepaid-200"}})
	c, other := w.customer(1, "hanse-prepaid-200", "en"), w.customer(2, "hanse-prepaid-200", "en")
	w.Write(t, func(ctx context.Context, tx tenant.Tx) error {
		if err := transfer.Put(ctx, tx, transfer.Policy{Enabled: true, Minimum: money.NewDecimal(1), Fee: money.MustDecimal("0.25")}, "user:owner"); err != nil {
			return err
		}
		if _, err := balance.IssuePoints(ctx, tx, balance.Points{ID: uuid.Must(uuid.NewV7()), AccountID: c.ID, Total: money.NewDecimal(200), ExpiresAt: tx.At.AddDate(1, 0, 0)}); err != nil {
			return err
		}
		return points.Put(ctx, tx, points.Policy{Months: 12, Earnings: []points.Earning{{Source: points.TopUp, Points: 10, PerAmount: money.NewDecimal(1), Currency: "EUR"}},
			Rewards: []points.Reward{{Code: "gb", Names: map[string]string{"en": "1 GB more"}, Points: 50, Amount: money.NewDecimal(1e9), Unit: money.Byte, Days: 30}}}, "user:owner")
	})
	w.topUp(c, "20.00")
	b, at := w.works(identity.Clerk), w.console("subscribers/"+c.ID.String())
	page := b.get(at + "/wallet")
	contains(t, "the wallet", page.words(), "No threshold was crossed", "does not top itself up", "200 points", "1 GB more")
	contains(t, "the reward", b.follow(at+"/reward", page, "reward", "gb", "key", page.value("key")).words(), "Done", "150 points")
	form := b.get(at + "/transfer")
	contains(t, "to nobody", b.post(at+"/transfer", form, "to", "nobody", "amount", "3").in("#to-e"), "Nobody can be given money")
	sent := []string{"to", other.Number, "amount", "3,00", "key", form.value("key")}
	sure := b.post(at+"/transfer", form, sent...)
	contains(t, "the question", sure.words(), "Give 3,00 €")
	contains(t, "given", b.follow(at+"/transfer", sure, append(sent, "confirmed", "1")...).words(), "Done")
	contains(t, "too little of it", b.post(at+"/transfer", b.get(at+"/transfer"), "to", other.Number, "amount", "0,50", "confirmed", "1").in("#amount-e"), "The least is 1,00 €")
	w.sums()
}
