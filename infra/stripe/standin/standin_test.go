package standin_test

import (
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stripe/stripe-go/v76/webhook"

	"tollhouse/infra/stripe/standin"
)

const (
	key    = "sk_test_ada"
	secret = "whsec_ada"
	pays   = "4242 4242 4242 4242"
)

// receiver takes webhooks, after refusing the first few.
type receiver struct {
	*httptest.Server
	mu     sync.Mutex
	refuse int
	types  []string
	ids    map[string]bool
}

func newReceiver(t *testing.T, refuse int) *receiver {
	r := &receiver{refuse: refuse, ids: map[string]bool{}}
	r.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, q *http.Request) {
		body, err := io.ReadAll(q.Body)
		if err == nil {
			err = webhook.ValidatePayload(body, q.Header.Get("Stripe-Signature"), secret)
		}
		var event struct{ ID, Type string }
		if err != nil || json.Unmarshal(body, &event) != nil {
			t.Errorf("webhook %s: %v", body, err)
		}
		r.mu.Lock()
		defer r.mu.Unlock()
		if r.refuse > 0 {
			r.refuse--
			w.WriteHeader(http.StatusServiceUnavailable)
			return
		}
		r.ids[event.ID] = true
		r.types = append(r.types, event.Type)
	}))
	t.Cleanup(r.Close)
	return r
}

// seen are the types that came, sorted, as webhooks come in no order.
func (r *receiver) seen() []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Sorted(slices.Values(r.types))
}

func start(t *testing.T, dir, webhookURL string, now func() time.Time) *standin.Server {
	t.Helper()
	server, err := standin.New(standin.Config{Listen: "127.0.0.1:0", DataDir: dir, Now: now, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	server.Register(standin.Account{SecretKey: key, WebhookURL: webhookURL, WebhookSecret: secret})
	if err := server.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { stop(t, server) })
	return server
}

func stop(t *testing.T, server *standin.Server) {
	t.Helper()
	if err := server.Stop(context.Background()); err != nil {
		t.Error(err)
	}
}

func drain(t *testing.T, server *standin.Server) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	if err := server.Drain(ctx); err != nil {
		t.Fatal(err)
	}
}

func call(t *testing.T, server *standin.Server, secretKey, idempotency, method, path string, form url.Values) (int, map[string]any) {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), method, server.URL()+path, strings.NewReader(form.Encode()))
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Authorization", "Bearer "+secretKey)
	request.Header.Set("Idempotency-Key", idempotency)
	if method == http.MethodPost {
		request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = answer.Body.Close() }()
	body := map[string]any{}
	if err := json.NewDecoder(answer.Body).Decode(&body); err != nil {
		t.Fatal(err)
	}
	return answer.StatusCode, body
}

func sessionForm() url.Values {
	return url.Values{
		"mode": {"payment"}, "success_url": {"https://shop.example/paid?s={CHECKOUT_SESSION_ID}"}, "cancel_url": {"https://shop.example/back"},
		"line_items[0][quantity]": {"1"}, "line_items[0][price_data][currency]": {"eur"},
		"line_items[0][price_data][unit_amount]":        {"4500"},
		"line_items[0][price_data][product_data][name]": {"Bill <42>"},
		"locale": {"en"}, "payment_intent_data[metadata][bill]": {"42"},
	}
}

// open makes a session and returns its id.
func open(t *testing.T, server *standin.Server) string {
	t.Helper()
	status, body := call(t, server, key, "", "POST", "/v1/checkout/sessions", sessionForm())
	if status != http.StatusOK {
		t.Fatalf("create session: %d %v", status, body)
	}
	return body["id"].(string)
}

var browser = &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}

func cardForm(number string) url.Values {
	return url.Values{"number": {number}, "expiry": {"12/99"}, "code": {"123"}, "name": {"Ada Lovelace"}}
}

