package api

import (
	"testing"

	"github.com/google/uuid"

	"tollhouse/billing/identity"
)

// Where an account wants it each service has a bill of its own; together they
// come to what one bill would.
func TestBills_oneForEachServiceWhereWanted(t *testing.T) {
	w := newWorld(t)
	owner := w.user(w.db, identity.Owner, nil)
	id := w.publishAndConnect(owner)
	second := w.post(owner, w.path("/orders"), map[string]any{"offering": "start", "account": id, "facts": map[string]string{
		"party.id_verified": "desk", "mobile.msisdn": "+4915510000099", "mobile.imsi": "262011234000099"}}).want(t, 201)
	w.post(owner, w.path("/orders/"+second.text("id")+"/activate"), nil).want(t, 200)
	papers := w.path("/accounts/" + id + "/papers")
	w.put(owner, papers, map[string]any{"itemised": true, "masked": false, "separate": true}).want(t, 200)
	if got := w.get(owner, papers).want(t, 200); got.at("separate") != true {
		t.Errorf("papers: %s", got.raw)
	}
	w.billed(owner, id)
	list := w.get(owner, w.path("/accounts/"+id+"/bills")).want(t, 200)
	if list.at("items", 1) == nil || list.at("items", 2) != nil {
		t.Fatalf("not two bills: %s", list.raw)
	}
	for n := range 2 {
		if total := list.text("items", n, "total", "amount"); total != "11.90" && total != "11.9" {
			t.Errorf("a service's bill comes to %s", total)
		}
		one := w.get(owner, w.path("/bills/"+list.text("items", n, "id"))).want(t, 200)
		if one.at("lines", 0) == nil || one.at("lines", 1) != nil {
			t.Errorf("a service's bill has other lines: %s", one.raw)
		}
	}
	if list.text("items", 0, "number") == list.text("items", 1, "number") {
		t.Errorf("two bills of one number: %s", list.raw)
	}
	w.wantSums(owner)
}

// A mandate is amended by its owner and by the operator, not by a stranger; an
// IBAN that can't be is told by its field, and a repeat changes nothing.
func TestMandate_isAmended(t *testing.T) {
	w := newWorld(t)
	owner := w.user(w.db, identity.Owner, nil)
	id := w.publishAndConnect(owner)
	own, other := w.accountOf(id), w.accountOf(w.connect(owner, 2))
	mine, theirs := w.user(w.db, identity.Subscriber, &own), w.user(w.db, identity.Subscriber, &other)
	policy := w.get(owner, w.path("/payment-policy")).want(t, 200)
	rules, _ := policy.at().(map[string]any)
	rules["debit"] = map[string]any{"creditor_id": "DE98ZZZ09999999999", "name": "Hanse Mobil", "iban": "DE89370400440532013000", "bic": "COBADEFFXXX", "version": "08", "notice_days": 5, "lead_days": 2, "return_fee": "0", "tax_category": "standard", "retries": 1}
	w.put(owner, w.path("/payment-policy"), rules).want(t, 200)
	at := w.path("/accounts/" + id + "/mandates")
	signed := w.post(mine, at, map[string]any{"holder": "Ida Example", "iban": "DE89370400440532013000", "signed": "portal"}).want(t, 201)
	one := at + "/" + signed.text("id")
	amend := func(token string, body map[string]any) response {
		return w.send(request{method: "PATCH", path: one, token: token, key: uuid.NewString(), body: body})
	}
	if fields, err := amend(mine, map[string]any{"iban": "DE00370400440532013000"}).want(t, 400).faults(); err != nil || len(fields) != 1 || fields[0] != "iban" {
		t.Errorf("a wrong IBAN: %v (%v)", fields, err)
	}
	amend(mine, map[string]any{}).want(t, 400)
	amend(theirs, map[string]any{"holder": "Somebody Else"}).want(t, 404)
	change := request{method: "PATCH", path: one, token: mine, key: uuid.NewString(), body: map[string]any{"iban": "DE02120300000000202051", "holder": "Ada Example"}}
	first := w.send(change).want(t, 200)
	if again := w.send(change).want(t, 200); string(again.raw) != string(first.raw) {
		t.Errorf("a repeat: %s", again.raw)
	}
	if name := first.text("name"); first.text("id") != signed.text("id") || name == signed.text("name") || first.text("mandate") != signed.text("mandate") {
		t.Errorf("amended: %s, was %s", first.raw, signed.raw)
	}
	if got := amend(owner, map[string]any{"reference": "HM-NEW-1"}).want(t, 200); got.text("mandate") != "HM-NEW-1" {
		t.Errorf("another reference: %s", got.raw)
	}
	list := w.get(mine, w.path("/accounts/"+id+"/payment-methods")).want(t, 200)
	if list.text("items", 0, "mandate") != "HM-NEW-1" || list.text("items", 0, "name") != first.text("name") || list.at("items", 1) != nil {
		t.Errorf("what is kept: %s", list.raw)
	}
}
