package cashdesk_test

import (
	"context"
	"errors"
	"testing"

	"github.com/google/uuid"

	"tollhouse/billing/account"
	"tollhouse/billing/cashdesk"
	"tollhouse/billing/ledger"
	"tollhouse/billing/money"
	"tollhouse/billing/payment"
	"tollhouse/billing/tenant"
	"tollhouse/infra/postgres/pgtest"
)

func TestMain(m *testing.M) { pgtest.Main(m) }

func euro(text string) money.Amount {
	return money.New(money.MustDecimal(text), money.MustCurrency("EUR"))
}

type drawer struct {
	*pgtest.TenantDB
	t       *testing.T
	account uuid.UUID
}

func newDrawer(t *testing.T) *drawer {
	t.Helper()
	d := &drawer{TenantDB: pgtest.Tenant(t), t: t}
	d.Write(t, func(ctx context.Context, tx tenant.Tx) error {
		party, err := account.AddParties(ctx, tx, []account.Party{{Kind: account.Individual, Name: "Ada", Language: "en"}})
		if err != nil {
			return err
		}
		opened, err := account.Open(ctx, tx, []account.NewAccount{{PartyID: party[0].ID, Kind: account.Postpaid}})
		if err == nil {
			d.account = opened[0].ID
		}
		return err
	})
	return d
}

func (d *drawer) do(fn func(ctx context.Context, tx tenant.Tx) error) error {
	return d.DB.Write(d.t.Context(), d.Ref, fn)
}

func (d *drawer) begin(cashier, float string) (s cashdesk.Shift) {
	d.t.Helper()
	d.Write(d.t, func(ctx context.Context, tx tenant.Tx) (err error) {
		s, err = cashdesk.Begin(ctx, tx, cashdesk.NewShift{ID: uuid.Must(uuid.NewV7()), Cashier: cashier, Float: euro(float)})
		return err
	})
	return s
}

func (d *drawer) take(cashier, text string) (m cashdesk.Move, err error) {
	n := payment.NewPayment{ID: uuid.Must(uuid.NewV7()), AccountID: d.account, Purpose: payment.PurposeBill, Amount: euro(text), By: cashier}
	err = d.do(func(ctx context.Context, tx tenant.Tx) (err error) {
		m, _, err = cashdesk.Take(ctx, tx, n, payment.Record)
		return err
	})
	return m, err
}

func (d *drawer) held(kind string) (text string) {
	d.Read(d.t, func(ctx context.Context, tx tenant.Tx) error {
		var sum money.Decimal
		err := tx.QueryRow(ctx, `select coalesce(sum(case when debit = $1 then amount else -amount end), 0) from ledger_transfer
			where (debit = $1) <> (credit = $1)`, kind).Scan(&sum)
		text = euro("0").Currency().Code()
		text = money.New(sum, euro("0").Currency()).Text()
		return err
	})
	return text
}

func (d *drawer) check() {
	d.t.Helper()
	d.Read(d.t, func(ctx context.Context, tx tenant.Tx) error {
		report, err := ledger.ControlSums(ctx, tx)
		if err == nil {
			err = report.Check()
		}
		return err
	})
}

