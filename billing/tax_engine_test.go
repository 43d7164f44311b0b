package billing

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"

	"github.com/google/uuid"

	"tollhouse/billing/bill"
	"tollhouse/billing/calendar"
	"tollhouse/billing/money"
	"tollhouse/billing/tax"
	"tollhouse/billing/tenant"
)

// engine taxes each line at 6.25 % for the state and 2 % for the city, each
// rounded alone. It refuses some customers, or answers nobody.
type engine struct {
	t       *testing.T
	mu      sync.Mutex
	asked   map[uuid.UUID]int
	refuses map[string]bool
	dead    bool
}

func (e *engine) Quote(_ context.Context, settings tax.EngineSettings, s tax.Sale) (q tax.Quote, err error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	key, err := s.Key()
	if err != nil {
		return q, err
	}
	if e.asked == nil {
		e.asked = map[uuid.UUID]int{}
	}
	e.asked[key]++
	switch {
	case settings.Company != "ACME":
		e.t.Errorf("asked for %q", settings.Company)
	case e.dead:
		return q, tax.ErrEngineUnavailable
	case e.refuses[s.Customer]:
		return q, tax.ErrEngineRefused
	}
	q.Reference = "q-" + key.String()[:8]
	for _, l := range s.Lines {
		line := tax.QuotedLine{No: l.No}
		for _, one := range [][3]string{{"US-TX", "Texas sales tax", "6.25"}, {"US-TX-AUSTIN", "Austin sales tax", "2"}} {
			percent := money.MustDecimal(one[2])
			amount, err := l.Amount.MulDiv(percent, money.NewDecimal(100), 2, money.HalfAwayFromZero)
			if err != nil {
				return q, err
			}
			line.Taxes = append(line.Taxes, tax.QuotedTax{Jurisdiction: one[0], Name: one[1], Percent: percent, Base: l.Amount, Amount: amount})
		}
		q.Lines = append(q.Lines, line)
	}
	return q, nil
}

func (e *engine) times() (n int) {
	e.mu.Lock()
	defer e.mu.Unlock()
	for _, asked := range e.asked {
		n += asked
	}
	return n
}

// withEngine is a world whose prices are without tax and whose bills an engine
// taxes.
func withEngine(t *testing.T) (*world, *engine) {
	t.Helper()
	w, e := newWorld(t), &engine{t: t, refuses: map[string]bool{}}
	if _, err := w.Admin.Exec(t.Context(), `update `+w.TenantDB.Ref.Slot.Schema()+`.operator set prices_include_tax = false`); err != nil {
		t.Fatal(err)
	}
	w.host.config.TaxEngine = e
	w.publish(strings.Replace(feePlan("us", "postpaid", "31.00", ""), "included: true", "included: false", 1))
	w.write(func(ctx context.Context, tx tenant.Tx) error {
		return w.PutTaxEngine(ctx, tx, &tax.EngineSettings{Title: "Acme Tax", BaseURL: "https://tax.example/v1", Company: "ACME", Key: "secret-key"})
	})
	return w, e
}

// 31.00 and its next month's 31.00 in advance: 1.94 for the state and 0.62 for
// the city each.
func TestTaxEngine_billHasWhatItAnswered(t *testing.T) {
	t.Parallel()
	w, e := withEngine(t)
	c := w.connect("us")
	w.advance(w.day("2026-06-02"))
	got := w.text(`select trim_scale(net)::text || ' ' || trim_scale(tax)::text || ' ' || trim_scale(total)::text from bill where account_id = $1`, c.ID)
	if got != "62 5.12 67.12" {
		t.Errorf("the bill: %s", got)
	}
	got = w.text(`select string_agg(x.levy || ' ' || trim_scale(x.percent)::text || ' ' || trim_scale(x.base)::text || ' ' || trim_scale(x.tax)::text, ', ' order by x.position)
		from bill_tax x join bill b on b.id = x.bill_id where b.account_id = $1`, c.ID)
	if got != "US-TX 6.25 62 3.88, US-TX-AUSTIN 2 62 1.24" {
		t.Errorf("its taxes: %s", got)
	}
	var d bill.Document
	w.read(func(ctx context.Context, tx tenant.Tx) error {
		page, err := bill.List(ctx, tx, c.ID, bill.Cursor{}, 1)
		if err != nil {
			return err
		}
		d, err = bill.GetDocument(ctx, tx, page.Bills[0].ID)
		return err
	})
	if d.Quote == nil || d.Quote.Engine != "Acme Tax" || len(d.Quote.Lines) != 2 || d.Quote.Lines[0].Taxes[0].Amount.String() != "1.94" {
		t.Errorf("the document does not keep the answer: %+v", d.Quote)
	}
	if got := w.text(`select count(*)::text from tax_quote`); got != "0" {
		t.Errorf("%s answers are left over", got)
	}
	asked := e.times()
	w.work()
	if e.times() != asked {
		t.Error("a run that is done asks again")
	}
	if err := w.sums(); err != nil {
		t.Error(err)
	}
	// A credit note takes its part of what the engine answered, and asks nobody.
	err := w.Stack.Write(t.Context(), func(ctx context.Context, tx tenant.Tx) error {
		_, err := bill.Credit(ctx, tx, bill.NewCredit{BillID: d.ID, Lines: []bill.CreditLine{{No: d.Lines[0].No}}, Reason: "goodwill", By: "clerk"})
		return err
	})
	if got := w.text(`select coalesce(max(trim_scale(tax)::text), '') from bill where kind = 'credit_note'`); err != nil || got != "2.56" || e.times() != asked {
		t.Errorf("the credit note's tax is %s, %v, asked %d times", got, err, e.times()-asked)
	}
	// A debit note asks before it is written, outside its transaction.
	err = w.Stack.Write(t.Context(), func(ctx context.Context, tx tenant.Tx) error {
		_, err := bill.Debit(ctx, tx, bill.NewDebit{BillID: d.ID, Lines: []bill.DebitLine{{No: d.Lines[0].No, Amount: euro("10.00")}}, Reason: "forgotten", By: "clerk"})
		return err
	})
	if got := w.text(`select coalesce(max(trim_scale(total)::text), '') from bill where kind = 'debit_note'`); err != nil || got != "10.83" || e.times() != asked+1 {
		t.Errorf("the debit note's total is %s, %v", got, err)
	}
	if err := w.sums(); err != nil {
		t.Error(err)
	}
}