// submit posts a form and returns the status, the page and where it leads.
func submit(t *testing.T, address string, form url.Values) (status int, page, location string) {
	t.Helper()
	answer, err := browser.PostForm(address, form)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = answer.Body.Close() }()
	text, err := io.ReadAll(answer.Body)
	if err != nil {
		t.Fatal(err)
	}
	return answer.StatusCode, string(text), answer.Header.Get("Location")
}

func get(t *testing.T, address string) (*http.Response, string) {
	t.Helper()
	answer, err := browser.Get(address)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = answer.Body.Close() }()
	text, err := io.ReadAll(answer.Body)
	if err != nil {
		t.Fatal(err)
	}
	return answer, string(text)
}

func TestCheckout_paysOnce(t *testing.T) {
	hooks := newReceiver(t, 0)
	server := start(t, t.TempDir(), hooks.URL, time.Now)
	id := open(t, server)
	address := server.URL() + "/c/pay/" + id

	want := "https://shop.example/paid?s=" + id
	for range 2 { // the second is a double click
		if status, page, location := submit(t, address, cardForm(pays)); status != http.StatusSeeOther || location != want {
			t.Fatalf("paid: %d to %q %s", status, location, page)
		}
	}
	drain(t, server)
	if got := hooks.seen(); !slices.Equal(got, []string{"checkout.session.completed", "payment_intent.processing", "payment_intent.succeeded"}) {
		t.Fatalf("webhooks %v", got)
	}
	_, session := call(t, server, key, "", "GET", "/v1/checkout/sessions/"+id, nil)
	_, intent := call(t, server, key, "", "GET", "/v1/payment_intents/"+session["payment_intent"].(string), nil)
	if session["payment_status"] != "paid" || intent["status"] != "succeeded" || intent["metadata"].(map[string]any)["bill"] != "42" {
		t.Fatalf("session %v\nintent %v", session, intent)
	}
}

func TestCheckout_declinedCardLeavesThePagePayable(t *testing.T) {
	hooks := newReceiver(t, 0)
	server := start(t, t.TempDir(), hooks.URL, time.Now)
	address := server.URL() + "/c/pay/" + open(t, server)

	status, page, _ := submit(t, address, cardForm("4000 0000 0000 0002"))
	if status != http.StatusPaymentRequired || !strings.Contains(page, "Your card was declined.") || !strings.Contains(page, `role="alert"`) {
		t.Fatalf("declined: %d %s", status, page)
	}
	if _, page := get(t, address); !strings.Contains(page, "Your card was declined.") {
		t.Fatal("the page forgets why")
	}
	if status, _, _ := submit(t, address, cardForm(pays)); status != http.StatusSeeOther {
		t.Fatalf("second card: %d", status)
	}
	drain(t, server)
	if got := hooks.seen(); !slices.Contains(got, "payment_intent.payment_failed") || !slices.Contains(got, "payment_intent.succeeded") {
		t.Fatalf("webhooks %v", got)
	}
}

func TestCheckout_asksForConfirmation(t *testing.T) {
	server := start(t, t.TempDir(), newReceiver(t, 0).URL, time.Now)
	address := server.URL() + "/c/pay/" + open(t, server)

	if status, _, location := submit(t, address, cardForm("4000 0025 0000 3155")); status != http.StatusSeeOther || !strings.HasSuffix(location, "/confirm") {
		t.Fatalf("asks: %d to %q", status, location)
	}
	if status, _, location := submit(t, address+"/confirm", url.Values{"answer": {"refuse"}}); status != http.StatusSeeOther || strings.HasSuffix(location, "/confirm") {
		t.Fatalf("refused: %d to %q", status, location)
	}
	if _, page := get(t, address); !strings.Contains(page, "unable to authenticate") {
		t.Fatal("the page does not tell that it was not confirmed")
	}
	submit(t, address, cardForm("4000002500003155"))
	if status, _, location := submit(t, address+"/confirm", url.Values{"answer": {"confirm"}}); status != http.StatusSeeOther || !strings.HasPrefix(location, "https://shop.example/") {
		t.Fatalf("confirmed: %d to %q", status, location)
	}
}

