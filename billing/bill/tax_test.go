package bill_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"image"
	"image/png"
	"strings"
	"testing"

	"github.com/google/uuid"

	"tollhouse/billing/account"
	"tollhouse/billing/bill"
	"tollhouse/billing/calendar"
	"tollhouse/billing/ledger"
	"tollhouse/billing/money"
	"tollhouse/billing/tax"
	"tollhouse/billing/tenant"
)

// taxed is a document's lines as "code period net+tax".
func taxed(d bill.Document) string {
	var lines []string
	for _, l := range d.Lines {
		lines = append(lines, fmt.Sprintf("%s %s–%s %s+%s", l.Code, l.Period.From, l.Period.To, l.Net.Text(), l.Tax.Text()))
	}
	return strings.Join(lines, "; ")
}

// raise ends the 19 % before a day and lets 25 % begin on it.
func (w *world) raise(on string) {
	w.t.Helper()
	w.Write(w.t, func(ctx context.Context, tx tenant.Tx) error {
		if err := tax.End(ctx, tx, "standard", "", day(on)); err != nil {
			return err
		}
		return tax.Add(ctx, tx, tax.Rate{Category: "standard", Name: "VAT", Percent: money.NewDecimal(25), From: day(on)})
	})
}

// A and C: a rate change inside a period splits it. 31.00 for May's 31 days are
// 10.00 at 19 % and 21.00 at 25 %; usage is taxed by its own day.
func TestClose_rateChangeInsideAPeriodSplitsIt(t *testing.T) {
	t.Parallel()
	w := newWorld(t, account.Postpaid)
	w.clock("2026-05-01 00:00")
	c := w.connect(1, account.Postpaid)[0]
	w.raise("2026-05-11")
	w.clock("2026-05-20 12:00")
	w.use(c, "2026-05-10 23:59", "1.19", 60)
	w.use(c, "2026-05-11 00:00", "1.25", 60)
	w.use(c, "2026-05-12 00:00", "1.25", 60)
	w.clock("2026-06-01 00:00")
	w.run("2026-06-01", 10)
	may := w.latest(c)
	want := "fee 2026-05-01–2026-05-11 8.40+1.60; fee 2026-05-11–2026-06-01 16.80+4.20; fee 2026-06-01–2026-07-01 24.80+6.20; setup 0000-00-00–0000-00-00 7.99+2.00; " +
		"calls 2026-05-01–2026-05-11 1.00+0.19; calls 2026-05-11–2026-06-01 2.00+0.50"
	got := strings.ReplaceAll(taxed(may), calendar.Date{}.String(), "0000-00-00")
	if got != want {
		t.Errorf("lines\n%s, want\n%s", got, want)
	}
	if len(may.Taxes) != 2 || may.Total.Text() != "75.68" {
		t.Errorf("taxes %+v, total %s", may.Taxes, may.Total)
	}
	w.controlSums()
	// the June fee, charged ahead, is earned by the end of June, to nothing left
	w.clock("2026-07-01 00:00")
	w.run("2026-07-01", 10)
	w.controlSums()
}

// A fee in advance over a change that is known when it is charged, and earned
// over two closings, leaves nothing deferred that is not for days to come.
func TestClose_advanceFeeOverARateChangeIsEarnedByDays(t *testing.T) {
	t.Parallel()
	w := newWorld(t, account.Postpaid)
	w.clock("2026-05-01 00:00")
	c := w.connect(1, account.Postpaid)[0]
	w.raise("2026-06-11")
	for _, end := range []string{"2026-06-01", "2026-07-01", "2026-08-01"} {
		w.clock(end + " 00:00")
		w.run(end, 10)
		w.controlSums()
	}
	var deferred money.Decimal
	w.Read(t, func(ctx context.Context, tx tenant.Tx) error {
		return tx.QueryRow(ctx, `select deferred from subscription where id = $1`, c.subscription).Scan(&deferred)
	})
	if deferred.String() != "24.8" { // August's, 31.00 / 1.25
		t.Errorf("deferred %s", deferred)
	}
}

func (w *world) status(c connected) {
	w.t.Helper()
	w.Write(w.t, func(ctx context.Context, tx tenant.Tx) error {
		acc, err := account.Get(ctx, tx, c.ID)
		if err != nil {
			return err
		}
		p, err := account.GetParty(ctx, tx, acc.PartyID)
		if err != nil {
			return err
		}
		p.Kind, p.Name, p.TaxID, p.Address.Country = account.Organization, "Dupont SARL", "FR40303265045", "FR"
		return account.PutParty(ctx, tx, p)
	})
}

