package reconcile_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"tollhouse/billing/bank"
	"tollhouse/billing/bank/statement"
	"tollhouse/billing/calendar"
	"tollhouse/billing/money"
	"tollhouse/billing/payment"
	"tollhouse/billing/reconcile"
	"tollhouse/billing/tenant"
)

// line is an entry of a statement; number makes its reference.
func line(n int, amount string, change func(*statement.Entry)) statement.Entry {
	e := statement.Entry{Ref: fmt.Sprintf("SVC-%d", n), Booked: calendar.Date{Year: 2026, Month: 6, Day: 2}, Amount: money.MustDecimal(amount), Kind: statement.Credit}
	if change != nil {
		change(&e)
	}
	return e
}

func (w *world) imported(t *testing.T, id string, entries ...statement.Entry) (s reconcile.Statement, list []reconcile.Entry) {
	t.Helper()
	day := calendar.Date{Year: 2026, Month: 6, Day: 2}
	opening := money.Decimal{}
	file := statement.Statement{Format: "camt.053", ID: id, Account: "DE89370400440532013000", Currency: eur, From: day, To: day, Entries: entries, Opening: &opening}
	closing := file.Sum()
	file.Closing = &closing
	w.Write(t, func(ctx context.Context, tx tenant.Tx) (err error) {
		if s, err = w.desk.Import(ctx, tx, file, reconcile.Upload{Name: id + ".xml", By: "clerk"}); err != nil {
			return err
		}
		list, err = reconcile.EntriesOf(ctx, tx, s.ID)
		return err
	})
	return s, list
}

func TestImport_matchesByReferenceAccountAndPayer(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ada, adaNumber := w.subscriber(t, "Ada Lovelace")
	bob, _ := w.subscriber(t, "Bob")
	first, second := w.owe(t, ada, "30.00", "2026-05-01"), w.owe(t, ada, "50.00", "2026-06-01")
	w.owe(t, bob, "19.99", "2026-06-01")
	const iban = "DE02120300000000202051"
	s, list := w.imported(t, "S1",
		line(1, "50.00", func(e *statement.Entry) { e.Structured, e.IBAN = bank.Reference(second), iban }),
		line(2, "10.00", func(e *statement.Entry) { e.Text = "thanks, bill " + strings.ToLower(first) }),
		line(3, "7.00", func(e *statement.Entry) { e.Text = "account " + adaNumber }),
		line(4, "19.99", func(e *statement.Entry) { e.Party = "BOB" }),
		line(5, "1.00", func(e *statement.Entry) { e.Text = "hello" }),
		line(6, "-2.50", func(e *statement.Entry) { e.Kind = statement.Charge }))
	if s.Unclear != 3 || s.Balance.Difference == nil || !s.Balance.Difference.IsZero() {
		t.Errorf("%d unclear, difference %v", s.Unclear, s.Balance.Difference)
	}
	for i, want := range []reconcile.EntryState{reconcile.Matched, reconcile.Matched, reconcile.Unclear, reconcile.Unclear, reconcile.Unclear, reconcile.Matched} {
		if list[i].State != want {
			t.Errorf("entry %d is %s with a score of %d, want %s", i+1, list[i].State, list[i].Score, want)
		}
	}
	if open := w.open(t, ada); !slices.Equal(open, []string{"2026-05-01 20.00"}) {
		t.Errorf("Ada owes %v", open)
	}
	if best := list[2].Suggestions; len(best) != 1 || best[0].AccountID != ada || best[0].Score != 80 {
		t.Errorf("suggested for the account's number: %+v", best)
	}
	if best := list[3].Suggestions; len(best) != 1 || best[0].AccountID != bob || !slices.Contains(best[0].Why, "amount") {
		t.Errorf("suggested for a name: %+v", best)
	}
	// one click, and the payer is remembered
	w.Write(t, func(ctx context.Context, tx tenant.Tx) error {
		_, err := w.desk.Pay(ctx, tx, list[3].ID, []reconcile.Share{{AccountID: bob, Amount: euro("19.99")}}, "clerk")
		return err
	})
	w.owe(t, ada, "12.00", "2026-07-01")
	_, later := w.imported(t, "S2", line(11, "32.00", func(e *statement.Entry) { e.IBAN, e.Party = iban, "Ada Lovelace" }))
	if later[0].State != reconcile.Matched || later[0].Score < 85 {
		t.Errorf("a payer who is known: %s with %d", later[0].State, later[0].Score)
	}
	w.check(t)
}

