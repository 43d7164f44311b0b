package report_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/google/uuid"
	"pgregory.net/rapid"

	"tollhouse/billing/account"
	"tollhouse/billing/bill"
	"tollhouse/billing/calendar"
	"tollhouse/billing/catalog"
	"tollhouse/billing/ledger"
	"tollhouse/billing/money"
	"tollhouse/billing/payment"
	"tollhouse/billing/report"
	"tollhouse/billing/report/sheet"
	"tollhouse/billing/tenant"
	"tollhouse/infra/postgres/pgtest"
)

func TestMain(m *testing.M) { pgtest.Main(m) }

const plan = `
code: flat
names: {en: Flat}
billing: postpaid
services: [internet]
currency: EUR
tax: {category: standard, included: true}
prices:
  recurring: [{code: monthly, names: {en: Monthly}, amount: "30.00", months: 1, timing: advance, prorate: day}]
`

// shop is an operator with one customer on the plan since 1 May.
func shop(t *testing.T) (w *pgtest.TenantDB, accountID uuid.UUID) {
	t.Helper()
	w = pgtest.Tenant(t)
	w.Write(t, func(ctx context.Context, tx tenant.Tx) error {
		offering, err := catalog.Parse([]byte(plan))
		if err != nil {
			return err
		}
		draft, err := catalog.SaveDraft(ctx, tx, offering)
		if err != nil {
			return err
		}
		published, err := catalog.Publish(ctx, tx, draft.ID, tx.At)
		if err != nil {
			return err
		}
		parties, err := account.AddParties(ctx, tx, []account.Party{{Kind: account.Individual, Name: "Ada", Address: account.Address{Street: "W 1", Postcode: "1", City: "H", Country: "DE"}}})
		if err != nil {
			return err
		}
		opened, err := account.Open(ctx, tx, []account.NewAccount{{PartyID: parties[0].ID, Kind: account.Postpaid}})
		if err != nil {
			return err
		}
		accountID = opened[0].ID
		made, err := account.Subscribe(ctx, tx, []account.NewSubscription{{AccountID: accountID, OfferingID: published.ID,
			Services: []account.NewService{{Kind: account.Internet, Identities: []account.Identity{{Kind: account.Login, Value: "ada@example"}}}}}})
		if err != nil {
			return err
		}
		return account.Activate(ctx, tx, made[0].ID)
	})
	return w, accountID
}

func closeCycle(t *testing.T, w *pgtest.TenantDB, end calendar.Date) {
	t.Helper()
	w.SetClock(t, end.Start(w.Zone).Add(2*time.Hour))
	w.Write(t, func(ctx context.Context, tx tenant.Tx) error {
		run, err := bill.Start(ctx, tx, end)
		if err != nil {
			return err
		}
		_, _, err = bill.Closer{Settle: func(ctx context.Context, tx tenant.Tx, accounts []uuid.UUID) error {
			return payment.ApplyCredit(ctx, tx, accounts...)
		}}.CloseChunk(ctx, tx, run.ID, 100)
		return err
	})
}

func day(text string) calendar.Date {
	d, err := calendar.ParseDate(text)
	if err != nil {
		panic(err)
	}
	return d
}

func read(t *testing.T, w *pgtest.TenantDB, name report.Name, from, to string) (table report.Table) {
	t.Helper()
	r, err := report.Find(name)
	if err != nil {
		t.Fatal(err)
	}
	w.Read(t, func(ctx context.Context, tx tenant.Tx) (err error) {
		terms := report.Terms{To: day(to)}
		if from != "" {
			terms.From = day(from)
		}
		table, err = r.Read(ctx, tx, terms, 1000)
		return err
	})
	return table
}

func column(t *testing.T, name report.Name, key string) int {
	t.Helper()
	r, _ := report.Find(name)
	for i, c := range r.Columns {
		if c.Key == key {
			return i
		}
	}
	t.Fatalf("no column %s", key)
	return 0
}

// find is the value of a column in the row where another one has a value.
func find(t *testing.T, table report.Table, name report.Name, where string, is any, key string) string {
	t.Helper()
	for _, row := range table.Rows {
		if fmt.Sprint(row[column(t, name, where)]) == fmt.Sprint(is) {
			return fmt.Sprint(row[column(t, name, key)])
		}
	}
	return "none"
}

