package billing

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/google/uuid"

	"tollhouse/billing/account"
	"tollhouse/billing/bill"
	"tollhouse/billing/calendar"
	"tollhouse/billing/charging"
	"tollhouse/billing/desk"
	"tollhouse/billing/payment"
	"tollhouse/billing/tenant"
)

// feePlan is a plan of nothing but a monthly fee, and perhaps gigabytes.
func feePlan(code, billing, fee, extra string) string {
	return fmt.Sprintf(`
code: %s
names: {en: Plan %s}
billing: %s
services: [mobile]
currency: EUR
tax: {category: standard, included: true}
prices: {recurring: [{code: fee-%s, names: {en: Fee %s}, amount: "%s", months: 1, timing: advance, prorate: day%s}]}
usage:
  - {code: data, names: {en: Data}, kind: data, rules: [{code: bytes, destinations: ["*"], price: "1.00", per: 1 GB}]}
`, code, code, billing, code, code, fee, extra)
}

func (w *world) changeWhen(c customer, plan string, when desk.Timing, day string) (change account.PlanChange, err error) {
	w.t.Helper()
	n := desk.NewChange{ID: uuid.Must(uuid.NewV7()), SubscriptionID: w.running(c), OfferingID: w.plans[plan], Reason: "wants it", By: "clerk", When: when}
	if day != "" {
		n.Day = calendar.DateOf(w.day(day), w.Zone)
	}
	err = w.Stack.Write(w.t.Context(), func(ctx context.Context, tx tenant.Tx) (err error) {
		change, err = w.ChangePlan(ctx, tx, n)
		return err
	})
	return change, err
}

// items are an account's items that wait for a bill, in order.
func (w *world) items(c customer) string {
	w.t.Helper()
	return w.text(`select coalesce(string_agg(code || ' ' || trim_scale(price)::text, ', ' order by id), '') from bill_item where account_id = $1 and bill_id is null`, c.ID)
}

// lines are the last document's fees and items.
func (w *world) lines(c customer) string {
	w.t.Helper()
	return w.text(`select coalesce(string_agg(l.code || ' ' || trim_scale(l.price)::text, ', ' order by l.no), '') from bill_line l
		where l.bill_id = (select id from bill where account_id = $1 order by cycle_start desc limit 1)`, c.ID)
}

// Semantics C, plan change: 20.00 in advance for a month of 31 days, to 40.00
// on its 11th: used 6.45, credit 13.55, charge 27.10, net 13.55.
func TestPlanChange_nowInTheMiddleOfAPeriod(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.publish(feePlan("a", "postpaid", "20.00", ""))
	w.publish(feePlan("b", "postpaid", "40.00", ""))
	c := w.connect("a")
	w.advance(w.day("2026-07-11").Add(10 * time.Hour))
	var would desk.Change
	w.read(func(ctx context.Context, tx tenant.Tx) (err error) {
		would, err = desk.Preview(ctx, tx, w.Desk(), desk.NewChange{SubscriptionID: w.running(c), OfferingID: w.plans["b"], When: desk.Now})
		return err
	})
	var shown string
	for _, l := range would.Money.Lines {
		shown += fmt.Sprintf("%s %s %s; ", l.Code, l.Period, l.Price.Text())
	}
	if want := "fee-a 2026-07-11/2026-08-01 -13.55; fee-b 2026-07-11/2026-08-01 27.10; "; shown != want || would.Money.Net.Text() != "13.55" {
		t.Errorf("would cost %s net %s, want %s", shown, would.Money.Net.Text(), want)
	}
	change, err := w.changeWhen(c, "b", desk.Now, "")
	if err != nil || change.State != account.ChangeDone || change.TakesEffect.String() != "2026-07-11" {
		t.Fatalf("%+v, %v", change, err)
	}
	if got := w.items(c); got != "fee-a -13.55" {
		t.Errorf("waiting: %s", got)
	}
	w.advance(w.day("2026-08-02"))
	if got := w.lines(c); got != "fee-a -13.55, fee-b 27.1, fee-b 40" {
		t.Errorf("billed %s", got)
	}
	if left := w.text(`select string_agg(trim_scale(round(deferred, 2))::text, ' ' order by created_at) from subscription where account_id = $1`, c.ID); left != "0 33.61" {
		t.Errorf("deferred %s", left) // 40.00 / 1.19 of August
	}
	if err := w.sums(); err != nil {
		t.Error(err)
	}
}