func TestShift_fromFloatToZReport(t *testing.T) {
	t.Parallel()
	d := newDrawer(t)
	if _, err := d.take("user:a", "10.00"); !errors.Is(err, cashdesk.ErrNoShift) {
		t.Errorf("cash without a shift: %v", err)
	}
	s := d.begin("user:a", "100.00")
	if err := d.do(func(ctx context.Context, tx tenant.Tx) error {
		_, err := cashdesk.Begin(ctx, tx, cashdesk.NewShift{ID: uuid.Must(uuid.NewV7()), Cashier: "user:a", Float: euro("1.00")})
		return err
	}); !errors.Is(err, cashdesk.ErrShiftOpen) {
		t.Errorf("a second shift: %v", err)
	}
	first, err := d.take("user:a", "45.00")
	if err != nil {
		t.Fatal(err)
	}
	second, err := d.take("user:a", "30.00")
	if err != nil || second.No != first.No+1 {
		t.Errorf("receipts %s and %s: %v", first.Receipt(), second.Receipt(), err)
	}
	refund := uuid.Must(uuid.NewV7())
	for range 2 {
		d.Write(t, func(ctx context.Context, tx tenant.Tx) error {
			_, err := cashdesk.Give(ctx, tx, refund, payment.NewRefund{Key: refund.String(), PaymentID: *second.PaymentID, Amount: euro("5.00"), Reason: "wish", By: "user:a"})
			return err
		})
	}
	carry := func(amount string) error {
		return d.do(func(ctx context.Context, tx tenant.Tx) error {
			_, err := cashdesk.Carry(ctx, tx, uuid.Must(uuid.NewV7()), cashdesk.ToBank, euro(amount), "bag 7", "user:a")
			return err
		})
	}
	if err := carry("170.01"); !errors.Is(err, cashdesk.ErrNotThere) {
		t.Errorf("more than there is: %v", err)
	}
	if err := carry("60.00"); err != nil {
		t.Fatal(err)
	}
	d.Write(t, func(ctx context.Context, tx tenant.Tx) error {
		closed, err := cashdesk.Count(ctx, tx, s.ID, euro("109.50"), "a coin was lost", "user:a")
		if err == nil && (closed.State != cashdesk.Closed || closed.Difference().Text() != "-0.50") {
			t.Errorf("shift is %s, difference %s", closed.State, closed.Difference())
		}
		return err
	})
	d.Read(t, func(ctx context.Context, tx tenant.Tx) error {
		r, err := cashdesk.ReportOf(ctx, tx, s.ID)
		if err != nil || !r.Final() || len(r.Moves) != 4 || r.Expected.Text() != "110.00" || r.First != first.Receipt() {
			t.Errorf("report %+v: %v", r, err)
		}
		return nil
	})
	for kind, want := range map[string]string{"cash": "9.50", "transit": "60.00", "cash_difference": "0.50"} {
		if got := d.held(kind); got != want {
			t.Errorf("%s holds %s, want %s", kind, got, want)
		}
	}
	d.check()
}

func TestShift_largeDifferenceIsSeenBySomebodyElse(t *testing.T) {
	t.Parallel()
	d := newDrawer(t)
	s := d.begin("user:a", "50.00")
	count := func(text, note string) (out cashdesk.Shift, err error) {
		err = d.do(func(ctx context.Context, tx tenant.Tx) (err error) {
			out, err = cashdesk.Count(ctx, tx, s.ID, euro(text), note, "user:a")
			return err
		})
		return out, err
	}
	var fault *account.FieldError
	if _, err := count("70.00", ""); !errors.As(err, &fault) || fault.Field != "note" {
		t.Errorf("without a word: %v", err)
	}
	if out, err := count("70.00", "found in the drawer"); err != nil || out.State != cashdesk.Counted {
		t.Errorf("20.00 too much: %s, %v", out.State, err)
	}
	approve := func(by string) error {
		return d.do(func(ctx context.Context, tx tenant.Tx) error {
			_, err := cashdesk.Approve(ctx, tx, s.ID, by)
			return err
		})
	}
	if err := approve("user:a"); !errors.Is(err, cashdesk.ErrSecondPerson) {
		t.Errorf("by who counted: %v", err)
	}
	if _, err := d.take("user:a", "1.00"); !errors.Is(err, cashdesk.ErrNoShift) {
		t.Errorf("cash after counting: %v", err)
	}
	for range 2 {
		if err := approve("user:b"); err != nil {
			t.Fatal(err)
		}
	}
	if got := d.held("cash_difference"); got != "-20.00" {
		t.Errorf("over are %s", got)
	}
	d.check()
}