func want(t *testing.T, what, got, want string) {
	t.Helper()
	if got != want {
		t.Errorf("%s is %s, want %s", what, got, want)
	}
}

// Two months in advance, one of them paid: 30.00 gross is 25.21 net and 4.79 tax.
func TestReports_ofTwoBilledMonths(t *testing.T) {
	t.Parallel()
	w, accountID := shop(t)
	closeCycle(t, w, day("2026-06-01")) // May and June are billed
	w.SetClock(t, time.Date(2026, 6, 10, 12, 0, 0, 0, w.Zone))
	w.Write(t, func(ctx context.Context, tx tenant.Tx) error {
		_, err := payment.Record(ctx, tx, payment.NewPayment{AccountID: accountID, Purpose: payment.PurposeBill, Method: payment.Bank,
			Amount: money.New(money.MustDecimal("35.00"), money.MustCurrency("EUR")), By: "user:x"})
		return err
	})
	closeCycle(t, w, day("2026-07-01"))

	trial := read(t, w, report.TrialBalance, "2026-06-01", "2026-06-30")
	sums := trial.Totals[0].Sums
	if !sums["debit"].Equal(sums["credit"]) || !sums["opening"].IsZero() || !sums["closing"].IsZero() {
		t.Errorf("trial balance %v", sums)
	}
	want(t, "receivable", find(t, trial, report.TrialBalance, "account", "Receivables", "closing"), "25")
	want(t, "bank", find(t, trial, report.TrialBalance, "account", "Bank", "debit"), "35")
	want(t, "tax", find(t, trial, report.TrialBalance, "account", "Tax payable", "closing"), "-9.58")

	vat := read(t, w, report.VAT, "2026-06-01", "2026-06-30")
	want(t, "base", find(t, vat, report.VAT, "source", "Bills", "base"), "50.42")
	want(t, "tax", find(t, vat, report.VAT, "source", "Bills", "tax"), "9.58")
	if len(vat.Rows) != 1 {
		t.Errorf("tax %v", vat.Rows)
	}

	months := read(t, w, report.Deferred, "2026-05-01", "2026-07-31")
	for _, row := range months.Rows {
		opening, added, earned, returned, closing := row[3].(money.Decimal), row[4].(money.Decimal), row[5].(money.Decimal), row[6].(money.Decimal), row[7].(money.Decimal)
		if !opening.Add(added).Sub(earned).Sub(returned).Equal(closing) {
			t.Errorf("deferred %v", row)
		}
	}
	var deferred money.Decimal
	w.Read(t, func(ctx context.Context, tx tenant.Tx) error {
		return tx.QueryRow(ctx, `select sum(deferred) from subscription`).Scan(&deferred)
	})
	if closing := months.Rows[len(months.Rows)-1][7].(money.Decimal); !closing.Equal(deferred) {
		t.Errorf("deferred %s, subscriptions say %s", closing, deferred)
	}

	// the first bill, of 1 June, is due on 15 June: 25.00 of it is open; the second on 15 July
	for on, buckets := range map[string][3]string{"2026-06-09": {"60", "0", "60"}, "2026-06-14": {"25", "0", "25"}, "2026-06-20": {"0", "25", "25"}, "2026-07-01": {"30", "25", "55"}} {
		age := read(t, w, report.Ageing, "", on)
		want(t, on+" not due", find(t, age, report.Ageing, "customer_name", "Ada", "not_due"), buckets[0])
		want(t, on+" to 30", find(t, age, report.Ageing, "customer_name", "Ada", "to_30"), buckets[1])
		want(t, on+" total", find(t, age, report.Ageing, "customer_name", "Ada", "total"), buckets[2])
	}
	var debit, credit money.Decimal
	journal := read(t, w, report.Journal, "2026-05-01", "2026-07-31")
	documents := map[string]bool{}
	for _, row := range journal.Rows {
		if d, is := row[9].(money.Decimal); is {
			debit = debit.Add(d)
		}
		if c, is := row[10].(money.Decimal); is {
			credit = credit.Add(c)
		}
		documents[fmt.Sprint(row[3])] = true
	}
	if debit.IsZero() || !debit.Equal(credit) || len(documents) < 3 {
		t.Errorf("journal: %s debit, %s credit, documents %v", debit, credit, documents)
	}
	byDay := read(t, w, report.JournalSummary, "2026-05-01", "2026-07-31")
	if s := byDay.Totals[0].Sums; !s["debit"].Equal(debit) || !s["credit"].Equal(debit) {
		t.Errorf("by day %v, by line %s", s, debit)
	}
}

