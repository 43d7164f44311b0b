package subscriber

import (
	"time"

	"github.com/google/uuid"

	"tollhouse/billing/bill"
	"tollhouse/billing/ledger"
	"tollhouse/billing/money"
	"tollhouse/portal/ui"
)

// longSpan is from when on daily bookings are told by month: a year of them
// is more than anybody reads.
const longSpan = 62 * 24 * time.Hour

// entriesOf lists the entries. Amounts are shown in document units, though
// usage has nine decimals: each is the difference of the rounded balances
// around it, so that what is shown adds up.
func entriesOf(r ui.Reader, s bill.AccountStatement) []entryRow {
	entries := s.Entries
	long := s.Span.To.Sub(s.Span.From) > longSpan
	if long {
		entries = byMonth(entries)
	}
	balance := s.Opening
	rows := make([]entryRow, 0, len(entries))
	for _, e := range entries {
		after := money.New(balance.Decimal().Add(e.Amount.Decimal()), balance.Currency())
		moved := after.RoundToDocument().Decimal().Sub(balance.RoundToDocument().Decimal())
		balance = after
		row := entryRow{Day: r.DayMonth(e.Day), What: entryWords(r, e), Positive: moved.Sign() > 0}
		if long {
			row.Day = r.Date(e.Day)
			if e.ID == uuid.Nil {
				row.Day = r.Locale.FormatMonth(e.Day)
			}
		}
		if !moved.IsZero() {
			row.Amount = signed(r, money.New(moved, balance.Currency()))
		}
		if !e.Unbilled.RoundToDocument().IsZero() {
			row.Unbilled = signed(r, e.Unbilled.RoundToDocument())
		}
		rows = append(rows, row)
	}
	return rows
}

// byMonth sums up bookings that are told by day, keeping the rest in place.
func byMonth(entries []bill.Entry) []bill.Entry {
	type group struct {
		kind ledger.EventKind
		year int
		time.Month
	}
	at := map[group]int{}
	var out []bill.Entry
	for _, e := range entries {
		g := group{e.Kind, e.Day.Year, e.Day.Month}
		if i, known := at[g]; known && e.ID == uuid.Nil {
			sum := &out[i]
			sum.Count += e.Count
			sum.Amount = money.New(sum.Amount.Decimal().Add(e.Amount.Decimal()), e.Amount.Currency())
			sum.Unbilled = money.New(sum.Unbilled.Decimal().Add(e.Unbilled.Decimal()), e.Unbilled.Currency())
			continue
		}
		if e.ID == uuid.Nil {
			at[g] = len(out)
		}
		out = append(out, e)
	}
	return out
}

func signed(r ui.Reader, a money.Amount) string {
	if a.Sign() > 0 {
		return "+" + r.Locale.FormatFigure(a)
	}
	return r.Locale.FormatFigure(a)
}

func entryWords(r ui.Reader, e bill.Entry) string {
	switch e.Kind {
	case ledger.Usage, ledger.Fee:
		return r.N("entry."+string(e.Kind), e.Count)
	case ledger.Bill:
		return r.T("entry.bill", "number", e.Number)
	case ledger.Import:
		if e.Number != "" { // a document of the system before
			return r.T("entry.import.number", "number", e.Number)
		}
	}
	return r.T("entry." + string(e.Kind))
}