// The same file again, and an entry that another statement had, change nothing.
func TestImport_isOnceByStatementAndEntry(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ada, _ := w.subscriber(t, "Ada")
	bill := w.owe(t, ada, "30.00", "2026-05-01")
	entry := line(1, "10.00", func(e *statement.Entry) { e.Text = bill })
	first, _ := w.imported(t, "S1", entry)
	again, _ := w.imported(t, "S1", entry)
	other, list := w.imported(t, "S1-corrected", entry, line(2, "5.00", func(e *statement.Entry) { e.Text = bill }))
	if again.ID != first.ID || len(list) != 1 || other.Balance.Repeated != 1 {
		t.Errorf("again %s and %s, %d new entries, %d repeated", first.ID, again.ID, len(list), other.Balance.Repeated)
	}
	if open := w.open(t, ada); !slices.Equal(open, []string{"2026-05-01 15.00"}) {
		t.Errorf("Ada owes %v", open)
	}
	w.check(t)
}

func TestQueue_splitNotOursAndUndo(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ada, _ := w.subscriber(t, "Ada")
	bob, _ := w.subscriber(t, "Bob")
	w.owe(t, ada, "30.00", "2026-05-01")
	w.owe(t, bob, "50.00", "2026-06-01")
	_, list := w.imported(t, "S1", line(1, "60.00", nil), line(2, "9.00", nil))
	pay := func(shares ...reconcile.Share) error {
		return w.DB.Write(t.Context(), w.Ref, func(ctx context.Context, tx tenant.Tx) error {
			_, err := w.desk.Pay(ctx, tx, list[0].ID, shares, "clerk")
			return err
		})
	}
	if err := pay(reconcile.Share{AccountID: ada, Amount: euro("30.00")}); !errors.Is(err, reconcile.ErrParts) {
		t.Errorf("less than the entry: %v", err)
	}
	if err := pay(reconcile.Share{AccountID: bob, Amount: euro("30.00")}, reconcile.Share{AccountID: ada, Amount: euro("30.00")}); err != nil {
		t.Fatal(err)
	}
	if err := pay(reconcile.Share{AccountID: ada, Amount: euro("60.00")}); !errors.Is(err, reconcile.ErrEntryState) {
		t.Errorf("a second time: %v", err)
	}
	w.Write(t, func(ctx context.Context, tx tenant.Tx) error {
		_, err := w.desk.SetAside(ctx, tx, list[1].ID, reconcile.NotOurs, "clerk")
		return err
	})
	if held := w.held(t, "transit"); held != "-9.00" {
		t.Errorf("kept for others are %s", held)
	}
	if a, b := w.open(t, ada), w.open(t, bob); len(a) != 0 || !slices.Equal(b, []string{"2026-06-01 20.00"}) {
		t.Errorf("owed are %v and %v", a, b)
	}
	for _, e := range list {
		w.Write(t, func(ctx context.Context, tx tenant.Tx) error {
			_, err := w.desk.Undo(ctx, tx, e.ID, "clerk")
			return err
		})
	}
	if a, b := w.open(t, ada), w.open(t, bob); !slices.Equal(a, []string{"2026-05-01 30.00"}) || !slices.Equal(b, []string{"2026-06-01 50.00"}) {
		t.Errorf("owed after undoing are %v and %v", a, b)
	}
	if bank, transit := w.held(t, "bank"), w.held(t, "transit"); bank != "0.00" || transit != "0.00" {
		t.Errorf("after undoing the bank holds %s, transit %s", bank, transit)
	}
	if err := pay(reconcile.Share{AccountID: ada, Amount: euro("60.00")}); err != nil { // and again, to the right one
		t.Fatal(err)
	}
	w.check(t)
}

