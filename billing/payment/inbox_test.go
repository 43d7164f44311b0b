package payment_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"tollhouse/billing/account"
	"tollhouse/billing/payment"
	"tollhouse/billing/tenant"
)

// intent makes one for an amount.
func (d *desk) intent(t testing.TB, text string, purpose payment.Purpose) (i payment.Intent) {
	t.Helper()
	d.Write(t, func(ctx context.Context, tx tenant.Tx) (err error) {
		i, err = payment.CreateIntent(ctx, tx, payment.NewIntent{AccountID: d.account, Purpose: purpose, Amount: euro(text)})
		return err
	})
	return i
}

func (d *desk) event(id string, kind payment.EventKind, i uuid.UUID, text string) payment.ProviderEvent {
	return payment.ProviderEvent{
		Provider: payment.Stripe, ID: id + "_" + d.account.String(), Type: "test." + string(kind), Kind: kind, Created: time.Now(),
		Tenant: d.Ref.ID, Intent: i, PaymentRef: "pi_1", Amount: euro(text),
	}
}

// deliver stores and works a webhook, as handler and job do.
func (d *desk) deliver(t testing.TB, e payment.ProviderEvent) (o payment.Outcome) {
	t.Helper()
	d.Write(t, func(ctx context.Context, tx tenant.Tx) error {
		_, err := payment.Receive(ctx, tx, e)
		return err
	})
	d.Write(t, func(ctx context.Context, tx tenant.Tx) (err error) {
		o, err = payment.Work(ctx, tx, payment.EventRef{Provider: e.Provider, ID: e.ID})
		return err
	})
	return o
}

func (d *desk) intentNow(t testing.TB, id uuid.UUID) (i payment.Intent) {
	t.Helper()
	d.Read(t, func(ctx context.Context, tx tenant.Tx) (err error) {
		i, err = payment.GetIntent(ctx, tx, id)
		return err
	})
	return i
}

// waiting lists the account's webhooks that are not done.
func (d *desk) waiting(t testing.TB) (own []payment.Waiting) {
	t.Helper()
	d.Read(t, func(ctx context.Context, tx tenant.Tx) error {
		all, err := payment.ListWaiting(ctx, tx, 500)
		for _, w := range all {
			if strings.HasSuffix(w.Ref.ID, d.account.String()) {
				own = append(own, w)
			}
		}
		return err
	})
	return own
}

// semantics, "Webhooks in": succeeded 45.00 three times, then an older processing.
func TestWork_succeededThreeTimesThenAnOlderProcessing(t *testing.T) {
	t.Parallel()
	d := newDesk(t, account.Postpaid)
	d.owe(t, "54.00", "2026-05-01")
	i := d.intent(t, "45.00", payment.PurposeBill)
	d.deliver(t, d.event("evt_1", payment.EventSucceeded, i.ID, "45.00"))
	d.deliver(t, d.event("evt_1", payment.EventSucceeded, i.ID, "45.00")) // sent again
	d.deliver(t, d.event("evt_2", payment.EventSucceeded, i.ID, "45.00")) // told by another event
	older := d.event("evt_0", payment.EventProcessing, i.ID, "45.00")
	older.Created = older.Created.Add(-time.Minute)
	if o := d.deliver(t, older); o.State != payment.InboxDone {
		t.Errorf("older processing: %+v", o)
	}
	newer := d.event("evt_3", payment.EventProcessing, i.ID, "45.00")
	newer.Created = newer.Created.Add(time.Minute) // by a clock that is ahead: paid stays paid
	d.deliver(t, newer)
	failed := d.event("evt_4", payment.EventFailed, i.ID, "45.00") // the first card's, late
	failed.Created = failed.Created.Add(-time.Hour)
	d.deliver(t, failed)
	all := d.payments(t)
	if len(all) != 1 || all[0].Amount.Text() != "45.00" || all[0].Reference != "pi_1" {
		t.Fatalf("payments %+v", all)
	}
	if got := d.intentNow(t, i.ID); got.State != payment.IntentSucceeded {
		t.Fatalf("intent is %s", got.State)
	}
	d.check(t)
}

