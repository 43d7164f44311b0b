package house_test

import (
	"context"
	"slices"
	"testing"

	"github.com/google/uuid"

	"tollhouse/billing/bill"
	"tollhouse/billing/money"
	"tollhouse/billing/payment"
	"tollhouse/billing/tenant"
	"tollhouse/tenants"
	"tollhouse/tenants/contract"
	"tollhouse/tenants/house"
)

// paysAll pays whatever is open of an operator's bills.
func (w *world) paysAll(operator tenant.ID) {
	w.t.Helper()
	w.books.Write(w.t, func(ctx context.Context, tx tenant.Tx) error {
		accounts, err := house.AccountsOf(ctx, tx, operator)
		if err != nil {
			return err
		}
		page, err := bill.List(ctx, tx, accounts[0], bill.Cursor{}, 10)
		for _, b := range page.Bills {
			if b.Open.IsZero() {
				continue
			}
			if _, err := payment.Record(ctx, tx, payment.NewPayment{AccountID: accounts[0], Purpose: payment.PurposeBill, Method: payment.Cash, Amount: b.Open, BillID: b.ID, By: "clerk"}); err != nil {
				return err
			}
		}
		return err
	})
}

// What was leased passes by itself when the last instalment is due, billed and
// paid, once; a lease of which something is open stays as it is.
func TestHouse_leasePassesWhenAllIsPaid(t *testing.T) {
	w := newWorld(t)
	terms := contract.Terms{Lease: &contract.LeaseTerms{Price: euro("3000.00"), Upfront: euro("600.00"), Months: 2, Yearly: money.NewDecimal(6), EarlyFee: money.NewDecimal(1)}}
	paying, owing := w.agreed("paying", "2026-05-01", contract.Lease, terms), w.agreed("owing", "2026-05-01", contract.Lease, terms)
	var passed []tenant.ID
	w.worker.Pass = func(_ context.Context, _ tenants.Tx, c contract.Contract) error {
		passed = append(passed, c.Operator)
		return nil
	}
	for _, step := range []struct {
		on   string
		pays bool
		want []tenant.ID
	}{
		{on: "2026-06-02"},             // May is closed
		{on: "2026-06-04", pays: true}, // its bill is paid: the first payment
		{on: "2026-07-02"},             // the last instalment is due: it is not billed yet
		{on: "2026-07-04", pays: true}, // the first instalment
		{on: "2026-08-02"},             // July is closed, and its charge carried
		{on: "2026-08-04"},             // billed, and open
		{on: "2026-08-05", pays: true, want: []tenant.ID{paying.Operator}}, // all is paid
		{on: "2026-09-05", want: []tenant.ID{paying.Operator}},
	} {
		w.at(step.on)
		if step.pays {
			w.paysAll(paying.Operator)
		}
		w.work()
		w.work()
		if !slices.Equal(passed, step.want) {
			t.Errorf("on %s passed: %v, want %v", step.on, passed, step.want)
		}
	}
	for id, want := range map[uuid.UUID]string{paying.ID: "2026-08-05", owing.ID: ""} {
		w.write(func(ctx context.Context, tx tenants.Tx) error {
			c, err := contract.Get(ctx, tx, id)
			if got := c.PassedOn; c.State != contract.Active || want == "" && !got.IsZero() || want != "" && got != day(want) {
				t.Errorf("%s, passed on %s, want %q", c.State, got, want)
			}
			return err
		})
	}
	w.write(func(ctx context.Context, tx tenants.Tx) error { // a repeat changes nothing
		_, fresh, err := contract.Pass(ctx, tx, tenants.System, paying.ID, day("2026-10-01"))
		if fresh {
			t.Error("it passed twice")
		}
		return err
	})
}
