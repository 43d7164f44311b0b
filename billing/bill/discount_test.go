package bill_test

import (
	"context"
	"strings"
	"testing"

	"tollhouse/billing/account"
	"tollhouse/billing/bill"
	"tollhouse/billing/catalog"
	"tollhouse/billing/money"
	"tollhouse/billing/tenant"
)

// sell replaces what connect sells by a plan made from the fixture's.
func (w *world) sell(replace ...string) {
	w.t.Helper()
	text := strings.NewReplacer(append(replace, "code: mobile", "code: other", "%s", "postpaid")...).Replace(mobile)
	o, err := catalog.Parse([]byte(text))
	if err != nil {
		w.t.Fatal(err)
	}
	w.Write(w.t, func(ctx context.Context, tx tenant.Tx) error {
		v, err := catalog.SaveDraft(ctx, tx, o)
		if err != nil {
			return err
		}
		w.offering = v.ID
		_, err = catalog.Publish(ctx, tx, v.ID, tx.At)
		return err
	})
}

func (w *world) give(c connected, d account.Discount) {
	w.t.Helper()
	d.SubscriptionID, d.ValidFrom = c.subscription, first
	w.Write(w.t, func(ctx context.Context, tx tenant.Tx) error {
		_, err := account.GiveDiscounts(ctx, tx, []account.Discount{d})
		return err
	})
}

func decimal(text string) *money.Decimal {
	d := money.MustDecimal(text)
	return &d
}

func cycles(n int) *int { return &n }

// discounts are a document's lines of that kind, as printed.
func discounts(d bill.Document) (lines []string) {
	for _, l := range d.Lines {
		if l.Kind == bill.Discount {
			lines = append(lines, l.Description+" "+l.Price.Text()+" "+l.Period.From.String())
		}
	}
	return lines
}

func (w *world) subscription(c connected) account.Subscription {
	w.t.Helper()
	var s account.Subscription
	w.Read(w.t, func(ctx context.Context, tx tenant.Tx) (err error) {
		s, err = account.GetSubscription(ctx, tx, c.subscription)
		return err
	})
	return s
}

func TestClose_discountCountsDownByCycle(t *testing.T) {
	t.Parallel()
	w := newWorld(t, account.Postpaid)
	w.clock("2026-05-01 09:00")
	c := w.connect(1, account.Postpaid)[0]
	w.give(c, account.Discount{Reason: "Loyalty", Percent: decimal("10"), CyclesLeft: cycles(3)})
	w.give(c, account.Discount{Code: "late", Reason: "Late fitting", Amount: decimal("5.005"), CyclesLeft: cycles(1)})
	for _, month := range []struct {
		end, total string
		lines      []string
	}{
		// 9.99 + two fees of 31.00, each less 3.10, the first less 5.01 as well
		{"2026-06-01", "60.78", []string{"Loyalty, 10% -3.10 2026-05-01", "Late fitting -5.01 2026-05-01", "Loyalty, 10% -3.10 2026-06-01"}},
		{"2026-07-01", "27.90", []string{"Loyalty, 10% -3.10 2026-07-01"}},
		{"2026-08-01", "31.00", nil},
	} {
		w.clock(month.end + " 02:00")
		if run := w.run(month.end, 10); run.Failed > 0 {
			t.Fatalf("%s: %+v", month.end, run)
		}
		d := w.latest(c)
		if got, want := strings.Join(discounts(d), "; "), strings.Join(month.lines, "; "); d.Total.Text() != month.total || got != want {
			t.Errorf("%s: %s with %q, want %s with %q", month.end, d.Total.Text(), got, month.total, want)
		}
		w.controlSums()
	}
}

// What is deferred of a fee charged ahead is what is left of it after its
// discount: month by month a twelfth is earned, and nothing is left at the end.
func TestClose_discountOffAFeeForAYear(t *testing.T) {
	t.Parallel()
	w := newWorld(t, account.Postpaid)
	w.clock("2026-05-01 09:00")
	w.sell(`amount: "31.00", months: 1`, `amount: "365.00", months: 12`, `  one_time: [{code: setup, names: {en: Connection}, amount: "9.99"}]`, "")
	c := w.connect(1, account.Postpaid)[0]
	w.give(c, account.Discount{Reason: "Loyalty", Percent: decimal("19"), CyclesLeft: cycles(1)})
	end := first
	for n := range 11 {
		end = end.AddMonths(1)
		w.clock(end.String() + " 02:00")
		if run := w.run(end.String(), 10); run.Failed > 0 {
			t.Fatalf("%s: %+v", end, run)
		}
		// 365.00 less 69.35, of which 47.20 is tax: 248.45 net for 365 days
		days := money.NewDecimal(int64(end.DaysUntil(first.AddMonths(12))))
		want, err := money.MustDecimal("248.45").MulDiv(days, money.NewDecimal(365), money.Scale, money.HalfAwayFromZero)
		if err != nil {
			t.Fatal(err)
		}
		off := w.subscription(c).Deferred.Sub(want).Abs()
		if off.Cmp(money.MustDecimal("0.01")) > 0 { // a document's tax is shared over its lines, to the cent
			t.Errorf("month %d: %s deferred, want %s", n+1, w.subscription(c).Deferred, want)
		}
		w.controlSums()
	}
}

func TestClose_discountNeverMakesAFeeNegative(t *testing.T) {
	t.Parallel()
	w := newWorld(t, account.Postpaid)
	w.clock("2026-05-01 09:00")
	c := w.connect(1, account.Postpaid)[0]
	w.give(c, account.Discount{Reason: "Staff", Amount: decimal("50")})
	w.clock("2026-06-01 02:00")
	w.run("2026-06-01", 10)
	if d := w.latest(c); d.Total.Text() != "9.99" || len(discounts(d)) != 2 {
		t.Errorf("%s with %v, want the connection fee alone", d.Total.Text(), discounts(d))
	}
	w.controlSums()
}