// semantics: 45.00 against an intent of 54.00 is parked, not applied.
func TestWork_parksWhatDoesNotFit(t *testing.T) {
	t.Parallel()
	d := newDesk(t, account.Postpaid)
	d.owe(t, "54.00", "2026-05-01")
	i := d.intent(t, "54.00", payment.PurposeBill)
	canceled := d.intent(t, "10.00", payment.PurposeBill)
	d.deliver(t, d.event("evt_c", payment.EventCanceled, canceled.ID, "10.00"))
	other := d.event("evt_5", payment.EventSucceeded, i.ID, "54.00")
	other.PaymentRef = "pi_2"
	for _, c := range []struct {
		name  string
		event payment.ProviderEvent
		words string
	}{
		{"another amount", d.event("evt_1", payment.EventSucceeded, i.ID, "45.00"), "45.00 EUR was paid where 54.00 EUR was asked for"},
		{"a cent more", d.event("evt_7", payment.EventSucceeded, i.ID, "54.01"), "54.01 EUR was paid where 54.00 EUR was asked for"},
		{"unknown intent", d.event("evt_2", payment.EventSucceeded, uuid.Must(uuid.NewV7()), "54.00"), ""},
		{"canceled before", d.event("evt_3", payment.EventSucceeded, canceled.ID, "10.00"), "paid although the intent is canceled"},
		{"refund of nothing", d.event("evt_4", payment.EventRefunded, i.ID, "1.00"), ""},
	} {
		o := d.deliver(t, c.event)
		if o.State != payment.InboxParked || o.Reason == "" || c.words != "" && o.Reason != c.words {
			t.Errorf("%s: %+v", c.name, o)
		}
	}
	if len(d.payments(t)) != 0 || d.intentNow(t, i.ID).State != payment.IntentCreated {
		t.Fatalf("applied: %+v", d.payments(t))
	}
	d.deliver(t, d.event("evt_6", payment.EventSucceeded, i.ID, "54.00"))
	if o := d.deliver(t, other); o.State != payment.InboxParked || o.Reason != "paid a second time, by pi_2" {
		t.Errorf("second payment: %+v", o)
	}
	if waiting := d.waiting(t); len(waiting) != 6 {
		t.Errorf("%d parked, want 6: %+v", len(waiting), waiting)
	}
	d.check(t)
}

func TestReceive_ignoresInWordsWhatIsNotOurs(t *testing.T) {
	t.Parallel()
	d := newDesk(t, account.Postpaid)
	d.owe(t, "1.00", "2026-05-01")
	i := d.intent(t, "1.00", payment.PurposeBill)
	foreign := d.event("evt_1", payment.EventSucceeded, i.ID, "1.00")
	foreign.Tenant = tenant.NewID()
	nobodys := d.event("evt_2", payment.EventSucceeded, i.ID, "1.00")
	nobodys.Tenant = tenant.ID{}
	live := d.event("evt_3", payment.EventSucceeded, i.ID, "1.00")
	live.Live = true
	useless := d.event("evt_4", payment.EventIgnored, i.ID, "1.00")
	for _, e := range []payment.ProviderEvent{foreign, nobodys, live, useless} {
		if o := d.deliver(t, e); o.State != payment.InboxIgnored || o.Reason == "" {
			t.Errorf("%s: %+v", e.ID, o)
		}
	}
	if len(d.payments(t)) != 0 {
		t.Error("applied")
	}
}

func TestWork_anotherCardAfterADeclinedOne(t *testing.T) {
	t.Parallel()
	d := newDesk(t, account.Postpaid)
	d.owe(t, "5.00", "2026-05-01")
	i := d.intent(t, "5.00", payment.PurposeBill)
	failed := d.event("evt_1", payment.EventFailed, i.ID, "5.00")
	failed.Failure = "Your card was declined."
	d.deliver(t, failed)
	if got := d.intentNow(t, i.ID); got.State != payment.IntentFailed || got.Failure != "Your card was declined." {
		t.Fatalf("after a declined card: %+v", got)
	}
	d.deliver(t, d.event("evt_2", payment.EventSucceeded, i.ID, "5.00"))
	if got := d.intentNow(t, i.ID); got.State != payment.IntentSucceeded || got.Failure != "" {
		t.Fatalf("after another card: %+v", got)
	}
	if len(d.open(t)) != 0 {
		t.Error("the bill is not paid")
	}
}
