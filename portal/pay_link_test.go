package portal_test

import (
	"context"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"tollhouse/billing/audit"
	"tollhouse/billing/payment"
	"tollhouse/billing/tenant"
	"tollhouse/infra/postgres/pgtest"
)

// payLink makes a link to pay all that a customer owes.
func (w *world) payLink(c customer, life time.Duration) (token string, link payment.Link) {
	w.t.Helper()
	w.Write(w.t, func(ctx context.Context, tx tenant.Tx) (err error) {
		token, link, err = payment.CreateLink(ctx, tx, payment.NewLink{AccountID: c.ID, Life: life, By: "user:clerk"})
		return err
	})
	return token, link
}

func TestPayLink_paysWithoutSignInAndTellsLittle(t *testing.T) {
	t.Parallel()
	w := newWorld(t, hanse)
	c := w.customer(1, "hanse-postpaid-flex", "en")
	may(w, c)
	token, link := w.payLink(c, 0)
	b := w.browser()
	page := b.get("/t/test-1/link/" + token)
	contains(t, "link", page.words(), "Pay Hanse Mobil", "For J••• P•••", "40,11 €", "HM-2026/000001", "Due 15 Jun 2026", "Pay 40,11 €")
	for _, secret := range []string{"Jonas", "Petersen", c.email, c.Number, "+49", "Weg 1", "Hamburg"} {
		if strings.Contains(page.text, secret) {
			t.Errorf("a stranger is told %q", secret)
		}
	}
	if page.header.Get("Cache-Control") != "no-store" || page.header.Get("Referrer-Policy") != "same-origin" {
		t.Error("the address may leak")
	}
	// what the form adds to itself changes nothing, and twice is once
	first := b.post("/t/test-1/link/"+token, page, "amount", "0.01", "bill", uuid.NewString())
	second := w.browser()
	again := second.post("/t/test-1/link/"+token, second.get("/t/test-1/link/"+token))
	to := first.header.Get("Location")
	if first.status != http.StatusSeeOther || !strings.HasPrefix(to, "http://127.0.0.1:1/pay/") || again.header.Get("Location") != to {
		t.Fatalf("%d to %s, again to %s", first.status, to, again.header.Get("Location"))
	}
	if intents(w, c) != 1 {
		t.Errorf("%d payments were begun", intents(w, c))
	}
	var found []payment.Intent
	w.Read(t, func(ctx context.Context, tx tenant.Tx) (err error) {
		found, err = payment.Intents(ctx, tx, c.ID, 1)
		return err
	})
	w.Read(t, func(ctx context.Context, tx tenant.Tx) error {
		trail, err := audit.Of(ctx, tx, found[0].ID, uuid.Nil, 5)
		if len(trail) != 1 || trail[0].Actor != "link:"+link.ID.String() {
			t.Errorf("the audit trail says %+v", trail)
		}
		return err
	})
	if got := found[0].Amount.Text(); got != "40.11" {
		t.Errorf("the amount is %s", got)
	}
	id := found[0].ID.String()
	contains(t, "under way", b.get("/t/test-1/link/"+token+"?paid="+id).in("#payment"), "under way", "Look again")
	w.settle(c, id, payment.EventSucceeded)
	for _, path := range []string{"/t/test-1/link/" + token + "?paid=" + id, "/t/test-1/link/" + token} {
		paid := w.browser().get(path)
		contains(t, "paid", paid.words(), "Paid 40,11 €", "This is paid")
		if paid.find("form[action=/t/test-1/link/"+token+"]") != nil {
			t.Error("one could pay again")
		}
	}
	replay := b.post("/t/test-1/link/"+token, page)
	if replay.header.Get("Location") != "/t/test-1/link/"+token || intents(w, c) != 1 {
		t.Errorf("a replay answers %d to %s", replay.status, replay.header.Get("Location"))
	}
}

func TestPayLink_attacksLookAlike(t *testing.T) {
	t.Parallel()
	h := pgtest.NewHost(t)
	w, other := worldIn(t, h, 0, hanse), worldIn(t, h, 1, hanse)
	c, theirs := w.customer(1, "hanse-postpaid-flex", "en"), other.customer(1, "hanse-postpaid-flex", "en")
	may(w, c)
	may(other, theirs)
	good, link := w.payLink(c, 0)
	foreign, _ := other.payLink(theirs, 0)
	expired, _ := w.payLink(c, time.Hour)
	revoked, gone := w.payLink(c, 0)
	w.Write(t, func(ctx context.Context, tx tenant.Tx) error { return payment.RevokeLink(ctx, tx, c.ID, gone.ID) })
	w.clock("2026-06-04 12:00")
	b := w.browser()
	form := b.get("/t/test-1/link/" + good)
	dead := b.get("/t/test-1/link/nothing")
	contains(t, "dead", dead.words(), "not good any more")
	for name, token := range map[string]string{"foreign": foreign, "expired": expired, "revoked": revoked, "its id": link.ID.String(), "a guess": strings.Repeat("A", len(good))} {
		p := b.get("/t/test-1/link/" + token)
		if p.status != http.StatusNotFound || p.words() != dead.words() {
			t.Errorf("%s answers %d: %s", name, p.status, p.words())
		}
		if p := b.post("/t/test-1/link/"+token, form); p.status != http.StatusNotFound {
			t.Errorf("%s pays: %d", name, p.status)
		}
	}
	if p := b.post("/t/test-1/link/"+good, form, "csrf", "made-up"); p.status != http.StatusForbidden {
		t.Errorf("another site's form answers %d", p.status)
	}
	if n := intents(w, c); n != 0 {
		t.Errorf("%d payments were begun", n)
	}
}

func TestTopUp_hasACeiling(t *testing.T) {
	t.Parallel()
	w := newWorld(t, hanse)
	c := w.customer(1, "hanse-prepaid-200", "en")
	b := w.browser()
	home := b.signIn(w, c)
	p := b.post("/t/test-1/top-up", home, "amount", "1.000.000.000.000", "key", home.value("key"))
	if p.status != http.StatusUnprocessableEntity || intents(w, c) != 0 {
		t.Errorf("10^12 answers %d", p.status)
	}
	contains(t, "ceiling", p.in("#amount-e"), "At most 5.000,00 €")
}