// Whom the engine refuses is on the run's list of failures, and the rest is
// closed; a retry asks again, and the numbers have no gap.
func TestTaxEngine_failureIsTheAccountsAlone(t *testing.T) {
	t.Parallel()
	w, e := withEngine(t)
	var all []customer
	for range 5 {
		all = append(all, w.connect("us"))
	}
	e.refuses[all[2].Number] = true
	w.advance(w.day("2026-06-02"))
	if got := w.text(`select count(*)::text || ' ' || max(series_no)::text from bill`); got != "4 4" {
		t.Errorf("closed: %s", got)
	}
	var run bill.Run
	var failures []bill.Failure
	look := func() {
		w.read(func(ctx context.Context, tx tenant.Tx) error {
			runs, err := bill.Runs(ctx, tx, 1)
			if err != nil {
				return err
			}
			run = runs[0]
			failures, err = bill.Failures(ctx, tx, run.ID, 10)
			return err
		})
	}
	look()
	if len(failures) != 1 || failures[0].AccountID != all[2].ID || !strings.Contains(failures[0].Reason, tax.ErrEngineRefused.Error()) || run.State != bill.Done {
		t.Fatalf("%+v, %+v", run, failures)
	}
	delete(e.refuses, all[2].Number)
	w.write(func(ctx context.Context, tx tenant.Tx) error {
		if _, err := bill.Retry(ctx, tx, run.ID); err != nil {
			return err
		}
		return bill.Again(ctx, tx, run)
	})
	w.work()
	look()
	if got := w.text(`select count(*)::text || ' ' || max(series_no)::text from bill`); got != "5 5" || len(failures) != 0 || run.State != bill.Done {
		t.Errorf("after the retry: %s, %+v", got, failures)
	}
	if err := w.sums(); err != nil {
		t.Error(err)
	}
}

// An engine that is down is not asked by all: a few questions without an answer
// are enough, and everybody is on the list.
func TestTaxEngine_deadEngineIsAskedAFewTimesOnly(t *testing.T) {
	t.Parallel()
	w, e := withEngine(t)
	e.dead = true
	for range 40 {
		w.connect("us")
	}
	w.advance(w.day("2026-06-02"))
	if got := w.text(`select count(*)::text from bill_run_failure where resolved_at is null`); got != "40" {
		t.Errorf("%s failed", got)
	}
	if n := e.times(); n > silentAtMost+askedAtOnce {
		t.Errorf("asked %d times", n)
	}
	if got := w.text(`select count(*)::text from bill`); got != "0" {
		t.Errorf("%s bills", got)
	}
}

// A preview asks what has not been asked, and the run takes the same answer.
func TestTaxEngine_previewIsWhatTheRunTakes(t *testing.T) {
	t.Parallel()
	w, e := withEngine(t)
	c, refused := w.connect("us"), w.connect("us")
	e.refuses[refused.Number] = true
	w.advance(w.day("2026-05-20"))
	list, err := w.Previews(t.Context(), func(ctx context.Context, tx tenant.Tx) ([]uuid.UUID, error) {
		return bill.DueAccounts(ctx, tx, mustDay("2026-06-01"), uuid.Nil, 10)
	})
	if err != nil || len(list) != 2 {
		t.Fatalf("%+v, %v", list, err)
	}
	for _, p := range list {
		if p.AccountID == c.ID && (p.Err != nil || p.Document.Tax.Text() != "5.12") {
			t.Errorf("%+v", p)
		}
		if p.AccountID == refused.ID && !errors.Is(p.Err, tax.ErrEngineRefused) {
			t.Errorf("refused: %v", p.Err)
		}
	}
	asked := e.times()
	delete(e.refuses, refused.Number)
	w.advance(w.day("2026-06-02"))
	if e.times() != asked+1 {
		t.Errorf("the run asked %d times, for one that had no answer", e.times()-asked)
	}
}

func mustDay(text string) calendar.Date {
	d, err := calendar.ParseDate(text)
	if err != nil {
		panic(err)
	}
	return d
}

// An engine adds tax to a price, so an operator whose prices include it cannot
// choose one.
func TestTaxEngine_goesWithExclusivePricesOnly(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	err := w.Stack.Write(t.Context(), func(ctx context.Context, tx tenant.Tx) error {
		return w.PutTaxEngine(ctx, tx, &tax.EngineSettings{Title: "Acme Tax", BaseURL: "https://tax.example/v1", Company: "ACME", Key: "secret-key"})
	})
	if !errors.Is(err, tax.ErrEngineBasis) {
		t.Errorf("%v", err)
	}
}
