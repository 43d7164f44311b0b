package bill_test

import (
	"context"
	"errors"
	"reflect"
	"sync"
	"testing"

	"github.com/google/uuid"

	"tollhouse/billing/account"
	"tollhouse/billing/bill"
	"tollhouse/billing/money"
	"tollhouse/billing/tax"
	"tollhouse/billing/tenant"
)

// Semantics C, credit notes: 119.00, paid 60.00, due 59.00. A note of 59.50
// takes 59.00 off what is due and leaves 0.50; 59.50 can still be credited.
func TestCredit_ofAPartPaidBill(t *testing.T) {
	t.Parallel()
	w := newMetered(t, tax.Inclusive)
	c := w.connect(1, account.Postpaid)[0]
	may := w.owe(c, tax.Inclusive, "119.00")
	w.cash(c, "60.00", may.ID)
	if open := w.head(may.ID).Open.Text(); open != "59.00" {
		t.Fatalf("due %s", open)
	}
	note := w.credit(bill.NewCredit{BillID: may.ID, Gross: euros("59.50"), Reason: "Line was down for two weeks"})
	if note.Number != "TOC-2026/000001" || note.Total.Text() != "59.50" || note.Applied.Text() != "59.00" || note.Credit.Text() != "0.50" {
		t.Errorf("note %s %s: applied %s, credit %s", note.Number, note.Total, note.Applied, note.Credit)
	}
	if head, left, position := w.head(may.ID), w.left(may.ID), w.position(c); head.Open.Text() != "0.00" || left != "59.50" || position != "0.00/0.50" {
		t.Errorf("open %s, left %s, position %s", head.Open, left, position)
	}
	d := w.document(note.ID)
	want := &bill.Corrected{ID: may.ID, Number: may.Number, Issued: may.Issued}
	if parts(d) != "50.00+9.50" || !reflect.DeepEqual(d.Corrects, want) || d.Reason != "Line was down for two weeks" || d.Lines[0].Corrects != 1 ||
		d.Buyer != may.Buyer || d.Seller.Name != may.Seller.Name || len(d.Taxes) != 1 || d.Taxes[0].Tax.Text() != "9.50" || d.Taxes[0].Base.Text() != "50.00" {
		t.Errorf("document %+v", d)
	}
	w.controlSums()
}

// Semantics C, credit notes: 10.00 + 1.90 credited in 3.33, 3.33 and 3.34 has
// tax 0.63, 0.63 and 0.64: the last note takes the rest.
func TestCredit_theLastNoteTakesTheRest(t *testing.T) {
	t.Parallel()
	w := newMetered(t, tax.Exclusive)
	c := w.connect(1, account.Postpaid)[0]
	may := w.owe(c, tax.Exclusive, "10.00")
	if may.Net.Text() != "10.00" || may.Tax.Text() != "1.90" {
		t.Fatalf("bill %s + %s", may.Net, may.Tax)
	}
	for _, step := range []struct{ net, tax, left string }{{"3.33", "0.63", "7.94"}, {"3.33", "0.63", "3.98"}, {"3.34", "0.64", "0.00"}} {
		amount := euros(step.net)
		note := w.credit(bill.NewCredit{BillID: may.ID, Lines: []bill.CreditLine{{No: 1, Amount: &amount}}})
		d := w.document(note.ID)
		if d.Net.Text() != step.net || d.Tax.Text() != step.tax || w.left(may.ID) != step.left {
			t.Errorf("note of %s: tax %s, want %s; left %s, want %s", d.Net, d.Tax, step.tax, w.left(may.ID), step.left)
		}
	}
	if position := w.position(c); position != "0.00/0.00" {
		t.Errorf("position %s", position)
	}
	var refused *bill.CreditError
	if _, err := w.tryCredit(bill.NewCredit{BillID: may.ID}); !errors.As(err, &refused) || !errors.Is(err, bill.ErrCredited) {
		t.Errorf("a fourth note: %v", err)
	}
	w.controlSums()
}

