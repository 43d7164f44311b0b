package billing

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/google/uuid"

	"tollhouse/billing/account"
	"tollhouse/billing/bill"
	"tollhouse/billing/calendar"
	"tollhouse/billing/tenant"
)

func date(text string) calendar.Date {
	d, err := calendar.ParseDate(text)
	if err != nil {
		panic(err)
	}
	return d
}

// fees are the fee lines of all of an account's bills, with their days.
func (w *world) feeLines(c customer) string {
	w.t.Helper()
	return w.text(`select coalesce(string_agg(to_char(l.period_from, 'MM-DD') || '/' || to_char(l.period_to, 'MM-DD') || ' ' || trim_scale(l.price)::text, ', '
		order by l.period_from, l.period_to), '') from bill_line l join bill b on b.id = l.bill_id where b.account_id = $1 and l.kind = 'recurring'`, c.ID)
}

// From the first to the fifteenth: the cycle that bridges costs its share, and
// no day is charged twice or left out.
func TestCycleChange_bridgesToTheNewAnchor(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.publish(feePlan("a", "postpaid", "31.00", ""))
	c := w.connect("a")
	w.advance(w.day("2026-06-10"))
	w.write(func(ctx context.Context, tx tenant.Tx) error {
		a, err := account.ChangeCycle(ctx, tx, c.ID, &account.Every{Anchor: date("2026-07-15"), Months: 1}, "clerk")
		if err == nil && a.Following(calendar.Clamp).String() != "2026-07-01/2026-07-15" {
			t.Errorf("the next cycle is %s", a.Following(calendar.Clamp))
		}
		return err
	})
	w.advance(w.day("2026-09-16"))
	// 14 of the 30 days from June 15 to July 15
	if got := w.feeLines(c); got != "05-01/06-01 31, 06-01/07-01 31, 07-01/07-15 14.47, 07-15/08-15 31, 08-15/09-15 31, 09-15/10-15 31" {
		t.Errorf("billed %s", got)
	}
	if got := w.text(`select string_agg(cycle_start || '/' || cycle_end, ' ' order by cycle_start) from bill where account_id = $1`, c.ID); got != "2026-05-01/2026-06-01 2026-06-01/2026-07-01 2026-07-01/2026-07-15 2026-07-15/2026-08-15 2026-08-15/2026-09-15" {
		t.Errorf("cycles %s", got)
	}
	if err := w.sums(); err != nil {
		t.Error(err)
	}
}

// A cycle of weeks bills a monthly price once a month, and one of days each.
func TestCycleChange_weekly(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.publish(feePlan("a", "postpaid", "31.00", ""))
	c := w.connect("a")
	w.write(func(ctx context.Context, tx tenant.Tx) error {
		if _, err := account.ChangeCycle(ctx, tx, c.ID, &account.Every{Anchor: date("2026-06-01"), Days: 7}, "clerk"); err != nil {
			return err
		}
		var field *account.FieldError
		if _, err := account.ChangeCycle(ctx, tx, c.ID, &account.Every{Anchor: date("2026-06-01"), Days: 7, Months: 1}, "clerk"); !errors.As(err, &field) {
			t.Errorf("weeks and months: %v", err)
		}
		return nil
	})
	w.advance(w.day("2026-07-14"))
	if got := w.feeLines(c); got != "05-01/06-01 31, 06-01/07-01 31, 07-01/08-01 31" {
		t.Errorf("billed %s", got)
	}
	if end := w.text(`select cycle_end::text from billing_account where id = $1`, c.ID); end != "2026-07-20" {
		t.Errorf("the open cycle ends on %s", end)
	}
	if err := w.sums(); err != nil {
		t.Error(err)
	}
}

// Semantics C: a changed zone takes effect at the next boundary, with no gap
// and no overlap of cycles.
func TestZone_changesAtTheNextBoundary(t *testing.T) {
	t.Parallel()
	for _, zone := range []string{"America/New_York", "Asia/Jakarta"} {
		w := newWorld(t)
		w.publish(feePlan("a", "postpaid", "31.00", ""))
		c := w.connect("a")
		w.advance(w.day("2026-05-10"))
		next, err := time.LoadLocation(zone)
		if err != nil {
			t.Fatal(err)
		}
		w.write(func(ctx context.Context, tx tenant.Tx) error {
			p, err := account.GetProfile(ctx, tx)
			if err != nil {
				return err
			}
			p.Zone = next
			if err := account.PutProfile(ctx, tx, p); err != nil {
				return err
			}
			p, err = account.GetProfile(ctx, tx)
			if p.Zone.String() == zone || p.ZoneNext != zone || !p.ZoneFrom.Equal(w.day("2026-06-01")) {
				t.Errorf("in May the zone is %s, then %s from %s", p.Zone, p.ZoneNext, p.ZoneFrom)
			}
			return err
		})
		w.advance(w.day("2026-06-03"))
		if got := w.text(`select zone from operator`); got != zone {
			t.Errorf("in June the zone is %s", got)
		}
		w.advance(w.day("2026-08-03"))
		if got := w.text(`select string_agg(cycle_start || '/' || cycle_end, ' ' order by cycle_start) from bill where account_id = $1`, c.ID); got != "2026-05-01/2026-06-01 2026-06-01/2026-07-01 2026-07-01/2026-08-01" {
			t.Errorf("%s: cycles %s", zone, got)
		}
		if err := w.sums(); err != nil {
			t.Error(err)
		}
	}
}

