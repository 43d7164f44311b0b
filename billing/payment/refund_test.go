package payment_test

import (
	"context"
	"errors"
	"maps"
	"testing"

	"github.com/google/uuid"

	"tollhouse/billing/account"
	"tollhouse/billing/agenda"
	"tollhouse/billing/balance"
	"tollhouse/billing/payment"
	"tollhouse/billing/tenant"
)

func (d *desk) refund(key, text string, paid uuid.UUID) (r payment.Refund, err error) {
	err = d.DB.Write(context.Background(), d.Ref, func(ctx context.Context, tx tenant.Tx) (err error) {
		r, err = payment.RequestRefund(ctx, tx, payment.NewRefund{Key: key, PaymentID: paid, Amount: euro(text), Reason: "paid twice", By: "clerk"})
		return err
	})
	return r, err
}

func TestRequestRefund_takesUnappliedFirstThenTheLatestAllocations(t *testing.T) {
	t.Parallel()
	d := newDesk(t, account.Postpaid)
	first, second := d.owe(t, "30.00", "2026-05-01"), d.owe(t, "50.00", "2026-06-01")
	paid := d.pay(t, "100.00", uuid.Nil)
	for _, step := range []struct {
		refund string
		open   map[uuid.UUID]string
	}{
		{"15.00", map[uuid.UUID]string{}},
		{"15.00", map[uuid.UUID]string{second: "10.00"}},
		{"45.00", map[uuid.UUID]string{second: "50.00", first: "5.00"}},
		{"25.00", map[uuid.UUID]string{second: "50.00", first: "30.00"}},
	} {
		r, err := d.refund("", step.refund, paid.ID)
		if err != nil || r.State != payment.RefundSucceeded {
			t.Fatalf("refund %s: %+v, %v", step.refund, r, err)
		}
		if got := d.open(t); !maps.Equal(got, step.open) {
			t.Fatalf("after %s open %v, want %v", step.refund, got, step.open)
		}
		d.check(t)
	}
	_, err := d.refund("", "0.01", paid.ID)
	var refusal *payment.RefundError
	if !errors.As(err, &refusal) || !refusal.Left.IsZero() {
		t.Fatalf("more than was paid: %v", err)
	}
	d.Read(t, func(ctx context.Context, tx tenant.Tx) error {
		items, err := payment.OpenItems(ctx, tx, d.account)
		if items[0].DueDate.String() != "2026-05-01" || items[1].DueDate.String() != "2026-06-01" {
			t.Errorf("due dates changed: %+v", items)
		}
		return err
	})
}

func TestRequestRefund_repeatAndRefusals(t *testing.T) {
	t.Parallel()
	d := newDesk(t, account.Postpaid)
	paid := d.pay(t, "10.00", uuid.Nil)
	one, err := d.refund("key-1-refund", "4.00", paid.ID)
	if err != nil {
		t.Fatal(err)
	}
	if again, err := d.refund("key-1-refund", "4.00", paid.ID); err != nil || again.ID != one.ID {
		t.Errorf("repeat: %+v, %v", again, err)
	}
	if _, err := d.refund("key-1-refund", "5.00", paid.ID); !errors.Is(err, payment.ErrKeyReused) {
		t.Errorf("other amount under the key: %v", err)
	}
	if got := d.get(t, paid.ID); got.Refunded.Text() != "4.00" || got.Unapplied.Text() != "6.00" {
		t.Errorf("payment %+v", got)
	}
	if _, err := d.refund("", "0.001", paid.ID); !errors.Is(err, payment.ErrAmount) {
		t.Errorf("finer than a cent: %v", err)
	}
	if _, err := d.refund("", "1.00", uuid.Must(uuid.NewV7())); !errors.Is(err, payment.ErrNotFound) {
		t.Errorf("unknown payment: %v", err)
	}
	err = d.DB.Write(t.Context(), d.Ref, func(ctx context.Context, tx tenant.Tx) error {
		_, err := payment.RequestRefund(ctx, tx, payment.NewRefund{PaymentID: paid.ID, Amount: euro("1.00"), Reason: " "})
		return err
	})
	if !errors.Is(err, payment.ErrReason) {
		t.Errorf("no reason: %v", err)
	}
	d.check(t)
}

