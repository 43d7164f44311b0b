package portal_test

import (
	"context"
	"net/http"
	"testing"

	"tollhouse/billing/bill"
	"tollhouse/billing/identity"
	"tollhouse/billing/money"
	"tollhouse/billing/tax"
	"tollhouse/billing/tenant"
)

// A certificate of withheld tax pays its part of a bill: what it lacks stands
// beside the field, and no more than was kept back is taken in.
func TestDesk_takesACertificateOfWithheldTax(t *testing.T) {
	t.Parallel()
	w := newWorld(t, hanse)
	c := w.customer(1, "hanse-postpaid-flex", "en")
	w.Write(t, func(ctx context.Context, tx tenant.Tx) error {
		return tax.PutWithholding(ctx, tx, c.ID, &tax.Withholding{Name: "PPh 23", Percent: money.NewDecimal(2)})
	})
	may(w, c)
	var may bill.Bill
	w.Read(t, func(ctx context.Context, tx tenant.Tx) error {
		page, err := bill.List(ctx, tx, c.ID, bill.Cursor{}, 1)
		may = page.Bills[0]
		return err
	})
	b, at := w.works(identity.Clerk), w.console("bills/"+may.ID.String()+"/certificate")
	contains(t, "the bill leads there", attribute(b.get(w.console("bills/"+may.ID.String())).find("a[href="+at+"]"), "href"), "certificate")
	form := b.get(at)
	contains(t, "form", form.words(), "Withheld tax of "+may.Number, "Number of the certificate")
	if none := b.post(at, form, "certificate", " ", "amount", "some"); none.status != http.StatusUnprocessableEntity || none.in("#certificate-e") == "" || none.in("#amount-e") == "" {
		t.Errorf("without a number: %d %s", none.status, none.words())
	}
	// 2 % of the net amount, 33.71, are kept back.
	over := []string{"certificate", "BP-1", "amount", "0,68", "confirmed", "yes"}
	if much := b.post(at, form, over...); much.status != http.StatusUnprocessableEntity {
		t.Errorf("more than was kept back: %d %s", much.status, much.words())
	}
	half := []string{"certificate", "BP-1", "amount", "0,60", "key", form.value("key")}
	sure := b.post(at, form, half...)
	contains(t, "the question", sure.words(), "Less is open on the bill; the tax office owes it to you.", "Take it in")
	if open := w.billOf(may).Open.Text(); open != may.Open.Text() {
		t.Errorf("before the word is given %s are open", open)
	}
	contains(t, "taken in", b.follow(at, sure, append(half, "confirmed", "yes")...).words(), "The certificate has paid its part")
	form = b.get(at)
	rest := []string{"certificate", "BP-2", "amount", "", "key", form.value("key")}
	b.follow(at, b.post(at, form, rest...), append(rest, "confirmed", "yes")...)
	if open := w.billOf(may).Open.Text(); open != "39.44" { // 40.11 - 0.67
		t.Errorf("%s are open", open)
	}
	if more := b.post(at, b.get(at), "certificate", "BP-3", "confirmed", "yes"); more.status != http.StatusUnprocessableEntity {
		t.Errorf("a third certificate: %d %s", more.status, more.words())
	}
	w.sums()
}

func (w *world) billOf(b bill.Bill) (now bill.Bill) {
	w.t.Helper()
	w.Read(w.t, func(ctx context.Context, tx tenant.Tx) (err error) {
		now, err = bill.Get(ctx, tx, b.ID)
		return err
	})
	return now
}
