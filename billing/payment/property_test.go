package payment_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"

	"github.com/google/uuid"
	"pgregory.net/rapid"

	"tollhouse/billing/account"
	"tollhouse/billing/ledger"
	"tollhouse/billing/money"
	"tollhouse/billing/payment"
	"tollhouse/billing/tenant"
	"tollhouse/infra/postgres/pgtest"
)

// TestProperty_sumsHoldAndRepeatsChangeNothing runs random bills, payments,
// webhooks, credit, refunds, disputes, returns and reassignments, by any policy,
// every command twice, and holds the ledger
// against the books after each.
func TestProperty_sumsHoldAndRepeatsChangeNothing(t *testing.T) {
	t.Parallel()
	d := openDesk(t, pgtest.Tenant(t), account.Postpaid) // it counts all rows
	second := openDesk(t, d.TenantDB, account.Postpaid).account
	undo := errors.New("undo")
	rapid.Check(t, func(r *rapid.T) {
		// one transaction a run, undone at its end: each run begins with nothing
		err := d.DB.Write(t.Context(), d.Ref, func(ctx context.Context, tx tenant.Tx) error {
			w := &walk{desk: d, ctx: ctx, tx: tx, r: r, second: second}
			laid, err := payment.GetPolicy(ctx, tx)
			if err != nil {
				return err
			}
			laid.Order = rapid.SampledFrom(payment.Orders).Draw(r, "order")
			laid.Tolerance = rapid.SampledFrom([]money.Decimal{{}, money.MustDecimal("0.05"), money.MustDecimal("20")}).Draw(r, "tolerance")
			if err := payment.PutPolicy(ctx, tx, laid, "owner"); err != nil {
				return err
			}
			r.Repeat(map[string]func(*rapid.T){
				"bill": w.bill, "cash": w.cash, "card": w.card, "credit": w.credit, "refund": w.refund, "refund status": w.refundStatus,
				"taken back": w.takenBack, "decided": w.decided, "reassigned": w.reassigned,
				"": w.invariants,
			})
			return undo
		})
		if !errors.Is(err, undo) {
			r.Fatal(err)
		}
	})
}

// walk is one random run inside a transaction.
type walk struct {
	*desk
	ctx      context.Context
	tx       tenant.Tx
	r        *rapid.T
	bills    []uuid.UUID
	payments []uuid.UUID
	refunds  []payment.Refund
	disputes []uuid.UUID
	second   uuid.UUID // another account, to which payments are moved
	step     int
}

// twice runs a command and repeats it: the repeat must move nothing.
func (w *walk) twice(r *rapid.T, command func() error) {
	if err := command(); err != nil {
		r.Fatal(err)
	}
	before := w.rows(r)
	if err := command(); err != nil {
		r.Fatal(err)
	}
	if after := w.rows(r); after != before {
		r.Fatalf("a repeat moved money: %s, then %s", before, after)
	}
}

func (w *walk) rows(r *rapid.T) (state string) {
	err := w.tx.QueryRow(w.ctx, `select
		(select count(*) from ledger_transfer) || ' ' || (select count(*) from payment) || ' ' || (select count(*) from refund) || ' ' ||
		(select coalesce(sum(open), 0) from open_item) || ' ' || (select coalesce(sum(unapplied), 0) from payment) || ' ' ||
		(select coalesce(sum(refunded + charged_back + moved), 0) from payment)`).Scan(&state)
	if err != nil {
		r.Fatal(err)
	}
	return state
}

func cents(r *rapid.T) money.Amount {
	return money.FromMinor(rapid.Int64Range(1, 10_000).Draw(r, "cents"), eur)
}

func (w *walk) bill(r *rapid.T) {
	var id uuid.UUID
	due := fmt.Sprintf("2026-%02d-15", rapid.IntRange(1, 12).Draw(r, "month"))
	if err := w.oweIn(w.ctx, w.tx, cents(r).Decimal().String(), due, &id); err != nil {
		r.Fatal(err)
	}
	w.bills = append(w.bills, id)
}

// named is one of the bills, or none.
func (w *walk) named(r *rapid.T) uuid.UUID {
	return rapid.SampledFrom(append([]uuid.UUID{uuid.Nil}, w.bills...)).Draw(r, "bill")
}

func (w *walk) cash(r *rapid.T) {
	n := w.desk.cash(cents(r).Decimal().String(), w.named(r))
	n.ID = uuid.Must(uuid.NewV7())
	w.twice(r, func() error {
		_, err := payment.Record(w.ctx, w.tx, n)
		return err
	})
	w.payments = append(w.payments, n.ID)
}

