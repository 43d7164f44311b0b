package charging_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/google/uuid"

	"tollhouse/billing/account"
	"tollhouse/billing/bill"
	"tollhouse/billing/calendar"
	"tollhouse/billing/charging"
	"tollhouse/billing/money"
	"tollhouse/billing/tenant"
	"tollhouse/billing/usage"
)

// tieredPlan: messages at 0.10 to 1,000 a month, then 0.05.
const tieredPlan = `
code: tiered
names: {en: Tiered}
billing: postpaid
services: [mobile]
currency: EUR
tax: {category: standard, included: true}
usage:
  - code: messages
    names: {en: Messages}
    kind: message
    rules:
      - {code: any, destinations: ["*"], tiers: {kind: graduated, counter: all, bands: [{to: "1000", price: 0.10, per: "1"}, {price: 0.05, per: "1"}]}}
`

func (w *world) messages(key string, customer int, at time.Time, n int64) usage.Record {
	return usage.Record{Key: key, Kind: usage.Message, Identity: usage.Identity{Kind: usage.MSISDN, Value: msisdn(customer)}, Start: at, End: at,
		Quantity: n, Unit: money.Event, Destination: "+4930123456"}
}

// june is a day of June at noon.
func (w *world) june(day int) time.Time { return w.noon(31).AddDate(0, 0, day) }

// closeMay moves the clock on and closes the cycles that ended with May.
func (w *world) closeMay() {
	w.t.Helper()
	w.closeCycle(w.june1().Add(time.Hour), calendar.Date{Year: 2026, Month: 6, Day: 1})
}

func (w *world) closeCycle(at time.Time, ended calendar.Date) {
	w.t.Helper()
	w.SetClock(w.t, at)
	var run bill.Run
	w.write(func(ctx context.Context, tx tenant.Tx) (err error) {
		run, err = bill.Start(ctx, tx, ended)
		return err
	})
	for more := true; more; {
		w.write(func(ctx context.Context, tx tenant.Tx) (err error) {
			_, more, err = bill.Closer{}.CloseChunk(ctx, tx, run.ID, 100)
			return err
		})
	}
}

// latest is an account's newest document.
func (w *world) latest(a account.Account) bill.Document {
	w.t.Helper()
	var d bill.Document
	w.Read(w.t, func(ctx context.Context, tx tenant.Tx) error {
		page, err := bill.List(ctx, tx, a.ID, bill.Cursor{}, 1)
		if err == nil && len(page.Bills) > 0 {
			d, err = bill.GetDocument(ctx, tx, page.Bills[0].ID)
		}
		return err
	})
	return d
}

// billed sums an account's charges by the cycle they are billed in.
func (w *world) billed(a account.Account) map[string]string {
	w.t.Helper()
	sums := map[string]string{}
	w.Read(w.t, func(ctx context.Context, tx tenant.Tx) error {
		rows, err := tx.Query(ctx, `select cycle_start, sum(price) from charge where account_id = $1 group by cycle_start`, a.ID)
		if err != nil {
			return err
		}
		defer rows.Close()
		for rows.Next() {
			var cycle calendar.Date
			var sum money.Decimal
			if err := rows.Scan(&cycle, &sum); err != nil {
				return err
			}
			sums[cycle.String()] = sum.Fixed(2)
		}
		return rows.Err()
	})
	return sums
}

// Case "B, C: late usage": May final at 900 = 90.00; 200 units of May 30 on
// Jun 5 make May 105.00, so 15.00 is billed in June (20.00 is wrong), and
// June's own tiers don't see them.
func TestIngest_lateUsageGoesByItsOwnCycle(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ inTime, late, billed int64 }{{900, 200, 15_00}, {0, 200, 20_00}, {1000, 200, 10_00}, {999, 1, 10}, {950, 1050, 55_00}} {
		t.Run(fmt.Sprintf("%d then %d", c.inTime, c.late), func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, tieredPlan)
			a := w.customers("tiered", account.Postpaid, 1, 1)[0]
			if c.inTime > 0 {
				w.ingest(w.messages("may", 1, w.noon(10), c.inTime))
			}
			w.closeMay()
			w.SetClock(t, w.june(5))
			june := w.ingest(w.messages("june-1", 1, w.june(4), 1000))
			late := w.ingest(w.messages("late", 1, w.noon(30), c.late))
			after := w.ingest(w.messages("june-2", 1, w.june(5), 100))
			want := money.DecimalOf(c.billed, 2)
			if late[0].Status != charging.Accepted || !late[0].Price.Equal(want) {
				t.Errorf("late use: %s at %s (%v), want %s", late[0].Status, late[0].Price, late[0].Problem, want)
			}
			if june[0].Price.String() != "100" || after[0].Price.String() != "5" {
				t.Errorf("June's own cost %s and %s, want 100 and 5", june[0].Price, after[0].Price)
			}
			total := want.Add(money.MustDecimal("105"))
			if got := w.billed(a)["2026-06-01"]; got != total.Fixed(2) {
				t.Errorf("June is to bill %s, want %s", got, total.Fixed(2))
			}
			w.sums()
		})
	}
}

