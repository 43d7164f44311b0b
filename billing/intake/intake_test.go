package intake_test

import (
	"context"
	"errors"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"tollhouse/billing/account"
	"tollhouse/billing/bill"
	"tollhouse/billing/calendar"
	"tollhouse/billing/intake"
	"tollhouse/billing/money"
	"tollhouse/billing/payment"
	"tollhouse/billing/tenant"
)

func said(t testing.TB, open, euros string) intake.Totals {
	t.Helper()
	return intake.Totals{
		Counts:    map[intake.Kind]int{intake.Subscribers: 30, intake.Services: 32},
		OpenItems: map[string]money.Decimal{"EUR": money.MustDecimal(open)},
		Money:     map[string]money.Decimal{"EUR": money.MustDecimal(euros)},
		Units:     map[money.Unit]money.Decimal{money.Byte: money.MustDecimal("531098000000"), money.Second: money.MustDecimal("64740")},
	}
}

// The sample operator, from files to a running one and back.
func TestBatch_sampleOperator(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	b := w.batch(samples(t), func(n *intake.NewBatch) { n.Expected = said(t, "438.99", "164.32") })
	checked := w.clean(b.ID)
	if checked.Totals.OpenItems["EUR"].String() != "438.99" || checked.Accounts != 30 {
		t.Errorf("totals %+v", checked.Totals)
	}
	if n := w.text(`select count(*)::text from billing_account`); n != "0" {
		t.Errorf("the dry run made %s accounts", n)
	}
	if got := w.commit(b.ID); got.State != intake.Committing {
		t.Fatalf("%+v", got)
	}
	w.work()
	if got := w.get(b.ID); got.State != intake.Committed || got.Done != 30 {
		t.Fatalf("%+v", got)
	}
	want := map[string]string{
		"receivable EUR": "438.99", "prepaid EUR": "-164.32", "opening EUR": "-274.67",
		"unit_bucket byte": "-531098000000", "unit_issued byte": "531098000000", "unit_bucket second": "-64740", "unit_issued second": "64740",
	}
	if got := w.sums(); !maps.Equal(got, want) {
		t.Errorf("trial balance %v, want %v", got, want)
	}
	w.sampleIsThere()
	if err := w.undo(b.ID); err != nil {
		t.Fatal(err)
	}
	if got := w.sums(); len(got) != 0 {
		t.Errorf("after undoing: %v", got)
	}
	for _, table := range []string{"party", "billing_account", "subscription", "service", "service_identity", "bucket", "open_item", "product_order",
		"payment_method", "subscription_discount", "imported_document", "intake_account"} {
		if n := w.text(`select count(*)::text from ` + table); n != "0" {
			t.Errorf("%s rows of %s are left", n, table)
		}
	}
	again := w.batch(samples(t))
	w.clean(again.ID)
	w.commit(again.ID)
	w.work()
	if got := w.get(again.ID); got.State != intake.Committed {
		t.Errorf("the second time: %+v", got)
	}
	w.sums()
}