func (d *desk) topUp(t *testing.T, text string) (made payment.Payment) {
	t.Helper()
	d.Write(t, func(ctx context.Context, tx tenant.Tx) (err error) {
		n := d.cash(text, uuid.Nil)
		n.Purpose = payment.PurposeTopUp
		made, err = payment.Record(ctx, tx, n)
		return err
	})
	return made
}

func TestTopUp_goesToTheBalanceAndComesBackAsFarAsItIsThere(t *testing.T) {
	t.Parallel()
	d := newDesk(t, account.Prepaid)
	d.topUp(t, "5.00")
	paid := d.topUp(t, "20.00")
	if paid.BucketID == nil || !paid.Unapplied.IsZero() {
		t.Fatalf("top-up %+v", paid)
	}
	d.check(t)
	d.Write(t, func(ctx context.Context, tx tenant.Tx) error { // 22.00 is used
		_, err := balance.Adjust(ctx, tx, balance.Adjustment{ID: uuid.Must(uuid.NewV7()), BucketID: *paid.BucketID, Amount: euro("-22").Decimal(), Reason: "used"})
		return err
	})
	_, err := d.refund("", "3.01", paid.ID)
	var refusal *payment.RefundError
	if !errors.As(err, &refusal) || refusal.Left.Text() != "3.00" {
		t.Fatalf("more than is on the balance: %v", err)
	}
	if _, err := d.refund("", "3.00", paid.ID); err != nil {
		t.Fatal(err)
	}
	d.check(t)
}

// cardPayment is one that a webhook has confirmed.
func (d *desk) cardPayment(t *testing.T, text string) payment.Payment {
	t.Helper()
	i := d.intent(t, text, payment.PurposeBill)
	d.deliver(t, d.event("evt_"+i.ID.String(), payment.EventSucceeded, i.ID, text))
	return d.payments(t)[0]
}

func (d *desk) refundStatus(r payment.Refund, id string, state payment.RefundState) payment.ProviderEvent {
	e := d.event(id, payment.EventRefundStatus, uuid.Nil, r.Amount.Text())
	e.Refund, e.RefundRef, e.RefundState = r.ID, "re_1", state
	return e
}

func TestRefund_thatTheProviderCantSendBecomesCreditAgain(t *testing.T) {
	t.Parallel()
	d := newDesk(t, account.Postpaid)
	bill := d.owe(t, "45.00", "2026-05-01")
	paid := d.cardPayment(t, "45.00")
	r, err := d.refund("", "45.00", paid.ID)
	if err != nil || r.State != payment.RefundRequested {
		t.Fatalf("refund %+v, %v", r, err)
	}
	if got := d.open(t); got[bill] != "45.00" {
		t.Fatalf("open %v", got)
	}
	d.Read(t, func(ctx context.Context, tx tenant.Tx) error {
		var due uuid.UUID
		err := tx.QueryRow(ctx, `select ref from agenda where kind = $1 and state = 'due' and ref = $2`, agenda.Refund, r.ID).Scan(&due)
		if due != r.ID {
			t.Errorf("the agenda names %s, want %s", due, r.ID)
		}
		return err
	})
	for n, state := range []payment.RefundState{payment.RefundSucceeded, payment.RefundRequested, payment.RefundFailed, payment.RefundFailed} {
		if o := d.deliver(t, d.refundStatus(r, "evt_r"+string(rune('0'+n)), state)); o.State != payment.InboxDone {
			t.Fatalf("%s: %+v", state, o)
		}
		d.check(t)
	}
	if got := d.get(t, paid.ID); !got.Refunded.IsZero() || len(d.open(t)) != 0 {
		t.Fatalf("after the failure: %+v, open %v", got, d.open(t))
	}
}

func TestWork_refundMadeAtTheProviderByHandIsParked(t *testing.T) {
	t.Parallel()
	d := newDesk(t, account.Postpaid)
	d.owe(t, "45.00", "2026-05-01")
	paid := d.cardPayment(t, "45.00")
	if _, err := d.refund("", "15.00", paid.ID); err != nil {
		t.Fatal(err)
	}
	if o := d.deliver(t, d.event("evt_a", payment.EventRefunded, *paid.IntentID, "15.00")); o.State != payment.InboxDone {
		t.Errorf("ours: %+v", o)
	}
	o := d.deliver(t, d.event("evt_b", payment.EventRefunded, *paid.IntentID, "20.00"))
	if o.State != payment.InboxParked || o.Reason != "the provider has refunded 20.00 EUR, here it is 15.00 EUR" {
		t.Errorf("by hand: %+v", o)
	}
}
