package api

import (
	"bytes"
	"image"
	"image/png"
	"testing"

	"github.com/google/uuid"

	"tollhouse/billing/identity"
)

func (w *world) patch(token, path string, body any) response {
	w.t.Helper()
	return w.send(request{method: "PATCH", path: path, token: token, key: uuid.NewString(), body: body})
}

func (w *world) put(token, path string, body any) response {
	w.t.Helper()
	return w.send(request{method: "PUT", path: path, token: token, key: uuid.NewString(), body: body})
}

func TestSettings_changeWithLogoAndCompanies(t *testing.T) {
	w := newWorld(t)
	owner := w.user(w.db, identity.Owner, nil)
	if got := w.patch(owner, w.path("/settings"), map[string]any{"payment_term_days": 21, "brand_colour": "#0b5d3b"}).want(t, 200); got.at("payment_term_days") != 21.0 || got.text("brand_colour") != "#0b5d3b" {
		t.Errorf("settings: %s", got.raw)
	}
	if fields, err := w.patch(owner, w.path("/settings"), map[string]any{"brand_colour": "green"}).want(t, 400).faults(); err != nil || fields[0] != "brand_colour" {
		t.Errorf("a colour: %v (%v)", fields, err)
	}
	w.patch(owner, w.path("/settings"), map[string]any{}).want(t, 400)

	var picture bytes.Buffer
	if err := png.Encode(&picture, image.NewGray(image.Rect(0, 0, 200, 80))); err != nil {
		t.Fatal(err)
	}
	logo := request{method: "PUT", path: w.path("/logo"), token: owner, key: uuid.NewString(), raw: picture.String(), contentType: "image/png"}
	w.send(logo).want(t, 204)
	if again := w.send(logo).want(t, 204); again.header.Get(replayedHeader) != "true" {
		t.Error("a repeat was carried out again")
	}
	if got := w.get(owner, w.path("/logo")).want(t, 200); got.header.Get("Content-Type") != "image/png" || len(got.raw) == 0 {
		t.Errorf("the logo is %s", got.header.Get("Content-Type"))
	}
	logo.key, logo.raw = uuid.NewString(), "no picture"
	if fields, err := w.send(logo).want(t, 400).faults(); err != nil || fields[0] != "logo" {
		t.Errorf("no picture: %v (%v)", fields, err)
	}
	logo.key, logo.raw = uuid.NewString(), string(make([]byte, 3<<20))
	w.send(logo).want(t, 413)
	w.send(request{method: "DELETE", path: w.path("/logo"), token: owner, key: uuid.NewString()}).want(t, 204)
	w.get(owner, w.path("/logo")).want(t, 404)

	entity := map[string]any{"name": "Nordnetz Service GmbH", "address": map[string]string{"street": "Hafenstrasse 1", "postcode": "20457", "city": "Hamburg", "country": "DE"}}
	made := w.post(owner, w.path("/legal-entities"), entity).want(t, 201)
	w.post(owner, w.path("/legal-entities"), entity).want(t, 409)
	entity["bank_iban"] = "DE00 0000"
	at := w.path("/legal-entities/" + made.text("id"))
	if fields, err := w.put(owner, at, entity).want(t, 400).faults(); err != nil || fields[0] != "bank_iban" {
		t.Errorf("a bank account: %v (%v)", fields, err)
	}
	entity["bank_iban"] = "DE89370400440532013000"
	if got := w.put(owner, at, entity).want(t, 200); got.text("bank_iban") != "DE89370400440532013000" {
		t.Errorf("the company: %s", got.raw)
	}
	branch := w.post(owner, w.path("/branches"), map[string]any{"legal_entity": made.text("id"), "name": "Kiel"}).want(t, 201)
	if got := w.patch(owner, w.path("/branches/"+branch.text("id")), map[string]any{"default": true}).want(t, 200); got.at("default") != true {
		t.Errorf("the branch: %s", got.raw)
	}
	w.patch(owner, w.path("/branches/"+uuid.NewString()), map[string]any{"name": "x"}).want(t, 404)
	for _, list := range []string{"/legal-entities", "/branches", "/number-series", "/tax-rates"} {
		w.get(owner, w.path(list)).want(t, 200)
	}
}

