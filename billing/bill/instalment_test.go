package bill_test

import (
	"context"
	"errors"
	"testing"

	"github.com/google/uuid"

	"tollhouse/billing/account"
	"tollhouse/billing/bill"
	"tollhouse/billing/calendar"
	"tollhouse/billing/money"
	"tollhouse/billing/payment"
	"tollhouse/billing/tax"
	"tollhouse/billing/tenant"
)

// 119.00 with 19.00 paid, in three parts: 33.34, 33.33 and 33.33, each due on
// its own day; the fee stands on the next bill.
func TestInstal_partsEndExactly(t *testing.T) {
	t.Parallel()
	w := newMetered(t, tax.Inclusive)
	c := w.connect(1, account.Postpaid)[0]
	may := w.owe(c, tax.Inclusive, "119.00")
	w.cash(c, "19.00", may.ID)
	fee := euros("5.00")
	order := bill.NewInstalments{BillID: may.ID, Fee: &fee, By: "clerk", Due: []calendar.Date{day("2026-06-10"), day("2026-07-10"), day("2026-08-10")}}
	instal := func(n bill.NewInstalments) (parts []bill.Instalment, err error) {
		err = w.DB.Write(context.Background(), w.Ref, func(ctx context.Context, tx tenant.Tx) (err error) {
			parts, err = bill.Instal(ctx, tx, n)
			return err
		})
		return parts, err
	}
	parts, err := instal(order)
	if err != nil || len(parts) != 3 {
		t.Fatalf("%+v, %v", parts, err)
	}
	for i, want := range []struct{ amount, open, due string }{{"52.34", "33.34", "2026-06-10"}, {"33.33", "33.33", "2026-07-10"}, {"33.33", "33.33", "2026-08-10"}} {
		if p := parts[i]; p.No != i+1 || p.Amount.Text() != want.amount || p.Open.Text() != want.open || p.DueDate.String() != want.due {
			t.Errorf("part %+v, want %+v", p, want)
		}
	}
	w.controlSums()
	if _, err := instal(order); !errors.Is(err, bill.ErrInstalments) {
		t.Errorf("twice: %v", err)
	}
	w.cash(c, "40.00", may.ID)
	if items := w.items(c); len(items) != 2 || items[0].Open.Text() != "26.67" || items[0].DueDate != day("2026-07-10") {
		t.Errorf("after 40.00: %+v", items)
	}
	if head := w.head(may.ID); head.Open.Text() != "60.00" {
		t.Errorf("open %s", head.Open)
	}
	note := w.credit(bill.NewCredit{BillID: may.ID, Gross: euros("30.00")})
	if note.Applied.Text() != "30.00" || w.head(may.ID).Open.Text() != "30.00" {
		t.Errorf("note %s, open %s", note.Applied, w.head(may.ID).Open)
	}
	w.Write(t, func(ctx context.Context, tx tenant.Tx) error {
		parts, err := bill.CallIn(ctx, tx, may.ID)
		if parts[2].DueDate != day("2026-06-01") {
			t.Errorf("called in: %+v", parts)
		}
		return err
	})
	w.controlSums()
	june := w.owe(c, tax.Inclusive, "10.00")
	if june.Total.Text() != "15.00" {
		t.Errorf("June %s: %s", june.Total, shown(june))
	}
	w.controlSums()
	for name, due := range map[string][]calendar.Date{"one": {day("2026-07-10")}, "past": {day("2026-05-01"), day("2026-07-10")}, "out of order": {day("2026-09-10"), day("2026-08-10")}} {
		var field *account.FieldError
		if _, err := instal(bill.NewInstalments{BillID: june.ID, Due: due}); !errors.As(err, &field) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// A deposit is a liability from when it is asked for; it is applied to debt or
// goes back by the method that paid it.
func TestDeposit_askedPaidAppliedAndGivenBack(t *testing.T) {
	t.Parallel()
	w := newMetered(t, tax.Inclusive)
	c := w.connect(1, account.Postpaid)[0]
	rate := money.MustDecimal("3.65")
	order := bill.NewDeposit{ID: uuid.Must(uuid.NewV7()), AccountID: c.ID, Amount: euros("100.00"), Interest: &rate, Reason: "New customer", By: "clerk"}
	var d bill.Deposit
	for range 2 { // a repeat changes nothing
		w.Write(t, func(ctx context.Context, tx tenant.Tx) (err error) {
			d, err = bill.AskDeposit(ctx, tx, order)
			return err
		})
	}
	if d.Number != "TOP-2026/000001" || d.Open.Text() != "100.00" || w.position(c) != "100.00/0.00" {
		t.Errorf("deposit %+v, position %s", d, w.position(c))
	}
	w.controlSums()
	w.cash(c, "100.00", d.OpenItemID)
	may := w.owe(c, tax.Inclusive, "30.00") // on the first of June
	part := euros("40.00")
	var back bill.Returned
	give := bill.DepositReturn{ID: uuid.Must(uuid.NewV7()), DepositID: d.ID, Amount: &part, ToDebt: true, By: "clerk"}
	for range 2 {
		w.Write(t, func(ctx context.Context, tx tenant.Tx) (err error) {
			back, err = bill.ReturnDeposit(ctx, tx, give)
			return err
		})
	}
	// 40.00 for 31 days at 3.65 %: 0.12
	if back.Deposit.Held().Text() != "60.00" || back.Applied.Text() != "30.00" || back.Credit.Text() != "10.12" || w.head(may.ID).Open.Sign() != 0 {
		t.Errorf("given back %+v", back)
	}
	w.controlSums()
	w.Write(t, func(ctx context.Context, tx tenant.Tx) (err error) {
		back, err = bill.ReturnDeposit(ctx, tx, bill.DepositReturn{DepositID: d.ID, By: "clerk", ID: uuid.Must(uuid.NewV7())})
		return err
	})
	if back.Deposit.Held().Sign() != 0 || back.Credit.Text() != "60.19" || back.Interest.Text() != "0.19" {
		t.Errorf("the rest %+v", back)
	}
	w.controlSums()
	err := w.DB.Write(context.Background(), w.Ref, func(ctx context.Context, tx tenant.Tx) error {
		_, err := bill.ReturnDeposit(ctx, tx, bill.DepositReturn{DepositID: d.ID})
		return err
	})
	if !errors.Is(err, bill.ErrDepositAmount) {
		t.Errorf("nothing is held: %v", err)
	}
}

// What is held goes back in cash as it came; the note of it is the ledger's.
func TestGiveBackDeposit_byTheMethodThatPaid(t *testing.T) {
	t.Parallel()
	w := newMetered(t, tax.Inclusive)
	c := w.connect(1, account.Postpaid)[0]
	var d bill.Deposit
	w.Write(t, func(ctx context.Context, tx tenant.Tx) (err error) {
		d, err = bill.AskDeposit(ctx, tx, bill.NewDeposit{AccountID: c.ID, Amount: euros("100.00"), Reason: "New customer", By: "clerk"})
		return err
	})
	paid := w.cash(c, "100.00", d.OpenItemID)
	order := bill.DepositReturn{ID: uuid.Must(uuid.NewV7()), DepositID: d.ID, By: "clerk"}
	for range 2 { // a repeat changes nothing
		w.Write(t, func(ctx context.Context, tx tenant.Tx) error {
			_, refunds, err := payment.GiveBackDeposit(ctx, tx, order, "Contract ended")
			if err == nil && (len(refunds) != 1 || refunds[0].PaymentID != paid.ID || refunds[0].Amount.Text() != "100.00") {
				t.Errorf("refunds %+v", refunds)
			}
			return err
		})
	}
	if w.position(c) != "0.00/0.00" {
		t.Errorf("position %s", w.position(c))
	}
	w.controlSums()
}

// Asked for at connection, given back by itself after two months of paying on
// time; one late bill makes it wait.
func TestReviewDeposit_afterPayingOnTime(t *testing.T) {
	t.Parallel()
	w := newMetered(t, tax.Inclusive)
	both, months := w.connect(2, account.Postpaid), 2
	deposits := map[uuid.UUID]uuid.UUID{}
	for _, c := range both {
		var d bill.Deposit
		w.Write(t, func(ctx context.Context, tx tenant.Tx) (err error) {
			d, err = bill.AskDeposit(ctx, tx, bill.NewDeposit{AccountID: c.ID, Amount: euros("50.00"), Months: &months, Reason: "Connection", By: "clerk"})
			return err
		})
		deposits[c.ID] = d.ID
		w.cash(c, "50.00", d.OpenItemID)
	}
	for _, c := range both {
		w.use(c, "2026-05-02 12:00", "10.00", 60)
	}
	w.clock("2026-06-01 00:00")
	w.run("2026-06-01", 10)
	w.clock("2026-06-02 00:00")
	w.cash(both[0], "10.00", uuid.Nil)
	review := func(c connected) (held string) {
		w.Write(t, func(ctx context.Context, tx tenant.Tx) error { return bill.ReviewDeposit(ctx, tx, deposits[c.ID]) })
		w.Read(t, func(ctx context.Context, tx tenant.Tx) error {
			d, err := bill.GetDeposit(ctx, tx, deposits[c.ID])
			held = d.Held().Text()
			return err
		})
		return held
	}
	w.clock("2026-07-01 00:00")
	if held := review(both[0]); held != "0.00" || w.position(both[0]) != "0.00/50.00" {
		t.Errorf("paid on time: held %s, position %s", held, w.position(both[0]))
	}
	if held := review(both[1]); held != "50.00" {
		t.Errorf("paid late: held %s", held)
	}
	w.Read(t, func(ctx context.Context, tx tenant.Tx) error {
		var due int
		err := tx.QueryRow(ctx, `select count(*) from agenda where kind = 'deposit_review' and ref = $1 and state = 'due'`, deposits[both[1].ID]).Scan(&due)
		if due != 2 { // the first and the one a month later
			t.Errorf("%d reviews on the agenda", due)
		}
		return err
	})
	w.controlSums()
}

// An advance bill is taxed and owed at once; the bill of the service has the
// service in full and the advance off it.
func TestBillAhead_isDeductedOnce(t *testing.T) {
	t.Parallel()
	w := newMetered(t, tax.Inclusive)
	c := w.connect(1, account.Postpaid)[0]
	order := bill.NewAdvance{ID: uuid.Must(uuid.NewV7()), AccountID: c.ID, Period: calendar.Period{From: day("2026-06-01"), To: day("2026-07-01")},
		Lines: []bill.AdvanceLine{{Description: "Line for the fair", Amount: euros("59.50")}, {Description: "Router", Amount: euros("11.90")}}, By: "clerk"}
	var ahead bill.Bill
	for range 2 { // a repeat changes nothing
		w.Write(t, func(ctx context.Context, tx tenant.Tx) (err error) {
			ahead, err = bill.BillAhead(ctx, tx, order)
			return err
		})
	}
	d := w.document(ahead.ID)
	if ahead.Number != "TOA-2026/000001" || parts(d) != "50.00+9.50 10.00+1.90" || w.position(c) != "71.40/0.00" || d.Buyer.Account != c.Number {
		t.Errorf("advance %s %s, position %s", ahead.Number, parts(d), w.position(c))
	}
	w.controlSums()
	w.credit(bill.NewCredit{BillID: ahead.ID, Lines: []bill.CreditLine{{No: 2}}}) // no router after all
	w.controlSums()
	w.cash(c, "59.50", ahead.ID)
	june := w.owe(c, tax.Inclusive, "119.00")
	if june.Total.Text() != "59.50" || june.Tax.Text() != "9.50" || len(june.Lines) != 2 {
		t.Errorf("June %s + %s: %s", june.Net, june.Tax, shown(june))
	}
	w.controlSums()
	if left := w.left(ahead.ID); left != "0.00" {
		t.Errorf("left to credit of the advance: %s", left)
	}
	if err := w.void(ahead.ID, false); !errors.Is(err, bill.ErrHasMoney) {
		t.Errorf("void after it was deducted: %v", err)
	}
}

// What is missing of a minimum is a line: by the offering for each
// subscription, by the account's own undertaking over all, a part of a cycle
// by its days.
func TestCommit_theDifferenceIsALine(t *testing.T) {
	t.Parallel()
	w := newMetered(t, tax.Inclusive)
	c := w.connect(1, account.Postpaid)[0]
	commitment := bill.Commitment{ID: uuid.Must(uuid.NewV7()), AccountID: c.ID, Amount: euros("62.00"), From: day("2026-05-17"), By: "clerk"}
	w.Write(t, func(ctx context.Context, tx tenant.Tx) error {
		_, err := bill.Commit(ctx, tx, commitment)
		return err
	})
	may := w.owe(c, tax.Inclusive, "10.00") // 15 of 31 days: 30.00
	if shown(may) != "calls-a 60 10.00; commitment 1 20.00" || may.Total.Text() != "30.00" {
		t.Errorf("May: %s", shown(may))
	}
	if june := w.owe(c, tax.Inclusive, "62.00"); shown(june) != "calls-a 60 62.00" {
		t.Errorf("June: %s", shown(june))
	}
	w.controlSums()
	again := commitment
	again.ID, again.From = uuid.Must(uuid.NewV7()), day("2026-08-01")
	err := w.DB.Write(context.Background(), w.Ref, func(ctx context.Context, tx tenant.Tx) error {
		_, err := bill.Commit(ctx, tx, again)
		return err
	})
	if !errors.Is(err, bill.ErrCommitted) {
		t.Errorf("two at once: %v", err)
	}
	w.Write(t, func(ctx context.Context, tx tenant.Tx) error {
		return bill.EndCommitment(ctx, tx, c.ID, commitment.ID, day("2026-07-01"))
	})
	if july := w.owe(c, tax.Inclusive, "1.00"); shown(july) != "calls-a 60 1.00" {
		t.Errorf("July: %s", shown(july))
	}
}