func (w *walk) card(r *rapid.T) {
	i, err := payment.CreateIntent(w.ctx, w.tx, payment.NewIntent{AccountID: w.account, Purpose: payment.PurposeBill, Amount: cents(r)})
	if errors.Is(err, payment.ErrNothingOwed) {
		return
	}
	if err != nil {
		r.Fatal(err)
	}
	kinds := []payment.EventKind{payment.EventProcessing, payment.EventFailed, payment.EventSucceeded}
	for _, kind := range rapid.SliceOfN(rapid.SampledFrom(kinds), 1, 5).Draw(r, "events") {
		w.step++
		w.twice(r, func() error {
			ref, err := payment.Receive(w.ctx, w.tx, w.event(fmt.Sprintf("evt_%d", w.step), kind, i.ID, i.Amount.Decimal().String()))
			if err == nil {
				_, err = payment.Work(w.ctx, w.tx, ref)
			}
			return err
		})
	}
	all, err := payment.List(w.ctx, w.tx, w.account, payment.Cursor{}, 500)
	if err != nil {
		r.Fatal(err)
	}
	for _, p := range all {
		if p.IntentID != nil && *p.IntentID == i.ID {
			w.payments = append(w.payments, p.ID)
		}
	}
}

func (w *walk) credit(r *rapid.T) {
	w.twice(r, func() error { return payment.ApplyCredit(w.ctx, w.tx, w.account) })
}

func (w *walk) refund(r *rapid.T) {
	if len(w.payments) == 0 {
		return
	}
	w.step++
	n := payment.NewRefund{
		Key: fmt.Sprintf("refund-%d", w.step), PaymentID: rapid.SampledFrom(w.payments).Draw(r, "payment"), Amount: cents(r), Reason: "wish", By: "clerk",
	}
	w.twice(r, func() error {
		made, err := payment.RequestRefund(w.ctx, w.tx, n)
		if errors.Is(err, payment.ErrTooMuch) {
			return nil
		}
		if made.State == payment.RefundRequested {
			w.refunds = append(w.refunds, made)
		}
		return err
	})
}

func (w *walk) refundStatus(r *rapid.T) {
	if len(w.refunds) == 0 {
		return
	}
	states := []payment.RefundState{payment.RefundRequested, payment.RefundSucceeded, payment.RefundFailed}
	w.step++
	e := w.desk.refundStatus(rapid.SampledFrom(w.refunds).Draw(r, "refund"), fmt.Sprintf("evt_%d", w.step), rapid.SampledFrom(states).Draw(r, "state"))
	w.twice(r, func() error {
		ref, err := payment.Receive(w.ctx, w.tx, e)
		if err == nil {
			_, err = payment.Work(w.ctx, w.tx, ref)
		}
		return err
	})
}

// takenBack lets a payer's bank take a part of a payment back, as a dispute or a
// return.
func (w *walk) takenBack(r *rapid.T) {
	if len(w.payments) == 0 {
		return
	}
	w.step++
	n := payment.TakenBack{Kind: rapid.SampledFrom([]payment.DisputeKind{payment.Chargeback, payment.Returned}).Draw(r, "kind"), Provider: "bank",
		Ref: fmt.Sprintf("dp_%d", w.step), PaymentID: rapid.SampledFrom(w.payments).Draw(r, "payment"), Amount: cents(r), Reason: "fraudulent"}
	w.twice(r, func() error {
		d, err := payment.TakeBack(w.ctx, w.tx, n)
		if errors.Is(err, payment.ErrTooMuch) {
			return nil
		}
		if err == nil && !slices.Contains(w.disputes, d.ID) {
			w.disputes = append(w.disputes, d.ID)
		}
		return err
	})
}

// decided ends a dispute, one way or the other.
func (w *walk) decided(r *rapid.T) {
	if len(w.disputes) == 0 {
		return
	}
	id, won := rapid.SampledFrom(w.disputes).Draw(r, "dispute"), rapid.Bool().Draw(r, "won")
	w.twice(r, func() (err error) {
		if won {
			_, err = payment.WinDispute(w.ctx, w.tx, id)
		} else {
			_, err = payment.LoseDispute(w.ctx, w.tx, id, euro("15.00"))
		}
		if errors.Is(err, payment.ErrDisputeState) {
			return nil
		}
		return err
	})
}

// reassigned takes a payment, or what it has left, to the other account.
func (w *walk) reassigned(r *rapid.T) {
	if len(w.payments) == 0 {
		return
	}
	m := payment.Movement{ID: uuid.Must(uuid.NewV7()), PaymentID: rapid.SampledFrom(w.payments).Draw(r, "payment"), To: w.second, Reason: "wrong account", By: "clerk"}
	made := false
	w.twice(r, func() error {
		_, err := payment.Reassign(w.ctx, w.tx, m)
		if errors.Is(err, payment.ErrNothingToMove) || errors.Is(err, payment.ErrSameAccount) {
			return nil
		}
		made = err == nil
		return err
	})
	if made {
		w.payments = append(w.payments, m.ID)
	}
}

func (w *walk) invariants(r *rapid.T) {
	report, err := ledger.ControlSums(w.ctx, w.tx)
	if err == nil {
		err = report.Check()
	}
	if err != nil {
		r.Fatal(err)
	}
	var broken int
	err = w.tx.QueryRow(w.ctx, `
		select count(*) from payment p
		 where p.amount <> p.unapplied + p.refunded + p.charged_back + p.moved
		       + (select coalesce(sum(a.amount - a.reversed), 0) from payment_allocation a where a.payment_id = p.id)`).Scan(&broken)
	if err != nil || broken != 0 {
		r.Fatalf("%d payments do not add up: %v", broken, err)
	}
}
