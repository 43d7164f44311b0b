package api

import (
	"context"
	"encoding/csv"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"tollhouse/billing/identity"
	"tollhouse/billing/payment"
	"tollhouse/billing/tenant"
)

// euros is an amount as the API writes it.
func euros(amount string) map[string]string {
	return map[string]string{"amount": amount, "currency": "EUR"}
}

// prepaidAt connects a prepaid subscriber with a first top-up, which signs in.
func (w *world) prepaidAt(owner string, number int, topUp string) (path, token string) {
	w.t.Helper()
	account := w.connectTo(owner, "prepaid", number)
	path = w.path("/accounts/" + account)
	w.post(owner, path+"/top-ups", map[string]any{"amount": euros(topUp), "method": "cash"}).want(w.t, 201)
	id := w.accountOf(account)
	return path, w.user(w.db, identity.Subscriber, &id)
}

func TestVoucher_fromABatchToBalanceOnce(t *testing.T) {
	w := newWorld(t)
	owner := w.user(w.db, identity.Owner, nil)
	w.publish(owner, prepaid)
	at, mine := w.prepaidAt(owner, 1, "5.00")
	batch := map[string]any{"code": "SUM26", "value": euros("10.00"), "price": euros("9.20"), "count": 12, "valid_through": "2027-12-31"}
	made := request{method: "POST", path: w.path("/voucher-batches"), token: owner, key: uuid.NewString(), body: batch}
	first := w.send(made).want(t, 201)
	if again := w.send(made).want(t, 201); again.text("id") != first.text("id") {
		t.Error("the same key makes two batches")
	}
	w.post(owner, w.path("/voucher-batches"), batch).want(t, 409) // the code is taken
	one := w.path("/voucher-batches/" + first.text("id"))
	w.post(mine, one+"/pins", nil).want(t, 403)
	fetch := request{method: "POST", path: one + "/pins", token: owner, key: uuid.NewString()}
	list := w.send(fetch).want(t, 200)
	if again := w.send(fetch).want(t, 200); string(again.raw) != string(list.raw) {
		t.Error("the same key gives another list")
	}
	w.post(owner, one+"/pins", nil).want(t, 409) // handed out once
	rows, err := csv.NewReader(strings.NewReader(string(list.raw))).ReadAll()
	if err != nil || len(rows) != 13 {
		t.Fatalf("PINs: %v %s", err, list.raw)
	}
	pin := func(serial int) map[string]string { return map[string]string{"pin": rows[serial][1]} }
	redeem := func(serial int) response { return w.post(mine, at+"/vouchers", pin(serial)) }

	redeem(1).want(t, 422) // not sold yet
	w.post(owner, one+"/sell", map[string]any{"first": 5, "last": 99, "method": "bank"}).refusedAt(w, 400, "first")
	if sold := w.post(owner, one+"/sell", map[string]any{"first": 1, "last": 10, "method": "bank"}).want(t, 200); sold.text("paid", "amount") != "92" && sold.text("paid", "amount") != "92.00" {
		t.Errorf("sold: %s", sold.raw)
	}
	w.post(owner, one+"/sell", map[string]any{"first": 10, "last": 11, "method": "bank"}).refusedAt(w, 409, "first")
	w.post(owner, one+"/block", map[string]any{"first": 2, "last": 2}).want(t, 200)
	redeem(2).want(t, 422)
	w.post(owner, one+"/unblock", map[string]any{"first": 2, "last": 2}).want(t, 200)
	twice := request{method: "POST", path: at + "/vouchers", token: mine, key: uuid.NewString(), body: pin(2)}
	paid := w.send(twice).want(t, 201)
	if again := w.send(twice).want(t, 201); again.text("id") != paid.text("id") || paid.text("method") != "voucher" {
		t.Errorf("redeemed: %s", paid.raw)
	}
	redeem(2).want(t, 409)
	if got := w.get(owner, one).want(t, 200); got.text("states", "redeemed") != "1" || got.text("states", "active") != "9" || got.text("states", "made") != "2" {
		t.Errorf("the batch: %s", got.raw)
	}
	if got := w.get(owner, w.path("/voucher-batches?limit=1")).want(t, 200); got.text("items", 0, "code") != "SUM26" {
		t.Errorf("batches: %s", got.raw)
	}
	if got := w.get(mine, at+"/buckets"); got.text("items", 0, "value", "quantity") != "15" {
		t.Errorf("balance: %s", got.raw)
	}
	w.wantSums(owner)
}

