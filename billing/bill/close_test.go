package bill_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/google/uuid"

	"tollhouse/billing/account"
	"tollhouse/billing/agenda"
	"tollhouse/billing/balance"
	"tollhouse/billing/bill"
	"tollhouse/billing/calendar"
	"tollhouse/billing/ledger"
	"tollhouse/billing/money"
	"tollhouse/billing/tenant"
)

// shown is a document's lines as "code quantity price".
func shown(d bill.Document) string {
	var lines []string
	for _, l := range d.Lines {
		lines = append(lines, fmt.Sprintf("%s %s %s", l.Code, l.Quantity, l.Price.Text()))
	}
	return strings.Join(lines, "; ")
}

func TestClose_postpaid(t *testing.T) {
	t.Parallel()
	w := newWorld(t, account.Postpaid)
	w.clock("2026-05-11 00:00") // 21 of May's 31 days are left
	c := w.connect(1, account.Postpaid)[0]
	w.clock("2026-05-20 12:00")
	for _, price := range []string{"0.333333333", "0.333333333", "0.101666667"} {
		w.use(c, "2026-05-20 12:00", price, 61)
	}
	w.allow(c, 17_000_000_000)

	w.clock("2026-06-01 00:00")
	if run := w.run("2026-06-01", 10); run.State != bill.Done || run.Done != 1 || run.Total != 1 || run.Failed != 0 {
		t.Fatalf("run %+v", run)
	}
	may := w.latest(c)
	if got, want := shown(may), "fee 1 21.00; fee 1 31.00; setup 1 9.99; calls 183 0.77; data20 17000000000 0.00"; got != want {
		t.Errorf("lines %s, want %s", got, want)
	}
	// 62.76 / 1.19 = 52.739… ; tax is gross less net
	if may.Total.Text() != "62.76" || may.Net.Text() != "52.74" || may.Tax.Text() != "10.02" || may.Due.Text() != "62.76" {
		t.Errorf("net %s, tax %s, total %s, due %s", may.Net, may.Tax, may.Total, may.Due)
	}
	if may.Number != "TO-2026/000001" || may.Issued != day("2026-06-01") || may.DueDate != day("2026-06-15") {
		t.Errorf("%s issued %s due %s", may.Number, may.Issued, may.DueDate)
	}
	if may.Lines[0].Service != "Mobil M · +4915112000000" || may.Lines[0].Description != "Mobil M, 20 GB" || !may.Lines[4].Granted.Equal(money.NewDecimal(20_000_000_000)) {
		t.Errorf("lines %+v", may.Lines)
	}
	w.controlSums()

	// The next bill has the next month's fee only; this month's is earned now.
	w.clock("2026-07-01 00:00")
	w.run("2026-07-01", 10)
	june := w.latest(c)
	if got := shown(june); got != "fee 1 31.00" {
		t.Errorf("June: %s", got)
	}
	w.Read(t, func(ctx context.Context, tx tenant.Tx) error {
		acc, err := account.Get(ctx, tx, c.ID)
		if err != nil {
			return err
		}
		if acc.Cycle.String() != "2026-07-01/2026-08-01" || !acc.Unbilled.IsZero() || acc.Receivable.Fixed(2) != "93.76" {
			t.Errorf("account %+v", acc)
		}
		s, err := account.GetSubscription(ctx, tx, c.subscription)
		if got := s.Deferred.Fixed(2); got != "26.05" { // 31.00 / 1.19
			t.Errorf("deferred %s", got)
		}
		return err
	})
	w.controlSums()
}

