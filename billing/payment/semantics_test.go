package payment_test

import (
	"context"
	"errors"
	"testing"

	"github.com/google/uuid"

	"tollhouse/billing/account"
	"tollhouse/billing/money"
	"tollhouse/billing/payment"
	"tollhouse/billing/tenant"
	"tollhouse/infra/postgres/pgtest"
)

// laid lays a policy down for a test's own operator.
func (d *desk) laid(t testing.TB, change func(*payment.Policy)) {
	t.Helper()
	d.Write(t, func(ctx context.Context, tx tenant.Tx) error {
		p, err := payment.GetPolicy(ctx, tx)
		if err != nil {
			return err
		}
		change(&p)
		return payment.PutPolicy(ctx, tx, p, "owner")
	})
}

func (d *desk) takeBack(t testing.TB, paid payment.Payment, kind payment.DisputeKind, text, ref string) (made payment.Dispute) {
	t.Helper()
	d.Write(t, func(ctx context.Context, tx tenant.Tx) (err error) {
		made, err = payment.TakeBack(ctx, tx, payment.TakenBack{Kind: kind, Provider: "bank", Ref: ref, PaymentID: paid.ID, Amount: euro(text), Reason: "fraudulent"})
		return err
	})
	return made
}

// dues lists the due dates of what is open, by bill.
func (d *desk) dues(t testing.TB) map[uuid.UUID]string {
	t.Helper()
	dues := map[uuid.UUID]string{}
	d.Read(t, func(ctx context.Context, tx tenant.Tx) error {
		items, err := payment.OpenItems(ctx, tx, d.account)
		for _, item := range items {
			dues[item.BillID] = item.DueDate.String()
		}
		return err
	})
	return dues
}

func wantOpen(t *testing.T, d *desk, want map[uuid.UUID]string) {
	t.Helper()
	got := d.open(t)
	if len(got) != len(want) {
		t.Fatalf("open is %v, want %v", got, want)
	}
	for bill, open := range want {
		if got[bill] != open {
			t.Errorf("of bill %s %s is open, want %s", bill, got[bill], open)
		}
	}
	d.check(t)
}

// Semantics C, allocation: 45.00 against 30.00 (May 1) and 50.00 (Jun 1).
func TestChargeback_reopensExactlyWhatWasPaidWithItsDueDates(t *testing.T) {
	t.Parallel()
	d := newDesk(t, account.Postpaid)
	may, june := d.owe(t, "30.00", "2026-05-01"), d.owe(t, "50.00", "2026-06-01")
	paid := d.pay(t, "45.00", uuid.Nil)
	wantOpen(t, d, map[uuid.UUID]string{june: "35.00"})
	other := d.pay(t, "5.00", uuid.Nil)
	wantOpen(t, d, map[uuid.UUID]string{june: "30.00"})

	first := d.takeBack(t, paid, payment.Chargeback, "45.00", "dp_1")
	wantOpen(t, d, map[uuid.UUID]string{may: "30.00", june: "45.00"})
	if dues := d.dues(t); dues[may] != "2026-05-01" || dues[june] != "2026-06-01" {
		t.Errorf("due dates are %v", dues)
	}
	if p := d.get(t, paid.ID); p.TakenBack.Text() != "45.00" || p.Refundable().Sign() != 0 {
		t.Errorf("of the payment %s was taken back, %s can be refunded", p.TakenBack, p.Refundable())
	}
	if p := d.get(t, other.ID); !p.TakenBack.IsZero() {
		t.Errorf("another payment lost %s", p.TakenBack)
	}
	rows := d.transfers(t)
	if again := d.takeBack(t, paid, payment.Chargeback, "45.00", "dp_1"); again.ID != first.ID || d.transfers(t) != rows {
		t.Error("the same dispute again took more")
	}
	d.Write(t, func(ctx context.Context, tx tenant.Tx) error {
		_, err := payment.WinDispute(ctx, tx, first.ID)
		return err
	})
	wantOpen(t, d, map[uuid.UUID]string{june: "30.00"})
}

