package portal_test

import (
	"context"
	"net/http"
	"strings"
	"testing"

	"tollhouse/billing/payment"
	"tollhouse/billing/tenant"
)

func TestPay_leadsToTheProviderOnce(t *testing.T) {
	t.Parallel()
	w := newWorld(t, hanse)
	c := w.customer(1, "hanse-postpaid-flex", "en")
	may(w, c)
	b := w.browser()
	home := b.signIn(w, c)
	first := b.post("/t/test-1/pay", home, "key", home.value("key"))
	second := b.post("/t/test-1/pay", home, "key", home.value("key"))
	to := first.header.Get("Location")
	if first.status != http.StatusSeeOther || !strings.HasPrefix(to, "http://127.0.0.1:1/pay/") || second.header.Get("Location") != to {
		t.Fatalf("%d to %s, again to %s", first.status, to, second.header.Get("Location"))
	}
	if !strings.Contains(home.header.Get("Content-Security-Policy"), "form-action 'self' https://checkout.stripe.com http://127.0.0.1:*") {
		t.Errorf("the browser would not follow: %s", home.header.Get("Content-Security-Policy"))
	}
	if n := intents(w, c); n != 1 {
		t.Fatalf("%d payments were begun", n)
	}
	id := strings.Split(strings.TrimPrefix(to, "http://127.0.0.1:1/pay/"), "?")[0]

	waiting := b.get("/t/test-1/?paid=" + id)
	contains(t, "under way", waiting.in("#payment"), "under way", "Look again")
	poll := attribute(waiting.find("#payment"), "hx-get")
	if waiting.find("form[action=/t/test-1/pay]") != nil {
		t.Error("one could pay twice")
	}
	if part := b.partial(poll, "payment"); part.header.Get("HX-Refresh") != "" || part.in("#payment") == "" {
		t.Error("a payment under way reloads the page")
	}
	left := b.get("/t/test-1/?canceled=" + id)
	contains(t, "left", left.in("#payment"), "You left the payment page", "40,11 €")

	w.settle(c, id, payment.EventSucceeded)
	if part := b.partial(poll, "payment"); part.header.Get("HX-Refresh") != "true" {
		t.Error("a payment that has come in does not reload the page")
	}
	paid := b.get("/t/test-1/?paid=" + id)
	contains(t, "paid", paid.words(), "Paid 40,11 €", "Nothing to pay")
	contains(t, "bills", b.get("/t/test-1/bills").in("#bills"), "HM-2026/000001", "Paid")
	again := b.post("/t/test-1/pay", paid, "key", home.value("key"))
	if !strings.HasSuffix(again.header.Get("Location"), "?paid="+id) {
		t.Errorf("a repeat of a paid one leads to %s", again.header.Get("Location"))
	}
	nothing := b.post("/t/test-1/pay", paid)
	if nothing.status != http.StatusUnprocessableEntity {
		t.Errorf("paying nothing answers %d", nothing.status)
	}
	contains(t, "nothing", nothing.words(), "nothing left to pay")

	stranger := w.customer(2, "hanse-postpaid-flex", "en")
	if p := func() page { s := w.browser(); s.signIn(w, stranger); return s.get("/t/test-1/?paid=" + id) }(); p.find("#payment") != nil {
		t.Error("another's payment is shown")
	}
}

// settle lets the provider's event come in.
func (w *world) settle(c customer, intent string, kind payment.EventKind) {
	w.t.Helper()
	w.Write(w.t, func(ctx context.Context, tx tenant.Tx) error {
		found, err := payment.Intents(ctx, tx, c.ID, 1)
		if err != nil {
			return err
		}
		ref, err := payment.Receive(ctx, tx, payment.ProviderEvent{Provider: payment.Stripe, ID: "evt_" + intent + string(kind), Type: "test", Kind: kind, Created: tx.At,
			Tenant: tx.Tenant, Intent: found[0].ID, PaymentRef: "pi_1", Amount: found[0].Amount, Failure: "Your card was declined."})
		if err != nil {
			return err
		}
		_, err = payment.Work(ctx, tx, ref)
		return err
	})
}

func TestPay_toldWhenItFails(t *testing.T) {
	t.Parallel()
	w := newWorld(t, hanse)
	c := w.customer(1, "hanse-postpaid-flex", "en")
	may(w, c)
	b := w.browser()
	home := b.signIn(w, c)
	w.cards.down = true
	if p := b.post("/t/test-1/pay", home); p.status != http.StatusUnprocessableEntity || !strings.Contains(p.words(), "can't be reached") {
		t.Errorf("provider down answers %d: %s", p.status, p.in(".note"))
	}
	w.cards.down = false
	to := b.post("/t/test-1/pay", home, "key", home.value("key")).header.Get("Location")
	id := strings.Split(strings.TrimPrefix(to, "http://127.0.0.1:1/pay/"), "?")[0]
	w.settle(c, id, payment.EventFailed)
	failed := b.get("/t/test-1/?paid=" + id)
	contains(t, "failed", failed.in("#payment"), "failed", "Your card was declined.", "Nothing was taken", "Back to the payment page")
}
