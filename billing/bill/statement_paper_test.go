package bill_test

import (
	"bytes"
	"context"
	"encoding/csv"
	"errors"
	"fmt"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"tollhouse/billing/account"
	"tollhouse/billing/bill"
	"tollhouse/billing/bill/pdf"
	"tollhouse/billing/money"
	"tollhouse/billing/tenant"
)

// Whatever a year is cut into: a part's opening and its movements are its
// closing, the next one opens with it, and the last closes with what the ledger
// says now.
func TestStatement_partsOfAYearLeadOnToEachOther(t *testing.T) {
	t.Parallel()
	w := newWorld(t, account.Postpaid)
	c := w.connect(1, account.Postpaid)[0]
	for _, end := range []string{"2026-06-01", "2026-07-01", "2026-08-01"} {
		w.clock(end + " 00:00")
		w.run(end, 5)
		w.paid(c, "10.00")
	}
	w.clock("2026-08-20 09:00")
	var owed money.Decimal
	w.Read(t, func(ctx context.Context, tx tenant.Tx) error {
		return tx.QueryRow(ctx, `select credit - receivable from billing_account where id = $1`, c.ID).Scan(&owed)
	})
	rapid.Check(t, func(t *rapid.T) {
		days := []int{0, 365}
		for range rapid.IntRange(0, 6).Draw(t, "cuts") {
			days = append(days, rapid.IntRange(1, 364).Draw(t, "day"))
		}
		cuts := map[int]bool{}
		for _, d := range days {
			cuts[d] = true
		}
		from, last := day("2026-01-01"), money.Zero(money.MustCurrency("EUR"))
		for n := 1; n <= 365; n++ {
			if !cuts[n] {
				continue
			}
			to := day("2026-01-01").AddDays(n - 1)
			var s bill.StatementPaper
			err := w.DB.Read(context.Background(), w.Ref, func(ctx context.Context, tx tenant.Tx) error {
				span, err := bill.SpanNamed(ctx, tx, c.ID, fmt.Sprintf("days:%s/%s", from, to))
				if err == nil {
					s, err = bill.PrintedStatement(ctx, tx, c.ID, span)
				}
				return err
			})
			if err != nil {
				t.Fatal(err)
			}
			sum := s.Opening
			for _, e := range s.Entries {
				sum, _ = sum.Add(e.Amount)
			}
			if !s.Opening.Decimal().Equal(last.Decimal()) || !sum.Decimal().Equal(s.Closing.Decimal()) {
				t.Fatalf("%s to %s opens with %s after %s and closes with %s, entries lead to %s", from, to, s.Opening, last, s.Closing, sum)
			}
			from, last = to.AddDays(1), s.Closing
		}
		if !last.Decimal().Equal(owed) {
			t.Fatalf("the year closes with %s, the ledger says %s", last, owed)
		}
	})
}

func TestSpanNamed_refusesWhatIsNoPeriod(t *testing.T) {
	t.Parallel()
	w := newWorld(t, account.Postpaid)
	c := w.connect(1, account.Postpaid)[0]
	w.Read(t, func(ctx context.Context, tx tenant.Tx) error {
		for _, name := range []string{"", "month:2026-13", "month:0000-01", "year:26", "days:2026-05-02/2026-05-01", "days:2026-05-01", "days:1990-01-01/2026-01-01", "since-last-payment:x"} {
			if _, err := bill.SpanNamed(ctx, tx, c.ID, name); !errors.Is(err, bill.ErrPeriod) {
				t.Errorf("%q: %v", name, err)
			}
		}
		span, err := bill.SpanNamed(ctx, tx, c.ID, "days:2026-05-01/2026-05-31")
		if want := bill.MonthOf(day("2026-05-15"), w.zone); err != nil || span != want {
			t.Errorf("%v, %v", span, err)
		}
		return nil
	})
}

// A document printed years later, after the offer, the operator's look and the
// customer have changed, is the same to the byte.
func TestPrinted_isTheSameYearsLater(t *testing.T) {
	t.Parallel()
	w := newWorld(t, account.Postpaid)
	w.clock("2026-05-01 00:00")
	c := w.connect(1, account.Postpaid)[0]
	logo := func(shade byte) {
		w.Write(t, func(ctx context.Context, tx tenant.Tx) error {
			drawn, err := account.ReadLogo(square(t, shade))
			if err != nil {
				return err
			}
			return account.PutLogo(ctx, tx, drawn)
		})
	}
	logo(40)
	w.Write(t, func(ctx context.Context, tx tenant.Tx) error {
		return bill.PutPapers(ctx, tx, c.ID, bill.Papers{Annex: true, Mask: true})
	})
	w.use(c, "2026-05-20 09:00", "1.19", 60)
	w.clock("2026-06-01 00:00")
	w.run("2026-06-01", 5)
	printed := func() []byte {
		var out bytes.Buffer
		w.Read(t, func(ctx context.Context, tx tenant.Tx) error {
			page, err := bill.List(ctx, tx, c.ID, bill.Cursor{}, 5)
			if err != nil {
				return err
			}
			d, err := bill.Printed(ctx, tx, page.Bills[len(page.Bills)-1].ID)
			if err != nil {
				return err
			}
			if len(d.Picture) == 0 || len(d.Annex) != 1 {
				t.Errorf("logo of %d bytes, %d calls", len(d.Picture), len(d.Annex))
			}
			return pdf.Render(&out, d)
		})
		return out.Bytes()
	}
	before := printed()
	w.clock("2029-02-01 00:00")
	logo(200)
	w.status(c) // another name, country and tax id
	w.Write(t, func(ctx context.Context, tx tenant.Tx) error {
		profile, err := account.GetProfile(ctx, tx)
		if err != nil {
			return err
		}
		profile.Name, profile.BrandColour = "Renamed", "#aa0000"
		if err := bill.PutPapers(ctx, tx, c.ID, bill.Papers{}); err != nil {
			return err
		}
		return account.PutProfile(ctx, tx, profile)
	})
	w.raise("2029-01-01")
	if !bytes.Equal(before, printed()) {
		t.Error("the bill looks otherwise now")
	}
}

func TestWriteCSV_linesTaxesAndTotal(t *testing.T) {
	t.Parallel()
	w := newWorld(t, account.Postpaid)
	w.clock("2026-05-01 00:00")
	c := w.connect(1, account.Postpaid)[0]
	w.clock("2026-06-01 00:00")
	w.run("2026-06-01", 5)
	d := w.latest(c)
	var out bytes.Buffer
	if err := d.WriteCSV(&out); err != nil {
		t.Fatal(err)
	}
	rows, err := csv.NewReader(strings.NewReader(strings.TrimPrefix(out.String(), "\ufeff"))).ReadAll()
	if err != nil || len(rows) != 1+len(d.Lines)+len(d.Taxes)+1 {
		t.Fatalf("%d rows, %v\n%s", len(rows), err, out.String())
	}
	last := rows[len(rows)-1]
	if last[2] != "total" || !money.MustDecimal(last[11]).Equal(d.Total.Decimal()) {
		t.Errorf("%q", last)
	}
}