// Semantics C, allocation: 29.99 with a tolerance of 0.05 pays 30.00.
func TestTolerance_writesOffTheCentAndTakesItBackWithThePayment(t *testing.T) {
	t.Parallel()
	d := openDesk(t, pgtest.Tenant(t), account.Postpaid)
	d.laid(t, func(p *payment.Policy) { p.Tolerance = money.MustDecimal("0.05") })
	bill := d.owe(t, "30.00", "2026-05-01")
	paid := d.pay(t, "29.99", uuid.Nil)
	wantOpen(t, d, map[uuid.UUID]string{})
	if trial := d.trial(t, "write_off"); trial != "0.01" {
		t.Errorf("written off is %s, want 0.01", trial)
	}
	lost := d.takeBack(t, paid, payment.Chargeback, "29.99", "dp_2")
	wantOpen(t, d, map[uuid.UUID]string{bill: "30.00"})
	if trial := d.trial(t, "write_off"); trial != "0.00" {
		t.Errorf("written off is %s after the chargeback", trial)
	}
	d.Write(t, func(ctx context.Context, tx tenant.Tx) error {
		_, err := payment.WinDispute(ctx, tx, lost.ID)
		return err
	})
	wantOpen(t, d, map[uuid.UUID]string{})
	beyond := d.owe(t, "30.00", "2026-05-01")
	d.pay(t, "29.94", uuid.Nil)
	wantOpen(t, d, map[uuid.UUID]string{beyond: "0.06"})
}

// trial is the balance of a ledger account, debit less credit.
func (d *desk) trial(t testing.TB, kind string) (text string) {
	t.Helper()
	d.Read(t, func(ctx context.Context, tx tenant.Tx) error {
		var sum money.Decimal
		err := tx.QueryRow(ctx, `select coalesce(sum(case when debit = $1 then amount else -amount end), 0) from ledger_transfer
			where (debit = $1) <> (credit = $1) and account_id = $2`, kind, d.account).Scan(&sum)
		text = money.New(sum, eur).Text()
		return err
	})
	return text
}

func TestDispute_liesInItsAccountUntilItIsDecided(t *testing.T) {
	t.Parallel()
	d := newDesk(t, account.Postpaid)
	bill := d.owe(t, "30.00", "2026-05-01")
	paid := d.pay(t, "30.00", uuid.Nil)
	dispute := d.takeBack(t, paid, payment.Chargeback, "30.00", "dp_lost")
	if at := d.trial(t, "dispute"); at != "-30.00" {
		t.Errorf("in dispute are %s, want -30.00", at)
	}
	for range 2 { // a repeat changes nothing
		d.Write(t, func(ctx context.Context, tx tenant.Tx) error {
			_, err := payment.LoseDispute(ctx, tx, dispute.ID, euro("15.00"))
			return err
		})
	}
	if at := d.trial(t, "dispute"); at != "0.00" {
		t.Errorf("in dispute are %s after it was lost", at)
	}
	if fee := d.trial(t, "provider_fee"); fee != "15.00" {
		t.Errorf("its fee is %s", fee)
	}
	wantOpen(t, d, map[uuid.UUID]string{bill: "30.00"})
	d.Write(t, func(ctx context.Context, tx tenant.Tx) error {
		_, err := payment.WinDispute(ctx, tx, dispute.ID) // an appeal
		return err
	})
	wantOpen(t, d, map[uuid.UUID]string{})
}

func TestDispute_wonAfterTheItemWasPaidOtherwiseBecomesCredit(t *testing.T) {
	t.Parallel()
	d := newDesk(t, account.Postpaid)
	d.owe(t, "30.00", "2026-05-01")
	dispute := d.takeBack(t, d.pay(t, "30.00", uuid.Nil), payment.Chargeback, "30.00", "dp_paid_again")
	d.pay(t, "20.00", uuid.Nil)
	d.Write(t, func(ctx context.Context, tx tenant.Tx) error {
		_, err := payment.WinDispute(ctx, tx, dispute.ID)
		return err
	})
	wantOpen(t, d, map[uuid.UUID]string{})
	if p := d.get(t, dispute.PaymentID); p.Unapplied.Text() != "20.00" {
		t.Errorf("credit is %s, want 20.00", p.Unapplied)
	}
}

func TestAllocation_byPolicy(t *testing.T) {
	t.Parallel()
	for order, want := range map[payment.Order][2]string{
		payment.OldestDue: {"", "35.00"}, payment.NewestDue: {"30.00", "5.00"}, payment.Proportional: {"13.12", "21.88"},
	} {
		t.Run(string(order), func(t *testing.T) {
			t.Parallel()
			d := openDesk(t, pgtest.Tenant(t), account.Postpaid)
			d.laid(t, func(p *payment.Policy) { p.Order = order })
			may, june := d.owe(t, "30.00", "2026-05-01"), d.owe(t, "50.00", "2026-06-01")
			d.pay(t, "45.00", uuid.Nil)
			open := d.open(t)
			if open[may] != want[0] || open[june] != want[1] {
				t.Errorf("open are %q and %q, want %q", open[may], open[june], want)
			}
			d.check(t)
		})
	}
}

