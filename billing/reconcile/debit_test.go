package reconcile_test

import (
	"bytes"
	"context"
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/google/uuid"

	"tollhouse/billing/account"
	"tollhouse/billing/bank/pain"
	"tollhouse/billing/bank/statement"
	"tollhouse/billing/debit"
	"tollhouse/billing/money"
	"tollhouse/billing/payment"
	"tollhouse/billing/reconcile"
	"tollhouse/billing/tenant"
)

func (w *world) collects(t *testing.T) {
	t.Helper()
	w.Write(t, func(ctx context.Context, tx tenant.Tx) error {
		p, err := payment.GetPolicy(ctx, tx)
		if err != nil {
			return err
		}
		p.Debit.CreditorID, p.Debit.Name, p.Debit.IBAN, p.Debit.ReturnFee = "DE98ZZZ09999999999", "Hanse Funk", "DE89370400440532013000", money.MustDecimal("5.00")
		return payment.PutPolicy(ctx, tx, p, "owner")
	})
}

func (w *world) sign(t *testing.T, accountID uuid.UUID, iban string) (m payment.StoredMethod) {
	t.Helper()
	w.Write(t, func(ctx context.Context, tx tenant.Tx) (err error) {
		m, err = w.debits.Sign(ctx, tx, debit.NewMandate{ID: uuid.Must(uuid.NewV7()), AccountID: accountID, Holder: "Ada", IBAN: iban, Signed: debit.OnPaper})
		return err
	})
	return m
}

func (w *world) run(t *testing.T) (r debit.Run, list []debit.Debit, err error) {
	t.Helper()
	err = w.DB.Write(t.Context(), w.Ref, func(ctx context.Context, tx tenant.Tx) (err error) {
		if r, err = w.debits.Make(ctx, tx, debit.NewRun{ID: uuid.Must(uuid.NewV7()), By: "clerk"}); err != nil {
			return err
		}
		list, err = debit.Of(ctx, tx, r.ID)
		return err
	})
	return r, list, err
}

func (w *world) pending(t *testing.T, id uuid.UUID) (text string) {
	t.Helper()
	w.Read(t, func(ctx context.Context, tx tenant.Tx) error {
		sum, err := payment.PendingDebits(ctx, tx, id)
		text = sum.Text()
		return err
	})
	return text
}

func TestSign_checksTheMandate(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ada, _ := w.subscriber(t, "Ada")
	for field, change := range map[string]func(*debit.NewMandate){
		"iban": func(n *debit.NewMandate) { n.IBAN = "DE88370400440532013000" }, "holder": func(n *debit.NewMandate) { n.Holder = " " },
		"signed": func(n *debit.NewMandate) { n.Signed = "phone" }, "reference": func(n *debit.NewMandate) { n.Reference = "ä" },
	} {
		n := debit.NewMandate{ID: uuid.Must(uuid.NewV7()), AccountID: ada, Holder: "Ada", IBAN: "DE89 3704 0044 0532 0130 00", Signed: debit.OnPaper}
		change(&n)
		err := w.DB.Write(t.Context(), w.Ref, func(ctx context.Context, tx tenant.Tx) error { _, err := w.debits.Sign(ctx, tx, n); return err })
		var fault *account.FieldError
		if !errors.As(err, &fault) || fault.Field != field {
			t.Errorf("%s: %v", field, err)
		}
	}
	m := w.sign(t, ada, "DE89 3704 0044 0532 0130 00")
	if m.MaskedIBAN != "DE89…3000" {
		t.Errorf("shown is %s", m.MaskedIBAN)
	}
	if debit.Lapsed(m, m.MandateDate.AddMonths(36)) || !debit.Lapsed(m, m.MandateDate.AddMonths(36).AddDays(1)) {
		t.Error("a mandate lapses after 36 months without a debit")
	}
}