func TestChart_ownNumbersStandInReports(t *testing.T) {
	t.Parallel()
	w, _ := shop(t)
	closeCycle(t, w, day("2026-06-01"))
	w.Write(t, func(ctx context.Context, tx tenant.Tx) error {
		return report.PutChart(ctx, tx, report.Chart{ledger.Receivable: {Number: "1400", Name: "Forderungen"}, ledger.Tax: {Number: "1776"}, ledger.Cash: {}})
	})
	trial := read(t, w, report.TrialBalance, "2026-06-01", "2026-06-30")
	want(t, "name", find(t, trial, report.TrialBalance, "account_no", "1400", "account"), "Forderungen")
	want(t, "name", find(t, trial, report.TrialBalance, "account_no", "1776", "account"), "Tax payable")
	for _, bad := range []report.Chart{{"pocket": {Number: "1"}}, {ledger.Cash: {Number: "=1"}}, {ledger.Cash: {Name: "x"}}} {
		var field *report.FieldError
		err := w.DB.Write(t.Context(), w.Ref, func(ctx context.Context, tx tenant.Tx) error { return report.PutChart(ctx, tx, bad) })
		if !errors.As(err, &field) {
			t.Errorf("%v: %v", bad, err)
		}
	}
}

func TestCloseDay_showsWhatComesAfter(t *testing.T) {
	t.Parallel()
	w, accountID := shop(t)
	closeCycle(t, w, day("2026-06-01"))
	try := func(d string) error {
		return w.DB.Write(t.Context(), w.Ref, func(ctx context.Context, tx tenant.Tx) error {
			_, err := report.CloseDay(ctx, tx, day(d), "", "user:x")
			return err
		})
	}
	if err := try("2026-06-01"); !errors.Is(err, report.ErrDayOpen) {
		t.Errorf("a day that is not over: %v", err)
	}
	w.SetClock(t, time.Date(2026, 6, 2, 8, 0, 0, 0, w.Zone))
	if err := try("2026-06-01"); err != nil {
		t.Fatal(err)
	}
	if err := try("2026-06-01"); !errors.Is(err, report.ErrDayClosed) {
		t.Errorf("a second time: %v", err)
	}
	var d report.DayClose
	look := func() {
		w.Read(t, func(ctx context.Context, tx tenant.Tx) (err error) {
			d, err = report.GetDay(ctx, tx, day("2026-06-01"))
			return err
		})
	}
	if look(); len(d.After) != 0 || !d.Sound() || len(d.Sums) == 0 {
		t.Errorf("%+v", d)
	}
	signed := len(d.Sums)
	w.Write(t, func(ctx context.Context, tx tenant.Tx) error { // received yesterday, booked today
		_, err := payment.Record(ctx, tx, payment.NewPayment{AccountID: accountID, Purpose: payment.PurposeBill, Method: payment.Cash, By: "user:x",
			Amount: money.New(money.MustDecimal("5.00"), money.MustCurrency("EUR"))})
		if err != nil {
			return err
		}
		a, err := account.Get(ctx, tx, accountID)
		if err != nil {
			return err
		}
		return ledger.Post(ctx, tx, ledger.Event{Kind: ledger.Usage, ID: uuid.Must(uuid.NewV7()), At: time.Date(2026, 6, 1, 23, 0, 0, 0, w.Zone), LegalEntity: a.LegalEntity, Branch: a.Branch},
			[]ledger.Transfer{{Debit: ledger.Of(ledger.Unbilled, a.ID), Credit: ledger.General(ledger.Revenue), Amount: money.MustDecimal("7"), Unit: "EUR", AccountID: a.ID}})
	})
	if look(); len(d.After) != 2 || len(d.Sums) != signed {
		t.Errorf("after the close: %+v", d.After)
	}
	for _, s := range d.After {
		if !s.Debit.Add(s.Credit).Equal(money.MustDecimal("7")) {
			t.Errorf("%+v", s)
		}
	}
	// books that differ are signed off with a note only
	if _, err := w.Admin.Exec(t.Context(), `update `+w.Ref.Slot.Schema()+`.billing_account set receivable = receivable + 1`); err != nil {
		t.Fatal(err)
	}
	w.SetClock(t, time.Date(2026, 6, 3, 8, 0, 0, 0, w.Zone))
	if err := try("2026-06-02"); !errors.Is(err, report.ErrDayUnsure) {
		t.Errorf("books that differ: %v", err)
	}
}

