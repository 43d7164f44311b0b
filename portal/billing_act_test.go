package portal_test

import (
	"context"
	"net/http"
	"testing"

	"github.com/google/uuid"

	"tollhouse/billing/account"
	"tollhouse/billing/bill"
	"tollhouse/billing/identity"
	"tollhouse/billing/tenant"
)

// What the desk does about bills: another cycle, a charge on the next bill, a
// bill now, a pause; each shows its faults beside the field.
func TestDesk_billingActs(t *testing.T) {
	t.Parallel()
	w := newWorld(t, hanse)
	c := w.customer(1, "hanse-postpaid-flex", "en")
	b := w.works(identity.Owner)
	at := w.console("subscribers/" + c.ID.String() + "/")

	form := b.get(at + "cycle")
	contains(t, "cycle", form.words(), "Bill every", "quarter")
	if none := b.post(at+"cycle", form, "every", "3", "anchor", "soon"); none.status != http.StatusUnprocessableEntity || none.in("#anchor-e") == "" {
		t.Errorf("no anchor: %d", none.status)
	}
	seen := b.post(at+"cycle", form, "every", "3", "anchor", "2030-01-15")
	contains(t, "bridge", seen.words(), "fees cost their share")
	if done := b.post(at+"cycle", seen, "every", "3", "anchor", "2030-01-15", "confirmed", "yes"); done.status >= http.StatusBadRequest {
		t.Errorf("changing the cycle: %d %s", done.status, done.words())
	}
	w.Read(t, func(ctx context.Context, tx tenant.Tx) error {
		a, err := account.Get(ctx, tx, c.ID)
		if err == nil && (a.Changes == nil || a.Changes.Next == nil || a.Changes.Next.Months != 3) {
			t.Errorf("cycle to come: %+v", a.Changes)
		}
		return err
	})

	form = b.get(at + "bill-item")
	if none := b.post(at+"bill-item", form, "kind", "charge", "words", "", "amount", "x"); none.status != http.StatusUnprocessableEntity || none.in("#words-e") == "" || none.in("#amount-e") == "" {
		t.Errorf("an empty charge: %d", none.status)
	}
	b.post(at+"bill-item", form, "kind", "credit", "words", "Line was down", "amount", "5.00")
	b.post(at+"bill-item", b.get(at+"bill-item"), "kind", "charge", "words", "Visit", "amount", "49.00")
	w.Read(t, func(ctx context.Context, tx tenant.Tx) error {
		items, err := bill.ItemsOf(ctx, tx, c.ID, true, 10)
		if err == nil && (len(items) != 2 || items[0].Price.Text() != "49.00" || items[1].Price.Text() != "-5.00") {
			t.Errorf("items %+v", items)
		}
		return err
	})
	contains(t, "bill now", b.get(at+"bill-now").words(), "All that was charged until today")
	b.post(at+"bill-now", b.get(at+"bill-now"), "scope", "items")
	w.Read(t, func(ctx context.Context, tx tenant.Tx) error {
		page, err := bill.List(ctx, tx, c.ID, bill.Cursor{}, 10)
		if err == nil && (len(page.Bills) != 1 || page.Bills[0].Total.Text() != "44.00") {
			t.Errorf("bills %+v", page.Bills)
		}
		return err
	})

	var subscription uuid.UUID
	w.Read(t, func(ctx context.Context, tx tenant.Tx) error {
		s, err := account.Subscriptions(ctx, tx, c.ID)
		subscription = s[0].ID
		return err
	})
	at += "subscriptions/" + subscription.String() + "/"
	b.post(at+"pause", b.get(at+"pause"), "reason", "abroad")
	w.Read(t, func(ctx context.Context, tx tenant.Tx) error {
		s, err := account.GetSubscription(ctx, tx, subscription)
		if err == nil && (s.Resting() == nil || s.Resting().Reason != "abroad") {
			t.Errorf("it does not rest: %+v", s.Pauses)
		}
		return err
	})
}
