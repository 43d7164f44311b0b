package api

import (
	"context"
	"strings"
	"sync"
	"testing"

	"github.com/google/uuid"

	"tollhouse/billing/identity"
	"tollhouse/billing/payment"
	"tollhouse/billing/tenant"
)

func (w *world) count(query string) (n int) {
	w.t.Helper()
	w.db.Read(w.t, func(ctx context.Context, tx tenant.Tx) error { return tx.QueryRow(ctx, query).Scan(&n) })
	return n
}

func TestIdempotency_repeatGetsTheStoredAnswer(t *testing.T) {
	w := newWorld(t)
	owner := w.user(w.db, identity.Owner, nil)
	r := request{method: "POST", path: w.path("/api-keys"), token: owner, key: "k1", body: map[string]any{"name": "a", "role": "machine"}}
	first, again := w.send(r).want(t, 201), w.send(r).want(t, 201)
	if string(first.raw) != string(again.raw) || first.header.Get("Content-Type") != again.header.Get("Content-Type") {
		t.Errorf("first %s, again %s", first.raw, again.raw)
	}
	if first.header.Get(replayedHeader) != "" || again.header.Get(replayedHeader) != "true" {
		t.Errorf("replayed: first %q, again %q", first.header.Get(replayedHeader), again.header.Get(replayedHeader))
	}
	r.body = map[string]any{"name": "b", "role": "machine"}
	w.send(r).want(t, 409)
	r.key = "k2"
	w.send(r).want(t, 201)
	if n := w.count(`select count(*) from api_key`); n != 2 {
		t.Errorf("%d keys", n)
	}
	if n := w.count(`select count(*) from audit where action = 'createMachineKey' and actor like 'user:%' and length(trace) = 32 and object_id is not null`); n != 2 {
		t.Errorf("%d audit rows", n)
	}
}

func TestIdempotency_keyBelongsToItsCaller(t *testing.T) {
	w := newWorld(t)
	for range 2 {
		r := request{method: "POST", path: w.path("/api-keys"), token: w.user(w.db, identity.Owner, nil), key: "same", body: map[string]any{"name": "a", "role": "machine"}}
		if got := w.send(r).want(t, 201); got.header.Get(replayedHeader) != "" {
			t.Error("somebody else's answer was replayed")
		}
	}
}

func TestIdempotency_concurrentOnesWait(t *testing.T) {
	w := newWorld(t)
	owner := w.user(w.db, identity.Owner, nil)
	account := w.publishAndConnect(owner)
	r := request{method: "POST", path: w.path("/payments"), token: owner, key: uuid.NewString(),
		body: map[string]any{"account": account, "method": "cash", "amount": map[string]string{"amount": "5.00", "currency": "EUR"}}}
	answers := make([]response, 8)
	var group sync.WaitGroup
	for i := range answers {
		group.Go(func() { answers[i] = w.send(r) })
	}
	group.Wait()
	fresh := 0
	for _, a := range answers {
		a.want(t, 201)
		if a.header.Get(replayedHeader) == "" {
			fresh++
		}
		if string(a.raw) != string(answers[0].raw) {
			t.Errorf("answers differ: %s and %s", a.raw, answers[0].raw)
		}
	}
	if n := w.count(`select count(*) from payment`); n != 1 || fresh != 1 {
		t.Errorf("%d payments, %d fresh answers", n, fresh)
	}
}

func TestIdempotency_refusalIsStoredAndLeavesNothing(t *testing.T) {
	w := newWorld(t)
	owner := w.user(w.db, identity.Owner, nil)
	account := w.publishAndConnect(owner)
	r := request{method: "POST", path: w.path("/accounts/" + account + "/top-ups"), token: owner, key: "k",
		body: map[string]any{"method": "cash", "amount": map[string]string{"amount": "5.00", "currency": "EUR"}}}
	w.send(r).want(t, 422) // a postpaid account has no balance to top up
	if again := w.send(r).want(t, 422); again.header.Get(replayedHeader) != "true" {
		t.Error("the refusal was made anew")
	}
	if n := w.count(`select count(*) from payment`) + w.count(`select count(*) from audit where action = 'createTopUp'`); n != 0 {
		t.Errorf("%d rows are left", n)
	}
}

