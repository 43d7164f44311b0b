package portal_test

import (
	"context"
	"net/http"
	"testing"

	"tollhouse/billing/balance"
	"tollhouse/billing/identity"
	"tollhouse/billing/money"
	"tollhouse/billing/tenant"
)

func TestDesk_adjustsWithinTheRolesLimit(t *testing.T) {
	t.Parallel()
	w := newWorld(t, operator{name: "Hanse Mobil", colour: "#1d4f91", country: "DE", zone: "Europe/Berlin", currency: "EUR", language: "en", included: true,
		plans: []string{"hanse-postpaid-flex", "hanse-prepaid-200"}})
	c := w.customer(1, "hanse-postpaid-flex", "en")
	w.Write(t, func(ctx context.Context, tx tenant.Tx) error {
		return balance.PutAdjustPolicy(ctx, tx, balance.AdjustPolicy{
			Reasons: []balance.AdjustReason{{Code: "goodwill", Names: map[string]string{"en": "Our goodwill"}}},
			Limits:  []balance.AdjustLimit{{Role: "clerk", Unit: "EUR", PerAct: money.NewDecimal(5), PerDay: money.NewDecimal(8)}}}, "user:owner")
	})
	at := w.console("subscribers/" + c.ID.String() + "/adjust")
	give := func(send func(string, page, ...string) page, b *browser, amount, code string) page {
		form := b.get(at)
		contains(t, "the form", form.words(), "Our goodwill")
		return send(at, form, "key", form.value("key"), "target", "account", "way", "give", "amount", amount, "reason", "as agreed", "reason_code", code, "confirmed", "1")
	}
	clerk := w.works(identity.Clerk)
	if no := give(clerk.post, clerk, "2.00", ""); no.status != http.StatusUnprocessableEntity || no.in("#reason_code-e") == "" {
		t.Errorf("without a code: %d %s", no.status, no.words())
	}
	no := give(clerk.post, clerk, "5.01", "goodwill")
	contains(t, "beside the amount", no.in("#amount-e"), "at most 5,00 €")
	if no.status != http.StatusUnprocessableEntity {
		t.Errorf("beyond the limit: %d", no.status)
	}
	contains(t, "within it", give(clerk.follow, clerk, "5.00", "goodwill").words(), "The credit was given")
	contains(t, "the day's rest", give(clerk.post, clerk, "5.00", "goodwill").in("#amount-e"), "at most 3,00 €")
	owner := w.works(identity.Owner)
	contains(t, "an owner", give(owner.follow, owner, "50.00", "goodwill").words(), "The credit was given")
}