func TestClose_prepaidStatementDocumentsWhatWasPaid(t *testing.T) {
	t.Parallel()
	w := newWorld(t, account.Prepaid)
	c := w.connect(1, account.Prepaid)[0]
	bucket := w.topUp(c, "50")
	w.pay(c, bucket, "recurring", "fee", "2026-05-01 00:00", "9.99", 1)
	w.pay(c, bucket, "usage", "calls", "2026-05-03 10:00", "9.99", 60)
	w.pay(c, bucket, "usage", "calls", "2026-05-04 10:00", "9.99", 60)
	w.clock("2026-06-01 00:00")
	w.run("2026-06-01", 10)
	d := w.latest(c)
	if d.Kind != bill.KindStatement || d.Number != "TOS-2026/000001" || shown(d) != "fee 1 9.99; calls 120 19.98" {
		t.Errorf("%s %s: %s", d.Kind, d.Number, shown(d))
	}
	if d.Net.Text() != "25.18" || d.Tax.Text() != "4.79" || d.PaidBefore.Text() != "29.97" || !d.Due.IsZero() {
		t.Errorf("net %s tax %s paid %s due %s", d.Net, d.Tax, d.PaidBefore, d.Due)
	}
	w.controlSums()
	w.Read(t, func(ctx context.Context, tx tenant.Tx) error {
		acc, err := account.Get(ctx, tx, c.ID)
		if !acc.UndocumentedTax.IsZero() {
			t.Errorf("undocumented tax %s", acc.UndocumentedTax)
		}
		return err
	})
}

func (w *world) topUp(c connected, amount string) (bucket uuid.UUID) {
	w.t.Helper()
	w.Write(w.t, func(ctx context.Context, tx tenant.Tx) (err error) {
		if err = balance.CreateMain(ctx, tx, c.ID); err != nil {
			return err
		}
		if err = tx.QueryRow(ctx, `select id from bucket where account_id = $1 and origin = 'main'`, c.ID).Scan(&bucket); err != nil {
			return err
		}
		return ledger.Post(ctx, tx, w.event(ledger.TopUp, uuid.Must(uuid.NewV7()), tx.At), []ledger.Transfer{{
			Debit: ledger.General(ledger.Cash), Credit: ledger.Of(ledger.Prepaid, bucket), Amount: money.MustDecimal(amount), Unit: "EUR", AccountID: c.ID,
		}})
	})
	return bucket
}

func TestRun_closesOnceHoweverOftenItRepeats(t *testing.T) {
	t.Parallel()
	w := newWorld(t, account.Postpaid)
	all := w.connect(7, account.Postpaid)
	w.clock("2026-06-01 08:00")
	w.run("2026-06-01", 3)
	before := w.latest(all[0])
	if run := w.run("2026-06-01", 3); run.Done != 7 || run.Total != 7 {
		t.Errorf("second run %+v", run)
	}
	if after := w.latest(all[0]); after.ID != before.ID || after.Number != before.Number {
		t.Errorf("closed again: %s, %s", before.Number, after.Number)
	}
	w.Read(t, func(ctx context.Context, tx tenant.Tx) error {
		var bills, numbers int
		err := tx.QueryRow(ctx, `select count(*), max(series_no) from bill where state = 'final'`).Scan(&bills, &numbers)
		if bills != 7 || numbers != 7 {
			t.Errorf("%d bills, numbers to %d", bills, numbers)
		}
		return err
	})
	w.controlSums()
}

func TestRun_oneFailureDoesNotStopTheRest(t *testing.T) {
	t.Parallel()
	w := newWorld(t, account.Postpaid)
	all := w.connect(5, account.Postpaid)
	w.use(all[2], "2026-05-03 10:00", "1.00", 60)
	w.recategorise(all[2], "unheard")
	w.clock("2026-06-01 08:00")
	run := w.run("2026-06-01", 2)
	if run.Done != 4 || run.Failed != 1 || run.Total != 5 || run.State != bill.Done {
		t.Fatalf("run %+v", run)
	}
	w.Write(t, func(ctx context.Context, tx tenant.Tx) error {
		failures, err := bill.Failures(ctx, tx, run.ID, 10)
		if err != nil || len(failures) != 1 || failures[0].AccountID != all[2].ID || !strings.Contains(failures[0].Reason, `"unheard"`) {
			t.Errorf("failures %+v, %v", failures, err)
		}
		w.recategorise(all[2], "standard")
		n, err := bill.Retry(ctx, tx, run.ID)
		if n != 1 {
			t.Errorf("%d to retry", n)
		}
		return err
	})
	if run = w.run("2026-06-01", 2); run.Done != 5 || run.Failed != 0 {
		t.Errorf("after the retry %+v", run)
	}
	w.controlSums()
}

