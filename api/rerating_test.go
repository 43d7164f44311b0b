package api

import (
	"strings"
	"testing"

	"github.com/google/uuid"

	"tollhouse/billing/identity"
)

// A change of plan of a past day says how much usage it prices anew, does so by
// itself, and what it did can be read, undone, and asked for again by the
// subscription.
func TestReratings_ofASubscription(t *testing.T) {
	w := newWorld(t)
	owner := w.user(w.db, identity.Owner, nil)
	w.publish(owner, plan)
	w.publish(owner, strings.Replace(dearer, "price: 1.19", "price: 2.38", 1))
	account, other := w.connect(owner, 1), w.connect(owner, 2)
	id := w.get(owner, w.path("/accounts/"+account)).text("subscriptions", 0, "id")
	w.post(owner, w.path("/usage-sources"), map[string]any{"name": "api", "preset": "json-events"}).want(t, 201)
	events := []any{usageEvent("a", 1, 1_000_000_000), usageEvent("b", 1, 2_000_000_000), usageEvent("c", 2, 1_000_000_000)}
	w.send(request{method: "POST", path: w.path("/usage-events"), token: owner, body: map[string]any{"source": "api", "events": events}}).want(t, 200)
	w.post(owner, w.path("/clock/advance"), map[string]any{"to": "2026-05-20T00:00:00Z"}).want(t, 200)

	at, wanted := w.path("/subscriptions/"+id), map[string]string{"offering": "plus", "when": "date", "day": "2026-05-01"}
	if would := w.post(owner, at+"/plan-change/preview", wanted).want(t, 200); would.number("priced_anew") != 2 {
		t.Errorf("foretold: %s", would.raw)
	}
	change := w.send(request{method: "POST", path: at + "/plan-change", token: owner, key: uuid.NewString(), body: wanted}).want(t, 201)
	var made response
	w.eventually("the re-rating is applied", func() bool {
		made = w.get(owner, w.path("/reratings")).want(t, 200)
		return made.text("items", 0, "state") == "applied"
	})
	one := w.get(owner, w.path("/reratings/"+made.text("items", 0, "id"))).want(t, 200)
	if one.text("cause") != change.text("id") || one.text("choice", "subscription") != id || one.number("charges") != 2 || one.text("applied_by") != "job:rerating" ||
		one.at("waits") != nil || one.at("totals", 1) != nil || one.text("most_changed", 0, "account") != account || one.text("totals", 0, "charged_more") != "3" {
		t.Errorf("applied: %s", one.raw)
	}
	if stream := w.get(owner, w.path("/accounts/"+account+"/timeline?topic=money")).want(t, 200); !strings.Contains(string(stream.raw), `"priced_anew"`) {
		t.Errorf("timeline: %s", stream.raw)
	}

	// by hand: of the place of the subscription now, and of nobody else
	now := w.get(owner, w.path("/accounts/"+account)).text("subscriptions", 0, "id")
	for _, subscription := range []string{id, now} {
		asked := w.post(owner, w.path("/reratings"), map[string]string{"action": "take_back", "from": "2026-05-01", "to": "2026-05-20", "subscription": subscription}).want(t, 202)
		ready := w.path("/reratings/" + asked.text("id"))
		w.eventually("the proposal is ready", func() bool { return w.get(owner, ready).text("state") == "ready" })
		got := w.get(owner, ready)
		if got.text("choice", "subscription") != subscription || got.text("choice", "account") != account || got.number("charges") != 2 || got.text("totals", 0, "given_back") != "-6" {
			t.Errorf("of %s: %s", subscription, got.raw)
		}
		w.post(owner, ready+"/cancel", nil).want(t, 200)
	}
	for name, choice := range map[string]map[string]string{
		"nobody's":  {"action": "price_again", "from": "2026-05-01", "to": "2026-05-20", "subscription": uuid.NewString()},
		"another's": {"action": "price_again", "from": "2026-05-01", "to": "2026-05-20", "subscription": id, "account": other},
	} {
		if fields, err := w.post(owner, w.path("/reratings"), choice).want(t, 400).faults(); err != nil || fields[0] != "subscription" {
			t.Errorf("%s: %v (%v)", name, fields, err)
		}
	}
	undo := w.post(owner, w.path("/reratings/"+one.text("id")+"/undo"), map[string]string{"reason": "the old price was promised"}).want(t, 202)
	w.eventually("it is undone", func() bool { return w.get(owner, w.path("/reratings/"+undo.text("id"))).text("state") == "applied" })
	w.wantSums(owner)
}