func TestVoucher_wrongPINsAreLockedOutAndSayForHowLong(t *testing.T) {
	w := newWorld(t)
	owner := w.user(w.db, identity.Owner, nil)
	w.publish(owner, prepaid)
	at, mine := w.prepaidAt(owner, 1, "5.00")
	_, theirs := w.prepaidAt(owner, 2, "5.00")
	wrong := map[string]string{"pin": "1234 5678 9012 3456"}
	w.post(theirs, at+"/vouchers", wrong).want(t, 404) // no stranger's account
	w.post(mine, at+"/vouchers", map[string]string{"pin": ""}).refusedAt(w, 400, "pin")
	var locked response
	for range 20 {
		if locked = w.post(mine, at+"/vouchers", wrong); locked.status != 422 {
			break
		}
	}
	if locked.status != 429 || locked.header.Get("Retry-After") == "" {
		t.Fatalf("after many wrong PINs: %d %q %s", locked.status, locked.header.Get("Retry-After"), locked.raw)
	}
	same := request{method: "POST", path: at + "/vouchers", token: mine, key: uuid.NewString(), body: wrong}
	w.send(same).want(t, 429)
	w.pass(48 * time.Hour)
	w.send(request{method: "POST", path: at + "/vouchers", token: owner, key: uuid.NewString(), body: wrong}).want(t, 401) // its token has ended
	id := w.accountOf(strings.TrimPrefix(at, w.path("/accounts/")))
	later := w.user(w.db, identity.Subscriber, &id)
	w.post(later, at+"/vouchers", wrong).want(t, 422) // it may be tried again
}

func TestTransfer_withinLimitsAndOnce(t *testing.T) {
	w := newWorld(t)
	owner := w.user(w.db, identity.Owner, nil)
	w.publish(owner, prepaid)
	at, mine := w.prepaidAt(owner, 1, "30.00")
	other, theirs := w.prepaidAt(owner, 2, "1.00")
	number := "+4915510000002"
	give := func(to, amount string) response {
		return w.post(mine, at+"/transfers", map[string]any{"to": to, "amount": euros(amount), "note": "for lunch"})
	}
	give(number, "5.00").want(t, 422) // not offered
	w.put(owner, w.path("/balance-policies/transfer"), map[string]any{"enabled": true, "subscribers": true, "minimum": "1", "maximum": "10", "day_amount": "12", "fee": "0.20"}).want(t, 200)
	give(number, "0.50").refusedAt(w, 422, "amount")
	give(number, "10.01").refusedAt(w, 422, "amount")
	give("+490000", "5.00").want(t, 422)
	give("+4915510000001", "5.00").want(t, 422) // to itself
	twice := request{method: "POST", path: at + "/transfers", token: mine, key: uuid.NewString(), body: map[string]any{"to": number, "amount": euros("10.00")}}
	sent := w.send(twice).want(t, 201)
	if again := w.send(twice).want(t, 201); again.text("id") != sent.text("id") || again.header.Get(replayedHeader) != "true" {
		t.Errorf("twice the same key: %s", again.raw)
	}
	give(number, "3.00").refusedAt(w, 422, "amount") // the day's limit
	if got := w.get(theirs, other+"/transfers").want(t, 200); got.text("items", 0, "id") != sent.text("id") || !strings.Contains(got.text("items", 0, "other"), "•") {
		t.Errorf("what they got: %s", got.raw)
	}
	w.get(theirs, at+"/transfers").want(t, 404)
	if got := w.get(mine, at+"/buckets"); got.text("items", 0, "value", "quantity") != "19.8" {
		t.Errorf("balance: %s", got.raw)
	}
	w.wantSums(owner)
}

func TestPoints_areEarnedAndBurntOnce(t *testing.T) {
	w := newWorld(t)
	owner := w.user(w.db, identity.Owner, nil)
	w.publish(owner, prepaid)
	w.put(owner, w.path("/balance-policies/points"), map[string]any{"months": 12,
		"earnings": []any{map[string]any{"source": "topup", "points": 10, "per_amount": "1", "currency": "EUR"}},
		"rewards":  []any{map[string]any{"code": "gb", "names": map[string]string{"en": "A gigabyte"}, "points": 150, "amount": "1000000000", "unit": "byte", "days": 7}}}).want(t, 200)
	at, mine := w.prepaidAt(owner, 1, "20.00")
	if got := w.get(mine, at+"/points").want(t, 200); got.text("points") != "200" || got.text("rewards", 0, "code") != "gb" {
		t.Errorf("points: %s", got.raw)
	}
	w.post(mine, at+"/rewards", map[string]string{"reward": "car"}).want(t, 404)
	burn := request{method: "POST", path: at + "/rewards", token: mine, key: uuid.NewString(), body: map[string]string{"reward": "gb"}}
	w.send(burn).want(t, 201)
	if again := w.send(burn).want(t, 201); again.text("gives", "unit") != "byte" {
		t.Errorf("a repeat: %s", again.raw)
	}
	w.post(mine, at+"/rewards", map[string]string{"reward": "gb"}).want(t, 422) // 50 are left
	if got := w.get(mine, at+"/points").want(t, 200); got.text("points") != "50" {
		t.Errorf("after it: %s", got.raw)
	}
	w.wantSums(owner)
}

