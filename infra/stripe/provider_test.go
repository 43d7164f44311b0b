package stripe_test

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"

	"tollhouse/billing/payment"
	"tollhouse/billing/tenant"
	"tollhouse/infra/stripe"
	"tollhouse/infra/stripe/standin"
)

const testKey = "sk_test_123"

func client(baseURL, secret string) *stripe.Client {
	keys := func(context.Context, tenant.ID) (stripe.Keys, error) {
		return stripe.Keys{Secret: secret, WebhookSecrets: []string{"whsec_test"}}, nil
	}
	return stripe.New(baseURL, keys, time.Now)
}

// standIn starts a stand-in whose webhooks nobody wants.
func standIn(t *testing.T) (baseURL string) { return standInServer(t).URL() }

func standInServer(t *testing.T) *standin.Server {
	t.Helper()
	server, err := standin.New(standin.Config{
		Listen: "127.0.0.1:0", DataDir: t.TempDir(), Now: time.Now, Log: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		t.Fatal(err)
	}
	sink := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	t.Cleanup(sink.Close)
	server.Register(standin.Account{SecretKey: testKey, WebhookURL: sink.URL, WebhookSecret: "whsec_test"})
	if err := server.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := server.Stop(context.Background()); err != nil {
			t.Error(err)
		}
	})
	return server
}

func checkoutRequest(t testing.TB, text, currency string) payment.CheckoutRequest {
	id := uuid.Must(uuid.NewV7())
	return payment.CheckoutRequest{
		Tenant: operator, Sandbox: true, Intent: id, Key: "intent:" + id.String(), Amount: amount(t, text, currency),
		Description: "Bill 2026/42", Email: "ada@example.com", Language: "id",
		SuccessURL: "https://example.com/paid?x=1", CancelURL: "https://example.com/bill",
	}
}

// pay posts the form that the checkout page posts.
func pay(t *testing.T, page, number string) {
	t.Helper()
	browser := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	answer, err := browser.PostForm(page, url.Values{"number": {number}, "expiry": {"12/99"}, "code": {"123"}, "name": {"Ada"}})
	if err != nil {
		t.Fatal(err)
	}
	_ = answer.Body.Close()
	if answer.StatusCode != http.StatusSeeOther {
		t.Fatalf("paying answered %s", answer.Status)
	}
}

// TestProvider is one suite for every provider: Stripe's own mock proves that
// our requests are right, the stand-in that it behaves as we rely on.
func TestProvider(t *testing.T) {
	for name, start := range map[string]func(*testing.T) string{"stripe-mock": stripeMock, "stand-in": standIn} {
		t.Run(name, func(t *testing.T) {
			base := start(t)
			stateful := name == "stand-in"
			t.Run("opens a page in every kind of currency", func(t *testing.T) {
				for _, a := range [][2]string{{"45.00", "EUR"}, {"150000", "IDR"}, {"5000", "JPY"}, {"5.120", "KWD"}, {"500", "ISK"}} {
					opened, err := client(base, testKey).Checkout(t.Context(), checkoutRequest(t, a[0], a[1]))
					if err != nil {
						t.Fatalf("%v: %v", a, err)
					}
					if !strings.HasPrefix(opened.Ref, "cs_") || !strings.HasPrefix(opened.URL, "http") {
						t.Fatalf("%v: %+v", a, opened)
					}
				}
			})
			t.Run("leaves out what is not known", func(t *testing.T) {
				request := checkoutRequest(t, "1.00", "EUR")
				request.Email, request.Language = "", ""
				if _, err := client(base, testKey).Checkout(t.Context(), request); err != nil {
					t.Fatal(err)
				}
			})
			t.Run("pays, looks up and refunds", func(t *testing.T) { payAndRefund(t, client(base, testKey), stateful) })
			t.Run("refuses a wrong key in our words", func(t *testing.T) {
				_, err := client(base, "nonsense").Checkout(t.Context(), checkoutRequest(t, "1.00", "EUR"))
				var refusal *payment.ProviderError
				if !errors.Is(err, payment.ErrProviderNotConfigured) || !errors.As(err, &refusal) || refusal.Message == "" {
					t.Fatalf("error = %v", err)
				}
			})
			if stateful {
				t.Run("refuses in our words", func(t *testing.T) { refusals(t, client(base, testKey)) })
			}
		})
	}
}

