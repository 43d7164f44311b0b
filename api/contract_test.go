package api

import (
	"testing"

	"github.com/google/uuid"

	"tollhouse/tenants"
)

func inEuro(amount string) map[string]string {
	return map[string]string{"amount": amount, "currency": "EUR"}
}

// From a draft that is only tried to a lease that was bought out: what it costs
// is shown first, and what was leased becomes the operator's with it.
func TestContract_leaseUntilItsBuyOut(t *testing.T) {
	w, signIn := newControlWorld(t)
	admin, engineer := signIn(tenants.Admin), signIn(tenants.Engineer)
	operator := w.send(request{method: "POST", path: "/staff/v1/operators", token: admin, key: "k", body: application("nordnetz")}).want(t, 202).text("operator", "id")
	id, piece := uuid.NewString(), uuid.NewString()
	path := "/staff/v1/contracts/" + id
	lease := map[string]any{"operator": operator, "model": "lease", "place": "appliance", "currency": "EUR", "from": "2026-05-01", "reference": "C-17",
		"terms": map[string]any{"lease": map[string]any{"price": inEuro("12000.00"), "upfront": inEuro("2000.00"), "months": 24, "yearly": "6", "early_fee": "1"}}}
	put := func(query string) request {
		return request{method: "PUT", path: path + query, token: admin, body: lease}
	}
	tried := w.send(put("?dry_run=true")).want(t, 200)
	if tried.at("dry_run") != true || tried.text("plan", 0, "amount", "amount") != "443.21" || tried.text("months", 0, "total", "amount") != "2000.00" {
		t.Errorf("tried: %s", tried.raw)
	}
	w.get(admin, path).want(t, 404) // nothing was written
	w.send(put("")).want(t, 200)
	w.send(put("")).want(t, 200) // a repeat changes nothing
	w.send(request{method: "PUT", path: path, token: engineer, body: lease}).want(t, 403)
	w.get(engineer, path).want(t, 200)
	w.send(request{method: "POST", path: path + "/begin", token: admin}).want(t, 200)
	lease["reference"] = "another"
	w.send(put("")).want(t, 409)

	w.send(request{method: "PUT", path: "/staff/v1/hardware/" + piece, token: admin, body: map[string]any{"serial": "TA-1", "model": "TA", "kind": "appliance", "state": "in_use",
		"operator": operator, "bought_on": "2026-05-01", "warranty_until": "2028-05-01"}}).want(t, 200)
	w.get(admin, path+"/buy-out?on=2028-05-01").want(t, 422)
	price := w.get(admin, path+"/buy-out?on=2026-06-15").want(t, 200)
	if price.text("price", "amount") != "9725.27" {
		t.Errorf("price: %s", price.raw)
	}
	buy := func(amount string) request {
		return request{method: "POST", path: path + "/buy-out", token: admin, body: map[string]any{"on": "2026-06-15", "price": inEuro(amount)}}
	}
	w.send(buy("9000.00")).want(t, 409)
	if w.get(admin, "/staff/v1/hardware/"+piece).want(t, 200).at("owner") != nil {
		t.Error("what is leased is the operator's before it was bought out")
	}
	left := w.send(buy("9725.27")).want(t, 200)
	if left.text("contract", "state") != "bought_out" || left.text("passed", 0) != piece {
		t.Errorf("left: %s", left.raw)
	}
	owned := w.get(admin, "/staff/v1/hardware/"+piece).want(t, 200)
	if owned.text("owner") != operator || owned.text("owner_since") != "2026-06-15" {
		t.Errorf("owned: %s", owned.raw)
	}

	credit := request{method: "PUT", path: path + "/credits/" + uuid.NewString(), token: admin, body: map[string]any{"amount": inEuro("50.00"), "reason": "An outage"}}
	w.send(credit).want(t, 200)
	charges := w.send(credit).want(t, 200) // once
	if items, _ := charges.at("items").([]any); len(items) != 1 || charges.text("items", 0, "charge", "amount", "amount") != "-50.00" {
		t.Errorf("charges: %s", charges.raw)
	}
	w.get(engineer, "/staff/v1/operators/"+operator+"/totals?month=2026-05-01").want(t, 200)

	anew := request{method: "PUT", path: "/staff/v1/operators/" + operator + "/renewals/" + uuid.NewString(), token: admin,
		body: map[string]any{"from": "2026-06-12", "reason": "Restored to 11 June"}}
	dry := anew
	dry.path += "?dry_run=true"
	w.send(dry).want(t, 200)
	none := w.get(engineer, "/staff/v1/operators/"+operator+"/renewals").want(t, 200)
	if items, _ := none.at("items").([]any); len(items) != 0 {
		t.Errorf("a dry run renewed: %s", none.raw)
	}
	w.send(anew).want(t, 200)
	w.send(anew).want(t, 200) // once
	renewed := w.get(engineer, "/staff/v1/operators/"+operator+"/renewals").want(t, 200)
	if items, _ := renewed.at("items").([]any); len(items) != 1 || renewed.text("items", 0, "reason") != "Restored to 11 June" {
		t.Errorf("renewals: %s", renewed.raw)
	}
	anew.body = map[string]any{"from": "2026-06-13", "reason": "Restored to 11 June"}
	w.send(anew).want(t, 409)
	anew.token = engineer
	w.send(anew).want(t, 403)
	w.get(admin, "/staff/v1/contracts?state=bought_out").want(t, 200)
}

// Every field that is wrong is named.
func TestContract_refusedWithFields(t *testing.T) {
	w, signIn := newControlWorld(t)
	admin := signIn(tenants.Admin)
	operator := w.send(request{method: "POST", path: "/staff/v1/operators", token: admin, key: "k", body: application("nordnetz")}).want(t, 202).text("operator", "id")
	body := map[string]any{"operator": operator, "model": "revenue_share", "place": "pooled", "currency": "IDR", "from": "2026-05-01",
		"terms": map[string]any{"share": map[string]any{"minimum": map[string]string{"amount": "10", "currency": "IDR"}, "tiers": []any{map[string]string{"percent": "5"}}}}}
	r := request{method: "PUT", path: "/staff/v1/contracts/" + uuid.NewString() + "?dry_run=true", token: admin, body: body}
	refused := w.send(r).want(t, 400)
	if fields, err := refused.faults(); err != nil || len(fields) != 1 || fields[0] != "currency" {
		t.Errorf("named %v (%v): %s", fields, err, refused.raw)
	}
}