func TestAlerts_areListedAndConfirmed(t *testing.T) {
	w := newWorld(t)
	owner := w.user(w.db, identity.Owner, nil)
	w.publish(owner, prepaid)
	w.put(owner, w.path("/balance-policies/alert"), map[string]any{"rules": []any{map[string]any{"code": "low", "measure": "balance", "value": "5", "currency": "EUR", "action": "slow"}}}).want(t, 200)
	at, mine := w.prepaidAt(owner, 1, "6.00")
	w.db.SetClock(t, time.Date(2026, 5, 2, 0, 0, 0, 0, w.db.Zone))
	w.post(owner, w.path("/usage-sources"), map[string]any{"name": "api", "preset": "json-events"}).want(t, 201)
	w.send(request{method: "POST", path: w.path("/usage-events"), token: owner, body: map[string]any{"source": "api", "events": []any{usageEvent("a", 1, 2e9)}}}).want(t, 200)
	w.eventually("the alert", func() bool {
		return w.get(mine, at+"/alerts").want(t, 200).text("items", 0, "state") == "held"
	})
	got := w.get(mine, at+"/alerts")
	if got.text("items", 0, "rule") != "low" || got.text("items", 0, "action") != "slow" || got.text("items", 0, "threshold", "quantity") != "5" {
		t.Errorf("alerts: %s", got.raw)
	}
	confirm := at + "/alerts/" + got.text("items", 0, "id") + "/confirm"
	if got := w.post(mine, confirm, nil).want(t, 200); got.text("state") != "ended" {
		t.Errorf("confirmed: %s", got.raw)
	}
	w.post(mine, confirm, nil).want(t, 409)
	w.post(mine, at+"/alerts/"+uuid.NewString()+"/confirm", nil).want(t, 404)
}

func TestRecharge_isSetByTheSubscriberAndTurnedOff(t *testing.T) {
	w := newWorld(t)
	owner := w.user(w.db, identity.Owner, nil)
	w.publish(owner, prepaid)
	at, mine := w.prepaidAt(owner, 1, "20.00")
	order := map[string]any{"amount": euros("20.00"), "below": "5", "day_limit": "60"}
	w.get(mine, at+"/auto-top-up").want(t, 404)
	w.put(mine, at+"/auto-top-up", order).want(t, 422) // no card is kept
	w.db.Write(t, func(ctx context.Context, tx tenant.Tx) error {
		_, err := payment.AddMethods(ctx, tx, []payment.StoredMethod{{AccountID: w.accountOf(strings.TrimPrefix(at, w.path("/accounts/"))),
			Kind: payment.StoredCard, Provider: payment.Stripe, CustomerID: "cus_1", MethodID: "pm_1"}})
		return err
	})
	for field, change := range map[string]map[string]any{"day_limit": {"day_limit": "10"}, "below": {"below": nil}, "month_day": {"month_day": 32}} {
		wrong := map[string]any{}
		for k, v := range order {
			wrong[k] = v
		}
		for k, v := range change {
			if wrong[k] = v; v == nil {
				delete(wrong, k)
			}
		}
		w.put(mine, at+"/auto-top-up", wrong).refusedAt(w, 400, field)
	}
	if got := w.put(mine, at+"/auto-top-up", order).want(t, 200); got.text("state") != "active" || got.text("below") != "5" {
		t.Errorf("set: %s", got.raw)
	}
	if got := w.send(request{method: "DELETE", path: at + "/auto-top-up", token: mine, key: uuid.NewString()}).want(t, 200); got.text("state") != "off" {
		t.Errorf("turned off: %s", got.raw)
	}
	if got := w.get(owner, at+"/auto-top-up").want(t, 200); got.text("state") != "off" {
		t.Errorf("read: %s", got.raw)
	}
}

func TestPolicies_areReadAndPutByKind(t *testing.T) {
	w := newWorld(t)
	owner, clerk := w.user(w.db, identity.Owner, nil), w.user(w.db, identity.Clerk, nil)
	for kind, wrong := range map[string]map[string]any{
		"adjustment": {"reasons": []any{map[string]any{"code": "X"}}}, "transfer": {"enabled": true}, "points": {"months": -1},
		"alert": {"rules": []any{map[string]any{"code": "low", "measure": "weather"}}}, "reminder": {"days": 900},
	} {
		path := w.path("/balance-policies/" + kind)
		shown := w.get(owner, path).want(t, 200)
		if fields, err := w.put(owner, path, wrong).want(t, 400).faults(); err != nil || len(fields) == 0 {
			t.Errorf("%s: %v %v", kind, fields, err)
		}
		w.put(owner, path, map[string]any{"nonsense": 1}).refusedAt(w, 400, "body")
		w.put(clerk, path, wrong).want(t, 403)
		document, _ := shown.at("document").(map[string]any)
		if kind == "points" { // what expires at once would be no programme
			document["months"] = 12
		}
		if got := w.put(owner, path, document).want(t, 200); fmt.Sprint(got.at("document")) != fmt.Sprint(document) || got.text("changed_by") == "<nil>" {
			t.Errorf("%s put as it was read: %s", kind, got.raw)
		}
	}
	w.get(owner, w.path("/balance-policies/weather")).want(t, 400)
}