func TestIdempotency_checkoutCallsItsProviderOnce(t *testing.T) {
	w := newWorld(t)
	owner := w.user(w.db, identity.Owner, nil)
	w.publishAndConnect(owner)
	w.publish(owner, prepaid)
	account := w.connectTo(owner, "prepaid", 7)
	r := request{method: "POST", path: w.path("/payment-intents"), token: owner, key: "k",
		body: map[string]any{"account": account, "purpose": "topup", "amount": map[string]string{"amount": "20.00", "currency": "EUR"}}}
	first := w.send(r).want(t, 201)
	if again := w.send(r).want(t, 201); string(again.raw) != string(first.raw) || again.header.Get(replayedHeader) != "true" {
		t.Errorf("first %s, again %s", first.raw, again.raw)
	}
	if w.cards.calls != 1 {
		t.Errorf("the provider was called %d times", w.cards.calls)
	}
	r.body = map[string]any{"account": account, "purpose": "topup", "amount": map[string]string{"amount": "21.00", "currency": "EUR"}}
	w.send(r).want(t, 409)
}

func TestWebhook_isVerifiedStoredAndAnswered(t *testing.T) {
	w := newWorld(t)
	path := w.path("/webhooks/stripe")
	event := `{"provider":"stripe","id":"evt_1","type":"x","kind":"ignored","created":"2026-05-01T00:00:00Z","amount":{"amount":"0","currency":"EUR"}}`
	send := func(signature string) response {
		return w.send(request{method: "POST", path: path, raw: event, header: map[string]string{"Stripe-Signature": signature}})
	}
	send("wrong").want(t, 400)
	w.send(request{method: "POST", path: path, raw: event}).want(t, 400)
	if n := w.count(`select count(*) from webhook_in`); n != 0 {
		t.Errorf("%d events were kept of refused ones", n)
	}
	send("right").want(t, 204)
	send("right").want(t, 204)
	if n := w.count(`select count(*) from webhook_in`); n != 1 {
		t.Errorf("%d events are stored", n)
	}
}

func TestIdempotency_answersOf5xxAreNotStored(t *testing.T) {
	w := newWorld(t)
	owner := w.user(w.db, identity.Owner, nil)
	w.publish(owner, prepaid)
	account := w.connectTo(owner, "prepaid", 7)
	r := request{method: "POST", path: w.path("/payment-intents"), token: owner, key: "k",
		body: map[string]any{"account": account, "purpose": "topup", "amount": map[string]string{"amount": "20.00", "currency": "EUR"}}}
	w.cards.fail(payment.ErrProviderUnavailable)
	w.send(r).want(t, 503)
	w.cards.fail(nil)
	if again := w.send(r).want(t, 201); again.header.Get(replayedHeader) != "" {
		t.Error("a 503 was stored")
	}
	if n := w.count(`select count(*) from payment_intent`); n != 1 {
		t.Errorf("%d intents", n)
	}
}

func TestFail_unforeseenIsLoggedOnceAndToldAsATrace(t *testing.T) {
	w := newWorld(t)
	owner := w.user(w.db, identity.Owner, nil)
	if _, err := w.db.Admin.Exec(context.Background(), `drop table `+w.db.Ref.Slot.Schema()+`.api_key`); err != nil {
		t.Fatal(err)
	}
	r := request{method: "POST", path: w.path("/api-keys"), token: owner, key: "k", body: map[string]any{"name": "a", "role": "machine"}}
	got := w.send(r).want(t, 500)
	if _, err := got.faults(); err != nil || strings.Contains(string(got.raw), "api_key") {
		t.Errorf("told %s (%v)", got.raw, err)
	}
	if n := strings.Count(w.log.String(), "request failed"); n != 1 || !strings.Contains(w.log.String(), got.text("trace")) {
		t.Errorf("logged %d times:\n%s", n, w.log)
	}
	if n := w.count(`select count(*) from idempotency`); n != 0 {
		t.Errorf("%d answers are stored", n)
	}
}
