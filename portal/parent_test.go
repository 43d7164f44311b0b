package portal_test

import (
	"context"
	"net/http"
	"testing"

	"tollhouse/billing/account"
	"tollhouse/billing/bill"
	"tollhouse/billing/identity"
	"tollhouse/billing/tenant"
)

// An account is put under another, whose bill asks for both; what can't be is
// told beside its field, and it is taken back the same way.
func TestDesk_billsAChildToItsParent(t *testing.T) {
	t.Parallel()
	w := newWorld(t, operator{name: "Hanse Mobil", colour: "#1d4f91", country: "DE", zone: "Europe/Berlin", currency: "EUR", language: "en", included: true,
		plans: []string{"hanse-postpaid-flex", "hanse-prepaid-200"}})
	parent, child, prepaid := w.customer(1, "hanse-postpaid-flex", "en"), w.customer(2, "hanse-postpaid-flex", "en"), w.customer(3, "hanse-prepaid-200", "en")
	b, at := w.works(identity.Clerk), w.console("subscribers/"+child.ID.String()+"/parent")
	form := b.get(at)
	contains(t, "form", form.words(), "The account stands under no other.", "Its own bill", "The parent's bill")
	for _, wrong := range []struct{ what, field, parent, to, words string }{
		{"nobody", "#parent-e", "no such", "parent", "No account has this number."},
		{"no parent", "#parent-e", "", "parent", "Enter the parent's number."},
		{"no choice", "#bill_to-e", parent.Number, "", "Choose one."},
		{"itself", "#parent-e", child.Number, "own", "Choose another open account"},
		{"a prepaid one", "#bill_to-e", prepaid.Number, "parent", "Both must be postpaid"},
	} {
		got := b.post(at, b.get(at), "parent", wrong.parent, "bill_to", wrong.to, "confirmed", "yes")
		if got.status != http.StatusUnprocessableEntity {
			t.Errorf("%s: %d", wrong.what, got.status)
		}
		contains(t, wrong.what, got.in(wrong.field), wrong.words)
	}
	want := []string{"parent", parent.Number, "bill_to", "parent"}
	sure := b.post(at, form, want...)
	contains(t, "the question", sure.words(), "It stands under Jonas Petersen", "The parent's bill of 1 Jun 2026 asks for the open cycle")
	contains(t, "done", b.follow(at, sure, append(want, "confirmed", "yes")...).words(), "Who is billed was changed.")
	w.closeCycles("2026-06-01")
	w.clock("2026-06-02 09:00")
	bills := func(c customer) (list []bill.Bill) {
		w.Read(t, func(ctx context.Context, tx tenant.Tx) error {
			page, err := bill.List(ctx, tx, c.ID, bill.Cursor{}, 10)
			list = page.Bills
			return err
		})
		return list
	}
	if own, of := bills(child), bills(parent); len(own) != 0 || len(of) != 1 || of[0].Total.Text() != "71.86" { // 2 × (9.95 + 12.99 + 12.99)
		t.Errorf("the child has %d bills, the parent's are %+v", len(own), of)
	}
	form = b.get(at)
	contains(t, "as it stands", form.words(), "It stands under Jonas Petersen, "+parent.Number)
	none := []string{"parent", "", "bill_to", "own"}
	b.follow(at, b.post(at, form, none...), append(none, "confirmed", "yes")...)
	w.Read(t, func(ctx context.Context, tx tenant.Tx) error {
		a, err := account.Get(ctx, tx, child.ID)
		if err == nil && (a.ParentID != nil || a.ToParent) {
			t.Errorf("it still stands under %v, %t", a.ParentID, a.ToParent)
		}
		return err
	})
	w.sums()
}
