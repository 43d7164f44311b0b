package bill_test

import (
	"context"
	"errors"
	"testing"

	"github.com/google/uuid"

	"tollhouse/billing/account"
	"tollhouse/billing/bill"
	"tollhouse/billing/payment"
	"tollhouse/billing/tax"
	"tollhouse/billing/tenant"
)

func (w *world) void(id uuid.UUID, again bool) error {
	return w.DB.Write(context.Background(), w.Ref, func(ctx context.Context, tx tenant.Tx) error {
		return bill.Cancel(ctx, tx, bill.Voiding{BillID: id, Again: again, Reason: "Wrong address", By: "clerk"})
	})
}

func (w *world) rules(r bill.Rules) {
	w.t.Helper()
	w.Write(w.t, func(ctx context.Context, tx tenant.Tx) error { return bill.PutRules(ctx, tx, r, "owner") })
}

// Semantics C, numbers: a void keeps its number; the next bill has the next one.
func TestCancel_keepsItsNumberAndTakesEverythingBack(t *testing.T) {
	t.Parallel()
	w := newWorld(t, account.Postpaid)
	w.clock("2026-05-01 00:00")
	c := w.connect(1, account.Postpaid)[0]
	w.clock("2026-05-20 12:00")
	w.use(c, "2026-05-20 12:00", "0.333333333", 61)
	w.clock("2026-06-01 08:00")
	w.run("2026-06-01", 5)
	may := w.latest(c)
	for range 2 { // again changes nothing
		if err := w.void(may.ID, false); err != nil {
			t.Fatal(err)
		}
	}
	head := w.head(may.ID)
	if head.State != bill.Void || head.Number != may.Number || head.Open.Sign() != 0 || w.position(c) != "0.00/0.00" {
		t.Errorf("void %+v, position %s", head, w.position(c))
	}
	w.controlSums()
	if _, err := w.tryCredit(bill.NewCredit{BillID: may.ID}); !errors.Is(err, bill.ErrNotCreditable) {
		t.Errorf("a note on a void bill: %v", err)
	}
	w.clock("2026-07-01 08:00")
	w.run("2026-07-01", 5)
	june := w.latest(c)
	if june.Number != "TO-2026/000002" || june.Total.Text() != "31.00" {
		t.Errorf("June %s %s", june.Number, june.Total)
	}
	w.controlSums()
}

// A void bill's lines stand on the next bill where that is wanted.
func TestCancel_billsAgain(t *testing.T) {
	t.Parallel()
	w := newWorld(t, account.Postpaid)
	w.clock("2026-05-01 00:00")
	c := w.connect(1, account.Postpaid)[0]
	w.clock("2026-06-01 08:00")
	w.run("2026-06-01", 5)
	may := w.latest(c)
	if err := w.void(may.ID, true); err != nil {
		t.Fatal(err)
	}
	w.controlSums()
	w.clock("2026-07-01 08:00")
	w.run("2026-07-01", 5)
	june, sum := w.latest(c), euros("31.00")
	sum, _ = sum.Add(may.Total)
	if june.Total.Text() != sum.Text() {
		t.Errorf("June %s %s, want %s", june.Total, shown(june), sum)
	}
	w.controlSums()
	w.clock("2026-08-01 08:00")
	w.run("2026-08-01", 5)
	w.controlSums()
}

