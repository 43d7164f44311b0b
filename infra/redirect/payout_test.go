package redirect_test

import (
	"testing"
	"time"

	"github.com/google/uuid"

	"tollhouse/billing/money"
	"tollhouse/billing/payment"
)

// What was paid and given back is paid out once, less what the provider keeps:
// the lines add up to the amount.
func TestPayouts_addUpAndComeOnce(t *testing.T) {
	t.Parallel()
	w := newWorld(t, time.Now)
	made, err := w.client.Checkout(t.Context(), request("qr"))
	if err != nil {
		t.Fatal(err)
	}
	if err := w.server.Pay(made.Ref); err != nil {
		t.Fatal(err)
	}
	list := func() []payment.ProviderPayout {
		t.Helper()
		list, err := w.client.Payouts(t.Context(), operator, true, time.Now().AddDate(0, 0, -1))
		if err != nil {
			t.Fatal(err)
		}
		for _, p := range list {
			var sum money.Decimal
			for _, l := range p.Lines {
				sum = sum.Add(l.Gross.Decimal()).Sub(l.Fee.Decimal())
			}
			if !sum.Equal(p.Amount.Decimal()) {
				t.Errorf("%s: lines come to %s, it is %s", p.Ref, sum, p.Amount)
			}
		}
		return list
	}
	first := list()
	if len(first) != 1 || first[0].Amount.Text() != "44.55" || len(first[0].Lines) != 1 || first[0].Lines[0].Payment != made.Ref || first[0].Lines[0].Kind != payment.MovedCharge {
		t.Fatalf("%+v", first)
	}
	refund := uuid.New()
	back, err := w.client.Refund(t.Context(), payment.RefundRequest{Tenant: operator, Refund: refund, Key: "refund:" + refund.String(), Ref: made.Ref, Amount: money.New(money.MustDecimal("5.00"), money.MustCurrency("EUR"))})
	if err != nil {
		t.Fatal(err)
	}
	second := list()
	if len(second) != 2 || second[1].Amount.Text() != "-5.00" || second[1].Lines[0].Kind != payment.MovedRefund || second[1].Lines[0].Source != back.Ref {
		t.Fatalf("%+v", second)
	}
	if again := list(); len(again) != 2 {
		t.Errorf("%d payouts when nothing has happened", len(again))
	}
	if late, err := w.client.Payouts(t.Context(), operator, true, time.Now().AddDate(0, 0, 2)); err != nil || len(late) != 0 {
		t.Errorf("from a later day: %+v, %v", late, err)
	}
}