// Whatever is posted: debits equal credits, opening and movement make closing,
// with and without snapshots, for any span.
func TestTrialBalance_alwaysBalances(t *testing.T) {
	t.Parallel()
	w, accountID := shop(t)
	var a account.Account
	w.Read(t, func(ctx context.Context, tx tenant.Tx) (err error) {
		a, err = account.Get(ctx, tx, accountID)
		return err
	})
	kinds := []ledger.Account{ledger.General(ledger.Bank), ledger.General(ledger.Cash), ledger.General(ledger.Revenue), ledger.General(ledger.Tax), ledger.Of(ledger.Receivable, a.ID),
		ledger.Of(ledger.Unbilled, a.ID), ledger.General(ledger.WriteOff)}
	rapid.Check(t, func(r *rapid.T) {
		n := rapid.IntRange(1, 12).Draw(r, "transfers")
		w.Write(t, func(ctx context.Context, tx tenant.Tx) error {
			var postings []ledger.Posting
			for range n {
				debit := rapid.IntRange(0, len(kinds)-1).Draw(r, "debit")
				credit := (debit + rapid.IntRange(1, len(kinds)-1).Draw(r, "credit")) % len(kinds)
				amount := money.DecimalOf(rapid.Int64Range(1, 1e12).Draw(r, "amount"), 9)
				at := tx.At.AddDate(0, 0, -rapid.IntRange(0, 100).Draw(r, "days"))
				postings = append(postings, ledger.Posting{Event: ledger.Event{Kind: ledger.Payment, ID: uuid.Must(uuid.NewV7()), At: at, LegalEntity: a.LegalEntity, Branch: a.Branch},
					Transfers: []ledger.Transfer{{Debit: kinds[debit], Credit: kinds[credit], Amount: amount, Unit: "EUR", AccountID: a.ID}}})
			}
			return ledger.PostMany(ctx, tx, postings)
		})
		if rapid.Bool().Draw(r, "snapshot") {
			mark, err := w.DB.Mark(t.Context())
			if err != nil {
				r.Fatal(err)
			}
			mark.WallAt = mark.WallAt.Add(time.Minute)
			for more := true; more; {
				w.Write(t, func(ctx context.Context, tx tenant.Tx) (err error) {
					more, err = ledger.Snap(ctx, tx, mark)
					return err
				})
			}
		}
		from := day("2026-01-01").AddDays(rapid.IntRange(0, 150).Draw(r, "from"))
		to := from.AddDays(rapid.IntRange(0, 60).Draw(r, "span"))
		table := read(t, w, report.TrialBalance, from.String(), to.String())
		for _, row := range table.Rows {
			if opening, debit, credit, closing := row[5].(money.Decimal), row[6].(money.Decimal), row[7].(money.Decimal), row[8].(money.Decimal); !opening.Add(debit).Sub(credit).Equal(closing) {
				r.Fatalf("%v", row)
			}
		}
		for _, s := range table.Totals {
			if !s.Sums["debit"].Equal(s.Sums["credit"]) || !s.Sums["opening"].IsZero() || !s.Sums["closing"].IsZero() {
				r.Fatalf("%v", s)
			}
		}
	})
}

func TestWords_ofEveryReportAndColumn(t *testing.T) {
	t.Parallel()
	for _, r := range report.All() {
		for _, key := range []string{"report." + string(r.Name), "about." + string(r.Name)} {
			if report.Word("en", key) == string(r.Name) || report.Word("ru", key) == "" {
				t.Errorf("no words for %s", key)
			}
		}
		for _, c := range r.Columns {
			if report.Word("id", "col."+c.Key) == c.Key {
				t.Errorf("no words for column %s", c.Key)
			}
		}
	}
	for _, line := range report.Lines {
		if report.Word("en", "kind."+string(line)) == string(line) {
			t.Errorf("no words for %s", line)
		}
	}
	var _ sheet.Cell
}
