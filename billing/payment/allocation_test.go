package payment_test

import (
	"context"
	"errors"
	"maps"
	"sync"
	"testing"

	"github.com/google/uuid"

	"tollhouse/billing/account"
	"tollhouse/billing/money"
	"tollhouse/billing/payment"
	"tollhouse/billing/tenant"
)

// semantics, "Allocation": open 30.00 (May 1) and 50.00 (Jun 1).
func TestRecord_allocatesOldestDueFirstOrAsReferenced(t *testing.T) {
	for _, c := range []struct {
		name, pay     string
		second        bool // names the second bill
		first, latter string
		unapplied     string
	}{
		{"oldest due first", "45.00", false, "", "35.00", "0.00"},
		{"more than is owed", "100.00", false, "", "", "20.00"},
		{"exactly", "80.00", false, "", "", "0.00"},
		{"part of the first", "29.99", false, "0.01", "50.00", "0.00"},
		{"a cent more than the first", "30.01", false, "", "49.99", "0.00"},
		{"a cent more than all", "80.01", false, "", "", "0.01"},
		{"as referenced", "45.00", true, "30.00", "5.00", "0.00"},
		{"more than the referenced one", "60.00", true, "20.00", "", "0.00"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			d := newDesk(t, account.Postpaid)
			second := d.owe(t, "50.00", "2026-06-01") // made before the one that is due earlier
			first := d.owe(t, "30.00", "2026-05-01")
			named := uuid.Nil
			if c.second {
				named = second
			}
			made := d.pay(t, c.pay, named)
			want := map[uuid.UUID]string{}
			if c.first != "" {
				want[first] = c.first
			}
			if c.latter != "" {
				want[second] = c.latter
			}
			if got := d.open(t); !maps.Equal(got, want) {
				t.Errorf("open %v, want %v", got, want)
			}
			if made.Unapplied.Text() != c.unapplied || d.get(t, made.ID).Unapplied.Text() != c.unapplied {
				t.Errorf("unapplied %s, want %s", made.Unapplied, c.unapplied)
			}
			d.check(t)
		})
	}
}

func TestApplyCredit_usesUnappliedMoneyOnTheNextOpenItem(t *testing.T) {
	t.Parallel()
	d := newDesk(t, account.Postpaid)
	d.owe(t, "30.00", "2026-05-01")
	d.owe(t, "50.00", "2026-06-01")
	made := d.pay(t, "100.00", uuid.Nil)
	next := d.owe(t, "15.00", "2026-07-01")
	apply := func() {
		d.Write(t, func(ctx context.Context, tx tenant.Tx) error { return payment.ApplyCredit(ctx, tx, d.account) })
	}
	apply()
	if got := d.open(t); len(got) != 0 {
		t.Errorf("open %v, want nothing", got)
	}
	if got := d.get(t, made.ID).Unapplied.Text(); got != "5.00" {
		t.Errorf("unapplied %s, want 5.00", got)
	}
	before := d.transfers(t)
	apply()
	if d.transfers(t) != before {
		t.Error("a second run moved money")
	}
	d.Read(t, func(ctx context.Context, tx tenant.Tx) error {
		allocations, err := payment.Allocations(ctx, tx, made.ID)
		if len(allocations) != 3 || allocations[2].BillID != next || allocations[2].Amount.Text() != "15.00" {
			t.Errorf("allocations %+v", allocations)
		}
		return err
	})
	d.check(t)
}

func TestRecord_twoPaymentsRaceForTheLastTen(t *testing.T) {
	t.Parallel()
	d := newDesk(t, account.Postpaid)
	d.owe(t, "10.00", "2026-05-01")
	const racers = 8
	var wg sync.WaitGroup
	for range racers {
		wg.Go(func() { d.pay(t, "10.00", uuid.Nil) })
	}
	wg.Wait()
	unapplied := 0
	for _, p := range d.payments(t) {
		if p.Unapplied.Text() == "10.00" {
			unapplied++
		}
	}
	if unapplied != racers-1 || len(d.open(t)) != 0 {
		t.Fatalf("%d of %d unapplied, open %v", unapplied, racers, d.open(t))
	}
	d.check(t)
}