// Three lines of 9.99 with tax inside are credited one by one as they were
// billed, and by amounts that end exactly.
func TestCredit_ofLinesAndAmountsEndsExactly(t *testing.T) {
	t.Parallel()
	w := newMetered(t, tax.Inclusive)
	both := w.connect(2, account.Postpaid)
	c := both[0]
	may := w.owe(c, tax.Inclusive, "9.99", "9.99", "9.99")
	if parts(may) != "8.40+1.59 8.39+1.60 8.39+1.60" {
		t.Fatalf("bill %s", parts(may))
	}
	for _, no := range []int{2, 1, 3} {
		w.credit(bill.NewCredit{BillID: may.ID, Lines: []bill.CreditLine{{No: no}}})
	}
	if w.left(may.ID) != "0.00" || w.position(c) != "0.00/0.00" {
		t.Errorf("left %s, position %s", w.left(may.ID), w.position(c))
	}
	w.clock("2026-06-02 00:00")
	june := w.owe(both[0], tax.Inclusive, "9.99", "9.99", "9.99")
	net, vat := money.Decimal{}, money.Decimal{}
	for _, gross := range []string{"10.00", "10.00", "9.97"} {
		d := w.document(w.credit(bill.NewCredit{BillID: june.ID, Gross: euros(gross)}).ID)
		if d.Total.Text() != gross {
			t.Errorf("note of %s: %s", gross, d.Total)
		}
		net, vat = net.Add(d.Net.Decimal()), vat.Add(d.Tax.Decimal())
	}
	if net.Fixed(2) != "25.18" || vat.Fixed(2) != "4.79" {
		t.Errorf("credited %s + %s", net, vat)
	}
	w.controlSums()
}

// A whole bill with fees ahead: what is deferred is taken back from there.
func TestCredit_takesDeferredFeesBack(t *testing.T) {
	t.Parallel()
	w := newWorld(t, account.Postpaid)
	w.clock("2026-05-01 00:00")
	c := w.connect(1, account.Postpaid)[0]
	w.clock("2026-06-01 00:00")
	w.run("2026-06-01", 10)
	may := w.latest(c)
	note := w.credit(bill.NewCredit{BillID: may.ID})
	if note.Total.Text() != may.Total.Text() || w.position(c) != "0.00/0.00" {
		t.Errorf("note %s of %s, position %s", note.Total, may.Total, w.position(c))
	}
	w.Read(t, func(ctx context.Context, tx tenant.Tx) error {
		s, err := account.GetSubscription(ctx, tx, c.subscription)
		if !s.Deferred.IsZero() {
			t.Errorf("deferred %s", s.Deferred)
		}
		return err
	})
	w.controlSums()
	w.clock("2026-07-01 00:00")
	w.run("2026-07-01", 10)
	w.controlSums()
}

func TestCredit_isRefused(t *testing.T) {
	t.Parallel()
	w := newMetered(t, tax.Inclusive)
	c := w.connect(1, account.Postpaid)[0]
	may := w.owe(c, tax.Inclusive, "119.00")
	much, fine, dollars := euros("119.01"), euros("1.001"), money.New(money.NewDecimal(1), money.MustCurrency("USD"))
	for name, refused := range map[string]struct {
		n    bill.NewCredit
		want error
	}{
		"more than the bill":       {bill.NewCredit{BillID: may.ID, Gross: much}, bill.ErrCredited},
		"more than the line":       {bill.NewCredit{BillID: may.ID, Lines: []bill.CreditLine{{No: 1, Amount: &much}}}, bill.ErrCredited},
		"a line that is not there": {bill.NewCredit{BillID: may.ID, Lines: []bill.CreditLine{{No: 7}}}, bill.ErrNoteLine},
		"a line twice":             {bill.NewCredit{BillID: may.ID, Lines: []bill.CreditLine{{No: 1}, {No: 1}}}, bill.ErrNoteLine},
		"finer than a cent":        {bill.NewCredit{BillID: may.ID, Gross: fine}, bill.ErrNoteAmount},
		"another currency":         {bill.NewCredit{BillID: may.ID, Gross: dollars}, money.ErrCurrencyMismatch},
		"no such bill":             {bill.NewCredit{BillID: uuid.New()}, bill.ErrNotFound},
		"no reason":                {bill.NewCredit{BillID: may.ID, Reason: "  "}, bill.ErrNoteReason},
	} {
		if _, err := w.tryCredit(refused.n); !errors.Is(err, refused.want) {
			t.Errorf("%s: %v, want %v", name, err, refused.want)
		}
	}
	note := w.credit(bill.NewCredit{BillID: may.ID, Gross: euros("1.00")})
	if _, err := w.tryCredit(bill.NewCredit{BillID: note.ID}); !errors.Is(err, bill.ErrNotCreditable) {
		t.Errorf("a note on a note: %v", err)
	}
}

