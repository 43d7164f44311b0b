package bill_test

import (
	"context"
	"testing"

	"tollhouse/billing/account"
	"tollhouse/billing/bill"
	"tollhouse/billing/money"
	"tollhouse/billing/tenant"
)

// second gives an account one more subscription.
func (w *world) second(c connected, phone string) connected {
	w.t.Helper()
	other := c
	w.Write(w.t, func(ctx context.Context, tx tenant.Tx) error {
		held, err := account.Subscribe(ctx, tx, []account.NewSubscription{{AccountID: c.ID, OfferingID: w.offering, Services: []account.NewService{{
			Kind: account.Mobile, Identities: []account.Identity{{Kind: account.MSISDN, Value: phone}}}}}})
		if err != nil {
			return err
		}
		other.subscription = held[0].ID
		return account.Activate(ctx, tx, held[0].ID)
	})
	return other
}

// Two services, 9.99 + 31.00 + 31.00 each; the first has a late fee, the second
// calls. Each has a number and an open item of its own; the books agree, a repeat
// makes nothing more, and the next cycle goes on from both.
func TestClose_aBillForEachServiceWhereWanted(t *testing.T) {
	t.Parallel()
	w := newWorld(t, account.Postpaid)
	w.clock("2026-05-01 00:00")
	made := w.connect(2, account.Postpaid)
	c, plain := made[0], made[1]
	other := w.second(c, "+4915119999999")
	w.second(plain, "+4915118888888")
	w.Write(t, func(ctx context.Context, tx tenant.Tx) error {
		if err := bill.PutPapers(ctx, tx, c.ID, bill.Papers{Separate: true, Annex: true}); err != nil {
			return err
		}
		_, err := bill.AddItem(ctx, tx, bill.Item{Account: c.ID, Kind: bill.ItemLateFee, Code: "late", Words: map[string]string{"en": "Late fee"},
			Price: money.New(money.MustDecimal("5.00"), money.MustCurrency("EUR")), Cause: bill.Cause{Kind: "test", ID: c.ID}, DueFrom: day("2026-06-01")})
		return err
	})
	w.clock("2026-05-20 12:00")
	w.use(c, "2026-05-10 12:00", "1.19", 60)
	w.use(other, "2026-05-11 12:00", "2.38", 120)
	w.clock("2026-06-01 00:00")
	w.run("2026-06-01", 10)
	w.run("2026-06-01", 10)
	var page bill.Page
	var open []string
	list := func() {
		w.Read(t, func(ctx context.Context, tx tenant.Tx) (err error) {
			if page, err = bill.List(ctx, tx, c.ID, bill.Cursor{}, 10); err != nil {
				return err
			}
			open = nil
			for _, b := range page.Bills {
				open = append(open, b.Number[len(b.Number)-1:]+" "+b.Open.Text())
			}
			return nil
		})
	}
	list()
	if len(page.Bills) != 2 {
		t.Fatalf("%d bills", len(page.Bills))
	}
	totals := map[string]bool{open[0][2:]: true, open[1][2:]: true}
	if !totals["78.18"] || !totals["74.37"] { // 71.99 + 5.00 + 1.19 and 71.99 + 2.38
		t.Errorf("%v", open)
	}
	if one := w.latest(plain); one.Total.Text() != "143.98" {
		t.Errorf("who does not want it has one bill of %s", one.Total.Text())
	}
	for _, b := range page.Bills {
		w.Read(t, func(ctx context.Context, tx tenant.Tx) error {
			d, err := bill.Printed(ctx, tx, b.ID)
			if err == nil && len(d.Annex) != 1 {
				t.Errorf("the annex of %s has %d calls", b.Number, len(d.Annex))
			}
			return err
		})
	}
	w.controlSums()
	// A page of one goes on with the other bill of the same cycle.
	w.Read(t, func(ctx context.Context, tx tenant.Tx) error {
		first, err := bill.List(ctx, tx, c.ID, bill.Cursor{}, 1)
		if err != nil || first.Next == nil {
			t.Fatalf("%+v, %v", first, err)
		}
		after, err := bill.ParseCursor(first.Next.String())
		if err != nil {
			return err
		}
		rest, err := bill.List(ctx, tx, c.ID, after, 1)
		if err == nil && (len(rest.Bills) != 1 || rest.Bills[0].ID == first.Bills[0].ID || rest.Next != nil) {
			t.Errorf("%+v", rest)
		}
		return err
	})
	w.clock("2026-07-01 00:00")
	w.run("2026-07-01", 10)
	list()
	if len(page.Bills) != 4 || page.Bills[0].Total.Text() != "31.00" || page.Bills[1].Total.Text() != "31.00" {
		t.Errorf("the next cycle: %v", open)
	}
	var numbers, gaps int
	if err := w.Admin.QueryRow(t.Context(), `select count(*), max(series_no) - count(*) from `+w.Ref.Slot.Schema()+`.bill`).Scan(&numbers, &gaps); err != nil || gaps != 0 || numbers != 6 {
		t.Errorf("%d numbers, %d missing, %v", numbers, gaps, err)
	}
	w.controlSums()
}
