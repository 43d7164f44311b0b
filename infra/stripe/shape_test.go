package stripe_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"
)

// read lists the top-level fields that this package reads, by object. "null?"
// marks those that Stripe may answer as null: there the stand-in may do either.
var read = map[string][]string{
	"checkout.session": {"id", "object", "url", "status", "payment_status", "livemode", "created", "metadata",
		"success_url", "mode", "expires_at", "payment_method_types", "payment_intent null?", "amount_total null?", "currency null?", "client_reference_id null?"},
	"payment_intent": {"id", "object", "status", "amount", "amount_received", "currency", "livemode", "created", "metadata", "last_payment_error null?", "latest_charge null?"},
	"setup_intent":   {"id", "object", "status", "usage", "livemode", "created", "metadata", "customer null?", "payment_method null?", "last_setup_error null?"},
	"payment_method": {"id", "object", "type", "livemode", "created", "card", "customer null?"},
	"dispute":        {"id", "object", "amount", "currency", "charge", "payment_intent null?", "reason", "status", "evidence_details", "balance_transactions", "metadata", "created"},
	"list":           {"object", "data", "has_more", "url"},
	"refund":         {"id", "object", "status", "amount", "currency", "payment_intent", "charge", "created", "metadata", "reason null?"},
}

// TestStandin_answersInStripesShape compares the stand-in with Stripe's mock,
// request by request.
func TestStandin_answersInStripesShape(t *testing.T) {
	server := standInServer(t)
	mock, own := stripeMock(t), server.URL()
	session := url.Values{
		"mode": {"payment"}, "success_url": {"https://example.com/s"}, "cancel_url": {"https://example.com/c"},
		"line_items[0][quantity]": {"1"}, "line_items[0][price_data][currency]": {"eur"},
		"line_items[0][price_data][unit_amount]":        {"4500"},
		"line_items[0][price_data][product_data][name]": {"Bill"},
	}
	made := fetch(t, own, "POST", "/v1/checkout/sessions", session)
	pay(t, made["url"].(string), "4242424242424242")
	paid := fetch(t, own, "GET", "/v1/checkout/sessions/"+made["id"].(string), nil)
	intent := paid["payment_intent"].(string)
	refund := url.Values{"payment_intent": {intent}, "amount": {"100"}}
	setup := url.Values{"mode": {"setup"}, "customer_creation": {"always"}, "success_url": {"https://example.com/s"}, "cancel_url": {"https://example.com/c"},
		"payment_method_types[0]": {"card"}, "currency": {"eur"}}
	stored := fetch(t, own, "POST", "/v1/checkout/sessions", setup)
	pay(t, stored["url"].(string), "4242424242424242")
	kept := fetch(t, own, "GET", "/v1/setup_intents/"+stored["setup_intent"].(string), nil)
	disputed := fetch(t, own, "POST", "/v1/checkout/sessions", session)
	pay(t, disputed["url"].(string), "4000000000000259")
	dispute := server.DisputeOf(fetch(t, own, "GET", "/v1/checkout/sessions/"+disputed["id"].(string), nil)["payment_intent"].(string))

	for _, request := range []struct {
		object, method, path string
		form                 url.Values
	}{
		{"checkout.session", "POST", "/v1/checkout/sessions", session},
		{"checkout.session", "GET", "/v1/checkout/sessions/" + made["id"].(string), nil},
		{"payment_intent", "GET", "/v1/payment_intents/" + intent, nil},
		{"refund", "POST", "/v1/refunds", refund},
		{"checkout.session", "POST", "/v1/checkout/sessions", setup},
		{"setup_intent", "GET", "/v1/setup_intents/" + stored["setup_intent"].(string), nil},
		{"payment_method", "GET", "/v1/payment_methods/" + kept["payment_method"].(string), nil},
		{"payment_method", "POST", "/v1/payment_methods/" + kept["payment_method"].(string) + "/detach", nil},
		{"dispute", "GET", "/v1/disputes/" + dispute, nil},
		{"list", "GET", "/v1/payouts", nil},
		{"list", "GET", "/v1/balance_transactions", nil},
	} {
		t.Run(request.method+" "+request.object, func(t *testing.T) {
			want := fetch(t, mock, request.method, request.path, request.form)
			got := fetch(t, own, request.method, request.path, request.form)
			compareShape(t, request.object, want, got)
		})
	}
}

func compareShape(t *testing.T, object string, want, got map[string]any) {
	t.Helper()
	if got["object"] != object || want["object"] != object {
		t.Fatalf("objects %v and %v, want %s", got["object"], want["object"], object)
	}
	for _, field := range read[object] {
		name, nullable := strings.CutSuffix(field, " null?")
		w, inMock := want[name]
		g, inOwn := got[name]
		if !inMock || !inOwn {
			t.Errorf("%s: in Stripe's mock %v, in the stand-in %v", name, inMock, inOwn)
			continue
		}
		// a closed page has no address, at Stripe too
		if nullable || name == "url" && got["status"] != "open" {
			continue
		}
		if fmt.Sprintf("%T", w) != fmt.Sprintf("%T", g) {
			t.Errorf("%s: %T at Stripe, %T here", name, w, g)
		}
	}
	for name := range got {
		if _, known := want[name]; !known {
			t.Errorf("%s is no field of Stripe's %s", name, object)
		}
	}
}

func TestStandin_errorsHaveStripesShape(t *testing.T) {
	for name, base := range map[string]string{"stripe-mock": stripeMock(t), "stand-in": standIn(t)} {
		status, body := request(t, base, "POST", "/v1/refunds", url.Values{"payment_intent": {"pi_1"}, "amount": {"many"}})
		failure, _ := body["error"].(map[string]any)
		if status < 400 || status > 499 || failure["type"] != "invalid_request_error" || failure["message"] == "" {
			t.Errorf("%s: %d %v", name, status, body)
		}
	}
}

func fetch(t *testing.T, base, method, path string, form url.Values) map[string]any {
	t.Helper()
	status, body := request(t, base, method, path, form)
	if status != http.StatusOK {
		t.Fatalf("%s %s: %d %v", method, path, status, body)
	}
	return body
}

func request(t *testing.T, base, method, path string, form url.Values) (int, map[string]any) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, base+path, strings.NewReader(form.Encode()))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer "+testKey)
	if method == http.MethodPost {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = answer.Body.Close() }()
	var body map[string]any
	if err := json.NewDecoder(answer.Body).Decode(&body); err != nil {
		t.Fatal(err)
	}
	return answer.StatusCode, body
}