func TestCheckout_namesWrongFields(t *testing.T) {
	server := start(t, t.TempDir(), newReceiver(t, 0).URL, time.Now)
	address := server.URL() + "/c/pay/" + open(t, server)
	for field, value := range map[string]string{"number": "4111 1111 1111 1111", "expiry": "12/20", "code": "12", "name": " "} {
		form := cardForm(pays)
		form.Set(field, value)
		status, page, _ := submit(t, address, form)
		if status != http.StatusUnprocessableEntity || !strings.Contains(page, `id="`+field+`-error"`) || strings.Contains(page, "4111") {
			t.Errorf("%s: %d %s", field, status, page)
		}
	}
}

func TestPage_isPlainAndSafe(t *testing.T) {
	server := start(t, t.TempDir(), newReceiver(t, 0).URL, time.Now)
	answer, page := get(t, server.URL()+"/c/pay/"+open(t, server))
	policy := answer.Header.Get("Content-Security-Policy")
	if !strings.Contains(policy, "default-src 'none'") || !strings.Contains(policy, "form-action 'self' https://shop.example") {
		t.Errorf("policy %q", policy)
	}
	for _, want := range []string{"€45.00", "Bill &lt;42&gt;", `<label for="number">`, `<html lang="en">`, `href="/c/style.css"`} {
		if !strings.Contains(page, want) {
			t.Errorf("the page lacks %s", want)
		}
	}
	for _, bad := range []string{"<script", "<style", "style=", " onclick"} {
		if strings.Contains(page, bad) {
			t.Errorf("the page has %s", bad)
		}
	}
	if answer, _ := get(t, server.URL()+"/c/style.css"); !strings.HasPrefix(answer.Header.Get("Content-Type"), "text/css") {
		t.Error("no style sheet")
	}
	if answer, _ := get(t, server.URL()+"/c/pay/cs_test_unknown"); answer.StatusCode != http.StatusNotFound {
		t.Errorf("unknown page: %s", answer.Status)
	}
}

func TestIdempotency_sameKeySameAnswer(t *testing.T) {
	server := start(t, t.TempDir(), newReceiver(t, 0).URL, time.Now)
	_, first := call(t, server, key, "k1", "POST", "/v1/checkout/sessions", sessionForm())
	_, again := call(t, server, key, "k1", "POST", "/v1/checkout/sessions", sessionForm())
	if first["id"] != again["id"] {
		t.Errorf("%v and %v", first["id"], again["id"])
	}
	other := sessionForm()
	other.Set("line_items[0][price_data][unit_amount]", "4600")
	status, refusal := call(t, server, key, "k1", "POST", "/v1/checkout/sessions", other)
	if status != http.StatusBadRequest || refusal["error"].(map[string]any)["type"] != "idempotency_error" {
		t.Errorf("other parameters: %d %v", status, refusal)
	}
}

func TestAccounts_areApart(t *testing.T) {
	hooks := newReceiver(t, 0)
	server := start(t, t.TempDir(), hooks.URL, time.Now)
	server.Register(standin.Account{SecretKey: "sk_test_bob", WebhookURL: hooks.URL, WebhookSecret: secret})
	id := open(t, server)
	if status, _ := call(t, server, "sk_test_bob", "", "GET", "/v1/checkout/sessions/"+id, nil); status != http.StatusNotFound {
		t.Errorf("another account sees it: %d", status)
	}
	if status, _ := call(t, server, "sk_test_eve", "", "GET", "/v1/checkout/sessions/"+id, nil); status != http.StatusUnauthorized {
		t.Errorf("an unknown key: %d", status)
	}
}

func TestWebhooks_areRepeatedUntilTaken(t *testing.T) {
	hooks := newReceiver(t, 5)
	server := start(t, t.TempDir(), hooks.URL, time.Now)
	submit(t, server.URL()+"/c/pay/"+open(t, server), cardForm(pays))
	drain(t, server)
	if got := hooks.seen(); len(got) != 3 || len(hooks.ids) != 3 {
		t.Fatalf("webhooks %v", got)
	}
}

