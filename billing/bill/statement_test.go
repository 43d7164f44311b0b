package bill_test

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/google/uuid"

	"tollhouse/billing/account"
	"tollhouse/billing/bill"
	"tollhouse/billing/ledger"
	"tollhouse/billing/money"
	"tollhouse/billing/tenant"
)

func (w *world) statement(c connected, span bill.Span) bill.AccountStatement {
	w.t.Helper()
	var s bill.AccountStatement
	w.Read(w.t, func(ctx context.Context, tx tenant.Tx) (err error) {
		s, err = bill.Statement(ctx, tx, c.ID, span)
		return err
	})
	return s
}

// paid books money that pays what is receivable, as payment does.
func (w *world) paid(c connected, amount string) {
	w.t.Helper()
	w.Write(w.t, func(ctx context.Context, tx tenant.Tx) error {
		return ledger.Post(ctx, tx, w.event(ledger.Payment, uuid.Must(uuid.NewV7()), tx.At), []ledger.Transfer{{
			Debit: ledger.General(ledger.Bank), Credit: ledger.Of(ledger.Receivable, c.ID), Amount: money.MustDecimal(amount), Unit: "EUR", AccountID: c.ID,
		}})
	})
}

func entries(s bill.AccountStatement) []string {
	var out []string
	for _, e := range s.Entries {
		out = append(out, fmt.Sprintf("%s %s %s %s", e.Kind, e.Day, e.Amount.Decimal().Fixed(2), e.Number))
	}
	return out
}

func TestStatement_agreesWithTheLedger(t *testing.T) {
	t.Parallel()
	w := newWorld(t, account.Postpaid)
	c := w.connect(1, account.Postpaid)[0]
	w.use(c, "2026-05-20 09:00", "1.19", 60)
	w.use(c, "2026-05-20 10:00", "2.38", 60)
	w.use(c, "2026-05-21 00:30", "1.19", 60) // still the 20th in UTC
	w.clock("2026-06-01 00:00")
	w.run("2026-06-01", 5) // 31.00 twice, 9.99 and 4.76
	w.clock("2026-06-12 09:00")
	w.paid(c, "50.00")
	w.clock("2026-06-20 09:00")

	may, june := w.statement(c, bill.MonthOf(day("2026-05-15"), w.zone)), w.statement(c, bill.MonthOf(day("2026-06-15"), w.zone))
	if got, want := entries(may), []string{"usage 2026-05-20 0.00 ", "usage 2026-05-21 0.00 "}; !slices.Equal(got, want) {
		t.Errorf("May %q", got)
	}
	if may.Entries[0].Unbilled.Text() != "3.00" || may.Unbilled.Text() != "4.00" || !may.Closing.IsZero() {
		t.Errorf("May: %+v", may)
	}
	if got, want := entries(june), []string{"bill 2026-06-01 -76.75 TO-2026/000001", "payment 2026-06-12 50.00 "}; !slices.Equal(got, want) {
		t.Errorf("June %q", got)
	}
	if !june.Opening.IsZero() || june.Closing.Text() != "-26.75" || !june.Unbilled.IsZero() {
		t.Errorf("June opens %s, closes %s, unbilled %s", june.Opening, june.Closing, june.Unbilled)
	}
	var since bill.Span
	w.Read(t, func(ctx context.Context, tx tenant.Tx) (err error) {
		since, err = bill.SinceLastPayment(ctx, tx, c.ID)
		return err
	})
	last := w.statement(c, since)
	if got := entries(last); len(got) != 1 || last.Opening.Text() != "-76.75" || last.Closing.Text() != "-26.75" {
		t.Errorf("since the last payment: %q, %s to %s", got, last.Opening, last.Closing)
	}
	for _, span := range []bill.Span{may.Span, june.Span, since, bill.YearOf(day("2026-01-01"), w.zone)} {
		s := w.statement(c, span)
		if want := w.ledgerBalance(c, span.To); !s.Closing.Decimal().Equal(want) {
			t.Errorf("closing %s at %s, ledger %s", s.Closing, span.To, want)
		}
		if want := w.ledgerBalance(c, span.From); !s.Opening.Decimal().Equal(want) {
			t.Errorf("opening %s at %s, ledger %s", s.Opening, span.From, want)
		}
	}
}

// ledgerBalance sums the ledger itself up to an instant.
func (w *world) ledgerBalance(c connected, before time.Time) money.Decimal {
	w.t.Helper()
	var sum money.Decimal
	w.Read(w.t, func(ctx context.Context, tx tenant.Tx) error {
		return tx.QueryRow(ctx, `
			select coalesce(sum(case when credit in ('prepaid', 'receivable', 'customer_credit') then amount else 0 end
			                  - case when debit  in ('prepaid', 'receivable', 'customer_credit') then amount else 0 end), 0)
			from ledger_transfer where account_id = $1 and at < $2`, c.ID, before).Scan(&sum)
	})
	return sum
}
