package api

import (
	"context"
	"testing"

	"tollhouse/billing/balance"
	"tollhouse/billing/identity"
	"tollhouse/billing/money"
	"tollhouse/billing/tenant"
)

// limitClerks lets clerks adjust 5 EUR at once and 8 a day, for one reason.
func (w *world) limitClerks() {
	w.t.Helper()
	w.db.Write(w.t, func(ctx context.Context, tx tenant.Tx) error {
		return balance.PutAdjustPolicy(ctx, tx, balance.AdjustPolicy{
			Reasons: []balance.AdjustReason{{Code: "goodwill", Names: map[string]string{"en": "Goodwill"}}},
			Limits:  []balance.AdjustLimit{{Role: "clerk", Unit: "EUR", PerAct: money.NewDecimal(5), PerDay: money.NewDecimal(8)}}}, "user:owner")
	})
}

// refusedAt wants a refusal that names one field.
func (r response) refusedAt(w *world, status int, field string) {
	w.t.Helper()
	fields, err := r.want(w.t, status).faults()
	if err != nil || len(fields) != 1 || fields[0] != field {
		w.t.Errorf("refused at %v (%v), want %s: %s", fields, err, field, r.raw)
	}
}

func TestAdjustment_bindsEachRoleToItsLimit(t *testing.T) {
	w := newWorld(t)
	owner, clerk := w.user(w.db, identity.Owner, nil), w.user(w.db, identity.Clerk, nil)
	w.publish(owner, prepaid)
	account := w.connectTo(owner, "prepaid", 1)
	main := w.get(owner, w.path("/accounts/"+account+"/buckets")).want(t, 200).text("items", 0, "id")
	w.limitClerks()
	adjust := func(token, amount, code string) response {
		body := map[string]string{"amount": amount, "reason": "as agreed"}
		if code != "" {
			body["reason_code"] = code
		}
		return w.post(token, w.path("/buckets/"+main+"/adjustments"), body)
	}
	adjust(clerk, "1.00", "").refusedAt(w, 400, "reason_code")
	adjust(clerk, "1.00", "because").refusedAt(w, 400, "reason_code")
	adjust(clerk, "5.01", "goodwill").refusedAt(w, 422, "amount")
	adjust(clerk, "5.00", "goodwill").want(t, 201)
	adjust(clerk, "-3.01", "goodwill").refusedAt(w, 422, "amount")
	adjust(clerk, "3.00", "goodwill").want(t, 201)
	adjust(clerk, "0.01", "goodwill").refusedAt(w, 422, "amount")
	if got := adjust(owner, "100.00", "goodwill").want(t, 201); got.text("value", "quantity") != "108" {
		t.Errorf("after all: %s", got.raw)
	}
	w.wantSums(owner)
}

func TestCredit_bindsEachRoleToItsLimit(t *testing.T) {
	w := newWorld(t)
	owner, clerk := w.user(w.db, identity.Owner, nil), w.user(w.db, identity.Clerk, nil)
	account := w.publishAndConnect(owner)
	w.limitClerks()
	give := func(token, amount string) response {
		return w.post(token, w.path("/accounts/"+account+"/credits"),
			map[string]any{"amount": map[string]string{"amount": amount, "currency": "EUR"}, "reason": "as agreed", "reason_code": "goodwill"})
	}
	give(clerk, "5.01").refusedAt(w, 422, "amount")
	give(clerk, "5.00").want(t, 201)
	give(clerk, "4.00").refusedAt(w, 422, "amount")
	give(owner, "40.00").want(t, 201)
	w.wantSums(owner)
}

// wantSums wants the ledger's control sums to agree.
func (w *world) wantSums(token string) {
	w.t.Helper()
	if sums := w.get(token, w.path("/ledger/control-sums")).want(w.t, 200); sums.at("equal") != true {
		w.t.Errorf("control sums: %s", sums.raw)
	}
}

func TestAdjustmentRequest_isApprovedBySomebodyElse(t *testing.T) {
	w := newWorld(t)
	owner, clerk := w.user(w.db, identity.Owner, nil), w.user(w.db, identity.Clerk, nil)
	w.publish(owner, prepaid)
	account := w.connectTo(owner, "prepaid", 1)
	main := w.get(owner, w.path("/accounts/"+account+"/buckets")).want(t, 200).text("items", 0, "id")
	w.limitClerks()
	ask := func(reason string) response {
		return w.post(clerk, w.path("/accounts/"+account+"/adjustment-requests"), map[string]string{"bucket": main, "amount": "50.00", "reason": "a week without service", "reason_code": reason})
	}
	ask("because").refusedAt(w, 400, "reason_code")
	id := ask("goodwill").want(t, 201).text("id")
	if got := w.get(owner, w.path("/adjustment-requests?state=waiting")).want(t, 200); got.text("items", 0, "id") != id {
		t.Errorf("waiting: %s", got.raw)
	}
	w.post(clerk, w.path("/adjustment-requests/"+id+"/approve"), nil).want(t, 403)
	w.post(owner, w.path("/adjustment-requests/"+id+"/withdraw"), nil).want(t, 403)
	if got := w.post(owner, w.path("/adjustment-requests/"+id+"/approve"), nil).want(t, 200); got.text("state") != "approved" {
		t.Errorf("approved: %s", got.raw)
	}
	w.post(owner, w.path("/adjustment-requests/"+id+"/refuse"), map[string]string{"reason": "too late"}).want(t, 409)
	if got := w.get(owner, w.path("/accounts/"+account+"/buckets")).want(t, 200).text("items", 0, "value", "quantity"); got != "50" {
		t.Errorf("the balance is %s", got)
	}
	w.wantSums(owner)
}