func TestRestart_keepsAllButTheCard(t *testing.T) {
	dir := t.TempDir()
	down := newReceiver(t, 1_000_000)
	first := start(t, dir, down.URL, time.Now)
	open1, open2 := open(t, first), open(t, first)
	submit(t, first.URL()+"/c/pay/"+open1, cardForm(pays))
	_, kept := call(t, first, key, "k1", "POST", "/v1/checkout/sessions", sessionForm())
	stop(t, first)

	hooks := newReceiver(t, 0)
	second := start(t, dir, hooks.URL, time.Now)
	drain(t, second)
	if got := hooks.seen(); len(got) != 3 {
		t.Errorf("webhooks after the restart: %v", got)
	}
	if _, again := call(t, second, key, "k1", "POST", "/v1/checkout/sessions", sessionForm()); again["id"] != kept["id"] {
		t.Errorf("the key was forgotten: %v and %v", kept["id"], again["id"])
	}
	if status, _, _ := submit(t, second.URL()+"/c/pay/"+open2, cardForm(pays)); status != http.StatusSeeOther {
		t.Errorf("the open page can't be paid on: %d", status)
	}
	journal, err := os.ReadFile(filepath.Join(dir, "stripe-standin.jsonl"))
	if err != nil {
		t.Fatal(err)
	}
	for _, secretText := range []string{"4242", "Lovelace", key, secret} {
		if strings.Contains(string(journal), secretText) {
			t.Errorf("the journal holds %q", secretText)
		}
	}
}

func TestRestart_afterAHalfWrittenLine(t *testing.T) {
	dir := t.TempDir()
	first := start(t, dir, newReceiver(t, 0).URL, time.Now)
	id := open(t, first)
	stop(t, first)
	file, err := os.OpenFile(filepath.Join(dir, "stripe-standin.jsonl"), os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := file.WriteString(`{"session":{"id":"cs_te`); err != nil {
		t.Fatal(err)
	}
	_ = file.Close()
	second := start(t, dir, newReceiver(t, 0).URL, time.Now)
	if status, _ := call(t, second, key, "", "GET", "/v1/checkout/sessions/"+id, nil); status != http.StatusOK {
		t.Fatalf("session lost: %d", status)
	}
}

func TestSession_expires(t *testing.T) {
	var mu sync.Mutex
	now := time.Now()
	clock := func() time.Time {
		mu.Lock()
		defer mu.Unlock()
		return now
	}
	server := start(t, t.TempDir(), newReceiver(t, 0).URL, clock)
	id := open(t, server)
	mu.Lock()
	now = now.Add(24 * time.Hour)
	mu.Unlock()
	if answer, _ := get(t, server.URL()+"/c/pay/"+id); answer.StatusCode != http.StatusGone {
		t.Errorf("page: %s", answer.Status)
	}
	if _, session := call(t, server, key, "", "GET", "/v1/checkout/sessions/"+id, nil); session["status"] != "expired" {
		t.Errorf("session %v", session["status"])
	}
}

func TestRefund_neverAboveWhatWasPaid(t *testing.T) {
	hooks := newReceiver(t, 0)
	server := start(t, t.TempDir(), hooks.URL, time.Now)
	id := open(t, server)
	submit(t, server.URL()+"/c/pay/"+id, cardForm(pays))
	_, session := call(t, server, key, "", "GET", "/v1/checkout/sessions/"+id, nil)
	refund := func(amount string) int {
		status, _ := call(t, server, key, "", "POST", "/v1/refunds", url.Values{"payment_intent": {session["payment_intent"].(string)}, "amount": {amount}})
		return status
	}
	if got := []int{refund("4000"), refund("501"), refund("500"), refund("1")}; !slices.Equal(got, []int{200, 400, 200, 400}) {
		t.Fatalf("refunds answered %v", got)
	}
	drain(t, server)
	if got := hooks.seen(); got[0] != "charge.refunded" || got[1] != "charge.refunded" {
		t.Fatalf("webhooks %v", got)
	}
}