func TestRecord_severalReferencesInTheirOrder(t *testing.T) {
	t.Parallel()
	d := newDesk(t, account.Postpaid)
	first, second, third := d.owe(t, "30.00", "2026-05-01"), d.owe(t, "50.00", "2026-06-01"), d.owe(t, "20.00", "2026-07-01")
	d.Write(t, func(ctx context.Context, tx tenant.Tx) error {
		n := d.cash("60.00", uuid.Nil)
		n.Bills = []uuid.UUID{third, second}
		_, err := payment.Record(ctx, tx, n)
		return err
	})
	wantOpen(t, d, map[uuid.UUID]string{first: "30.00", second: "10.00"})
}

func TestReassign_takesAPaymentToTheRightAccount(t *testing.T) {
	t.Parallel()
	wrong := newDesk(t, account.Postpaid)
	right := openDesk(t, wrong.TenantDB, account.Postpaid)
	theirs, ours := wrong.owe(t, "30.00", "2026-05-01"), right.owe(t, "45.00", "2026-06-01")
	paid := wrong.pay(t, "45.00", uuid.Nil)
	m := payment.Movement{ID: uuid.Must(uuid.NewV7()), PaymentID: paid.ID, To: right.account, Reason: "wrong number", By: "clerk"}
	var moved payment.Payment
	for range 2 {
		wrong.Write(t, func(ctx context.Context, tx tenant.Tx) (err error) {
			moved, err = payment.Reassign(ctx, tx, m)
			return err
		})
	}
	wantOpen(t, wrong, map[uuid.UUID]string{theirs: "30.00"})
	wantOpen(t, right, map[uuid.UUID]string{})
	if p := wrong.get(t, paid.ID); p.Moved.Text() != "45.00" || !p.Unapplied.IsZero() {
		t.Errorf("of the payment %s moved, %s is left", p.Moved, p.Unapplied)
	}
	// its bank takes back the payment that the money came by
	wrong.takeBack(t, paid, payment.Chargeback, "45.00", "dp_moved")
	wantOpen(t, right, map[uuid.UUID]string{ours: "45.00"})
	if p := right.get(t, moved.ID); p.TakenBack.Text() != "45.00" {
		t.Errorf("taken back of the moved payment are %s", p.TakenBack)
	}
}

func TestMoveUnapplied_onlyInsideAParty(t *testing.T) {
	t.Parallel()
	d := newDesk(t, account.Postpaid)
	stranger := openDesk(t, d.TenantDB, account.Postpaid)
	second := *d
	d.Write(t, func(ctx context.Context, tx tenant.Tx) error {
		a, err := account.Get(ctx, tx, d.account)
		if err != nil {
			return err
		}
		opened, err := account.Open(ctx, tx, []account.NewAccount{{PartyID: a.PartyID, Kind: account.Postpaid}})
		if err == nil {
			second.account = opened[0].ID
		}
		return err
	})
	paid := d.pay(t, "20.00", uuid.Nil)
	move := func(to uuid.UUID, amount string) error {
		return d.DB.Write(t.Context(), d.Ref, func(ctx context.Context, tx tenant.Tx) error {
			_, err := payment.MoveUnapplied(ctx, tx, payment.Movement{ID: uuid.Must(uuid.NewV7()), PaymentID: paid.ID, To: to, Amount: euro(amount), By: "clerk"})
			return err
		})
	}
	if err := move(stranger.account, "5.00"); !errors.Is(err, payment.ErrOtherParty) {
		t.Errorf("to a stranger: %v", err)
	}
	if err := move(second.account, "20.01"); !errors.Is(err, payment.ErrTooMuch) {
		t.Errorf("more than there is: %v", err)
	}
	if err := move(second.account, "12.00"); err != nil {
		t.Fatal(err)
	}
	second.owe(t, "15.00", "2026-05-01")
	d.Write(t, func(ctx context.Context, tx tenant.Tx) error { return payment.ApplyCredit(ctx, tx, second.account) })
	d.check(t)
	if p := d.get(t, paid.ID); p.Unapplied.Text() != "8.00" || p.Moved.Text() != "12.00" {
		t.Errorf("left are %s, moved %s", p.Unapplied, p.Moved)
	}
}
