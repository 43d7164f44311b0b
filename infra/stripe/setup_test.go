package stripe_test

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"tollhouse/billing/payment"
)

func setupRequest() payment.SetupRequest {
	id := uuid.Must(uuid.NewV7())
	return payment.SetupRequest{Tenant: operator, Sandbox: true, Method: id, Key: "setup:" + id.String(), Email: "ada@example.com", Language: "id",
		SuccessURL: "https://example.com/stored", CancelURL: "https://example.com/cards"}
}

// Stripe's mock takes what we ask for, and the stand-in answers the same.
func TestSetUp_isTakenByStripesMockAndTheStandIn(t *testing.T) {
	for name, base := range map[string]string{"stripe-mock": stripeMock(t), "stand-in": standIn(t)} {
		t.Run(name, func(t *testing.T) {
			c, r := client(base, testKey), setupRequest()
			page, err := c.SetUp(t.Context(), r)
			if err != nil || page.Ref == "" {
				t.Fatalf("page %v: %v", page, err)
			}
			again, err := c.SetUp(t.Context(), r)
			if err != nil || name == "stand-in" && again != page {
				t.Errorf("the same key gives %v: %v", again, err)
			}
			r.Customer, r.Email, r.Key = "cus_123", "", r.Key+":known"
			if _, err := c.SetUp(t.Context(), r); err != nil {
				t.Errorf("of a known customer: %v", err)
			}
			look := payment.LookupRequest{Tenant: operator, Sandbox: true, Ref: "seti_123"}
			if _, err := c.LookupSetup(t.Context(), look); err != nil && name == "stripe-mock" {
				t.Errorf("look up: %v", err)
			}
			look.Ref = "pm_123"
			if event, err := c.Card(t.Context(), look); name == "stripe-mock" && (err != nil || event.Card == nil) {
				t.Errorf("card %v: %v", event.Card, err)
			}
			if err := c.Forget(t.Context(), look, "forget:1"); err != nil && name == "stripe-mock" {
				t.Errorf("forget: %v", err)
			}
			if _, err := c.Payouts(t.Context(), operator, true, time.Unix(0, 0)); err != nil {
				t.Errorf("payouts: %v", err)
			}
		})
	}
}

func TestSetUp_storesACardThatIsChargedLater(t *testing.T) {
	c, r := client(standIn(t), testKey), setupRequest()
	page, err := c.SetUp(t.Context(), r)
	if err != nil {
		t.Fatal(err)
	}
	look := payment.LookupRequest{Tenant: operator, Sandbox: true, Ref: page.Ref}
	if event, err := c.LookupSetup(t.Context(), look); err != nil || event.Kind != payment.EventIgnored {
		t.Errorf("before the card: %v %v", event.Kind, err)
	}
	pay(t, page.URL, "4000002760003184")
	event, err := c.LookupSetup(t.Context(), look)
	if err != nil || event.Kind != payment.EventCardKept || event.Setup != r.Method || event.Tenant != operator || event.Card == nil || event.Card.Last4 != "3184" {
		t.Fatalf("kept %+v, card %+v: %v", event, event.Card, err)
	}
	charge := payment.StoredCharge{Tenant: operator, Sandbox: true, Intent: uuid.Must(uuid.NewV7()), Key: "auto:1", Amount: amount(t, "45.00", "EUR"),
		Description: "Bill", Customer: event.KeptCustomer, Method: event.KeptMethod}
	declined, err := c.ChargeStored(t.Context(), charge)
	if err != nil || declined.Kind != payment.EventFailed || declined.Decline != "authentication_required" {
		t.Errorf("its bank asks: %v %q %v", declined.Kind, declined.Decline, err)
	}
	look.Ref = event.KeptMethod
	if err := c.Forget(t.Context(), look, "forget:"+look.Ref); err != nil {
		t.Fatal(err)
	}
	charge.Key = "auto:2"
	if _, err := c.ChargeStored(t.Context(), charge); !errors.Is(err, payment.ErrProviderRefused) {
		t.Errorf("a card that was taken back: %v", err)
	}
}

func TestPayouts_listWhatTheyAreMadeOf(t *testing.T) {
	server := standInServer(t)
	c := client(server.URL(), testKey)
	r := checkoutRequest(t, "45.00", "EUR")
	page, err := c.Checkout(t.Context(), r)
	if err != nil {
		t.Fatal(err)
	}
	pay(t, page.URL, "4242424242424242")
	paid, err := c.Lookup(t.Context(), payment.LookupRequest{Tenant: operator, Sandbox: true, Ref: page.Ref})
	if err != nil {
		t.Fatal(err)
	}
	payouts, err := c.Payouts(t.Context(), operator, true, time.Unix(0, 0))
	if err != nil || len(payouts) != 1 {
		t.Fatalf("%d payouts: %v", len(payouts), err)
	}
	line := payouts[0].Lines[0]
	if payouts[0].Amount.Text() != "44.12" || line.Kind != payment.MovedCharge || line.Payment != paid.PaymentRef || line.Gross.Text() != "45.00" || line.Fee.Text() != "0.88" {
		t.Errorf("payout of %s with %+v", payouts[0].Amount, line)
	}
}

// A key that may not make one of our calls is told which.
func TestCheckKey_namesWhatARestrictedKeyMayNot(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		answer := func(status int, message string) {
			w.WriteHeader(status)
			_ = json.NewEncoder(w).Encode(map[string]any{"error": map[string]string{"type": "invalid_request_error", "message": message}})
		}
		switch {
		case !strings.HasSuffix(r.Header.Get("Authorization"), "rk_test_12345678"):
			answer(http.StatusUnauthorized, "Invalid API Key provided")
		case r.URL.Path == "/v1/disputes", r.URL.Path == "/v1/refunds":
			answer(http.StatusForbidden, "The provided key does not have the required permissions")
		case r.Method == http.MethodPost:
			answer(http.StatusBadRequest, "Missing required param")
		default:
			_, _ = w.Write([]byte(`{"object":"list","data":[]}`))
		}
	}))
	t.Cleanup(server.Close)
	c := client(server.URL, "")
	check, err := c.CheckKey(t.Context(), "rk_test_12345678")
	if err != nil || check.Live || strings.Join(check.Missing, ", ") != "Charges and Refunds: write, Disputes: read" {
		t.Errorf("missing %q: %v", check.Missing, err)
	}
	if _, err := c.CheckKey(t.Context(), "rk_test_wrong123"); !errors.Is(err, payment.ErrProviderNotConfigured) {
		t.Errorf("a wrong key: %v", err)
	}
	for name, base := range map[string]string{"stripe-mock": stripeMock(t), "stand-in": standIn(t)} {
		if check, err := client(base, "").CheckKey(context.Background(), testKey); err != nil || len(check.Missing) > 0 {
			t.Errorf("%s: missing %q: %v", name, check.Missing, err)
		}
	}
}
