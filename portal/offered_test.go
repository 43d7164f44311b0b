package portal_test

import (
	"context"
	"net/http"
	"strings"
	"testing"

	"tollhouse/billing/alert"
	"tollhouse/billing/balance"
	"tollhouse/billing/money"
	"tollhouse/billing/tenant"
)

// A threshold that offers an option puts it on the home page with its price;
// one tap buys it the way every option is bought, and then it is not offered
// any more.
func TestThreshold_offersAnOptionWithOneTap(t *testing.T) {
	t.Parallel()
	w := newWorld(t, hanse)
	c := w.customer(1, "hanse-postpaid-flex", "en")
	w.sells(holidayOption)
	w.Write(t, func(ctx context.Context, tx tenant.Tx) error {
		return alert.Put(ctx, tx, alert.Policy{Rules: []alert.Rule{{Code: "much", Measure: alert.Spend, Value: money.MustDecimal("0.10"), Currency: "EUR", Action: alert.Offer, Offer: "hanse-holiday"}}}, "user:owner")
	})
	w.clock("2026-05-20 12:00")
	w.use(w.call(c, "b", "2026-05-13 10:00", "+49900123456", 90)) // premium: 0.20 + 2 min × 1.99
	b := w.browser()
	home := b.signIn(w, c)
	contains(t, "the home page", home.words(), "Your use reached", "Holiday", "Add it now for 3,00 €")
	if got := b.post(w.offerForm(home), home, "when", "now"); got.status != http.StatusSeeOther && got.status != http.StatusOK {
		t.Fatalf("one tap: %d %s", got.status, got.words())
	}
	contains(t, "the options", b.get(w.my("options")).words(), "Holiday", "End it")
	if home := b.get(w.my("")); strings.Contains(home.words(), "Add it now") {
		t.Errorf("it is still offered: %s", home.words())
	}
}

// offerForm is the address of the first form that buys an option.
func (w *world) offerForm(p page) string {
	for _, n := range p.all("form") {
		if at := attribute(n, "action"); strings.Contains(at, "/buy/") {
			return at
		}
	}
	return ""
}

// The owner of a group sees what its members used and bounds it; a member sees
// what it may use; somebody else's members are not there.
func TestSharing_isSeenAndBoundedBySubscribers(t *testing.T) {
	t.Parallel()
	w := newWorld(t, hanse)
	owner, member, stranger := w.customer(1, "hanse-postpaid-flex", "en"), w.customer(2, "hanse-postpaid-flex", "en"), w.customer(3, "hanse-postpaid-flex", "en")
	w.Write(t, func(ctx context.Context, tx tenant.Tx) error {
		if _, err := balance.Found(ctx, tx, owner.ID, "Family"); err != nil {
			return err
		}
		return balance.Join(ctx, tx, owner.ID, member.ID)
	})
	b := w.browser()
	contains(t, "the owner's home", b.signIn(w, owner).words(), "Shared with others")
	mine := b.get(w.my("sharing"))
	contains(t, "the owner's page", mine.words(), "Your group “Family”", "Nothing yet", "All there is")
	if no := b.post(w.my("sharing/limit"), mine, "member", member.ID.String(), "amount", "much"); no.status != http.StatusUnprocessableEntity || no.find("#amount-e") == nil {
		t.Errorf("a limit of nothing: %d %s", no.status, no.words())
	}
	contains(t, "bounded", b.follow(w.my("sharing/limit"), mine, "member", member.ID.String(), "amount", "2 GB").words(), "The limit was changed", "2 GB")
	if no := b.post(w.my("sharing/limit"), mine, "member", stranger.ID.String(), "amount", "2 GB"); no.status != http.StatusNotFound {
		t.Errorf("a stranger's limit: %d", no.status)
	}
	its := w.browser()
	its.signIn(w, member)
	contains(t, "the member's page", its.get(w.my("sharing")).words(), "You are a member of “Family”", "You may use", "2 GB")
	other := w.browser()
	other.signIn(w, stranger)
	contains(t, "a stranger's page", other.get(w.my("sharing")).words(), "Nothing is shared")
}