// The same command twice writes one note; its id under another bill is refused.
func TestCredit_onceUnderAnID(t *testing.T) {
	t.Parallel()
	w := newMetered(t, tax.Inclusive)
	c := w.connect(1, account.Postpaid)[0]
	may, id := w.owe(c, tax.Inclusive, "119.00"), uuid.Must(uuid.NewV7())
	first := w.credit(bill.NewCredit{ID: id, BillID: may.ID, Gross: euros("10.00")})
	again := w.credit(bill.NewCredit{ID: id, BillID: may.ID, Gross: euros("10.00")})
	if first.Number != again.Number || again.Applied.Text() != "10.00" || w.left(may.ID) != "109.00" {
		t.Errorf("first %+v, again %+v, left %s", first, again, w.left(may.ID))
	}
	june := w.owe(c, tax.Inclusive, "20.00")
	if _, err := w.tryCredit(bill.NewCredit{ID: id, BillID: june.ID}); !errors.Is(err, bill.ErrNoteID) {
		t.Errorf("the id on another bill: %v", err)
	}
	w.controlSums()
}

// Eight notes of 30.00 at once on a bill of 119.00: three are written, and
// their numbers have no gap.
func TestCredit_atOnceNeverBeyondTheBill(t *testing.T) {
	t.Parallel()
	w := newMetered(t, tax.Inclusive)
	c := w.connect(1, account.Postpaid)[0]
	may := w.owe(c, tax.Inclusive, "119.00")
	var group sync.WaitGroup
	results := make(chan error, 8)
	for range 8 {
		group.Go(func() {
			_, err := w.tryCredit(bill.NewCredit{BillID: may.ID, Gross: euros("30.00")})
			results <- err
		})
	}
	group.Wait()
	close(results)
	written := 0
	for err := range results {
		if err == nil {
			written++
		} else if !errors.Is(err, bill.ErrCredited) {
			t.Error(err)
		}
	}
	if written != 3 || w.left(may.ID) != "29.00" {
		t.Errorf("%d notes, left %s", written, w.left(may.ID))
	}
	if next := w.credit(bill.NewCredit{BillID: may.ID}); next.Number != "TOC-2026/000004" || next.Total.Text() != "29.00" {
		t.Errorf("the last note %s %s", next.Number, next.Total)
	}
	w.controlSums()
}

// A debit note asks for more, on an open item and in a series of its own.
func TestDebit_asksForMore(t *testing.T) {
	t.Parallel()
	w := newMetered(t, tax.Inclusive)
	c := w.connect(1, account.Postpaid)[0]
	may := w.owe(c, tax.Inclusive, "119.00")
	var note bill.Note
	debit := bill.NewDebit{ID: uuid.Must(uuid.NewV7()), BillID: may.ID, Reason: "Calls of a day were missing", By: "clerk",
		Lines: []bill.DebitLine{{No: 1, Amount: euros("11.90")}, {Description: "Engineer on site", Amount: euros("59.50"), Category: "standard"}}}
	for range 2 { // a repeat changes nothing
		w.Write(t, func(ctx context.Context, tx tenant.Tx) (err error) {
			note, err = bill.Debit(ctx, tx, debit)
			return err
		})
	}
	d := w.document(note.ID)
	if note.Number != "TOD-2026/000001" || parts(d) != "10.00+1.90 50.00+9.50" || w.head(note.ID).Open.Text() != "71.40" || d.Corrects.Number != may.Number {
		t.Errorf("note %s %s, open %s", note.Number, parts(d), w.head(note.ID).Open)
	}
	if w.position(c) != "190.40/0.00" || w.head(may.ID).Open.Text() != "119.00" {
		t.Errorf("position %s, bill's open %s", w.position(c), w.head(may.ID).Open)
	}
	w.controlSums()
	w.credit(bill.NewCredit{BillID: note.ID}) // a debit note is corrected as a bill is
	if w.head(note.ID).Open.Sign() != 0 || w.position(c) != "119.00/0.00" {
		t.Errorf("after its credit: position %s", w.position(c))
	}
	w.controlSums()
	var notes []bill.Note
	w.Read(t, func(ctx context.Context, tx tenant.Tx) (err error) {
		notes, err = bill.NotesOf(ctx, tx, may.ID)
		return err
	})
	if len(notes) != 1 || notes[0].Kind != bill.KindDebitNote || notes[0].Reason != debit.Reason {
		t.Errorf("notes of the bill: %+v", notes)
	}
}