func TestPayout_isPostedHeldAgainstOurBooksAndClearedByTheBank(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ada, _ := w.subscriber(t, "Ada")
	w.owe(t, ada, "45.00", "2026-05-01")
	w.Write(t, func(ctx context.Context, tx tenant.Tx) error {
		i, err := payment.CreateIntent(ctx, tx, payment.NewIntent{AccountID: ada, Purpose: payment.PurposeBill})
		if err != nil {
			return err
		}
		ref, err := payment.Receive(ctx, tx, payment.ProviderEvent{Provider: payment.Stripe, ID: "evt_1", Type: "t", Kind: payment.EventSucceeded, Created: time.Now(), Tenant: w.Ref.ID,
			Intent: i.ID, PaymentRef: "pi_1", Amount: i.Amount})
		if err == nil {
			_, err = payment.Work(ctx, tx, ref)
		}
		return err
	})
	paidOut := payment.ProviderPayout{Provider: payment.Stripe, Ref: "po_1", Amount: euro("52.12"), ArrivesOn: time.Date(2026, 6, 2, 12, 0, 0, 0, time.UTC), Lines: []payment.PayoutLine{
		{Ref: "txn_1", Kind: payment.MovedCharge, Payment: "pi_1", Gross: euro("45.00"), Fee: euro("0.88")},
		{Ref: "txn_2", Kind: payment.MovedCharge, Payment: "pi_unknown", Gross: euro("8.00"), Fee: euro("0.00")},
	}}
	var kept reconcile.Payout
	for range 2 {
		w.Write(t, func(ctx context.Context, tx tenant.Tx) (err error) {
			kept, err = reconcile.ImportPayout(ctx, tx, paidOut, "clerk")
			return err
		})
	}
	if kept.Differences != 1 || kept.Lines[1].Fault != "unknown" || kept.Fees.Text() != "0.88" {
		t.Errorf("payout %+v", kept)
	}
	if clearing, transit, fees := w.held(t, "provider_clearing"), w.held(t, "transit"), w.held(t, "provider_fee"); clearing != "-8.00" || transit != "52.12" || fees != "0.88" {
		t.Errorf("clearing %s, transit %s, fees %s", clearing, transit, fees) // the 8.00 are missing in our books
	}
	_, list := w.imported(t, "S1", line(1, "52.12", func(e *statement.Entry) { e.Party, e.Text = "Stripe Payments", "STRIPE PO_1" }))
	if list[0].State != reconcile.Matched || list[0].Parts[0].Kind != "payout" || w.held(t, "transit") != "0.00" || w.held(t, "bank") != "52.12" {
		t.Errorf("the bank's entry is %s, in transit are %s", list[0].State, w.held(t, "transit"))
	}
	w.check(t)
}

func TestHoldAgainstLedger_showsWhatDiffers(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ada, _ := w.subscriber(t, "Ada")
	bill := w.owe(t, ada, "30.00", "2026-05-01")
	w.imported(t, "S1", line(1, "30.00", func(e *statement.Entry) { e.Text = bill }), line(2, "4.00", nil))
	w.Read(t, func(ctx context.Context, tx tenant.Tx) error {
		b, err := reconcile.HoldAgainstLedger(ctx, tx, eur)
		if err != nil || b.Ledger.Text() != "30.00" || b.Unclear.Text() != "4.00" || b.Bank == nil || b.Bank.Text() != "34.00" || !b.Difference.IsZero() {
			t.Errorf("%+v: %v", b, err)
		}
		return nil
	})
}

// What a notification has booked during the day is not booked again by the day's
// statement, nor by the same file.
func TestImport_aNotificationAndTheStatementAfterIt(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ada, _ := w.subscriber(t, "Ada Lovelace")
	number := w.owe(t, ada, "30.00", "2026-05-01")
	entry := line(1, "30.00", func(e *statement.Entry) { e.Structured = bank.Reference(number) })
	file := statement.Statement{Format: "camt.054", ID: "N1", Account: "DE89370400440532013000", Currency: eur, From: entry.Booked, To: entry.Booked, Entries: []statement.Entry{entry}}
	for range 2 {
		w.Write(t, func(ctx context.Context, tx tenant.Tx) error {
			s, err := w.desk.Import(ctx, tx, file, reconcile.Upload{Name: "n1.xml", By: "clerk"})
			if s.Unclear != 0 {
				t.Errorf("%d unclear", s.Unclear)
			}
			return err
		})
	}
	w.imported(t, "S1", entry, line(2, "1.00", nil))
	w.Read(t, func(ctx context.Context, tx tenant.Tx) error {
		paid, err := payment.List(ctx, tx, ada, payment.Cursor{}, 10)
		if len(paid) != 1 {
			t.Errorf("%d payments of one entry", len(paid))
		}
		return err
	})
	w.check(t)
}