// A and C: reverse charge is VAT 0 with its reason; the printed price is the
// net, and the ledger has no tax of it.
func TestClose_reverseCharge(t *testing.T) {
	t.Parallel()
	w := newWorld(t, account.Postpaid)
	w.clock("2026-05-01 00:00")
	c := w.connect(1, account.Postpaid)[0]
	w.status(c)
	w.Write(t, func(ctx context.Context, tx tenant.Tx) error {
		_, err := tax.PutRules(ctx, tx, tax.UsualRules("DE"))
		return err
	})
	w.clock("2026-06-01 00:00")
	w.run("2026-06-01", 10)
	may := w.latest(c)
	if may.Tax.Sign() != 0 || may.Total.Text() != "60.50" || may.Lines[0].Price.Text() != "26.05" { // 71.99 / 1.19
		t.Errorf("net %s, tax %s, total %s, first line %s", may.Net, may.Tax, may.Total, may.Lines[0].Price)
	}
	if len(may.Taxes) != 1 || may.Taxes[0].Code != tax.ReverseCharge || may.Taxes[0].Reason.Text == "" {
		t.Errorf("taxes %+v", may.Taxes)
	}
	w.controlSums()
}

// An exempt customer is taxed again the day after the exemption ends: the fee
// is split there as by a rate's change.
func TestClose_exemptCustomer(t *testing.T) {
	t.Parallel()
	w := newWorld(t, account.Postpaid)
	w.clock("2026-05-01 00:00")
	c := w.connect(1, account.Postpaid)[0]
	w.Write(t, func(ctx context.Context, tx tenant.Tx) error {
		_, err := tax.AddExemption(ctx, tx, c.ID, tax.Exemption{Code: tax.Exempt, Reason: tax.Reason{Text: "Consulate"}, From: day("2026-05-01"), To: day("2026-06-11")}, "test")
		return err
	})
	w.use(c, "2026-05-20 12:00", "1.19", 60)
	w.clock("2026-06-01 00:00")
	w.run("2026-06-01", 10)
	may := w.latest(c)
	// June's 31.00 are 10.33 for ten days without tax, 8.68 net, and 20.67 for twenty with
	want := "fee 2026-05-01–2026-06-01 26.05+0.00; fee 2026-06-01–2026-06-11 8.68+0.00; fee 2026-06-11–2026-07-01 17.37+3.30"
	if got := taxed(may); !strings.HasPrefix(got, want) {
		t.Errorf("lines %s, want %s", got, want)
	}
	if len(may.Taxes) != 2 || may.Taxes[0].Code != tax.Exempt || may.Taxes[0].Reason.Text != "Consulate" || may.Taxes[1].Code != tax.Standard {
		t.Errorf("taxes %+v", may.Taxes)
	}
	w.controlSums()
}

// semantics: strict_vat gives 4.78 and a rounding amount of 0.01; what is owed
// stays 29.97.
func TestClose_strictTaxKeepsThePrice(t *testing.T) {
	t.Parallel()
	w := newWorld(t, account.Postpaid)
	w.clock("2026-05-01 00:00")
	c := w.connect(1, account.Postpaid)[0]
	w.Write(t, func(ctx context.Context, tx tenant.Tx) error {
		return tax.PutSettings(ctx, tx, tax.Settings{Strict: true})
	})
	w.clock("2026-06-01 00:00")
	w.run("2026-06-01", 10)
	may := w.latest(c)
	// 71.99: net 60.50, 19 % are 11.495, rounded 11.50; with 60.50 it is 72.00
	if may.Net.Text() != "60.50" || may.Tax.Text() != "11.50" || may.Rounding.Text() != "-0.01" || may.Total.Text() != "71.99" || may.Due.Text() != "71.99" {
		t.Errorf("net %s, tax %s, rounding %s, total %s", may.Net, may.Tax, may.Rounding, may.Total)
	}
	w.controlSums()
}