func payAndRefund(t *testing.T, c *stripe.Client, stateful bool) {
	request := checkoutRequest(t, "45.00", "EUR")
	opened, err := c.Checkout(t.Context(), request)
	if err != nil {
		t.Fatal(err)
	}
	if stateful {
		again, err := c.Checkout(t.Context(), request)
		if err != nil || again != opened {
			t.Fatalf("same key: %+v, %v, want %+v", again, err, opened)
		}
		waiting, err := c.Lookup(t.Context(), payment.LookupRequest{Tenant: operator, Ref: opened.Ref})
		if err != nil || waiting.Kind != payment.EventIgnored {
			t.Fatalf("before payment: %+v, %v", waiting, err)
		}
		pay(t, opened.URL, "4242 4242 4242 4242")
	}
	paid, err := c.Lookup(t.Context(), payment.LookupRequest{Tenant: operator, Ref: opened.Ref})
	if err != nil || !strings.HasPrefix(paid.PaymentRef, "pi_") {
		t.Fatalf("lookup: %+v, %v", paid, err)
	}
	if stateful && (paid.Kind != payment.EventSucceeded || paid.Amount.String() != "45.00 EUR" || paid.Intent != request.Intent || paid.Tenant != operator) {
		t.Fatalf("lookup: %+v", paid)
	}
	refund := payment.RefundRequest{Tenant: operator, Refund: uuid.Must(uuid.NewV7()), Key: "refund:1", Ref: paid.PaymentRef, Amount: amount(t, "15.00", "EUR")}
	for range 2 { // the second one repeats the first
		made, err := c.Refund(t.Context(), refund)
		if err != nil || made.State != payment.RefundSucceeded || !strings.HasPrefix(made.Ref, "re_") {
			t.Fatalf("refund: %+v, %v", made, err)
		}
	}
	if !stateful {
		return
	}
	refund.Key, refund.Amount = "refund:2", amount(t, "30.01", "EUR")
	if _, err := c.Refund(t.Context(), refund); !errors.Is(err, payment.ErrProviderRefused) {
		t.Fatalf("more than is left: %v", err)
	}
}

func refusals(t *testing.T, c *stripe.Client) {
	request := checkoutRequest(t, "45.00", "EUR")
	if _, err := c.Checkout(t.Context(), request); err != nil {
		t.Fatal(err)
	}
	request.Amount = amount(t, "46.00", "EUR")
	if _, err := c.Checkout(t.Context(), request); !errors.Is(err, payment.ErrProviderRefused) {
		t.Errorf("same key, other amount: %v", err)
	}
	if _, err := c.Lookup(t.Context(), payment.LookupRequest{Tenant: operator, Ref: "pi_unknown"}); !errors.Is(err, payment.ErrProviderRefused) {
		t.Errorf("unknown payment: %v", err)
	}
	refund := payment.RefundRequest{Tenant: operator, Key: "k", Ref: "pi_unknown", Amount: amount(t, "1.00", "EUR")}
	if _, err := c.Refund(t.Context(), refund); !errors.Is(err, payment.ErrProviderRefused) {
		t.Errorf("refund of an unknown payment: %v", err)
	}
}

func TestClient_refusesBeforeCalling(t *testing.T) {
	down := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { t.Error("called") }))
	defer down.Close()
	request := checkoutRequest(t, "1.00", "EUR")
	if _, err := client(down.URL, "sk_live_1").Checkout(t.Context(), request); !errors.Is(err, payment.ErrProviderNotConfigured) {
		t.Errorf("sandbox with live keys: %v", err)
	}
	if _, err := client(down.URL, "").Checkout(t.Context(), request); !errors.Is(err, payment.ErrProviderNotConfigured) {
		t.Errorf("no keys: %v", err)
	}
	request.Amount = amount(t, "0.001", "EUR")
	if _, err := client(down.URL, testKey).Checkout(t.Context(), request); !errors.Is(err, payment.ErrProviderAmount) {
		t.Errorf("not exact: %v", err)
	}
}

func TestClient_retriesWithTheSameKeyAndGivesUp(t *testing.T) {
	var calls atomic.Int32
	keys := make(chan string, 10)
	down := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		calls.Add(1)
		keys <- r.Header.Get("Idempotency-Key")
		w.WriteHeader(http.StatusServiceUnavailable)
		_, _ = io.WriteString(w, `{"error":{"type":"api_error","message":"down"}}`)
	}))
	defer down.Close()
	request := checkoutRequest(t, "1.00", "EUR")
	_, err := client(down.URL, testKey).Checkout(t.Context(), request)
	if !errors.Is(err, payment.ErrProviderUnavailable) {
		t.Fatalf("error = %v", err)
	}
	if calls.Load() != 3 {
		t.Fatalf("%d calls, want 3", calls.Load())
	}
	for range 3 {
		if key := <-keys; key != request.Key {
			t.Fatalf("key %q, want %q", key, request.Key)
		}
	}
	cancelled, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := client(down.URL, testKey).Checkout(cancelled, request); !errors.Is(err, context.Canceled) {
		t.Fatalf("cancelled: %v", err)
	}
}