// recategorise goes behind the stack's back, which may not change a charge.
func (w *world) recategorise(c connected, category string) {
	w.t.Helper()
	_, err := w.Admin.Exec(context.Background(), `update `+w.Ref.Slot.Schema()+`.charge set tax_category = $2 where account_id = $1`, c.ID, category)
	if err != nil {
		w.t.Fatal(err)
	}
}

// What the database refuses is found by halving, under a savepoint.
func TestRun_aRowTheDatabaseRefusesFailsAlone(t *testing.T) {
	t.Parallel()
	w := newWorld(t, account.Postpaid)
	all := w.connect(5, account.Postpaid)
	w.use(all[3], "2026-05-03 10:00", "1.00", 60)
	w.Write(t, func(ctx context.Context, tx tenant.Tx) error {
		_, err := tx.Exec(ctx, `
			insert into bill (id, account_id, kind, state, cycle_start, cycle_end, currency, net, tax, total, due, facts, legal_entity, branch, closed_at)
			select $1, id, 'bill', 'draft', cycle_start, cycle_end, currency, 0, 0, 0, 0, '{}', legal_entity, branch, $3 from billing_account where id = $2`,
			uuid.Must(uuid.NewV7()), all[3].ID, tx.At)
		return err
	})
	w.clock("2026-06-01 08:00")
	if run := w.run("2026-06-01", 5); run.Done != 4 || run.Failed != 1 {
		t.Fatalf("run %+v", run)
	}
	w.controlSums()
}

func TestPreview_isWhatTheRunGives(t *testing.T) {
	t.Parallel()
	w := newWorld(t, account.Postpaid)
	c := w.connect(1, account.Postpaid)[0]
	w.use(c, "2026-05-03 10:00", "1.00", 60)
	w.clock("2026-06-01 08:00")
	var preview bill.Document
	w.Read(t, func(ctx context.Context, tx tenant.Tx) (err error) {
		preview, err = bill.Closer{}.Preview(ctx, tx, c.ID)
		return err
	})
	if preview.State != bill.Draft || preview.Number != "" {
		t.Errorf("a draft has no number: %s %q", preview.State, preview.Number)
	}
	w.run("2026-06-01", 5)
	if d := w.latest(c); shown(d) != shown(preview) || d.Total.Text() != preview.Total.Text() {
		t.Errorf("preview %s, bill %s", shown(preview), shown(d))
	}
}

func TestClose_creditIsAppliedByTheHook(t *testing.T) {
	t.Parallel()
	w := newWorld(t, account.Postpaid)
	c := w.connect(1, account.Postpaid)[0]
	w.Write(t, func(ctx context.Context, tx tenant.Tx) error {
		return ledger.Post(ctx, tx, w.event(ledger.Payment, uuid.Must(uuid.NewV7()), tx.At), []ledger.Transfer{{
			Debit: ledger.General(ledger.Bank), Credit: ledger.Of(ledger.CustomerCredit, c.ID), Amount: money.NewDecimal(20), Unit: "EUR", AccountID: c.ID,
		}})
	})
	w.clock("2026-06-01 08:00")
	var settled []uuid.UUID
	w.Write(t, func(ctx context.Context, tx tenant.Tx) error {
		run, err := bill.Start(ctx, tx, day("2026-06-01"))
		if err != nil {
			return err
		}
		closer := bill.Closer{Settle: func(_ context.Context, _ tenant.Tx, accounts []uuid.UUID) error {
			settled = append(settled, accounts...)
			return nil
		}}
		_, _, err = closer.CloseChunk(ctx, tx, run.ID, 10)
		return err
	})
	d := w.latest(c)
	if d.Total.Text() != "71.99" || d.PaidBefore.Text() != "20.00" || d.Due.Text() != "51.99" || len(settled) != 1 || settled[0] != c.ID {
		t.Errorf("total %s, paid %s, due %s, settled %v", d.Total, d.PaidBefore, d.Due, settled)
	}
}

