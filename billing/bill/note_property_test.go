package bill_test

import (
	"context"
	"errors"
	"testing"

	"pgregory.net/rapid"

	"tollhouse/billing/account"
	"tollhouse/billing/bill"
	"tollhouse/billing/calendar"
	"tollhouse/billing/money"
	"tollhouse/billing/payment"
	"tollhouse/billing/tax"
	"tollhouse/billing/tenant"
)

// Whatever is credited, paid, refunded, voided, written off and parted, in
// whatever order: the control sums hold, no bill is credited beyond what it
// asked for, and the last note ends exactly.
func TestNotes_whateverHappens(t *testing.T) {
	t.Parallel()
	for _, basis := range []tax.Basis{tax.Inclusive, tax.Exclusive} {
		w := newMetered(t, basis)
		w.rules(bill.Rules{Void: bill.VoidUnpaid, TaxRelief: true})
		c, months := w.connect(1, account.Postpaid)[0], 0
		rapid.Check(t, func(t *rapid.T) {
			if months++; months > 40 { // each is a month of steps on a real database
				return
			}
			var prices []string
			for range rapid.IntRange(1, 3).Draw(t, "lines") {
				prices = append(prices, money.DecimalOf(rapid.Int64Range(1, 20_000).Draw(t, "price"), 2).Fixed(2))
			}
			d := w.owe(c, basis, prices...)
			if d.Total.Sign() <= 0 {
				return
			}
			for range rapid.IntRange(1, 12).Draw(t, "steps") {
				w.step(t, c, d)
			}
			w.endExactly(t, d)
			w.controlSums()
		})
	}
}

// refusals are what a random step may be answered with.
var refusals = []error{bill.ErrCredited, bill.ErrNotCreditable, bill.ErrNoteAmount, bill.ErrNoteLine, bill.ErrHasMoney, bill.ErrWriteOff, bill.ErrInstalments,
	payment.ErrTooMuch, payment.ErrBill, payment.ErrAmount}

func (w *world) step(t *rapid.T, c connected, d bill.Document) {
	amount := money.New(money.DecimalOf(rapid.Int64Range(1, 15_000).Draw(t, "amount"), 2), d.Currency)
	kind := rapid.SampledFrom([]string{"credit", "line", "pay", "refund", "refund note", "void", "write off", "take back", "instal", "debit"}).Draw(t, "step")
	err := w.DB.Write(context.Background(), w.Ref, func(ctx context.Context, tx tenant.Tx) error {
		switch kind {
		case "credit":
			_, err := bill.Credit(ctx, tx, bill.NewCredit{BillID: d.ID, Gross: amount, Reason: "r", By: "clerk"})
			return err
		case "line":
			_, err := bill.Credit(ctx, tx, bill.NewCredit{BillID: d.ID, Lines: []bill.CreditLine{{No: rapid.IntRange(1, 3).Draw(t, "no"), Amount: &amount}}, Reason: "r", By: "clerk"})
			return err
		case "pay":
			_, err := payment.Record(ctx, tx, payment.NewPayment{AccountID: c.ID, Purpose: payment.PurposeBill, Method: payment.Bank, Amount: amount, BillID: d.ID, By: "clerk"})
			return err
		case "refund":
			all, err := payment.List(ctx, tx, c.ID, payment.Cursor{}, 50)
			for _, p := range all {
				if p.Method == payment.Bank && err == nil {
					_, err = payment.RequestRefund(ctx, tx, payment.NewRefund{PaymentID: p.ID, Amount: amount, Reason: "r", By: "clerk"})
					return err
				}
			}
			return err
		case "refund note":
			notes, err := bill.NotesOf(ctx, tx, d.ID)
			for _, n := range notes {
				if n.Kind == bill.KindCreditNote && n.Credit.Sign() > 0 && err == nil {
					_, err = payment.RefundNote(ctx, tx, payment.NoteRefund{ID: n.ID, Amount: n.Credit, Reason: "r", By: "clerk"})
					return err
				}
			}
			return err
		case "void":
			if rapid.IntRange(0, 5).Draw(t, "rarely") > 0 {
				return nil
			}
			return bill.Cancel(ctx, tx, bill.Voiding{BillID: d.ID, Reason: "r", By: "clerk"})
		case "write off":
			items, err := payment.OpenItems(ctx, tx, c.ID)
			if err == nil && len(items) > 0 {
				_, err = bill.WriteDebtOff(ctx, tx, bill.NewWriteOff{OpenItemID: items[0].ID, Amount: &amount, Reason: "r", By: "clerk"})
			}
			return err
		case "take back":
			list, err := bill.WriteOffsOf(ctx, tx, c.ID)
			if err == nil && len(list) > 0 {
				_, err = bill.TakeBackWriteOff(ctx, tx, list[0].ID, &amount)
			}
			return err
		case "debit":
			_, err := bill.Debit(ctx, tx, bill.NewDebit{BillID: d.ID, Lines: []bill.DebitLine{{No: 1, Amount: amount}}, Reason: "r", By: "clerk"})
			return err
		default:
			today := calendar.DateOf(tx.At, w.zone)
			_, err := bill.Instal(ctx, tx, bill.NewInstalments{BillID: d.ID, Due: []calendar.Date{today.AddDays(5), today.AddDays(35), today.AddDays(65)}, By: "clerk"})
			var field *account.FieldError
			if errors.As(err, &field) { // too little to part
				return bill.ErrInstalments
			}
			return err
		}
	})
	for _, refusal := range refusals {
		if errors.Is(err, refusal) {
			return
		}
	}
	if err != nil {
		t.Fatalf("%s %s: %v", kind, amount, err)
	}
}

// endExactly credits the rest and holds the notes' sums against the bill's.
func (w *world) endExactly(t *rapid.T, d bill.Document) {
	if w.head(d.ID).State == bill.Void {
		return
	}
	if left := w.left(d.ID); left != "0.00" {
		w.credit(bill.NewCredit{BillID: d.ID})
	}
	net, vat := money.Decimal{}, money.Decimal{}
	var notes []bill.Note
	w.Read(w.t, func(ctx context.Context, tx tenant.Tx) (err error) {
		notes, err = bill.NotesOf(ctx, tx, d.ID)
		return err
	})
	for _, n := range notes {
		if n.Kind == bill.KindCreditNote {
			doc := w.document(n.ID)
			net, vat = net.Add(doc.Net.Decimal()), vat.Add(doc.Tax.Decimal())
			if doc.Net.Sign() < 0 || doc.Tax.Sign() < 0 {
				t.Fatalf("note %s is %s + %s", n.Number, doc.Net, doc.Tax)
			}
		}
	}
	if !net.Equal(d.Net.Decimal()) || !vat.Equal(d.Tax.Decimal()) {
		t.Fatalf("credited %s + %s of %s + %s", net, vat, d.Net, d.Tax)
	}
}
