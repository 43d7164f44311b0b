package portal_test

import (
	"context"
	"net/http"
	"testing"
	"time"

	"github.com/google/uuid"

	"tollhouse/billing/calendar"
	"tollhouse/billing/hosting"
	"tollhouse/billing/identity"
	"tollhouse/billing/money"
	"tollhouse/billing/tenant"
)

// An operator reads what it has agreed with us and what we billed it, in its own
// console.
func TestHosting_contractAndBills(t *testing.T) {
	t.Parallel()
	w := newWorld(t, hanse)
	accountant := w.works(identity.Accountant)
	contains(t, "nothing told", accountant.get(w.console("hosting")).words(), "No contract is known here", "No bill was written yet")
	euro := func(text string) *money.Amount {
		a := money.New(money.MustDecimal(text), money.MustCurrency("EUR"))
		return &a
	}
	today := calendar.Date{Year: 2026, Month: 6, Day: 15}
	b := hosting.Bill{ID: uuid.MustParse("01900000-0000-7000-8000-00000000000b"), Number: "TH-2026/000007", Kind: "bill", Issued: today, Due: today.AddDays(14), Total: *euro("527.42"), Open: *euro("527.42")}
	w.Write(t, func(ctx context.Context, tx tenant.Tx) error {
		five := money.NewDecimal(5)
		told := hosting.Told{
			Contracts: []hosting.Contract{{Model: "lease", Place: "appliance", State: "active", From: calendar.Date{Year: 2026, Month: 5, Day: 1},
				Terms: []hosting.Term{{Code: "lease_price", Amount: euro("12000")}, {Code: "lease_months", Months: 24}, {Code: "lease_yearly", Percent: &five}},
				Plan:  []hosting.Instalment{{No: 1, Due: today, Amount: *euro("443.21"), Outstanding: *euro("9606.79")}}, BuyOut: euro("9725.27"), BuyOutOn: &today}},
			Charges: []hosting.Charge{{Words: map[string]string{"en": "Lease: instalment 1 of 24"}, From: today, To: today.AddDays(30), Amount: *euro("443.21")}},
		}
		if err := hosting.Tell(ctx, tx, told, time.Date(2026, 6, 15, 8, 0, 0, 0, time.UTC)); err != nil {
			return err
		}
		return hosting.Add(ctx, tx, b, []byte("%PDF-1.7 a bill"))
	})
	page := accountant.get(w.console("hosting"))
	contains(t, "the contract", page.words(), "Lease with buy-out", "An appliance of the hosting company at your place", "12.000,00 €", "5 %", "9.725,27 €", "TH-2026/000007", "527,42 €", "Open", "Lease: instalment 1 of 24")
	pdf := accountant.get(w.console("hosting/bills/" + b.ID.String() + "/pdf"))
	if pdf.status != http.StatusOK || pdf.header.Get("Content-Type") != "application/pdf" || pdf.header.Get("Content-Disposition") != `attachment; filename="TH-2026-000007.pdf"` {
		t.Errorf("the document answers %d, %v", pdf.status, pdf.header)
	}
	w.Write(t, func(ctx context.Context, tx tenant.Tx) error { // it was paid
		b.Open = *euro("0")
		missing, err := hosting.Unknown(ctx, tx, []hosting.Bill{b})
		if len(missing) > 0 {
			t.Errorf("a bill that is here is missing: %v", missing)
		}
		return err
	})
	contains(t, "paid", accountant.get(w.console("hosting")).card("bills"), "Paid")
	if none := accountant.get(w.console("hosting/bills/" + uuid.NewString() + "/pdf")); none.status != http.StatusNotFound {
		t.Errorf("another bill answers %d", none.status)
	}
	if clerk := w.works(identity.Clerk).get(w.console("hosting")); clerk.status != http.StatusForbidden {
		t.Errorf("a clerk gets %d", clerk.status)
	}
}