// A buyer that withholds sees it on the bill; the open item is the whole.
func TestClose_withholding(t *testing.T) {
	t.Parallel()
	w := newWorld(t, account.Postpaid)
	w.clock("2026-05-01 00:00")
	c := w.connect(1, account.Postpaid)[0]
	w.Write(t, func(ctx context.Context, tx tenant.Tx) error {
		return tax.PutWithholding(ctx, tx, c.ID, &tax.Withholding{Name: "PPh 23", Percent: money.NewDecimal(2)})
	})
	w.clock("2026-06-01 00:00")
	w.run("2026-06-01", 10)
	may := w.latest(c)
	if may.Withheld == nil || may.Withheld.Amount.Text() != "1.21" || may.Due.Text() != "71.99" {
		t.Errorf("withheld %+v, due %s", may.Withheld, may.Due)
	}
	var report ledger.Report
	w.Read(t, func(ctx context.Context, tx tenant.Tx) (err error) {
		report, err = ledger.ControlSums(ctx, tx)
		return err
	})
	if err := report.Check(); err != nil {
		t.Error(err)
	}
	take := func(c bill.Certificate) (taken money.Amount, err error) {
		err = w.DB.Write(context.Background(), w.Ref, func(ctx context.Context, tx tenant.Tx) (err error) {
			taken, err = bill.TakeCertificate(ctx, tx, c)
			return err
		})
		return taken, err
	}
	half, all := money.FromMinor(60, may.Currency), bill.Certificate{ID: uuid.New(), BillID: may.ID, Number: "BP-2", By: "test"}
	if taken, err := take(bill.Certificate{ID: uuid.New(), BillID: may.ID, Number: "BP-1", Amount: &half, By: "test"}); err != nil || taken.Text() != "0.60" {
		t.Fatalf("%s, %v", taken, err)
	}
	for range 2 { // a repeat changes nothing
		if taken, err := take(all); err != nil || taken.Text() != "0.61" {
			t.Fatalf("%s, %v", taken, err)
		}
	}
	if _, err := take(bill.Certificate{BillID: may.ID, Number: "BP-3", By: "test"}); !errors.Is(err, bill.ErrCertificateAmount) {
		t.Errorf("more than was kept back: %v", err)
	}
	w.Read(t, func(ctx context.Context, tx tenant.Tx) error {
		b, err := bill.Get(ctx, tx, may.ID)
		if err == nil && b.Open.Text() != "70.78" {
			t.Errorf("open %s", b.Open)
		}
		return err
	})
	w.controlSums()
}

// square is a picture of one shade.
func square(t *testing.T, shade byte) []byte {
	t.Helper()
	img := image.NewGray(image.Rect(0, 0, 32, 32))
	for i := range img.Pix {
		img.Pix[i] = shade
	}
	var out bytes.Buffer
	if err := png.Encode(&out, img); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// An item that is a price for its days is split where its rate changes: 31.00
// for May are 10.00 at 19 % and 21.00 at 25 %, and it is taken once. What gives a
// line back, and what has no period, stays whole.
func TestClose_rateChangeSplitsItems(t *testing.T) {
	t.Parallel()
	w := newWorld(t, account.Postpaid)
	w.clock("2026-05-01 00:00")
	c := w.connect(1, account.Postpaid)[0]
	w.raise("2026-05-11")
	may := calendar.Period{From: day("2026-05-01"), To: day("2026-06-01")}
	rent := itemOf(c, "31.00")
	rent.Code, rent.Period = "rent", may
	rent = w.addItem(rent)
	credit := itemOf(c, "-6.20")
	credit.Kind, credit.Code, credit.Period = bill.ItemCredit, "sorry", may
	credit = w.addItem(credit)
	visit := w.addItem(itemOf(c, "12.50"))
	w.clock("2026-06-01 00:00")
	w.run("2026-06-01", 10)
	d := w.latest(c)
	var got []string
	for _, l := range d.Lines {
		if l.Kind == bill.ItemLine {
			got = append(got, fmt.Sprintf("%s %d %s+%s", l.Code, l.Period.Days(), l.Net.Text(), l.Tax.Text()))
		}
	}
	want := "rent 10 8.40+1.60; rent 21 16.80+4.20; sorry 10 -1.68+-0.32; sorry 21 -3.36+-0.84; extra 0 10.00+2.50"
	if strings.Join(got, "; ") != want {
		t.Errorf("items\n%s, want\n%s", strings.Join(got, "; "), want)
	}
	for _, i := range []bill.Item{rent, credit, visit} {
		if w.item(i.ID).Bill != d.ID {
			t.Errorf("item %s is not taken", i.Code)
		}
	}
	w.controlSums()
}

// A credit over a change of rate that is more than the bill waits whole.
func TestClose_rateChangeCarriesItemsWhole(t *testing.T) {
	t.Parallel()
	w := newMetered(t, tax.Inclusive)
	c := w.connect(1, account.Postpaid)[0]
	w.raise("2026-05-11")
	credit := itemOf(c, "-31.00")
	credit.Kind, credit.Code, credit.Period = bill.ItemCredit, "sorry", calendar.Period{From: day("2026-05-01"), To: day("2026-06-01")}
	credit = w.addItem(credit)
	may := w.owe(c, tax.Inclusive, "15.00")
	if may.Total.Text() != "15.00" || w.item(credit.ID).Bill != uuid.Nil {
		t.Errorf("May %s: %s; taken by %s", may.Total, shown(may), w.item(credit.ID).Bill)
	}
	june := w.owe(c, tax.Inclusive, "50.00")
	if june.Total.Text() != "19.00" || w.item(credit.ID).Bill != june.ID {
		t.Errorf("June %s: %s", june.Total, shown(june))
	}
	w.controlSums()
}
