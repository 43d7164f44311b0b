package payment_test

import (
	"context"
	"testing"
	"time"

	"github.com/google/uuid"

	"tollhouse/billing/account"
	"tollhouse/billing/agenda"
	"tollhouse/billing/money"
	"tollhouse/billing/payment"
	"tollhouse/billing/tenant"
)

// disputeEvent is what Stripe sends: it names the payment only as Stripe does.
func disputeEvent(id, ref, text string, state payment.DisputeState) payment.ProviderEvent {
	due := time.Date(2026, 7, 1, 0, 0, 0, 0, time.UTC)
	return payment.ProviderEvent{Provider: payment.Stripe, ID: id, Type: "charge.dispute", Kind: payment.EventDispute, Created: time.Now(), PaymentRef: ref, Amount: euro(text),
		Dispute: &payment.DisputeFact{Ref: "dp_" + ref, State: state, Reason: "fraudulent", Fee: euro("15.00"), EvidenceDue: &due}}
}

func (d *desk) hear(t testing.TB, e payment.ProviderEvent) (o payment.Outcome) {
	t.Helper()
	d.Write(t, func(ctx context.Context, tx tenant.Tx) error {
		ref, err := payment.Receive(ctx, tx, e)
		if err == nil {
			o, err = payment.Work(ctx, tx, ref)
		}
		return err
	})
	return o
}

// workDue works webhooks that were put on the agenda again.
func (d *desk) workDue(t testing.TB) {
	t.Helper()
	d.Write(t, func(ctx context.Context, tx tenant.Tx) error {
		for {
			item, found, err := agenda.First(ctx, tx, agenda.Payments)
			if err != nil || !found {
				return err
			}
			if item.Kind == agenda.Webhook {
				var ref payment.EventRef
				if err := item.Read(&ref); err != nil {
					return err
				}
				if _, err := payment.Work(ctx, tx, ref); err != nil {
					return err
				}
			}
			if err := agenda.Done(ctx, tx, item.ID); err != nil {
				return err
			}
		}
	})
}

// Semantics C, webhooks in any order: a dispute, its end and the payment itself.
func TestDispute_inAnyOrderOfItsWebhooks(t *testing.T) {
	t.Parallel()
	type step func(d *desk, i payment.Intent, ref string)
	paid := func(d *desk, i payment.Intent, ref string) {
		e := d.event("evt_paid_"+ref, payment.EventSucceeded, i.ID, "45.00")
		e.PaymentRef = ref
		d.hear(t, e)
		d.workDue(t)
	}
	opened := func(d *desk, _ payment.Intent, ref string) {
		d.hear(t, disputeEvent("evt_open_"+ref, ref, "45.00", payment.DisputeOpen))
	}
	lost := func(d *desk, _ payment.Intent, ref string) {
		d.hear(t, disputeEvent("evt_lost_"+ref, ref, "45.00", payment.DisputeLost))
	}
	for name, order := range map[string][]step{
		"as it happened": {paid, opened, lost}, "payment last": {opened, lost, paid}, "backwards": {lost, opened, paid}, "end before opening": {paid, lost, opened},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := newDesk(t, account.Postpaid)
			bill := d.owe(t, "45.00", "2026-05-01")
			var i payment.Intent
			d.Write(t, func(ctx context.Context, tx tenant.Tx) (err error) {
				i, err = payment.CreateIntent(ctx, tx, payment.NewIntent{AccountID: d.account, Purpose: payment.PurposeBill})
				return err
			})
			ref := "pi_" + i.ID.String()
			for _, step := range order {
				step(d, i, ref)
			}
			wantOpen(t, d, map[uuid.UUID]string{bill: "45.00"})
			for account, want := range map[string]string{"dispute": "0.00", "provider_clearing": "-15.00", "provider_fee": "15.00"} {
				if got := d.trial(t, account); got != want {
					t.Errorf("%s holds %s, want %s", account, got, want)
				}
			}
			rows := d.transfers(t)
			opened(d, i, ref)
			lost(d, i, ref)
			if d.transfers(t) != rows {
				t.Error("repeated webhooks moved money")
			}
		})
	}
}

func TestDispute_ofATopUpTakesItFromTheBalance(t *testing.T) {
	t.Parallel()
	d := newDesk(t, account.Prepaid)
	var made payment.Payment
	d.Write(t, func(ctx context.Context, tx tenant.Tx) (err error) {
		made, err = payment.Record(ctx, tx, payment.NewPayment{AccountID: d.account, Purpose: payment.PurposeTopUp, Method: payment.Bank, Amount: euro("20.00"), By: "clerk"})
		return err
	})
	d.takeBack(t, made, payment.Returned, "20.00", "ret_topup")
	d.check(t)
	d.Read(t, func(ctx context.Context, tx tenant.Tx) error {
		var value money.Decimal
		if err := tx.QueryRow(ctx, `select value from bucket where id = $1`, made.BucketID).Scan(&value); err != nil || !value.IsZero() {
			t.Errorf("balance is %s: %v", value, err)
		}
		return nil
	})
}

// A card stored by a SetupIntent, its webhooks in any order and repeated.
func TestSetUp_webhooksInAnyOrder(t *testing.T) {
	t.Parallel()
	for _, detailsFirst := range []bool{true, false} {
		d := newDesk(t, account.Postpaid)
		id := uuid.Must(uuid.NewV7())
		d.Write(t, func(ctx context.Context, tx tenant.Tx) error {
			return payment.WantCard(ctx, tx, payment.SetupOrder{ID: id, AccountID: d.account, AutoPay: true})
		})
		method := "pm_" + id.String()
		details := payment.ProviderEvent{Provider: payment.Stripe, ID: "evt_details_" + method, Kind: payment.EventCardDetails, Created: time.Now(), KeptMethod: method,
			Card: &payment.CardFact{Brand: "visa", Last4: "4242", ExpMonth: 12, ExpYear: 2034}}
		kept := payment.ProviderEvent{Provider: payment.Stripe, ID: "evt_kept_" + method, Kind: payment.EventCardKept, Created: time.Now(), Tenant: d.Ref.ID, Setup: id,
			KeptCustomer: "cus_1", KeptMethod: method}
		events := []payment.ProviderEvent{kept, details, kept}
		if detailsFirst {
			events = []payment.ProviderEvent{details, kept, kept}
		}
		for _, e := range events {
			d.hear(t, e)
		}
		d.Read(t, func(ctx context.Context, tx tenant.Tx) error {
			m, err := payment.Chargeable(ctx, tx, d.account)
			if err != nil || m.ID != id || !m.AutoPay || m.MethodID != method {
				t.Errorf("stored %+v: %v", m, err)
			}
			if !detailsFirst && (m.Details.Card == nil || m.Details.Card.Last4 != "4242") {
				t.Errorf("shown is %+v", m.Details.Card)
			}
			return nil
		})
	}
}
