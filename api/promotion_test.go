package api

import (
	"fmt"
	"testing"
	"time"

	"github.com/google/uuid"

	"tollhouse/billing/identity"
)

const summer = `{"code": "summer", "names": {"en": "Summer"}, "occasion": "code", "currency": "EUR", "from": "2020-01-01", "benefit": {"percent": "20", "cycles": 2}}`

func TestPromotion_fromDraftToACodeThatIsRedeemedOnce(t *testing.T) {
	w := newWorld(t)
	owner := w.user(w.db, identity.Owner, nil)
	draft := w.send(request{method: "POST", path: w.path("/promotions"), token: owner, key: uuid.NewString(), raw: summer}).want(t, 201)
	at := w.path("/promotions/" + draft.text("id"))
	if got := w.post(owner, at+"/check", nil).want(t, 200); got.at("publishable") != true {
		t.Errorf("it has faults: %s", got.raw)
	}
	w.post(owner, at+"/codes", map[string]any{"uses": 1}).want(t, 409) // no draft's
	w.post(owner, at+"/publish", nil).want(t, 200)
	w.post(owner, at+"/codes", map[string]any{"uses": 1, "letters": "x"}).want(t, 400)
	w.post(owner, at+"/codes", map[string]any{"uses": 1, "letters": "SUMMER26"}).want(t, 201)
	w.post(owner, at+"/codes", map[string]any{"uses": 1, "letters": "summer26"}).want(t, 409)
	account := w.publishAndConnect(owner)
	subscription := w.get(owner, w.path("/accounts/"+account)).text("subscriptions", 0, "id")
	redeem := request{method: "POST", path: w.path("/subscriptions/" + subscription + "/promo-code"), token: owner, key: uuid.NewString(), body: map[string]string{"code": "summer26"}}
	first := w.send(redeem).want(t, 201)
	if again := w.send(redeem).want(t, 201); again.text("id") != first.text("id") {
		t.Error("a repeat gives another answer")
	}
	w.post(owner, redeem.path, map[string]string{"code": "summer26"}).want(t, 422)
	w.post(owner, redeem.path, map[string]string{"code": "NOTHING99"}).want(t, 422)
	if gifts := w.get(owner, at+"/gifts").want(t, 200); gifts.text("items", 0, "id") != first.text("id") {
		t.Error("the gift is not listed")
	}
	w.post(owner, at+"/end", nil).want(t, 200)
	w.post(owner, at+"/end", nil).want(t, 409)
}

// Who tries codes out is held up: an account by itself, and all of a tenant
// together. What is right, or its own key's repeat, costs nothing.
func TestPromoCode_guessesAreLimited(t *testing.T) {
	w := newWorld(t)
	owner := w.user(w.db, identity.Owner, nil)
	draft := w.send(request{method: "POST", path: w.path("/promotions"), token: owner, key: uuid.NewString(), raw: summer}).want(t, 201)
	at := w.path("/promotions/" + draft.text("id"))
	w.post(owner, at+"/publish", nil).want(t, 200)
	w.post(owner, at+"/codes", map[string]any{"uses": 2, "letters": "SUMMER26"}).want(t, 201)
	w.publish(owner, plan)
	redeem := func(number int) func(code, key string) response {
		account := w.connect(owner, number)
		subscription := w.get(owner, w.path("/accounts/"+account)).text("subscriptions", 0, "id")
		return func(code, key string) response {
			return w.send(request{method: "POST", path: w.path("/subscriptions/" + subscription + "/promo-code"), token: owner, key: key, body: map[string]string{"code": code}})
		}
	}
	first, second := redeem(1), redeem(2)
	key := uuid.NewString()
	for range 20 { // one try, however often it is sent
		first("WRONG1", key).want(t, 422)
	}
	for n := range 9 {
		first(fmt.Sprintf("WRONG-%d", n), uuid.NewString()).refusedAt(w, 422, "code")
	}
	key = uuid.NewString()
	held := first("SUMMER26", key)
	held.refusedAt(w, 429, "code")
	if held.header.Get("Retry-After") != "60" {
		t.Errorf("Retry-After is %q", held.header.Get("Retry-After"))
	}
	first("WRONG1", uuid.NewString()).want(t, 429)
	second("SUMMER26", uuid.NewString()).want(t, 201) // another is not held up
	w.pass(time.Minute)
	first("SUMMER26", key).want(t, 201) // the refusal was not stored
	first("WRONG1", uuid.NewString()).want(t, 422)
	first("WRONG1", uuid.NewString()).want(t, 429)
}
