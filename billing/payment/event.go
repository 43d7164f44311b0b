package payment

import (
	"context"

	"github.com/google/uuid"

	"tollhouse/billing/event"
	"tollhouse/billing/money"
	"tollhouse/billing/tenant"
)

// thread is by which the events of a payment are ordered: what the payer was
// asked for, or the payment itself where nothing was. So a failure and the
// success after it stand in one line.
func thread(payment uuid.UUID, intent *uuid.UUID) uuid.UUID {
	if intent != nil {
		return *intent
	}
	return payment
}

// recordReceipt tells programs of others that money was booked.
func (p payer) recordReceipt(ctx context.Context, tx tenant.Tx, n NewPayment, unapplied money.Decimal) error {
	kept := p.amount(unapplied)
	return event.Record(ctx, tx, event.Event{Type: event.PaymentSucceeded, ObjectID: thread(n.ID, n.intent), AccountID: p.id, Data: event.PaymentData{
		ID: &n.ID, IntentID: n.intent, AccountID: p.id, Purpose: string(n.Purpose), Method: string(n.Method), Amount: n.Amount, Unapplied: &kept,
		ReceivedAt: &n.ReceivedAt,
	}})
}

// recordFailure tells that what a payer was asked for did not come.
func (i *Intent) recordFailure(ctx context.Context, tx tenant.Tx) error {
	return event.Record(ctx, tx, event.Event{Type: event.PaymentFailed, ObjectID: i.ID, AccountID: i.AccountID, Data: event.PaymentData{
		IntentID: &i.ID, AccountID: i.AccountID, Purpose: string(i.Purpose), Method: string(Card), Amount: i.Amount, Failure: i.Failure,
	}})
}

// RecordEvent tells what has happened to a payment; mark adds to it.
func RecordEvent(ctx context.Context, tx tenant.Tx, t event.Type, p Payment, mark func(*event.PaymentData)) error {
	d := event.PaymentData{ID: &p.ID, IntentID: p.IntentID, AccountID: p.AccountID, Purpose: string(p.Purpose), Method: string(p.Method),
		Amount: p.Amount, ReceivedAt: &p.ReceivedAt}
	mark(&d)
	return event.Record(ctx, tx, event.Event{Type: t, ObjectID: thread(p.ID, p.IntentID), AccountID: p.AccountID, Data: d})
}

func (r *Refund) record(ctx context.Context, tx tenant.Tx, paid Payment) error {
	t := event.PaymentRefunded
	switch r.State {
	case RefundRequested:
		return nil
	case RefundFailed:
		t = event.PaymentRefundFailed
	}
	return RecordEvent(ctx, tx, t, paid, func(d *event.PaymentData) { d.RefundID, d.Refunded = &r.ID, &r.Amount })
}