// A file, the bank's credit of it as one, and the return of one debit: exactly
// what it paid is owed again, with its due dates, and the fee is on the way to
// the next bill.
func TestCollection_fromFileToReturn(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.collects(t)
	ada, _ := w.subscriber(t, "Ada")
	bob, _ := w.subscriber(t, "Bob")
	w.owe(t, ada, "30.00", "2020-05-01")
	w.owe(t, ada, "15.00", "2020-06-01")
	w.owe(t, bob, "19.99", "2020-06-01")
	w.owe(t, bob, "99.00", "2999-06-01") // not due
	adas := w.sign(t, ada, "DE02120300000000202051")
	w.sign(t, bob, "DE89370400440532013000")
	r, list, err := w.run(t)
	if err != nil || r.Count != 2 || r.Total.Text() != "64.99" || !pain.BusinessDay(r.CollectOn) {
		t.Fatalf("run %+v: %v", r, err)
	}
	if got := w.pending(t, ada); got != "45.00" {
		t.Errorf("pending are %s", got)
	}
	if _, _, err := w.run(t); !errors.Is(err, debit.ErrNothingDue) {
		t.Errorf("a second run meanwhile: %v", err)
	}
	var file bytes.Buffer
	w.Write(t, func(ctx context.Context, tx tenant.Tx) error { return w.debits.File(ctx, tx, r.ID, &file) })
	for _, has := range []string{"<CtrlSum>64.99</CtrlSum>", "DE02120300000000202051", adas.MandateReference, "<SeqTp>FRST</SeqTp>", r.MessageID} {
		if !strings.Contains(file.String(), has) {
			t.Errorf("the file lacks %s", has)
		}
	}
	_, entries := w.imported(t, "S1", line(1, "64.99", func(e *statement.Entry) { e.Kind, e.Batch = statement.Batch, r.MessageID+"-F" }))
	if entries[0].State != reconcile.Matched || len(entries[0].Parts) != 2 || w.pending(t, ada) != "0.00" {
		t.Fatalf("the bank's credit is %s with %d parts", entries[0].State, len(entries[0].Parts))
	}
	if open := w.open(t, ada); len(open) != 0 {
		t.Errorf("Ada owes %v", open)
	}
	of := func(id uuid.UUID) debit.Debit {
		return list[slices.IndexFunc(list, func(d debit.Debit) bool { return d.AccountID == id })]
	}
	_, back := w.imported(t, "S2", line(2, "-48.00", func(e *statement.Entry) { e.Kind, e.EndToEnd, e.Reason = statement.Return, of(ada).EndToEnd, "AM04" }))
	if back[0].State != reconcile.Matched || len(back[0].Parts) != 2 { // 3.00 are the bank's fee
		t.Errorf("the return is %s with %+v", back[0].State, back[0].Parts)
	}
	if open := w.open(t, ada); !slices.Equal(open, []string{"2020-05-01 30.00", "2020-06-01 15.00"}) {
		t.Errorf("Ada owes %v", open)
	}
	w.Read(t, func(ctx context.Context, tx tenant.Tx) error {
		var fee money.Decimal
		err := tx.QueryRow(ctx, `select price from bill_item where account_id = $1 and cause_kind = 'debit_return'`, ada).Scan(&fee)
		if err != nil || fee.String() != "5" {
			t.Errorf("the return's fee is %s: %v", fee, err)
		}
		return nil
	})
	// tried again once, as a later debit; then left alone
	again, _, err := w.run(t)
	if err != nil || again.Count != 1 || again.Total.Text() != "45.00" {
		t.Fatalf("the next try %+v: %v", again, err)
	}
	w.check(t)
}

func TestReturn_thatEndsTheMandate(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.collects(t)
	ada, _ := w.subscriber(t, "Ada")
	w.owe(t, ada, "30.00", "2020-05-01")
	w.sign(t, ada, "DE02120300000000202051")
	_, list, err := w.run(t)
	if err != nil {
		t.Fatal(err)
	}
	w.Write(t, func(ctx context.Context, tx tenant.Tx) error {
		n, err := debit.Answered(ctx, tx, pain.Answer{MessageID: "x", Debits: []pain.AnsweredDebit{{EndToEnd: list[0].EndToEnd, Status: "RJCT", Reason: "AC04"}}})
		if n != 1 {
			t.Errorf("%d rejected", n)
		}
		return err
	})
	if w.pending(t, ada) != "0.00" || !slices.Equal(w.open(t, ada), []string{"2020-05-01 30.00"}) {
		t.Errorf("pending %s, open %v", w.pending(t, ada), w.open(t, ada))
	}
	if _, _, err := w.run(t); !errors.Is(err, debit.ErrNothingDue) {
		t.Errorf("of a closed account: %v", err)
	}
	w.check(t)
}