func day(t testing.TB, text string) calendar.Date {
	t.Helper()
	d, err := calendar.ParseDate(text)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// sampleIsThere looks at some of what the samples say.
func (w *world) sampleIsThere() {
	w.t.Helper()
	t := w.t
	w.Read(t, func(ctx context.Context, tx tenant.Tx) error {
		a, err := account.ByNumber(ctx, tx, "KF-10104")
		if err != nil {
			return err
		}
		if a.Cycle.To != day(t, "2026-06-01") || a.Anchor != day(t, "2024-01-01") {
			t.Errorf("cycle %v from anchor %v", a.Cycle, a.Anchor)
		}
		held, err := account.Subscriptions(ctx, tx, a.ID)
		if err != nil || len(held) != 1 {
			t.Fatalf("%v %v", held, err)
		}
		s := held[0]
		if s.State != account.SubscriptionActive || s.Term.Until == nil || *s.Term.Until != day(t, "2028-01-01") || s.Term.TerminationFee.String() != "240" ||
			*s.ChargedThrough != a.Cycle.To || !s.SetupCharged {
			t.Errorf("subscription %+v", s)
		}
		discounts, err := account.Discounts(ctx, tx, s.ID)
		if err != nil || len(discounts[s.ID]) != 2 || discounts[s.ID][1].Words() != "Welcome discount" || *discounts[s.ID][1].CyclesLeft != 8 {
			t.Errorf("discounts %+v, %v", discounts, err)
		}
		password, err := w.desk.Secret(ctx, tx, s.ID, "internet.password")
		if err != nil || password != "Watt-131679-Meer" {
			t.Errorf("password %q, %v", password, err)
		}
		service, err := account.ServiceAt(ctx, tx, account.Identity{Kind: account.Login, Value: "kf10104"}, tx.At)
		if err != nil || service != s.Services[0].ID && service != s.Services[1].ID {
			t.Errorf("login: %v, %v", service, err)
		}
		first, err := account.ByNumber(ctx, tx, "KF-10100")
		if err != nil {
			return err
		}
		items, err := payment.OpenItems(ctx, tx, first.ID)
		if err != nil || len(items) != 2 || items[0].Number != "R-2026-3912" || items[0].Open.Text() != "4.50" || items[0].DueDate != day(t, "2026-04-03") {
			t.Errorf("open items %+v, %v", items, err)
		}
		methods, err := payment.Methods(ctx, tx, first.ID)
		if err != nil || len(methods) != 1 || methods[0].MandateReference != "KF-M-7000" {
			t.Errorf("methods %+v, %v", methods, err)
		}
		documents, err := bill.ImportedDocuments(ctx, tx, first.ID, calendar.Date{}, 10)
		if err != nil || len(documents) != 2 || documents[0].Number != "R-2026-4400" {
			t.Fatalf("documents %+v, %v", documents, err)
		}
		pdf, err := bill.GetImported(ctx, tx, documents[0].ID)
		if err != nil || !strings.HasPrefix(string(pdf.Content), "%PDF-") || int64(len(pdf.Content)) != documents[0].SizeBytes {
			t.Errorf("PDF of %d bytes, %v", len(pdf.Content), err)
		}
		return nil
	})
	if got := w.text(`select string_agg(document || ' ' || next, ', ' order by document) from number_series`); got != "bill 4471, statement 812" {
		t.Errorf("series %s", got)
	}
	if got := w.text(`select count(*)::text from notice where body like '%set-password?token=%'`); got != "8" {
		t.Errorf("%s invitations", got)
	}
	if got := w.text(`select count(*)::text from subscription where state = 'suspended'`); got != "1" {
		t.Errorf("%s suspended", got)
	}
	if strings.Contains(w.text(`select string_agg(facts::text, ' ') from product_order`), "Watt-") ||
		strings.Contains(w.text(`select string_agg(encode(sealed, 'escape'), ' ') from intake_file`), "Watt-") {
		t.Error("a password stands in clear")
	}
}

// The same files as another system's spreadsheet writes them.
func TestCheck_readsOtherHabits(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	all := samples(t)
	for kind, text := range all {
		if kind != intake.Archive {
			all[kind] = "\ufeff" + strings.ReplaceAll(strings.ReplaceAll(text, ",", ";"), "\n", "\r\n")
		}
	}
	b := w.clean(w.batch(all, func(n *intake.NewBatch) { n.Expected = said(t, "438.99", "164.32") }).ID)
	if b.Totals.Counts[intake.Buckets] != 54 {
		t.Errorf("%+v", b.Totals)
	}
}

// Once something has happened, undoing is refused with the account's number.
func TestUndo_untilTheFirstCharge(t *testing.T) {
	t.Parallel()
	for name, happens := range map[string]func(context.Context, tenant.Tx, account.Account) error{
		"payment": func(ctx context.Context, tx tenant.Tx, a account.Account) error {
			_, err := payment.Record(ctx, tx, payment.NewPayment{AccountID: a.ID, Purpose: payment.PurposeBill, Method: payment.Cash,
				Amount: money.New(money.MustDecimal("1.00"), a.Currency), By: "clerk"})
			return err
		},
		"charge": func(ctx context.Context, tx tenant.Tx, a account.Account) error {
			_, err := tx.Exec(ctx, `insert into charge (period, id, kind, account_id, subscription_id, offering_id, cycle_start, at, rated_at, line_code,
					quantity, unit, price, net, currency, tax_category)
				select '2026-05-01', s.id, 'usage', s.account_id, s.id, s.offering_id, $2, $3, $3, 'x', 1, 'event', 0, 0, 'EUR', 'standard'
				from subscription s where s.account_id = $1 limit 1`, a.ID, a.Cycle.From, tx.At)
			return err
		},
	} {
		w := newWorld(t)
		b := w.batch(samples(t))
		w.clean(b.ID)
		w.commit(b.ID)
		w.work()
		w.Write(t, func(ctx context.Context, tx tenant.Tx) error {
			a, err := account.ByNumber(ctx, tx, "KF-10101")
			if err != nil {
				return err
			}
			return happens(ctx, tx, a)
		})
		before := w.sums()
		var refused *intake.HappenedError
		if err := w.undo(b.ID); !errors.As(err, &refused) || refused.Account != "KF-10101" || refused.What != name {
			t.Errorf("%s: %v", name, err)
		}
		if got := w.sums(); !maps.Equal(got, before) || w.get(b.ID).State != intake.Committed {
			t.Errorf("%s: a refused undo changed %v to %v", name, before, got)
		}
	}
}

// An imported subscription's bill is what the old system left to bill.
func TestCommit_nextBillGoesOnWhereTheOldSystemStood(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	b := w.batch(samples(t))
	w.clean(b.ID)
	w.commit(b.ID)
	w.work()
	w.SetClock(t, time.Date(2026, 6, 1, 3, 0, 0, 0, w.Zone))
	var run bill.Run
	w.Write(t, func(ctx context.Context, tx tenant.Tx) (err error) {
		run, err = bill.Start(ctx, tx, day(t, "2026-06-01"))
		return err
	})
	for more := true; more; {
		w.Write(t, func(ctx context.Context, tx tenant.Tx) (err error) {
			_, more, err = bill.Closer{}.CloseChunk(ctx, tx, run.ID, 100)
			return err
		})
	}
	w.sums()
	w.Read(t, func(ctx context.Context, tx tenant.Tx) error {
		for number, want := range map[string]string{
			"KF-10100": "47.89", // Flex for June, 12.99, and Home for May, 34.90
			"KF-10104": "21.17", // Home for May, 34.90, less a quarter and then 5.00
		} {
			a, err := account.ByNumber(ctx, tx, number)
			if err != nil {
				return err
			}
			page, err := bill.List(ctx, tx, a.ID, bill.Cursor{}, 1)
			if err != nil || len(page.Bills) != 1 {
				t.Fatalf("%s: %v %v", number, page, err)
			}
			if got := page.Bills[0]; got.Total.Text() != want || !strings.HasPrefix(got.Number, "TO-2026/0044") {
				t.Errorf("%s: bill %s of %s, want %s", number, got.Number, got.Total.Text(), want)
			}
		}
		return nil
	})
	if err := w.undo(b.ID); !errors.Is(err, intake.ErrHappened) {
		t.Errorf("undone after bills: %v", err)
	}
}

// Services that lack facts become orders for the desk, if that is asked for.
func TestBatch_pendingOrders(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	all := samples(t)
	all[intake.Services] = strings.Replace(all[intake.Services], ",HWTC4A001003,", ",,", 1)
	b := w.batch(all)
	if checked, found := w.check(b.ID); checked.Errors != 1 || found[0].Column != "ont" || found[0].Line != 4 || found[0].Code != intake.Missing {
		t.Fatalf("%+v %v", checked, found)
	}
	delete(all, intake.Buckets)
	b = w.batch(all, func(n *intake.NewBatch) { n.PendingOrders = true })
	if checked := w.clean(b.ID); checked.Pending != 1 {
		t.Fatalf("%+v", checked)
	}
	w.commit(b.ID)
	w.work()
	w.Write(t, func(ctx context.Context, tx tenant.Tx) error {
		orders, err := w.desk.List(ctx, tx, "acknowledged", [16]byte{}, 10)
		if err != nil || len(orders) != 1 {
			t.Fatalf("orders %v, %v", orders, err)
		}
		missing, err := w.desk.Missing(ctx, tx, orders[0].ID)
		if err != nil || len(missing) != 1 || missing[0].Field != "internet.ont" {
			t.Fatalf("missing %v, %v", missing, err)
		}
		if _, err := w.desk.Supply(ctx, tx, orders[0].ID, map[string]string{"internet.ont": "HWTC4A001003"}); err != nil {
			return err
		}
		done, err := w.desk.Activate(ctx, tx, orders[0].ID)
		if err != nil {
			return err
		}
		password, err := w.desk.Secret(ctx, tx, *done[0].SubscriptionID, "internet.password")
		if password != "Watt-107922-Meer" {
			t.Errorf("password %q", password)
		}
		return err
	})
	w.sums()
}

// What is offered is documented, and what is documented is offered.
func TestColumns_samplesUseThem(t *testing.T) {
	t.Parallel()
	for kind, text := range samples(t) {
		if kind == intake.Archive {
			continue
		}
		known := []string{"identity_number"} // a fact that a sample offering asks for
		for _, c := range intake.Columns(kind) {
			known = append(known, c.Name)
			if c.Want == "" {
				t.Errorf("%s.%s is not told", kind, c.Name)
			}
		}
		header, _, _ := strings.Cut(text, "\n")
		for _, name := range strings.Split(header, ",") {
			if !slices.Contains(known, name) {
				t.Errorf("%s has a column %s", kind, name)
			}
		}
	}
}
