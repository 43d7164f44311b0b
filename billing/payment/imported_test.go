package payment_test

import (
	"context"
	"errors"
	"testing"

	"github.com/google/uuid"

	"tollhouse/billing/account"
	"tollhouse/billing/bill"
	"tollhouse/billing/calendar"
	"tollhouse/billing/payment"
	"tollhouse/billing/tenant"
)

func date(t testing.TB, text string) calendar.Date {
	t.Helper()
	d, err := calendar.ParseDate(text)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// bring imports what an account owes from before.
func (d *desk) bring(t testing.TB, number, amount, open string) payment.ImportedItem {
	t.Helper()
	item := payment.ImportedItem{
		ID: uuid.Must(uuid.NewV7()), AccountID: d.account, Number: number, Issued: date(t, "2026-04-01"), DueDate: date(t, "2026-04-15"),
		Amount: euro(amount), Open: euro(open), LegalEntity: d.LegalEntity, Branch: d.Branch,
	}
	d.Write(t, func(ctx context.Context, tx tenant.Tx) error {
		return payment.ImportItems(ctx, tx, []payment.ImportedItem{item})
	})
	return item
}

func TestImportItems_paidByCardFirstWhenNamed(t *testing.T) {
	t.Parallel()
	s := newShop(t, account.Postpaid, true)
	older := s.bring(t, "ALT-1", "30.00", "12.00")
	named := s.bring(t, "ALT-2", "20.00", "20.00")
	s.Write(t, func(ctx context.Context, tx tenant.Tx) error {
		day := date(t, "2025-01-01")
		_, err := payment.AddMethods(ctx, tx, []payment.StoredMethod{
			{AccountID: s.account, Kind: payment.StoredCard, Provider: payment.Stripe, CustomerID: "cus_ada", MethodID: "pm_ada"},
			{AccountID: s.account, Kind: payment.SEPADebit, MandateReference: "M-1", MandateDate: &day, MaskedIBAN: "DE89…3000"},
		})
		return err
	})
	i := s.checkout(t, "imported", "20.00", payment.PurposeBill, named.ID)
	s.typeCard(t, i.CheckoutURL, "4242424242424242")
	s.drain(t)
	s.Read(t, func(ctx context.Context, tx tenant.Tx) error {
		items, err := payment.OpenItems(ctx, tx, s.account)
		if err != nil || len(items) != 1 || items[0].ID != older.ID || items[0].Number != "ALT-1" || items[0].BillID != uuid.Nil || items[0].Open.Text() != "12.00" {
			t.Errorf("open: %+v, %v", items, err)
		}
		paid, err := payment.List(ctx, tx, s.account, payment.Cursor{}, 1)
		if err != nil || len(paid) != 1 {
			t.Fatalf("%v %v", paid, err)
		}
		shares, err := payment.Allocations(ctx, tx, paid[0].ID)
		if err != nil || len(shares) != 1 || shares[0].Number != "ALT-2" || shares[0].OpenItemID != named.ID {
			t.Errorf("allocations: %+v, %v", shares, err)
		}
		statement, err := bill.Statement(ctx, tx, s.account, bill.MonthOf(calendar.DateOf(tx.At, s.Zone), s.Zone))
		if err != nil || len(statement.Entries) != 3 || statement.Closing.Text() != "-12.00" || statement.Entries[0].Number == "" {
			t.Errorf("statement: %+v, %v", statement, err)
		}
		return nil
	})
	s.check(t)
}

func TestWithdrawImported_reversesWhatWasBrought(t *testing.T) {
	t.Parallel()
	d := newDesk(t, account.Postpaid)
	d.bring(t, "ALT-1", "30.00", "12.00")
	d.Write(t, func(ctx context.Context, tx tenant.Tx) error {
		return payment.WithdrawImported(ctx, tx, []uuid.UUID{d.account})
	})
	if open := d.open(t); len(open) != 0 {
		t.Errorf("still open: %v", open)
	}
	d.check(t)
	d.bring(t, "ALT-1", "30.00", "12.00") // the number is free again
	d.check(t)
}

func TestAddMethods_refusesWhatCannotBeCollected(t *testing.T) {
	t.Parallel()
	d := newDesk(t, account.Postpaid)
	for name, m := range map[string]payment.StoredMethod{
		"a mandate without a date":  {Kind: payment.SEPADebit, MandateReference: "M-1"},
		"a card without a provider": {Kind: payment.StoredCard, MethodID: "pm_1"},
		"no kind":                   {MandateReference: "M-1"},
	} {
		err := d.DB.Write(t.Context(), d.Ref, func(ctx context.Context, tx tenant.Tx) error {
			m.AccountID = d.account
			_, err := payment.AddMethods(ctx, tx, []payment.StoredMethod{m})
			return err
		})
		if !errors.Is(err, payment.ErrMethod) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