// A run that was cut off in a chunk goes on where its last commit stands.
func TestRun_goesOnAfterACutOffChunk(t *testing.T) {
	t.Parallel()
	w := newWorld(t, account.Postpaid)
	w.connect(5, account.Postpaid)
	w.clock("2026-06-01 08:00")
	cut := errors.New("cut off")
	for i := range 3 {
		err := w.DB.Write(context.Background(), w.Ref, func(ctx context.Context, tx tenant.Tx) error {
			run, err := bill.Start(ctx, tx, day("2026-06-01"))
			if err != nil {
				return err
			}
			if _, _, err = (bill.Closer{}).CloseChunk(ctx, tx, run.ID, 2); err == nil && i != 1 {
				err = cut
			}
			return err
		})
		if i != 1 && !errors.Is(err, cut) {
			t.Fatal(err)
		}
	}
	if run := w.run("2026-06-01", 2); run.Done != 5 || run.Total != 5 {
		t.Errorf("run %+v", run)
	}
	w.Read(t, func(ctx context.Context, tx tenant.Tx) error {
		var numbers, last int
		err := tx.QueryRow(ctx, `select count(distinct number), max(series_no) from bill`).Scan(&numbers, &last)
		if numbers != 5 || last != 5 {
			t.Errorf("%d numbers up to %d", numbers, last)
		}
		return err
	})
	w.controlSums()
}

func TestRun_isSharedBySeveralWorkers(t *testing.T) {
	t.Parallel()
	w := newWorld(t, account.Postpaid)
	w.connect(60, account.Postpaid)
	w.clock("2026-06-01 08:00")
	var run bill.Run
	w.Write(t, func(ctx context.Context, tx tenant.Tx) (err error) {
		run, err = bill.Start(ctx, tx, day("2026-06-01"))
		return err
	})
	var group sync.WaitGroup
	for range 4 {
		group.Go(func() {
			for more := true; more; {
				err := w.DB.Write(context.Background(), w.Ref, func(ctx context.Context, tx tenant.Tx) (err error) {
					_, more, err = bill.Closer{}.CloseChunk(ctx, tx, run.ID, 7)
					return err
				})
				if err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	group.Wait()
	w.Read(t, func(ctx context.Context, tx tenant.Tx) error {
		got, err := bill.GetRun(ctx, tx, run.ID)
		if got.Done != 60 || got.Total != 60 || got.State != bill.Done {
			t.Errorf("run %+v", got)
		}
		return err
	})
	w.controlSums()
}

func TestStartDue_takesWhatHasEndedAndNoMore(t *testing.T) {
	t.Parallel()
	w := newWorld(t, account.Postpaid)
	w.connect(2, account.Postpaid)
	w.clock("2026-05-31 23:59")
	err := w.DB.Write(context.Background(), w.Ref, func(ctx context.Context, tx tenant.Tx) error {
		if runs, err := bill.StartDue(ctx, tx, calendar.Date{}, "clerk"); err != nil || len(runs) != 0 {
			t.Errorf("%d runs, %v", len(runs), err)
		}
		_, err := bill.StartDue(ctx, tx, day("2026-06-01"), "clerk")
		return err
	})
	if !errors.Is(err, bill.ErrCycleOpen) {
		t.Errorf("a day to come: %v", err)
	}
	w.clock("2026-06-01 00:00")
	w.Write(t, func(ctx context.Context, tx tenant.Tx) error {
		runs, err := bill.StartDue(ctx, tx, calendar.Date{}, "clerk")
		if err != nil || len(runs) != 1 || runs[0].Total != 2 || runs[0].State != bill.Running {
			t.Errorf("%+v, %v", runs, err)
		}
		next, err := agenda.Next(ctx, tx)
		if !next.Equal(tx.At) {
			t.Errorf("on the agenda at %s", next)
		}
		return err
	})
	if run := w.run("2026-06-01", 5); run.Done != 2 {
		t.Errorf("%+v", run)
	}
}
