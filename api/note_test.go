package api

import (
	"context"
	"testing"
	"time"

	"github.com/google/uuid"

	"tollhouse/billing/bill"
	"tollhouse/billing/calendar"
	"tollhouse/billing/identity"
	"tollhouse/billing/tenant"
)

// billed is a subscriber's first bill.
func (w *world) billed(token, account string) string {
	w.t.Helper()
	w.db.SetClock(w.t, time.Date(2026, 6, 1, 8, 0, 0, 0, w.db.Zone))
	w.db.Write(w.t, func(ctx context.Context, tx tenant.Tx) error {
		run, err := bill.Start(ctx, tx, calendar.Date{Year: 2026, Month: time.June, Day: 1})
		for more := true; more && err == nil; {
			_, more, err = bill.Closer{}.CloseChunk(ctx, tx, run.ID, 10)
		}
		return err
	})
	return w.get(token, w.path("/accounts/"+account+"/bills")).want(w.t, 200).text("items", 0, "id")
}

// A bill is credited, debited and paid in parts; what is not possible is told
// by its field, and a subscriber sees the notes of its own bills.
func TestNotes_byTheAPI(t *testing.T) {
	w := newWorld(t)
	owner := w.user(w.db, identity.Owner, nil)
	id := w.publishAndConnect(owner)
	own := w.accountOf(id)
	subscriber := w.user(w.db, identity.Subscriber, &own)
	first := w.path("/bills/" + w.billed(owner, id))
	left := w.get(owner, first+"/credit-notes").want(t, 200)
	if left.text("left", "amount") == "0.00" || left.text("lines", 0, "no") != "1" {
		t.Fatalf("creditable %s", left.raw)
	}
	eur := func(amount string) map[string]string { return map[string]string{"amount": amount, "currency": "EUR"} }
	note := w.post(owner, first+"/credit-notes", map[string]any{"amount": eur("1.00"), "reason": "Line was down", "rest": "refund"}).want(t, 201)
	if note.text("applied", "amount") != "1.00" || note.text("bill", "kind") != "credit_note" {
		t.Errorf("note %s", note.raw)
	}
	refused := w.post(owner, first+"/credit-notes", map[string]any{"amount": eur("100000.00"), "reason": "x"}).want(t, 422)
	if fields, err := refused.faults(); err != nil || len(fields) != 1 {
		t.Errorf("too much: %s, %v", refused.raw, err)
	}
	w.post(owner, first+"/debit-notes", map[string]any{"lines": []any{map[string]any{"no": 1, "amount": eur("2.00")}}, "reason": "Forgotten"}).want(t, 201)
	notes := w.get(subscriber, first+"/notes").want(t, 200)
	if notes.text("items", 0, "reason") != "Line was down" || notes.text("items", 1, "bill", "kind") != "debit_note" {
		t.Errorf("notes %s", notes.raw)
	}
	w.post(owner, first+"/void", map[string]any{"reason": "Wrong address"}).want(t, 409)
	parts := w.post(owner, first+"/instalments", map[string]any{"due": []string{"2026-06-20", "2026-07-20"}}).want(t, 201)
	item := parts.text("items", 0, "open_item")
	w.post(owner, first+"/instalments/call-in", nil).want(t, 200)
	off := w.post(owner, w.path("/accounts/"+id+"/write-offs"), map[string]any{"open_item": item, "reason": "Insolvent"}).want(t, 201)
	w.post(owner, w.path("/write-offs/"+off.text("id")+"/reversal"), map[string]any{}).want(t, 200)
	deposit := w.post(owner, w.path("/accounts/"+id+"/deposits"), map[string]any{"amount": eur("50.00"), "reason": "New"}).want(t, 201)
	w.post(owner, w.path("/deposits/"+deposit.text("id")+"/return"), map[string]any{"to": "debt", "reason": "Not needed"}).want(t, 200)
	ahead := w.post(owner, w.path("/accounts/"+id+"/advance-bills"), map[string]any{"period": map[string]string{"from": "2026-07-01", "to": "2026-08-01"},
		"lines": []any{map[string]any{"description": "Fair", "amount": eur("11.90")}}}).want(t, 201)
	if ahead.text("kind") != "advance" {
		t.Errorf("advance %s", ahead.raw)
	}
	undertaken := w.post(owner, w.path("/accounts/"+id+"/commitments"), map[string]any{"amount": eur("20.00"), "from": "2026-06-01"}).want(t, 201)
	w.post(owner, w.path("/accounts/"+id+"/commitments/"+undertaken.text("id")+"/end"), map[string]any{"before": "2026-08-01"}).want(t, 200)
	for _, list := range []string{"write-offs", "deposits", "advance-bills", "commitments"} {
		if got := w.get(owner, w.path("/accounts/"+id+"/"+list)).want(t, 200); got.at("items", 0) == nil {
			t.Errorf("%s: %s", list, got.raw)
		}
	}
}

// Formats of numbers, rules of notes and of late payment are laid down by the
// API; a bad one is refused by its field.
func TestNumbersAndLateRules_byTheAPI(t *testing.T) {
	w := newWorld(t)
	owner := w.user(w.db, identity.Owner, nil)
	entity := w.db.LegalEntity.String()
	put := func(path string, body any) response {
		return w.send(request{method: "PUT", path: w.path(path), token: owner, body: body, key: uuid.NewString()})
	}
	shown := put("/number-series/format", map[string]any{"legal_entity": entity, "document": "bill", "template": "R{yyyy}-{no:4}"}).want(t, 200)
	if next := shown.text("next"); next != "R2026-0001" {
		t.Errorf("next %s", next)
	}
	refused := put("/number-series/format", map[string]any{"legal_entity": entity, "document": "credit_note", "template": "R{yyyy}-{no:6}"}).want(t, 409)
	if fields, err := refused.faults(); err != nil || len(fields) != 1 || fields[0] != "template" {
		t.Errorf("a format that is taken: %s", refused.raw)
	}
	w.get(owner, w.path("/number-series/preview?legal_entity="+entity+"&document=bill&template=X%7Byyyy%7D%7Bno:3%7D")).want(t, 200)
	series := w.post(owner, w.path("/number-series/continuation"), map[string]any{"legal_entity": entity, "document": "bill", "year": 2026, "next": 42, "last_issue": "2026-01-31"}).want(t, 200)
	if series.text("items", 0, "next") != "R2026-0042" {
		t.Errorf("series %s", series.raw)
	}
	put("/balance-policies/note", map[string]any{"void": "never", "tax_relief": true}).want(t, 200)
	put("/balance-policies/note", map[string]any{"void": "always"}).want(t, 400)
	put("/balance-policies/late_fee", map[string]any{"rules": []any{map[string]any{"code": "late", "names": map[string]string{"en": "Late fee"}, "grace_days": 5,
		"kind": "fixed", "amount": "2.50", "category": "standard"}}, "base_rates": []any{}}).want(t, 200)
	put("/balance-policies/late_fee", map[string]any{"rules": []any{map[string]any{"code": "late", "names": map[string]string{"en": "Late fee"}, "kind": "fixed", "category": "standard"}}}).want(t, 400)
}
