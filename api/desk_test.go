package api

import (
	"strings"
	"testing"

	"github.com/google/uuid"

	"tollhouse/billing/identity"
)

const dearer = `
code: plus
names: {en: Plus}
billing: postpaid
services: [mobile]
currency: EUR
tax: {category: standard, included: true}
prices: {recurring: [{code: fee, names: {en: Monthly fee}, amount: "23.80", months: 1, timing: arrears, prorate: none}]}
usage:
  - {code: data, names: {en: Data}, kind: data, rules: [{code: anydata, destinations: ["*"], price: 1.19, per: 1 GB}]}
`

func TestDesk_subscriptionsMoveAndChangeTheirPlan(t *testing.T) {
	w := newWorld(t)
	owner := w.user(w.db, identity.Owner, nil)
	w.publish(owner, plan)
	w.publish(owner, dearer)
	account := w.connect(owner, 1)
	id := w.get(owner, w.path("/accounts/"+account)).text("subscriptions", 0, "id")
	at := w.path("/subscriptions/" + id)

	offered := w.get(owner, at+"/alternatives").want(t, 200)
	if offered.text("items", 0, "code") != "plus" || offered.at("items", 1) != nil {
		t.Errorf("alternatives: %s", offered.raw)
	}
	w.post(owner, at+"/plan-change/preview", map[string]string{"offering": "start"}).want(t, 422)
	would := w.post(owner, at+"/plan-change/preview", map[string]string{"offering": "plus"}).want(t, 200)
	change := request{method: "POST", path: at + "/plan-change", token: owner, key: uuid.NewString(), body: map[string]string{"offering": "plus", "reason": "wants more"}}
	planned := w.send(change).want(t, 201)
	if again := w.send(change).want(t, 201); string(again.raw) != string(planned.raw) || again.header.Get(replayedHeader) != "true" {
		t.Errorf("a repeat: %s", again.raw)
	}
	if planned.text("takes_effect") != would.text("day") {
		t.Errorf("planned %s, foretold %s", planned.raw, would.raw)
	}
	if list := w.get(owner, w.path("/accounts/"+account+"/plan-changes")); list.text("items", 0, "id") != planned.text("id") {
		t.Errorf("planned: %s", list.raw)
	}
	w.post(owner, w.path("/plan-changes/"+planned.text("id")+"/cancel"), nil).want(t, 200)
	w.post(owner, w.path("/plan-changes/"+planned.text("id")+"/cancel"), nil).want(t, 409)

	reason := map[string]string{"reason": "did not pay"}
	if fields, err := w.post(owner, at+"/suspend", map[string]string{}).want(t, 400).faults(); err != nil || fields[0] != "reason" {
		t.Errorf("without a reason: %v (%v)", fields, err)
	}
	if got := w.post(owner, at+"/suspend", reason).want(t, 200); got.text("state") != "suspended" {
		t.Errorf("suspended: %s", got.raw)
	}
	w.post(owner, at+"/suspend", reason).want(t, 409)
	if got := w.get(owner, w.path("/accounts?state=suspended&offering=start")).want(t, 200); got.text("items", 0, "id") != account || got.text("items", 0, "offering") != "start" {
		t.Errorf("found: %s", got.raw)
	}
	if fields, err := w.get(owner, w.path("/accounts?owing=much")).want(t, 400).faults(); err != nil || fields[0] != "owing" {
		t.Errorf("owing: %v (%v)", fields, err)
	}
	w.post(owner, at+"/resume", reason).want(t, 200)
	w.send(change).want(t, 201) // the stored answer
	w.post(owner, at+"/plan-change", map[string]string{"offering": "plus"}).want(t, 201)
	if got := w.post(owner, at+"/terminate", reason).want(t, 200); got.text("state") != "terminated" {
		t.Errorf("ended: %s", got.raw)
	}
	if list := w.get(owner, w.path("/accounts/"+account+"/plan-changes")); list.at("items", 0) != nil {
		t.Errorf("a change outlives its subscription: %s", list.raw)
	}
	stream := w.get(owner, w.path("/accounts/"+account+"/timeline?limit=2&topic=service")).want(t, 200)
	if stream.text("items", 0, "kind") == "<nil>" || stream.text("next") == "<nil>" {
		t.Errorf("timeline: %s", stream.raw)
	}
	w.get(owner, w.path("/accounts/"+account+"/timeline?limit=2&topic=service&cursor="+stream.text("next"))).want(t, 200)
	w.get(owner, w.path("/accounts/"+account+"/timeline?cursor=x")).want(t, 400)
}

func TestDesk_notesCreditContactAndLinks(t *testing.T) {
	w := newWorld(t)
	owner := w.user(w.db, identity.Owner, nil)
	w.publish(owner, plan)
	account := w.connect(owner, 1)
	at := w.path("/accounts/" + account)

	note := w.post(owner, at+"/notes", map[string]any{"text": "Calls back on Monday."}).want(t, 201)
	w.post(owner, at+"/notes/"+note.text("id")+"/pin", nil).want(t, 204)
	if got := w.get(owner, at+"/notes").want(t, 200); got.at("items", 0, "pinned") != true {
		t.Errorf("notes: %s", got.raw)
	}
	w.post(owner, at+"/notes/"+note.text("id")+"/unpin", nil).want(t, 204)
	w.post(owner, at+"/notes/"+uuid.NewString()+"/pin", nil).want(t, 404)

	credit := map[string]any{"amount": map[string]string{"amount": "5.00", "currency": "EUR"}, "reason": "outage"}
	if got := w.post(owner, at+"/credits", credit).want(t, 201); got.text("method") != "goodwill" {
		t.Errorf("credit: %s", got.raw)
	}
	credit["amount"] = map[string]string{"amount": "-5.00", "currency": "EUR"}
	if fields, err := w.post(owner, at+"/credits", credit).want(t, 422).faults(); err != nil || fields[0] != "amount" {
		t.Errorf("a credit below zero: %v (%v)", fields, err)
	}
	if got := w.get(owner, at+"/summary").want(t, 200); got.text("owes", "amount") == "<nil>" {
		t.Errorf("figures: %s", got.raw)
	}

	contact := func(facts map[string]string, status int) response {
		return w.send(request{method: "PATCH", path: at + "/contact", token: owner, key: uuid.NewString(), body: facts}).want(t, status)
	}
	if got := contact(map[string]string{"party.email": "ida@new.example", "address.city": "Kiel"}, 200); got.text("party", "email") != "ida@new.example" {
		t.Errorf("contact: %s", got.raw)
	}
	for _, wrong := range []string{"party.name", "party.birth_date"} {
		if fields, err := contact(map[string]string{wrong: ""}, 400).faults(); err != nil || fields[0] != wrong {
			t.Errorf("%s: %v (%v)", wrong, fields, err)
		}
	}

	w.post(owner, at+"/payment-links", map[string]any{}).want(t, 422) // nothing is owed
	w.post(owner, at+"/payment-links", map[string]any{"days": 91}).want(t, 400)
	w.get(owner, at+"/payment-links").want(t, 200)
	w.post(owner, at+"/payment-links/"+uuid.NewString()+"/revoke", nil).want(t, 404)
	if got := w.get(owner, at+"/messages").want(t, 200); strings.Contains(string(got.raw), "token=") {
		t.Errorf("messages: %s", got.raw)
	}
}