// Whichever comes first, the two that don't fit together take 10.00 and no more.
func TestRecord_unequalPaymentsRaceForTheLastTen(t *testing.T) {
	t.Parallel()
	d := newDesk(t, account.Postpaid)
	d.owe(t, "10.00", "2026-05-01")
	var wg sync.WaitGroup
	for _, amount := range []string{"10.00", "7.00"} {
		wg.Go(func() { d.pay(t, amount, uuid.Nil) })
	}
	wg.Wait()
	unapplied := money.NewDecimal(0)
	for _, p := range d.payments(t) {
		unapplied = unapplied.Add(p.Unapplied.Decimal())
	}
	if !unapplied.Equal(money.NewDecimal(7)) || len(d.open(t)) != 0 {
		t.Fatalf("%s unapplied, open %v", unapplied, d.open(t))
	}
	d.check(t)
}

func TestRecord_repeatChangesNothing(t *testing.T) {
	t.Parallel()
	d := newDesk(t, account.Postpaid)
	d.owe(t, "30.00", "2026-05-01")
	n := d.cash("20.00", uuid.Nil)
	n.ID = uuid.Must(uuid.NewV7())
	for range 3 {
		d.Write(t, func(ctx context.Context, tx tenant.Tx) error {
			_, err := payment.Record(ctx, tx, n)
			return err
		})
	}
	if len(d.payments(t)) != 1 {
		t.Fatalf("payments %+v", d.payments(t))
	}
	n.Amount = euro("21.00")
	err := d.DB.Write(t.Context(), d.Ref, func(ctx context.Context, tx tenant.Tx) error {
		_, err := payment.Record(ctx, tx, n)
		return err
	})
	if !errors.Is(err, payment.ErrKeyReused) {
		t.Fatalf("another amount under the id: %v", err)
	}
	d.check(t)
}

func TestRecord_refusals(t *testing.T) {
	t.Parallel()
	d := newDesk(t, account.Postpaid)
	other := money.New(money.MustDecimal("1"), money.MustCurrency("USD"))
	for name, c := range map[string]struct {
		change func(*payment.NewPayment)
		want   error
	}{
		"nothing":             {func(n *payment.NewPayment) { n.Amount = euro("0") }, payment.ErrAmount},
		"below zero":          {func(n *payment.NewPayment) { n.Amount = euro("-1") }, payment.ErrAmount},
		"finer than a cent":   {func(n *payment.NewPayment) { n.Amount = euro("1.001") }, payment.ErrAmount},
		"other currency":      {func(n *payment.NewPayment) { n.Amount = other }, payment.ErrAmount},
		"card without intent": {func(n *payment.NewPayment) { n.Method = payment.Card }, payment.ErrPurpose},
		"unknown method":      {func(n *payment.NewPayment) { n.Method = "shells" }, payment.ErrPurpose},
		"unknown purpose":     {func(n *payment.NewPayment) { n.Purpose = "gift" }, payment.ErrPurpose},
		"postpaid top-up":     {func(n *payment.NewPayment) { n.Purpose = payment.PurposeTopUp }, payment.ErrPurpose},
		"unknown bill":        {func(n *payment.NewPayment) { n.BillID = uuid.Must(uuid.NewV7()) }, payment.ErrBill},
		"unknown account":     {func(n *payment.NewPayment) { n.AccountID = uuid.Must(uuid.NewV7()) }, account.ErrNotFound},
	} {
		n := d.cash("1.00", uuid.Nil)
		c.change(&n)
		err := d.DB.Write(t.Context(), d.Ref, func(ctx context.Context, tx tenant.Tx) error {
			_, err := payment.Record(ctx, tx, n)
			return err
		})
		if !errors.Is(err, c.want) {
			t.Errorf("%s: %v, want %v", name, err, c.want)
		}
	}
	if len(d.payments(t)) != 0 {
		t.Error("something was booked")
	}
}

func TestList_goesOnWhereItStopped(t *testing.T) {
	t.Parallel()
	d := newDesk(t, account.Postpaid)
	for range 5 {
		d.pay(t, "1.00", uuid.Nil) // all at one instant
	}
	var seen []uuid.UUID
	after := payment.Cursor{}
	d.Read(t, func(ctx context.Context, tx tenant.Tx) error {
		for {
			page, err := payment.List(ctx, tx, d.account, after, 2)
			if err != nil || len(page) == 0 {
				return err
			}
			for _, p := range page {
				seen = append(seen, p.ID)
			}
			after = page[len(page)-1].Cursor()
		}
	})
	all := d.payments(t)
	if len(seen) != 5 || len(all) != 5 || seen[4] != all[4].ID {
		t.Fatalf("seen %v of %v", seen, all)
	}
}