// Where the operator wants it, a run waits for somebody else's word; it stops
// when it is told to, and nothing is billed twice.
func TestRun_waitsForApprovalAndPauses(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	c := w.connect("flex")
	w.write(func(ctx context.Context, tx tenant.Tx) error {
		return account.PutBillingRules(ctx, tx, account.BillingRules{Proration: calendar.ByDay, RunApproval: true})
	})
	w.advance(w.day("2026-06-02"))
	if got := w.bills(c); got != "" {
		t.Errorf("billed without approval: %s", got)
	}
	if got := w.has(c)["package"]; got != "3000000000" {
		t.Errorf("June's allowance waits for the bills: %s", got)
	}
	var run bill.Run
	w.write(func(ctx context.Context, tx tenant.Tx) error {
		runs, err := bill.StartDue(ctx, tx, calendar.Date{}, "anna")
		if err != nil {
			return err
		}
		run = runs[0]
		if run.State != bill.Prepared || run.PreparedBy != "anna" {
			t.Errorf("run %+v", run)
		}
		return nil
	})
	move := func(do func(ctx context.Context, tx tenant.Tx) (bill.Run, error)) error {
		return w.Stack.Write(t.Context(), func(ctx context.Context, tx tenant.Tx) (err error) {
			run, err = do(ctx, tx)
			return err
		})
	}
	approve := func(by string) error {
		id := run.ID
		return move(func(ctx context.Context, tx tenant.Tx) (bill.Run, error) { return bill.Approve(ctx, tx, id, by) })
	}
	kept := run.ID
	if err := approve("anna"); !errors.Is(err, bill.ErrOwnRun) {
		t.Errorf("approved by herself: %v", err)
	}
	run.ID = kept
	if err := approve("boris"); err != nil {
		t.Fatal(err)
	}
	if err := move(func(ctx context.Context, tx tenant.Tx) (bill.Run, error) {
		return bill.PauseRun(ctx, tx, kept, "boris")
	}); err != nil || run.State != bill.Paused {
		t.Fatalf("%+v, %v", run, err)
	}
	w.work()
	if got := w.bills(c); got != "" {
		t.Errorf("billed while paused: %s", got)
	}
	if err := move(func(ctx context.Context, tx tenant.Tx) (bill.Run, error) { return bill.ResumeRun(ctx, tx, kept) }); err != nil {
		t.Fatal(err)
	}
	w.work()
	if got := w.bills(c); got != "35.93" {
		t.Errorf("billed %s", got)
	}
	run.ID = kept
	if err := approve("boris"); !errors.Is(err, bill.ErrRunState) {
		t.Errorf("approved when done: %v", err)
	}
	if err := w.sums(); err != nil {
		t.Error(err)
	}
}

// A bill on demand closes what was charged until today; the rest of the cycle
// follows on its own day, tiers and fees as if nothing had been.
func TestBillNow_closesUntilToday(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	c, other := w.connect("flex"), w.connect("flex")
	w.advance(w.day("2026-06-10").Add(9 * time.Hour))
	for _, who := range []customer{c, other} {
		w.ingest(who.call(w.key(), w.day("2026-06-09"), 600))
	}
	var now bill.Document
	w.write(func(ctx context.Context, tx tenant.Tx) (err error) {
		now, err = w.BillNow(ctx, tx, c.ID, bill.ScopeAll)
		return err
	})
	if now.Period.String() != "2026-06-01/2026-06-10" || now.Number == "" || now.State != bill.Final {
		t.Errorf("%s for %s is %s", now.Number, now.Period, now.State)
	}
	if err := w.sums(); err != nil {
		t.Error(err)
	}
	err := w.Stack.Write(t.Context(), func(ctx context.Context, tx tenant.Tx) error {
		_, err := w.BillNow(ctx, tx, c.ID, bill.ScopeAll)
		return err
	})
	if !errors.Is(err, bill.ErrNothingToBill) {
		t.Errorf("again: %v", err)
	}
	w.write(func(ctx context.Context, tx tenant.Tx) error {
		if _, err := bill.AddItem(ctx, tx, bill.Item{Account: c.ID, Kind: bill.ItemCharge, Code: "visit", Words: map[string]string{"en": "Visit"}, Price: euro("30.00"),
			Cause: bill.Cause{Kind: "test", ID: uuid.Must(uuid.NewV7())}}); err != nil {
			return err
		}
		d, err := w.BillNow(ctx, tx, c.ID, bill.ScopeItems)
		if err == nil && (d.Total.Text() != "30.00") {
			t.Errorf("items: %s", d.Total)
		}
		return err
	})
	for _, who := range []customer{c, other} {
		w.ingest(who.call(w.key(), w.day("2026-06-20"), 600), who.data(w.key(), w.day("2026-06-20"), 4_000_000_000))
	}
	w.advance(w.day("2026-08-02"))
	sum := func(who customer) string {
		return w.text(`select round(sum(total), 2)::text from bill where account_id = $1 and part = ''`, who.ID)
	}
	if a, b := sum(c), sum(other); a != b {
		t.Errorf("with a bill on demand %s, without %s", a, b)
	}
	if n := w.text(`select count(*)::text from bill_line l join bill b on b.id = l.bill_id where b.account_id = $1 and l.kind = 'correction'`, c.ID); n != "0" {
		t.Errorf("%s lines call usage of the cycle a correction", n)
	}
	if err := w.sums(); err != nil {
		t.Error(err)
	}
}
