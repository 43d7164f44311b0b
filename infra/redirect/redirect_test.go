package redirect_test

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/google/uuid"

	"tollhouse/billing/money"
	"tollhouse/billing/payment"
	"tollhouse/billing/tenant"
	"tollhouse/infra/redirect"
	"tollhouse/infra/redirect/standin"
)

var operator = tenant.NewID()

type world struct {
	server    *standin.Server
	client    *redirect.Client
	settings  payment.RedirectSettings
	callbacks chan *http.Request
	bodies    chan []byte
}

func newWorld(t *testing.T, now func() time.Time) *world {
	t.Helper()
	w := &world{server: standin.New(now, slog.New(slog.DiscardHandler)), callbacks: make(chan *http.Request, 8), bodies: make(chan []byte, 8)}
	if err := w.server.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = w.server.Stop(context.Background()) })
	sink := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		w.callbacks <- r
		w.bodies <- body
	}))
	t.Cleanup(sink.Close)
	w.settings = payment.RedirectSettings{Title: "Bank QR", BaseURL: w.server.URL(), Merchant: "hanse", Secret: "0123456789abcdef", Channels: []string{"qr", "va", "page"}, Minutes: 30, Refunds: true}
	w.server.Register(standin.Account{Merchant: "hanse", Secret: w.settings.Secret, CallbackURL: sink.URL})
	w.client = redirect.New(func(context.Context, tenant.ID) (payment.RedirectSettings, error) { return w.settings, nil }, now)
	return w
}

func request(channel string) payment.CheckoutRequest {
	id := uuid.Must(uuid.NewV7())
	return payment.CheckoutRequest{Tenant: operator, Intent: id, Key: "intent:" + id.String(), Amount: money.New(money.MustDecimal("45.00"), money.MustCurrency("EUR")),
		Description: "Bill 2026/42", Channel: channel, SuccessURL: "https://example.com/paid"}
}

func TestCheckout_givesWhatThePayerPaysBy(t *testing.T) {
	t.Parallel()
	w := newWorld(t, time.Now)
	for channel, has := range map[string]func(payment.Checkout) bool{
		"qr":   func(c payment.Checkout) bool { return c.QR != "" && c.ExpiresAt != nil },
		"va":   func(c payment.Checkout) bool { return c.Number != "" && c.Bank != "" },
		"page": func(c payment.Checkout) bool { return c.URL != "" },
	} {
		r := request(channel)
		made, err := w.client.Checkout(t.Context(), r)
		if err != nil || !has(made) {
			t.Errorf("%s: %+v: %v", channel, made, err)
		}
		if again, err := w.client.Checkout(t.Context(), r); err != nil || again.Ref != made.Ref {
			t.Errorf("%s: the same key gives %s, then %s: %v", channel, made.Ref, again.Ref, err)
		}
	}
	if _, err := w.client.Checkout(t.Context(), request("crypto")); !errors.Is(err, payment.ErrProviderRefused) {
		t.Errorf("a channel that there is not: %v", err)
	}
}

func TestCallback_isSignedAndFresh(t *testing.T) {
	t.Parallel()
	w := newWorld(t, time.Now)
	r := request("qr")
	made, err := w.client.Checkout(t.Context(), r)
	if err != nil {
		t.Fatal(err)
	}
	if err := w.server.Pay(made.Ref); err != nil {
		t.Fatal(err)
	}
	header, body := (<-w.callbacks).Header.Get(redirect.SignatureHeader), <-w.bodies
	event, err := w.client.ReadEvent(t.Context(), operator, header, body)
	if err != nil || event.Kind != payment.EventSucceeded || event.Intent != r.Intent || event.Amount.Text() != "45.00" || event.Tenant != operator {
		t.Errorf("event %+v: %v", event, err)
	}
	for name, try := range map[string]struct {
		header string
		body   []byte
		want   error
	}{
		"another body":   {header, append([]byte(" "), body...), payment.ErrWebhookSignature},
		"no signature":   {"", body, payment.ErrWebhookSignature},
		"another secret": {redirect.Sign("fedcba9876543210", time.Now(), string(body)), body, payment.ErrWebhookSignature},
		"too old":        {redirect.Sign(w.settings.Secret, time.Now().Add(-301*time.Second), string(body)), body, payment.ErrWebhookStale},
		"no callback":    {redirect.Sign(w.settings.Secret, time.Now(), "{}"), []byte("{}"), payment.ErrWebhookMalformed},
	} {
		if _, err := w.client.ReadEvent(t.Context(), operator, try.header, try.body); !errors.Is(err, try.want) {
			t.Errorf("%s: %v, want %v", name, err, try.want)
		}
	}
}

func TestLookup_findsWhatACallbackDidNotTell(t *testing.T) {
	t.Parallel()
	now := time.Now()
	w := newWorld(t, func() time.Time { return now })
	w.server.Silent = true
	paid, open := request("va"), request("qr")
	madePaid, err := w.client.Checkout(t.Context(), paid)
	if err != nil {
		t.Fatal(err)
	}
	madeOpen, err := w.client.Checkout(t.Context(), open)
	if err != nil {
		t.Fatal(err)
	}
	if err := w.server.Pay(madePaid.Number); err != nil {
		t.Fatal(err)
	}
	look := func(ref string, want payment.EventKind) {
		t.Helper()
		if event, err := w.client.Lookup(t.Context(), payment.LookupRequest{Tenant: operator, Ref: ref}); err != nil || event.Kind != want {
			t.Errorf("%s is %s, want %s: %v", ref, event.Kind, want, err)
		}
	}
	look(madePaid.Ref, payment.EventSucceeded)
	look(madeOpen.Ref, payment.EventIgnored)
	now = now.Add(31 * time.Minute)
	look(madeOpen.Ref, payment.EventCanceled) // its time is over
	back, err := w.client.Refund(t.Context(), payment.RefundRequest{Tenant: operator, Refund: uuid.Must(uuid.NewV7()), Key: "refund:1", Ref: madePaid.Ref, Amount: paid.Amount})
	if err != nil || back.State != payment.RefundSucceeded {
		t.Errorf("refund %+v: %v", back, err)
	}
	w.settings.Refunds = false
	if _, err := w.client.Refund(t.Context(), payment.RefundRequest{Tenant: operator, Key: "refund:2", Ref: madePaid.Ref, Amount: paid.Amount}); !errors.Is(err, payment.ErrProviderRefused) {
		t.Errorf("a refund that it can't make: %v", err)
	}
	w.settings.Secret = "another secret 123"
	if _, err := w.client.Checkout(t.Context(), request("qr")); !errors.Is(err, payment.ErrProviderNotConfigured) {
		t.Errorf("a wrong secret: %v", err)
	}
}