// Semantics C, plan change: there and back in one local day nets nothing, also
// where a half is rounded (10.01 for 14 of February's 28 days).
func TestPlanChange_thereAndBackInADayNetsNothing(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ a, b, day string }{{"20.00", "40.00", "2026-07-11"}, {"10.01", "33.33", "2027-02-15"}, {"9.99", "3.33", "2026-06-16"}} {
		w := newWorld(t)
		w.publish(feePlan("a", "postpaid", c.a, ""))
		w.publish(feePlan("b", "postpaid", c.b, ""))
		who := w.connect("a")
		w.advance(w.day(c.day).Add(9 * time.Hour))
		for i, plan := range []string{"b", "a", "b", "a"} {
			w.SetClock(t, w.day(c.day).Add(time.Duration(10+i)*time.Hour))
			if _, err := w.changeWhen(who, plan, desk.Now, ""); err != nil {
				t.Fatal(err)
			}
		}
		before := w.text(`select trim_scale(sum(total))::text from bill where account_id = $1`, who.ID)
		w.advance(w.day(c.day).AddDate(0, 1, 5))
		got := w.text(`select round(sum(l.price), 2)::text from bill_line l join bill b on b.id = l.bill_id where b.account_id = $1 and b.cycle_start <= $2 and b.cycle_end > $2`,
			who.ID, c.day)
		if got != c.a {
			t.Errorf("%s to %s and back on %s (before %s): the bill after asks %s: %s", c.a, c.b, c.day, before, got, w.lines(who))
		}
		if err := w.sums(); err != nil {
			t.Error(err)
		}
	}
}

// The denominator is the plan's full period, also after an earlier change.
func TestPlanChange_twiceInAPeriod(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for code, fee := range map[string]string{"a": "20.00", "b": "40.00", "c": "10.00"} {
		w.publish(feePlan(code, "postpaid", fee, ""))
	}
	c := w.connect("a")
	w.advance(w.day("2026-07-11").Add(time.Hour))
	if _, err := w.changeWhen(c, "b", desk.Now, ""); err != nil {
		t.Fatal(err)
	}
	if _, err := w.changeWhen(c, "c", desk.OnDate, "2026-07-21"); err != nil {
		t.Fatal(err)
	}
	w.advance(w.day("2026-08-02"))
	// 40.00 × 10/31 = 12.90, 10.00 × 11/31 = 3.55
	if got := w.lines(c); got != "fee-a -13.55, fee-b 12.9, fee-c 3.55, fee-c 10" {
		t.Errorf("billed %s", got)
	}
	if err := w.sums(); err != nil {
		t.Error(err)
	}
}

// A change may be told late: within the correction window it takes effect on
// its day, in months that are billed already.
func TestPlanChange_backDated(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.publish(feePlan("a", "postpaid", "20.00", ""))
	w.publish(feePlan("b", "postpaid", "40.00", ""))
	c := w.connect("a")
	w.advance(w.day("2026-08-05").Add(time.Hour))
	if _, err := w.changeWhen(c, "b", desk.OnDate, "2026-07-11"); err != nil {
		t.Fatal(err)
	}
	if got := w.items(c); got != "fee-a -13.55, fee-a -20" {
		t.Errorf("waiting: %s", got)
	}
	w.advance(w.day("2026-09-02"))
	if got := w.lines(c); got != "fee-a -13.55, fee-a -20, fee-b 27.1, fee-b 40, fee-b 40" {
		t.Errorf("billed %s", got)
	}
	if err := w.sums(); err != nil {
		t.Error(err)
	}
	var field *account.FieldError
	if _, err := w.changeWhen(c, "a", desk.OnDate, "2026-01-01"); !errors.As(err, &field) || field.Field != "day" {
		t.Errorf("before the window: %v", err)
	}
}

// A prepaid balance gets the rest back and pays the rest, or nothing happens.
func TestPlanChange_prepaidNow(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.publish(feePlan("p", "prepaid", "6.20", ""))
	w.publish(feePlan("q", "prepaid", "12.40", ""))
	w.publish(feePlan("r", "prepaid", "62.00", ""))
	c := w.connect("p")
	w.pay(c, payment.PurposeTopUp, "20.00")
	w.advance(w.day("2026-05-11").Add(time.Hour)) // 13.80 left
	if _, err := w.changeWhen(c, "r", desk.Now, ""); !errors.Is(err, charging.ErrInsufficient) {
		t.Errorf("beyond the balance: %v", err)
	}
	if got := w.has(c)["main"]; got != "13.8" {
		t.Errorf("after a refusal there is %s", got)
	}
	if _, err := w.changeWhen(c, "q", desk.Now, ""); err != nil {
		t.Fatal(err)
	}
	// 6.20 × 21/31 = 4.20 back, 12.40 × 21/31 = 8.40 taken
	if got := w.has(c)["main"]; got != "9.6" {
		t.Errorf("there is %s", got)
	}
	w.advance(w.day("2026-06-02"))
	if err := w.sums(); err != nil {
		t.Error(err)
	}
}

