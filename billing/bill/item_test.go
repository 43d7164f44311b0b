package bill_test

import (
	"context"
	"errors"
	"testing"

	"github.com/google/uuid"

	"tollhouse/billing/account"
	"tollhouse/billing/bill"
	"tollhouse/billing/ledger"
	"tollhouse/billing/money"
	"tollhouse/billing/tenant"
)

func euro(text string) money.Amount {
	a, err := money.Parse(text, money.MustCurrency("EUR"))
	if err != nil {
		panic(err)
	}
	return a
}

func itemOf(c connected, price string) bill.Item {
	return bill.Item{
		Account: c.ID, Kind: bill.ItemCharge, Code: "extra", Words: map[string]string{"en": "Visit of a technician"},
		Price: euro(price), Cause: bill.Cause{Kind: "test", ID: uuid.Must(uuid.NewV7())},
	}
}

func (w *world) addItem(i bill.Item) (stored bill.Item) {
	w.t.Helper()
	w.Write(w.t, func(ctx context.Context, tx tenant.Tx) (err error) {
		stored, err = bill.AddItem(ctx, tx, i)
		return err
	})
	return stored
}

func (w *world) item(id uuid.UUID) (i bill.Item) {
	w.t.Helper()
	w.Read(w.t, func(ctx context.Context, tx tenant.Tx) (err error) {
		i, err = bill.GetItem(ctx, tx, id)
		return err
	})
	return i
}

func TestItem_standsOnTheNextBillOnce(t *testing.T) {
	t.Parallel()
	w := newWorld(t, account.Postpaid)
	c := w.connect(1, account.Postpaid)[0]
	i := itemOf(c, "11.90")
	stored := w.addItem(i)
	if again := w.addItem(i); again.ID != stored.ID {
		t.Errorf("a repeat made item %s beside %s", again.ID, stored.ID)
	}
	other := i
	other.Price = euro("12.00")
	err := w.DB.Write(context.Background(), w.Ref, func(ctx context.Context, tx tenant.Tx) error {
		_, err := bill.AddItem(ctx, tx, other)
		return err
	})
	if !errors.Is(err, bill.ErrItemDiffers) {
		t.Errorf("another amount for the same cause: %v", err)
	}
	w.clock("2026-06-01 00:00")
	w.run("2026-06-01", 10)
	may := w.latest(c)
	if got := shown(may); got != "fee 1 31.00; fee 1 31.00; setup 1 9.99; extra 1 11.90" {
		t.Errorf("May: %s", got)
	}
	if l := may.Lines[3]; l.Description != "Visit of a technician" || l.Net.Text() != "10.00" || l.Tax.Text() != "1.90" {
		t.Errorf("line %+v", l)
	}
	if got := w.item(stored.ID); got.Bill != may.ID {
		t.Errorf("taken by %s, want %s", got.Bill, may.ID)
	}
	w.controlSums()
	w.clock("2026-07-01 00:00")
	w.run("2026-07-01", 10)
	if got := shown(w.latest(c)); got != "fee 1 31.00" {
		t.Errorf("June: %s", got)
	}
	w.controlSums()
}

// What is given back beyond what a bill asks waits, and what is deferred of the
// subscription gives it first.
func TestItem_belowZeroWaitsForTheNextBill(t *testing.T) {
	t.Parallel()
	w := newWorld(t, account.Postpaid)
	c := w.connect(1, account.Postpaid)[0]
	w.clock("2026-06-01 00:00")
	w.run("2026-06-01", 10)
	big, small := itemOf(c, "-50.00"), itemOf(c, "-10.00")
	small.Subscription, small.From, small.Kind = c.subscription, bill.Source{Deferred: true}, bill.ItemCredit
	waits, fits := w.addItem(big), w.addItem(small)
	w.clock("2026-07-01 00:00")
	w.run("2026-07-01", 10)
	if got := shown(w.latest(c)); got != "fee 1 31.00; extra 1 -10.00" {
		t.Errorf("June: %s", got)
	}
	if w.item(waits.ID).Bill != uuid.Nil || w.item(fits.ID).Bill == uuid.Nil {
		t.Error("the wrong item was taken")
	}
	w.controlSums()
	deposit := itemOf(c, "100.00")
	deposit.From.Ledger = ledger.General(ledger.Interest)
	w.addItem(deposit)
	w.clock("2026-08-01 00:00")
	w.run("2026-08-01", 10)
	if got := shown(w.latest(c)); got != "fee 1 31.00; extra 1 -50.00; extra 1 100.00" {
		t.Errorf("July: %s", got)
	}
	w.controlSums()
}

func TestItem_prepaidIsRefusedByName(t *testing.T) {
	t.Parallel()
	w := newWorld(t, account.Prepaid)
	c := w.connect(1, account.Prepaid)[0]
	err := w.DB.Write(context.Background(), w.Ref, func(ctx context.Context, tx tenant.Tx) error {
		_, err := bill.AddItem(ctx, tx, itemOf(c, "5.00"))
		return err
	})
	if !errors.Is(err, bill.ErrPrepaidItem) {
		t.Errorf("got %v", err)
	}
}
