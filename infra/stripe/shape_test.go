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
	"refund":         {"id", "object", "status", "amount", "currency", "payment_intent", "charge", "created", "metadata", "reason null?"},
}

// TestStandin_answersInStripesShape compares the stand-in with Stripe's mock,
// request by request.
func TestStandin_answersInStripesShape(t *testing.T) {
	mock, own := stripeMock(t), standIn(t)
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

	for _, request := range []struct {
		object, method, path string
		form                 url.Values
	}{
		{"checkout.session", "POST", "/v1/checkout/sessions", session},
		{"checkout.session", "GET", "/v1/checkout/sessions/" + made["id"].(string), nil},
		{"payment_intent", "GET", "/v1/payment_intents/" + intent, nil},
		{"refund", "POST", "/v1/refunds", refund},
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
