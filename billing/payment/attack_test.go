package payment_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/google/uuid"

	"tollhouse/billing/account"
	"tollhouse/billing/payment"
	"tollhouse/billing/tenant"
)

// A chargeback after a refund takes what is left of the payment and no more: what
// was given back already is not taken a second time.
func TestChargeback_afterARefundTakesTheRest(t *testing.T) {
	t.Parallel()
	d := newDesk(t, account.Postpaid)
	bill := d.owe(t, "30.00", "2026-05-01")
	paid := d.pay(t, "45.00", uuid.Nil)
	if _, err := d.refund("", "20.00", paid.ID); err != nil {
		t.Fatal(err)
	}
	wantOpen(t, d, map[uuid.UUID]string{bill: "5.00"})
	rows := d.transfers(t)
	err := d.DB.Write(t.Context(), d.Ref, func(ctx context.Context, tx tenant.Tx) error {
		_, err := payment.TakeBack(ctx, tx, payment.TakenBack{Kind: payment.Chargeback, Provider: "bank", Ref: "all", PaymentID: paid.ID, Amount: euro("45.00"), Reason: "fraudulent"})
		return err
	})
	var more *payment.RefundError
	if !errors.As(err, &more) || more.Left.Text() != "25.00" || d.transfers(t) != rows {
		t.Errorf("the whole of it: %v", err)
	}
	lost := d.takeBack(t, paid, payment.Chargeback, "25.00", "rest")
	wantOpen(t, d, map[uuid.UUID]string{bill: "30.00"})
	if _, err := d.refund("", "0.01", paid.ID); !errors.As(err, &more) || !more.Left.IsZero() {
		t.Errorf("a refund of what was taken back: %v", err)
	}
	d.Write(t, func(ctx context.Context, tx tenant.Tx) error {
		_, err := payment.WinDispute(ctx, tx, lost.ID)
		return err
	})
	wantOpen(t, d, map[uuid.UUID]string{bill: "5.00"})
}

// Whatever order a payment's webhooks come in, and however often: one payment,
// and the intent has succeeded.
func TestWork_webhooksInAnyOrder(t *testing.T) {
	t.Parallel()
	d := newDesk(t, account.Prepaid)
	random := rand.New(rand.NewPCG(1, 2))
	for n := range 20 {
		i := d.intent(t, "45.00", payment.PurposeTopUp)
		var events []payment.ProviderEvent
		for k, kind := range []payment.EventKind{payment.EventProcessing, payment.EventFailed, payment.EventSucceeded, payment.EventProcessing, payment.EventSucceeded} {
			e := d.event(fmt.Sprintf("evt_%d_%d", n, k), kind, i.ID, "45.00")
			events = append(events, e, e)
		}
		random.Shuffle(len(events), func(a, b int) { events[a], events[b] = events[b], events[a] })
		for _, e := range events {
			if o := d.deliver(t, e); o.State != payment.InboxDone {
				t.Fatalf("%s: %+v", e.ID, o)
			}
		}
		if got := d.intentNow(t, i.ID); got.State != payment.IntentSucceeded {
			t.Errorf("the intent is %s", got.State)
		}
		if got := len(d.payments(t)); got != n+1 {
			t.Fatalf("%d payments of %d intents", got, n+1)
		}
	}
	d.check(t)
}