// The late 200 stand on June's bill by themselves, as of May.
func TestClose_lateUsageIsALineOfItsOwn(t *testing.T) {
	t.Parallel()
	w := newWorld(t, tieredPlan)
	a := w.customers("tiered", account.Postpaid, 1, 1)[0]
	w.ingest(w.messages("may", 1, w.noon(10), 900))
	w.closeMay()
	if got := w.latest(a).Total.Text(); got != "90.00" {
		t.Errorf("May's bill is %s, want 90.00", got)
	}
	w.SetClock(t, w.june(5))
	w.ingest(w.messages("late", 1, w.noon(30), 200), w.messages("june", 1, w.june(4), 10))
	w.closeCycle(w.june(31), calendar.Date{Year: 2026, Month: 7, Day: 1})
	d := w.latest(a)
	var lines []string
	for _, l := range d.Lines {
		lines = append(lines, fmt.Sprintf("%s %s %s %s", l.Kind, l.Description, l.Period.From, l.Price.Text()))
	}
	want := []string{"usage Messages 2026-06-01 1.00", "correction Correction of usage: Messages 2026-05-01 15.00"}
	if fmt.Sprint(lines) != fmt.Sprint(want) || d.Total.Text() != "16.00" {
		t.Errorf("June's bill is %s of %q, want 16.00 of %q", d.Total.Text(), lines, want)
	}
	w.sums()
}

// Past the correction window late use waits for a person, with its reason.
func TestIngest_pastTheWindowWaits(t *testing.T) {
	t.Parallel()
	w := newWorld(t, tieredPlan)
	a := w.customers("tiered", account.Postpaid, 1, 1)[0]
	w.closeMay()
	w.write(func(ctx context.Context, tx tenant.Tx) error {
		return account.PutCorrectionDays(ctx, tx, 10)
	})
	w.SetClock(t, w.june(10).Add(11*time.Hour)) // the last hour of the tenth day
	if got := w.ingest(w.messages("in time", 1, w.noon(30), 10))[0]; got.Status != charging.Accepted {
		t.Errorf("on the last day: %s (%v)", got.Status, got.Problem)
	}
	w.SetClock(t, w.june(11))
	got := w.ingest(w.messages("late", 1, w.noon(30), 200), w.messages("june", 1, w.june(10), 10))
	if got[0].Status != charging.Suspended || got[0].Problem.Code != usage.PastWindow {
		t.Errorf("past the window: %s (%v), want it to wait", got[0].Status, got[0].Problem)
	}
	if got[1].Status != charging.Accepted {
		t.Errorf("its neighbour: %s (%v)", got[1].Status, got[1].Problem)
	}
	w.write(func(ctx context.Context, tx tenant.Tx) error {
		if err := account.PutCorrectionDays(ctx, tx, 30); err != nil {
			return err
		}
		waiting, _, err := usage.ListSuspended(ctx, tx, usage.Search{}, usage.Cursor{}, 10)
		if err != nil {
			return err
		}
		ids := []uuid.UUID{waiting[0].ID}
		again, err := w.engine.RerunSuspense(ctx, tx, ids)
		if err == nil && again.Charged != 1 {
			t.Errorf("with a longer window: %+v", again)
		}
		return err
	})
	if got := w.billed(a)["2026-06-01"]; got != "22.00" {
		t.Errorf("June is to bill %s, want 22.00", got)
	}
	w.sums()
}

// What comes out below zero for a month is credited of that month's bill; no bill
// is below zero, and none is left unclosed for it.
func TestClose_correctionsBelowZeroAreCreditedOfTheirOwnBill(t *testing.T) {
	t.Parallel()
	w := newWorld(t, tieredPlan)
	a := w.customers("tiered", account.Postpaid, 1, 1)[0]
	o := w.ingest(w.messages("may", 1, w.noon(10), 900))[0]
	w.closeMay()
	w.SetClock(t, w.june(5))
	if _, err := w.correct(a, o, w.noon(10), off("60")); err != nil {
		t.Fatal(err)
	}
	w.ingest(w.messages("june", 1, w.june(4), 100))
	w.closeCycle(w.june(31), calendar.Date{Year: 2026, Month: 7, Day: 1})
	if got := w.latest(a).Total.Text(); got != "10.00" {
		t.Errorf("June's bill is %s, want 10.00 without the correction", got)
	}
	var credited string
	w.Read(t, func(ctx context.Context, tx tenant.Tx) error {
		return tx.QueryRow(ctx, `select string_agg(trim_scale(n.total)::text || ' of ' || to_char(b.cycle_start, 'MM'), ', ')
			from bill n join bill b on b.id = n.corrects where n.kind = 'credit_note'`).Scan(&credited)
	})
	if credited != "60 of 05" {
		t.Errorf("credited %s, want 60 of May's bill", credited)
	}
	w.sums()
	w.ingest(w.messages("july", 1, w.june(35), 800))
	w.closeCycle(w.june(63), calendar.Date{Year: 2026, Month: 8, Day: 1})
	if got := w.latest(a).Total.Text(); got != "80.00" {
		t.Errorf("July's bill is %s, want 80.00: the correction is credited already", got)
	}
	w.sums()
}