// While it rests a subscription costs nothing, or the holding price; its days
// are credited, and asked again when it goes on before they are over.
func TestPause_daysAreCredited(t *testing.T) {
	t.Parallel()
	for holding, want := range map[string][3]string{
		"":                    {"fee-a -21", "fee-a -10", "fee-a -10, fee-a 31"},
		", holding: \"3.10\"": {"fee-a -18.9", "fee-a -9", "fee-a -9, fee-a 31"},
	} {
		w := newWorld(t)
		w.publish(feePlan("a", "postpaid", "31.00", holding))
		c := w.connect("a")
		w.advance(w.day("2026-07-11").Add(10 * time.Hour))
		id := w.running(c)
		w.write(func(ctx context.Context, tx tenant.Tx) error {
			return w.Pause(ctx, tx, desk.NewPause{SubscriptionID: id, Reason: "abroad", By: "clerk"})
		})
		if got := w.items(c); got != want[0] {
			t.Errorf("paused: %s, want %s", got, want[0])
		}
		err := w.Stack.Write(t.Context(), func(ctx context.Context, tx tenant.Tx) error {
			return w.Pause(ctx, tx, desk.NewPause{SubscriptionID: id})
		})
		if !errors.Is(err, account.ErrPaused) {
			t.Errorf("paused twice: %v", err)
		}
		w.advance(w.day("2026-07-21").Add(10 * time.Hour))
		w.write(func(ctx context.Context, tx tenant.Tx) error {
			return w.Resume(ctx, tx, desk.NewPause{SubscriptionID: id, By: "clerk"})
		})
		if got := w.text(`select trim_scale(sum(price))::text from bill_item where account_id = $1`, c.ID); "fee-a "+got != want[1] {
			t.Errorf("resumed: %s, want %s", got, want[1])
		}
		w.advance(w.day("2026-08-02"))
		if got := w.text(`select trim_scale(sum(price))::text from bill_line l where l.bill_id = (select id from bill where account_id = $1 order by cycle_start desc limit 1)`, c.ID); got == "" {
			t.Error("no bill")
		}
		if err := w.sums(); err != nil {
			t.Error(err)
		}
	}
}

// A pause over the end of months is billed as it goes.
func TestPause_overAnEndOfAMonth(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.publish(feePlan("a", "postpaid", "31.00", ""))
	c := w.connect("a")
	w.advance(w.day("2026-07-11").Add(10 * time.Hour))
	id := w.running(c)
	w.write(func(ctx context.Context, tx tenant.Tx) error {
		return w.Pause(ctx, tx, desk.NewPause{SubscriptionID: id, By: "clerk"})
	})
	w.advance(w.day("2026-08-11").Add(10 * time.Hour))
	w.write(func(ctx context.Context, tx tenant.Tx) error {
		return w.Resume(ctx, tx, desk.NewPause{SubscriptionID: id, By: "clerk"})
	})
	w.advance(w.day("2026-10-02"))
	// May to September are 153 days, of which 31 rest; October is asked in advance.
	total := w.text(`select trim_scale(sum(total))::text from bill where account_id = $1`, c.ID)
	if total != "155" { // 31 + 31 + 10 + 21 + 31 + 31
		t.Errorf("billed %s: %s", total, w.bills(c))
	}
	if err := w.sums(); err != nil {
		t.Error(err)
	}
}

var _ = bill.ItemPause

// A new plan's allowance is whole, or where the offering says so a share by days.
func TestPlanChange_allowancesAsTheOfferSays(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.publish(feePlan("a", "postpaid", "20.00", ""))
	for code, midway := range map[string]string{"whole": "", "share": ", midway: prorated"} {
		w.publish(feePlan(code, "postpaid", "40.00", "") + `allowances: [{code: gb, names: {en: 31 GB}, amount: 31 GB, kinds: [data], validity_months: 1, priority: 1` + midway + "}]\n")
	}
	on := map[string]customer{"whole": w.connect("a"), "share": w.connect("a")}
	w.SetClock(t, w.day("2026-05-11").Add(time.Hour))
	for plan, want := range map[string]string{"whole": "31000000000", "share": "21000000000"} {
		c := on[plan]
		if _, err := w.changeWhen(c, plan, desk.Now, ""); err != nil {
			t.Fatal(err)
		}
		if got := w.has(c)["gb"]; got != want {
			t.Errorf("%s: %s, want %s", plan, got, want)
		}
	}
	if err := w.sums(); err != nil {
		t.Error(err)
	}
}
