package portal_test

import (
	"context"
	"net/http"
	"strings"
	"testing"

	"github.com/google/uuid"

	"tollhouse/billing/bill"
	"tollhouse/billing/calendar"
	"tollhouse/billing/money"
	"tollhouse/billing/payment"
	"tollhouse/billing/tenant"
)

func TestBill_showsWhatItIsMadeOf(t *testing.T) {
	t.Parallel()
	w := newWorld(t, hanse)
	c, other := w.customer(1, "hanse-postpaid-flex", "en"), w.customer(2, "hanse-postpaid-flex", "en")
	may(w, c)
	b := w.browser()
	b.signIn(w, c)
	address := attribute(b.get("/t/test-1/bills").find("a[class=strong num]"), "href")
	page := b.get(address)
	contains(t, "bill", page.words(), "Bill HM-2026/000001", "Open until 15 Jun 2026", "What it is made of", "Hanse Flex", "Net", "33,71 €", "19", "6,40 €", "Total", "40,11 €", "The lines hold the tax")
	pay := b.post("/t/test-1/pay", page, "bill", page.value("bill"), "key", page.value("key"))
	if to := pay.header.Get("Location"); !strings.HasPrefix(to, "http://127.0.0.1:1/pay/") {
		t.Errorf("paying it answers %d %s", pay.status, to)
	}
	s := w.browser()
	s.signIn(w, other)
	if p := s.get(address); p.status != http.StatusNotFound {
		t.Errorf("another's bill answers %d", p.status)
	}
	if p := s.post("/t/test-1/pay", s.get("/t/test-1/"), "bill", page.value("bill")); p.status != http.StatusUnprocessableEntity {
		t.Errorf("paying another's bill answers %d", p.status)
	}
}

func TestBills_ofTheFormerSystem(t *testing.T) {
	t.Parallel()
	w := newWorld(t, hanse)
	c, other := w.customer(1, "hanse-postpaid-flex", "en"), w.customer(2, "hanse-postpaid-flex", "en")
	w.Write(t, func(ctx context.Context, tx tenant.Tx) error {
		return bill.ImportDocuments(ctx, tx, []bill.ImportedPDF{{Content: []byte("%PDF-1.4 old"), ImportedDocument: bill.ImportedDocument{ID: uuid.New(), AccountID: c.ID,
			Number: "R-2025-77", Issued: calendar.Date{Year: 2025, Month: 12, Day: 3}, Total: money.New(money.MustDecimal("19.90"), c.Currency), FileName: "r.pdf"}}})
	})
	b := w.browser()
	b.signIn(w, c)
	page := b.get("/t/test-1/bills")
	contains(t, "old bills", page.in("#old-bills"), "Bills from before", "R-2025-77", "3 Dec 2025", "19,90 €", "PDF")
	address := attribute(page.find(".pdf"), "href")
	if p := b.get(address); p.status != http.StatusOK || p.text != "%PDF-1.4 old" {
		t.Errorf("the document answers %d", p.status)
	}
	s := w.browser()
	s.signIn(w, other)
	if p := s.get(address); p.status != http.StatusNotFound {
		t.Errorf("another's document answers %d", p.status)
	}
}

// A payer comes back, and the provider's webhook does not.
func TestPay_asksTheProviderWhenTheWebhookIsLate(t *testing.T) {
	t.Parallel()
	w := newWorld(t, hanse)
	c := w.customer(1, "hanse-postpaid-flex", "en")
	may(w, c)
	b := w.browser()
	home := b.signIn(w, c)
	b.post("/t/test-1/pay", home, "key", home.value("key"))
	var begun []payment.Intent
	var id tenant.ID
	w.Read(t, func(ctx context.Context, tx tenant.Tx) (err error) {
		id = tx.Tenant
		begun, err = payment.Intents(ctx, tx, c.ID, 1)
		return err
	})
	i := begun[0]
	w.cards.found = &payment.ProviderEvent{Provider: payment.Stripe, ID: "lookup_1", Type: "test", Kind: payment.EventSucceeded, Created: w.at("2026-06-03 12:00"),
		Tenant: id, Intent: i.ID, PaymentRef: "pi_1", Amount: i.Amount}
	if p := b.get("/t/test-1/?paid=" + i.ID.String()); !strings.Contains(p.in("#payment"), "under way") {
		t.Errorf("at once the page says %s", p.in("#payment"))
	}
	w.clock("2026-06-03 12:01")
	contains(t, "a minute later", b.get("/t/test-1/?paid="+i.ID.String()).words(), "Paid 40,11 €", "Nothing to pay")
}