func TestCancel_onlyWhereTheRulesAllow(t *testing.T) {
	t.Parallel()
	w := newMetered(t, tax.Inclusive)
	c := w.connect(1, account.Postpaid)[0]
	may := w.owe(c, tax.Inclusive, "119.00")
	w.rules(bill.Rules{Void: bill.VoidNever})
	if err := w.void(may.ID, false); !errors.Is(err, bill.ErrVoidForbidden) {
		t.Errorf("never: %v", err)
	}
	w.Write(t, func(ctx context.Context, tx tenant.Tx) error {
		_, err := tx.Exec(ctx, `update bill_run set told_through = $1`, uuid.Max)
		return err
	})
	w.rules(bill.Rules{Void: bill.VoidUnsent})
	if err := w.void(may.ID, false); !errors.Is(err, bill.ErrSent) {
		t.Errorf("sent: %v", err)
	}
	w.rules(bill.Rules{Void: bill.VoidUnpaid})
	w.cash(c, "1.00", may.ID)
	if err := w.void(may.ID, false); !errors.Is(err, bill.ErrHasMoney) {
		t.Errorf("paid in part: %v", err)
	}
	june := w.owe(c, tax.Inclusive, "10.00")
	if err := w.void(june.ID, false); err != nil {
		t.Errorf("unpaid: %v", err)
	}
	w.controlSums()
}

// Bad debt with relief takes its part of the tax back; paid after all, it is
// owed again as far as the payment goes.
func TestWriteDebtOff_andPaidAfterAll(t *testing.T) {
	t.Parallel()
	w := newMetered(t, tax.Inclusive)
	w.rules(bill.Rules{Void: bill.VoidUnsent, TaxRelief: true})
	c := w.connect(1, account.Postpaid)[0]
	may := w.owe(c, tax.Inclusive, "119.00")
	w.cash(c, "19.00", may.ID)
	var off bill.WriteOff
	item := w.items(c)[0]
	id := uuid.Must(uuid.NewV7())
	for range 2 { // a repeat changes nothing
		w.Write(t, func(ctx context.Context, tx tenant.Tx) (err error) {
			off, err = bill.WriteDebtOff(ctx, tx, bill.NewWriteOff{ID: id, OpenItemID: item.ID, Reason: "Insolvent", By: "owner"})
			return err
		})
	}
	if off.Amount.Text() != "100.00" || off.Tax.Text() != "15.97" || w.head(may.ID).Open.Sign() != 0 || w.position(c) != "0.00/0.00" {
		t.Errorf("written off %s with tax %s, position %s", off.Amount, off.Tax, w.position(c))
	}
	w.controlSums()
	w.cash(c, "40.00", may.ID) // names the bill
	w.Read(t, func(ctx context.Context, tx tenant.Tx) error {
		list, err := bill.WriteOffsOf(ctx, tx, c.ID)
		if len(list) != 1 || list[0].Reversed.Text() != "40.00" {
			t.Errorf("write-offs %+v", list)
		}
		return err
	})
	if w.position(c) != "0.00/0.00" || w.head(may.ID).Open.Sign() != 0 {
		t.Errorf("position %s", w.position(c))
	}
	w.controlSums()
	w.Write(t, func(ctx context.Context, tx tenant.Tx) error {
		_, err := bill.TakeBackWriteOff(ctx, tx, id, nil)
		return err
	})
	if w.position(c) != "60.00/0.00" {
		t.Errorf("taken back: %s", w.position(c))
	}
	w.controlSums()
	much := euros("60.01")
	err := w.DB.Write(context.Background(), w.Ref, func(ctx context.Context, tx tenant.Tx) error {
		_, err := bill.WriteDebtOff(ctx, tx, bill.NewWriteOff{OpenItemID: item.ID, Amount: &much, Reason: "x", By: "owner"})
		return err
	})
	if !errors.Is(err, bill.ErrWriteOff) {
		t.Errorf("more than is open: %v", err)
	}
}

// items is what the account owes, the oldest due first.
func (w *world) items(c connected) (items []payment.OpenItem) {
	w.t.Helper()
	w.Read(w.t, func(ctx context.Context, tx tenant.Tx) (err error) {
		items, err = payment.OpenItems(ctx, tx, c.ID)
		return err
	})
	return items
}

// refuser is a card provider that refuses to pay back.
type refuser struct{}

func (refuser) Checkout(context.Context, payment.CheckoutRequest) (payment.Checkout, error) {
	return payment.Checkout{}, payment.ErrProviderRefused
}

