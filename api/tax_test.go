package api

import (
	"encoding/xml"
	"strings"
	"testing"

	"tollhouse/billing/identity"
)

// What an operator lays down of its taxes, and what becomes of a customer.
func TestTaxes_laidDownAndApplied(t *testing.T) {
	w := newWorld(t)
	owner := w.user(w.db, identity.Owner, nil)
	w.put(owner, w.path("/tax-categories"), map[string]any{"key": "standard", "name": "Standard rate", "code": "S", "service": "telecom"}).want(t, 200)
	if fields, err := w.put(owner, w.path("/tax-categories"), map[string]any{"key": "standard", "name": "x", "code": "E", "service": "telecom"}).want(t, 400).faults(); err != nil || fields[0] != "code" {
		t.Errorf("exempt with a rate: %v %v", fields, err)
	}
	w.post(owner, w.path("/tax-rates"), map[string]any{"category": "levied", "name": "PPN", "percent": "12", "base": "11/12", "valid_from": "2020-01-01"}).want(t, 201)
	if fields, err := w.post(owner, w.path("/tax-rates"), map[string]any{"category": "other", "name": "PPN", "percent": "12", "base": "12/11", "valid_from": "2020-01-01"}).want(t, 400).faults(); err != nil || fields[0] != "base" {
		t.Errorf("more than the price: %v %v", fields, err)
	}
	w.post(owner, w.path("/tax-rates"), map[string]any{"category": "levied", "name": "PPN", "percent": "12", "valid_from": "2021-01-01"}).want(t, 422)
	w.post(owner, w.path("/tax-rates/end"), map[string]any{"category": "levied", "before": "2021-01-01"}).want(t, 200)
	rules := map[string]any{"items": []map[string]any{{"seller": "EU", "buyer": "EU", "kind": "taxable", "treatment": "reverse_charge"}}}
	if got := w.put(owner, w.path("/tax-rules"), rules).want(t, 200); got.text("items", 0, "treatment") != "reverse_charge" {
		t.Errorf("rules %s", got.raw)
	}
	w.put(owner, w.path("/tax-rules"), map[string]any{"items": []map[string]any{{"seller": "Europe", "buyer": "EU", "kind": "any", "treatment": "exempt"}}}).want(t, 400)
	w.put(owner, w.path("/tax-settings"), map[string]any{"rounding": "line", "strict_vat": true}).want(t, 200)
	if got := w.get(owner, w.path("/tax-settings")).want(t, 200); got.at("strict_vat") != true {
		t.Errorf("settings %s", got.raw)
	}
	w.put(owner, w.path("/document-settings"), map[string]any{"attach_pdf": true}).want(t, 200)
	if got := w.get(owner, w.path("/tax-ids/DE136695976")).want(t, 200); got.at("well_formed") != true || got.text("country") != "DE" {
		t.Errorf("tax id %s", got.raw)
	}
	if got := w.get(owner, w.path("/tax-ids/DE136695977")).want(t, 200); got.at("well_formed") != false {
		t.Errorf("a wrong tax id %s", got.raw)
	}
}

func TestBills_asFiles(t *testing.T) {
	w := newWorld(t)
	owner := w.user(w.db, identity.Owner, nil)
	id := w.publishAndConnect(owner)
	w.put(owner, w.path("/accounts/"+id+"/papers"), map[string]any{"itemised": true, "masked": true}).want(t, 200)
	w.put(owner, w.path("/accounts/"+id+"/withholding"), map[string]any{"name": "PPh 23", "percent": "2"}).want(t, 200)
	made := w.post(owner, w.path("/accounts/"+id+"/tax-exemptions"), map[string]any{"code": "E", "reason": "Embassy", "from": "2020-01-01"}).want(t, 201)
	if got := w.get(owner, w.path("/accounts/"+id+"/tax")).want(t, 200); got.text("categories", 0, "why") != "exemption" || got.text("withholding", "name") != "PPh 23" {
		t.Errorf("tax %s", got.raw)
	}
	w.post(owner, w.path("/accounts/"+id+"/tax-exemptions/"+made.text("id")+"/end"), map[string]any{"before": "2020-02-01"}).want(t, 200)
	if got := w.get(owner, w.path("/accounts/"+id+"/tax")).want(t, 200); got.text("categories", 0, "why") != "home" {
		t.Errorf("tax %s", got.raw)
	}
	first := w.path("/bills/" + w.billed(owner, id))
	invoice := w.get(owner, first+"/ubl")
	if invoice.status == 200 {
		if err := xml.Unmarshal(invoice.raw, new(struct{})); err != nil {
			t.Error(err)
		}
	} else if !strings.Contains(string(invoice.raw), "BR-") {
		t.Errorf("%d %s", invoice.status, invoice.raw)
	}
	if got := w.get(owner, first+"/csv").want(t, 200); !strings.Contains(string(got.raw), "total") {
		t.Errorf("csv %s", got.raw)
	}
	for _, format := range []string{"pdf", "csv"} {
		w.get(owner, w.path("/accounts/"+id+"/statement/"+format+"?period=days:2026-01-01/2026-12-31")).want(t, 200)
		w.get(owner, w.path("/accounts/"+id+"/statement/"+format+"?period=days:2026-12-31/2026-01-01")).want(t, 400)
	}
}