func TestOperator_figuresAuditAndReadiness(t *testing.T) {
	w := newWorld(t)
	owner := w.user(w.db, identity.Owner, nil)
	offering := w.publish(owner, plan)
	account := w.connect(owner, 1)
	w.post(owner, w.path("/payments"), map[string]any{"account": account, "method": "cash", "amount": map[string]string{"amount": "1.00", "currency": "EUR"}}).want(t, 201)
	if got := w.get(owner, w.path("/figures")).want(t, 200); got.at("subscribers") != 1.0 || got.at("months", 12) == nil || got.at("owing", "by_age", 0) == nil {
		t.Errorf("figures: %s", got.raw)
	}
	marketer := w.user(w.db, identity.Marketer, nil)
	if got := w.get(marketer, w.path("/figures")).want(t, 200); got.at("owing") != nil || got.at("suspense") != nil {
		t.Errorf("a marketer sees %s", got.raw)
	}
	if got := w.get(owner, w.path("/payments?method=cash&limit=1")).want(t, 200); got.text("items", 0, "payment", "account") != account || got.text("items", 0, "name") == "" {
		t.Errorf("payments: %s", got.raw)
	}
	if got := w.get(owner, w.path("/payments?method=bank")).want(t, 200); got.at("items", 0) != nil {
		t.Errorf("payments by bank: %s", got.raw)
	}
	w.get(owner, w.path("/attention")).want(t, 200)
	w.post(owner, w.path("/failed-work/usage_file/retry"), nil).want(t, 200)
	w.post(owner, w.path("/failed-work/magic/retry"), nil).want(t, 400)
	if got := w.get(owner, w.path("/readiness")).want(t, 200); got.at("findings") == nil {
		t.Errorf("readiness: %s", got.raw)
	}
	page := w.get(owner, w.path("/audit?limit=1&action=order.")).want(t, 200)
	all := w.get(owner, w.path("/audit?limit=1")).want(t, 200)
	if all.text("next") == "<nil>" || all.text("items", 0, "actor") == "" {
		t.Errorf("audit: %s %s", all.raw, page.raw)
	}
	w.send(request{method: "POST", path: w.path("/audit/verify"), token: owner}).want(t, 202)
	w.eventually("a verified chain", func() bool { return w.get(owner, w.path("/audit/verify")).text("state") == "done" })
	if got := w.get(owner, w.path("/audit/verify")); got.at("break") != nil {
		t.Errorf("the chain: %s", got.raw)
	}
	w.get(owner, w.path("/messages")).want(t, 200)
	if got := w.post(owner, w.path("/offerings/"+offering+"/retire"), nil).want(t, 200); got.text("state") != "retired" {
		t.Errorf("the offering: %s", got.raw)
	}
	w.post(owner, w.path("/offerings/"+offering+"/retire"), nil).want(t, 409)
	source := w.post(owner, w.path("/usage-sources"), map[string]any{"name": "pbx", "preset": "json-events"}).want(t, 201)
	w.patch(owner, w.path("/usage-sources/"+source.text("id")), map[string]any{}).want(t, 400)
	w.patch(owner, w.path("/usage-sources/"+source.text("id")), map[string]any{"preset": "freeradius-detail"}).want(t, 409)
	w.patch(owner, w.path("/usage-sources/"+source.text("id")), map[string]any{"preset": "json-events", "zone": "Europe/Berlin"}).want(t, 200)
}

func TestOperator_staffAccessAndSandboxCopy(t *testing.T) {
	w := newWorld(t)
	owner := w.user(w.db, identity.Owner, nil)
	give := request{method: "POST", path: w.path("/staff-consents"), token: owner, key: uuid.NewString(), body: map[string]any{"reason": "find out why", "hours": 4}}
	consent := w.send(give).want(t, 201)
	if again := w.send(give).want(t, 201); again.text("id") != consent.text("id") {
		t.Errorf("a repeat gave another consent: %s", again.raw)
	}
	if got := w.get(owner, w.path("/staff-consents")).want(t, 200); got.at("items", 0, "open") != true || got.at("items", 1) != nil {
		t.Errorf("consents: %s", got.raw)
	}
	w.post(owner, w.path("/staff-consents"), map[string]any{"reason": "for good", "hours": 1000}).want(t, 400)
	w.post(owner, w.path("/staff-consents/"+consent.text("id")+"/end"), nil).want(t, 204)
	w.get(owner, w.path("/staff-visits")).want(t, 200)
	w.post(owner, w.path("/staff-visits/"+uuid.NewString()+"/end"), nil).want(t, 404)
	w.get(owner, w.path("/sandbox-copy")).want(t, 404)
	asked := w.post(owner, w.path("/sandbox-copy"), nil).want(t, 202)
	if got := w.get(owner, w.path("/sandbox-copy")).want(t, 200); got.text("id") != asked.text("id") {
		t.Errorf("the copy: %s", got.raw)
	}
	w.post(w.user(w.db, identity.Clerk, nil), w.path("/sandbox-copy"), nil).want(t, 403)
}