func (refuser) Lookup(context.Context, payment.LookupRequest) (payment.ProviderEvent, error) {
	return payment.ProviderEvent{}, payment.ErrProviderRefused
}

func (refuser) Refund(context.Context, payment.RefundRequest) (payment.ProviderRefund, error) {
	return payment.ProviderRefund{}, &payment.ProviderError{Kind: payment.ErrProviderRefused, Message: "card expired"}
}

// Semantics C, credit notes: the 0.50 goes back by the method that paid. A
// failed refund: the note stands, the money becomes balance, no second note.
func TestRefundNote_toTheOriginalMethod(t *testing.T) {
	t.Parallel()
	w := newMetered(t, tax.Inclusive)
	c := w.connect(1, account.Postpaid)[0]
	may := w.owe(c, tax.Inclusive, "119.00")
	var paid payment.Payment
	w.Write(t, func(ctx context.Context, tx tenant.Tx) error {
		i, err := payment.CreateIntent(ctx, tx, payment.NewIntent{AccountID: c.ID, Purpose: payment.PurposeBill, BillID: may.ID, Amount: euros("60.00")})
		if err != nil {
			return err
		}
		ref, err := payment.Receive(ctx, tx, payment.ProviderEvent{Provider: payment.Stripe, ID: "evt_1", Kind: payment.EventSucceeded, Created: tx.At,
			Tenant: w.Ref.ID, Intent: i.ID, PaymentRef: "pi_1", Amount: euros("60.00")})
		if err != nil {
			return err
		}
		outcome, err := payment.Work(ctx, tx, ref)
		if err != nil || outcome.State != "done" {
			t.Errorf("webhook %+v, %v", outcome, err)
		}
		all, err := payment.List(ctx, tx, c.ID, payment.Cursor{}, 5)
		paid = all[0]
		return err
	})
	note := w.credit(bill.NewCredit{BillID: may.ID, Gross: euros("59.50")})
	if note.Credit.Text() != "0.50" {
		t.Fatalf("credit %s", note.Credit)
	}
	var back []payment.Refund
	order := payment.NoteRefund{Key: "refund-of-note", ID: note.ID, Amount: euros("0.50"), Reason: "Credit note " + note.Number, By: "clerk"}
	for range 2 { // a repeat changes nothing
		w.Write(t, func(ctx context.Context, tx tenant.Tx) (err error) {
			back, err = payment.RefundNote(ctx, tx, order)
			return err
		})
	}
	if len(back) != 1 || back[0].PaymentID != paid.ID || back[0].Amount.Text() != "0.50" || back[0].State != payment.RefundRequested {
		t.Fatalf("refunds %+v", back)
	}
	if w.position(c) != "0.00/0.00" || w.head(may.ID).Open.Sign() != 0 {
		t.Errorf("position %s", w.position(c))
	}
	w.controlSums()
	till := payment.NewTill(w.DB, func(string) payment.CardProvider { return refuser{} })
	failed, err := till.SendRefund(t.Context(), w.Ref, back[0].ID)
	if err != nil || failed.State != payment.RefundFailed {
		t.Fatalf("refund %+v, %v", failed, err)
	}
	var notes []bill.Note
	w.Read(t, func(ctx context.Context, tx tenant.Tx) (err error) {
		notes, err = bill.NotesOf(ctx, tx, may.ID)
		return err
	})
	if len(notes) != 1 || notes[0].State != bill.Final || w.position(c) != "0.00/0.50" || w.left(may.ID) != "59.50" {
		t.Errorf("notes %d, position %s, left %s", len(notes), w.position(c), w.left(may.ID))
	}
	w.controlSums()
	over := order
	over.Key, over.Amount = "another", euros("0.51")
	var refusal *payment.RefundError
	err = w.DB.Write(context.Background(), w.Ref, func(ctx context.Context, tx tenant.Tx) error {
		_, err := payment.RefundNote(ctx, tx, over)
		return err
	})
	if !errors.As(err, &refusal) {
		t.Errorf("more than is left: %v", err)
	}
}
