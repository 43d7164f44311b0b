package report

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/google/uuid"

	"tollhouse/billing/account"
	"tollhouse/billing/calendar"
	"tollhouse/billing/money"
	"tollhouse/billing/report/sheet"
	"tollhouse/billing/tenant"
)

// Name names a report.
type Name string

// The reports.
const (
	TrialBalance   Name = "trial_balance"
	Journal        Name = "journal"
	JournalSummary Name = "journal_summary"
	VAT            Name = "vat"
	Deferred       Name = "deferred"
	Ageing         Name = "ageing"
	AgeingBuckets  Name = "ageing_buckets"
	Payouts        Name = "payouts"
	ClosedDays     Name = "closed_days"
)

// Kind is what a column holds.
type Kind string

// The kinds of column.
const (
	Text   Kind = "text"
	Amount Kind = "amount"
	Number Kind = "number"
	Day    Kind = "day"
)

// Column is one of a report's. Words gives its head.
type Column struct {
	Key   string
	Kind  Kind
	Total bool // may be summed by currency
}

// Report is a table that can be asked for.
type Report struct {
	Name    Name
	AsOf    bool // of one day, To; else of a span
	Columns []Column
	run     func(ctx context.Context, tx tenant.Tx, q query, emit Emit) error
}

// Emit takes one row.
type Emit func(cells ...sheet.Cell) error

// Terms say of what a report is. From and To are the first and the last day.
type Terms struct {
	From        calendar.Date `json:"from,omitzero"`
	To          calendar.Date `json:"to,omitzero"`
	LegalEntity *uuid.UUID    `json:"legal_entity,omitempty"`
	Branch      *uuid.UUID    `json:"branch,omitempty"`
	Currency    string        `json:"currency,omitempty"`
	Language    string        `json:"-"` // of the words in cells; empty: the operator's
}

// ErrUnknown means that there is no such report.
var ErrUnknown = errors.New("no such report")

// FieldError refuses a value; it says what would be right.
type FieldError struct{ Field, Want string }

func (e *FieldError) Error() string { return e.Field + ": " + e.Want + " is wanted" }

// maxDays bounds a span.
const maxDays = 3 * 366

// Check refuses terms that it cannot be asked with.
func (r Report) Check(t Terms) error {
	switch {
	case t.To.IsZero():
		return &FieldError{"to", "a day"}
	case r.AsOf:
	case t.From.IsZero():
		return &FieldError{"from", "a day"}
	case t.To.Before(t.From):
		return &FieldError{"to", "a day on or after the first one"}
	case t.From.DaysUntil(t.To) > maxDays:
		return &FieldError{"to", "a day within three years of the first one"}
	}
	if t.Currency != "" {
		if _, err := money.ParseCurrency(t.Currency); err != nil {
			return &FieldError{"currency", "an ISO 4217 code"}
		}
	}
	return nil
}

// query is what a report is asked with.
type query struct {
	Terms
	profile account.Profile
	chart   Chart
}

// language is the one of words in cells.
func (q query) language() string {
	if q.Language != "" {
		return q.Language
	}
	return string(q.profile.Language)
}

// common are the arguments that most queries begin with: zone, first day, last
// day, legal entity, branch, currency.
func (q query) common() []any {
	return []any{q.profile.Zone.String(), q.From, q.To, q.LegalEntity, q.Branch, q.Currency}
}

// narrowed is the condition on legal entity, branch and currency of common.
func narrowed(alias, unit string) string {
	return ` ($4::uuid is null or ` + alias + `.legal_entity = $4) and ($5::uuid is null or ` + alias + `.branch = $5) and ($6 = '' or ` + alias + `.` + unit + ` = $6) `
}

var all = []Report{
	{Name: TrialBalance, Columns: trialColumns, run: trial},
	{Name: Journal, Columns: journalColumns, run: journal},
	{Name: JournalSummary, Columns: summaryColumns, run: summary},
	{Name: VAT, Columns: vatColumns, run: vat},
	{Name: Deferred, Columns: deferredColumns, run: deferred},
	{Name: Ageing, AsOf: true, Columns: ageingColumns, run: ageing},
	{Name: AgeingBuckets, AsOf: true, Columns: bucketColumns, run: ageingBuckets},
	{Name: Payouts, Columns: payoutColumns, run: payouts},
	{Name: ClosedDays, Columns: closedColumns, run: closedDays},
}

// All lists the reports.
func All() []Report { return slices.Clone(all) }

// Find finds one; ErrUnknown if there is none.
func Find(name Name) (Report, error) {
	i := slices.IndexFunc(all, func(r Report) bool { return r.Name == name })
	if i < 0 {
		return Report{}, fmt.Errorf("%w: %q", ErrUnknown, name)
	}
	return all[i], nil
}

// Run gives a report's rows one by one, on the transaction's view.
func (r Report) Run(ctx context.Context, tx tenant.Tx, t Terms, emit Emit) error {
	if err := r.Check(t); err != nil {
		return err
	}
	q := query{Terms: t}
	var err error
	if q.profile, err = account.GetProfile(ctx, tx); err != nil {
		return err
	}
	if q.chart, err = GetChart(ctx, tx); err != nil {
		return err
	}
	if r.AsOf {
		q.From = q.To
	}
	if err := r.run(ctx, tx, q, emit); err != nil {
		return fmt.Errorf("report %s: %w", r.Name, err)
	}
	return nil
}

// Table is the beginning of a report.
type Table struct {
	Rows   [][]sheet.Cell
	More   bool
	Totals []Totals // none where there are more rows
}

// Totals are the sums of the columns that may be summed, in one currency.
type Totals struct {
	Currency string
	Sums     map[string]money.Decimal
}

var errEnough = errors.New("enough rows")

// Read gives the first rows of a report, and its totals if these are all.
func (r Report) Read(ctx context.Context, tx tenant.Tx, t Terms, limit int) (Table, error) {
	var table Table
	currency := slices.IndexFunc(r.Columns, func(c Column) bool { return c.Key == "currency" })
	err := r.Run(ctx, tx, t, func(cells ...sheet.Cell) error {
		if len(table.Rows) == limit {
			table.More = true
			return errEnough
		}
		table.Rows = append(table.Rows, slices.Clone(cells))
		if currency >= 0 {
			table.add(r.Columns, cells, fmt.Sprint(cells[currency]))
		}
		return nil
	})
	if errors.Is(err, errEnough) {
		table.Totals, err = nil, nil
	}
	return table, err
}

func (t *Table) add(columns []Column, cells []sheet.Cell, currency string) {
	i := slices.IndexFunc(t.Totals, func(s Totals) bool { return s.Currency == currency })
	if i < 0 {
		i = len(t.Totals)
		t.Totals = append(t.Totals, Totals{currency, map[string]money.Decimal{}})
	}
	for n, c := range columns {
		if amount, is := cells[n].(money.Decimal); is && c.Total {
			t.Totals[i].Sums[c.Key] = t.Totals[i].Sums[c.Key].Add(amount)
		}
	}
}

// Write writes a report as a file in a language.
func (r Report) Write(ctx context.Context, tx tenant.Tx, t Terms, to sheet.Writer) error {
	return r.Run(ctx, tx, t, to.Row)
}

// Heads are a file's columns in a language; amounts show the currency's digits.
func (r Report) Heads(language string, digits int32) []sheet.Column {
	columns := make([]sheet.Column, len(r.Columns))
	for i, c := range r.Columns {
		columns[i].Head = Word(language, "col."+c.Key)
		if c.Kind == Amount {
			columns[i].Digits = digits
		}
	}
	return columns
}
