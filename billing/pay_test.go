package billing

import (
	"errors"
	"strings"
	"testing"

	"tollhouse/billing/payment"
)

// A link with our name on it leads to us.
func TestCheckout_returnsToUsOnly(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	c := w.connect("prepaid")
	open := func(to string) error {
		_, err := w.Checkout(t.Context(), payment.NewIntent{AccountID: c.ID, Purpose: payment.PurposeTopUp, Amount: euro("5.00")}, to)
		return err
	}
	for _, to := range []string{
		"https://evil.example/", "//evil.example/", `/\evil.example/`, `\\evil.example`, "evil.example", "javascript:alert(1)",
		"https://tollhouse.example.evil.example/", "https://tollhouse.example@evil.example/", "https://tollhouse.example//evil.example",
		"https://tollhouse.example", "http://tollhouse.example/", "/\nevil", " /", "/%zz",
		"/t/other/", "/t/test-1/../other/", "https://tollhouse.example/t/other/",
	} {
		if err := open(to); !errors.Is(err, ErrReturnURL) {
			t.Errorf("%q: %v, want %v", to, err, ErrReturnURL)
		}
	}
	if n := w.text(`select count(*)::text from payment_intent`); n != "0" {
		t.Errorf("%s intents were kept", n)
	}
	for to, want := range map[string]string{
		"":                                "https://tollhouse.example/t/test-1/?paid=",
		"/t/test-1/bills":                 "https://tollhouse.example/t/test-1/bills?paid=",
		"/t/test-1/bills?page=2":          "https://tollhouse.example/t/test-1/bills?page=2&paid=",
		"https://tollhouse.example/thing": "https://tollhouse.example/thing?paid=",
	} {
		if err := open(to); err != nil {
			t.Errorf("%q: %v", to, err)
			continue
		}
		order := w.cards.orders[len(w.cards.orders)-1]
		if want += order.Intent.String(); order.SuccessURL != want {
			t.Errorf("%q leads to %s, want %s", to, order.SuccessURL, want)
		}
		if order.CancelURL != strings.Replace(want, "paid=", "canceled=", 1) {
			t.Errorf("%q canceled leads to %s", to, order.CancelURL)
		}
	}
}

// Case "A: webhooks": three times succeeded and then an older processing is one
// entry, a false or stale signature nothing, another amount is parked.
func TestReceiveWebhook(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	c := w.connect("prepaid")
	intent, err := w.Checkout(t.Context(), payment.NewIntent{AccountID: c.ID, Purpose: payment.PurposeTopUp, Amount: euro("45.00")}, "")
	if err != nil {
		t.Fatal(err)
	}
	succeeded := w.event(intent, payment.EventSucceeded, "s1")
	for signature, want := range map[string]error{"false": payment.ErrWebhookSignature, "stale": payment.ErrWebhookStale} {
		if err := w.deliver(succeeded, signature); !errors.Is(err, want) {
			t.Errorf("%s: %v, want %v", signature, err, want)
		}
	}
	w.work()
	if n := w.text(`select (select count(*) from webhook_in) || ' ' || (select count(*) from payment) || ' ' || (select count(*) from agenda where kind = 'webhook')`); n != "0 0 0" {
		t.Errorf("refused webhooks left %s rows", n)
	}
	if got := w.has(c); got["package"] != "" {
		t.Fatalf("has %v before paying", got)
	}
	for _, e := range []payment.ProviderEvent{succeeded, succeeded, w.event(intent, payment.EventSucceeded, "s2"), w.event(intent, payment.EventProcessing, "p1")} {
		if err := w.deliver(e, "right"); err != nil {
			t.Fatal(err)
		}
		w.work()
	}
	// what waited for the money is renewed: 45.00 - 7.99
	if got := w.has(c); got["main"] != "37.01" || got["package"] != "2000000000" {
		t.Errorf("has %v, want 37.01 and the package", got)
	}
	if got := w.text(`select state || ' ' || (select count(*) from payment) from payment_intent`); got != "succeeded 1" {
		t.Errorf("intent and payments: %s, want succeeded 1", got)
	}
	other, err := w.Checkout(t.Context(), payment.NewIntent{AccountID: c.ID, Purpose: payment.PurposeTopUp, Amount: euro("54.00")}, "")
	if err != nil {
		t.Fatal(err)
	}
	less := w.event(other, payment.EventSucceeded, "less")
	less.Amount = euro("45.00")
	if err := w.deliver(less, "right"); err != nil {
		t.Fatal(err)
	}
	w.work()
	if got := w.text(`select state from webhook_in where event_id = 'less'`); got != "parked" || w.has(c)["main"] != "37.01" {
		t.Errorf("another amount is %s, the balance %s", got, w.has(c)["main"])
	}
	if err := w.sums(); err != nil {
		t.Error(err)
	}
}

// Bank money renews what waited for it as well, once.
func TestRecordPayment_renewsWhatWaited(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	c := w.connect("prepaid")
	n := w.pay(c, payment.PurposeTopUp, "7.98")
	if got := w.has(c); got["package"] != "" || got["main"] != "7.98" {
		t.Errorf("has %v with a cent too little", got)
	}
	w.record(n)
	w.pay(c, payment.PurposeTopUp, "0.01")
	if got := w.has(c); got["package"] != "2000000000" || got["main"] != "0" {
		t.Errorf("has %v, want the package and 0", got)
	}
}
