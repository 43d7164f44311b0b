package subscriber

import (
	"context"
	"net/http"
	"strconv"
	"strings"

	"tollhouse/billing/account"
	"tollhouse/billing/bill"
	"tollhouse/billing/calendar"
	"tollhouse/billing/money"
	"tollhouse/billing/tenant"
	"tollhouse/portal/ui"
	"tollhouse/portal/web"
)

// period is what a statement tells of: month:2026-05, year:2026 or
// since-last-payment, as the API names them.
type period struct {
	Name string
	Kind string // month, year, since
	Span bill.Span
}

const sinceLastPayment = "since-last-payment"

// periodOf reads a period's name; what is none is the present month.
func periodOf(ctx context.Context, tx tenant.Tx, v *web.Visit, name string) (period, error) {
	if name == sinceLastPayment {
		span, err := bill.SinceLastPayment(ctx, tx, v.Who.AccountID)
		return period{name, "since", span}, err
	}
	kind, text, _ := strings.Cut(name, ":")
	if kind == "days" {
		if span, err := bill.SpanNamed(ctx, tx, v.Who.AccountID, name); err == nil {
			return period{name, "days", span}, nil
		}
	}
	if day, err := calendar.ParseDate(text + "-01-01"); kind == "year" && err == nil {
		return period{name, "year", bill.YearOf(day, v.Reader.Zone)}, nil
	}
	day, err := calendar.ParseDate(text + "-01")
	if kind != "month" || err != nil {
		day = v.Reader.Today
	}
	return period{monthName(day), "month", bill.MonthOf(day, v.Reader.Zone)}, nil
}

func monthName(d calendar.Date) string { return "month:" + d.String()[:len("2026-05")] }

func statementOf(ctx context.Context, tx tenant.Tx, v *web.Visit, name string) (period, bill.AccountStatement, error) {
	p, err := periodOf(ctx, tx, v, name)
	if err != nil {
		return period{}, bill.AccountStatement{}, err
	}
	s, err := bill.Statement(ctx, tx, v.Who.AccountID, p.Span)
	return p, s, err
}

// statements shows the page, the part of it that shows another period, or the
// statement as a file.
func statements(v *web.Visit) error {
	var a account.Account
	var p period
	var s bill.AccountStatement
	err := read(v, func(ctx context.Context, tx tenant.Tx) (err error) {
		if a, err = ownAccount(ctx, tx, v); err == nil {
			name := v.Query("period")
			if days, ok := daysOf(v); ok {
				name = days
			}
			p, s, err = statementOf(ctx, tx, v, name)
		}
		return err
	})
	if err != nil {
		return err
	}
	if v.Query("format") == "csv" {
		return statementFile(v, a, p, s)
	}
	if v.Query("format") == "pdf" {
		return statementPDF(v, p.Name)
	}
	view := statementViewOf(v, a, p, s)
	if v.Part("statement") {
		return v.Show(http.StatusOK, statementSection(v.Reader, view))
	}
	return v.Show(http.StatusOK, statementPage(pageOf(v, sectionStatement, v.Reader.T("statement.title")), view))
}

// statementView is what happened on the account in a period.
type statementView struct {
	Prepaid          bool
	Base             string
	Tabs             []tab
	Months           []month // to choose from
	Title            string
	Opening, Closing string
	Rows             []entryRow
	Unbilled         string
	CSV, PDF         string // addresses of the files
	From, To         string // the days that were asked for
	Wrong            string // about them
}

type tab struct {
	Label, Href string
	Current     bool
}

type month struct {
	Value, Label string
	Current      bool
}

type entryRow struct {
	Day, What, Unbilled string
	Amount              string
	Positive            bool
}

// chosenMonths is how far back one can choose.
const chosenMonths = 24

func statementViewOf(v *web.Visit, a account.Account, p period, s bill.AccountStatement) statementView {
	r, prepaid := v.Reader, a.Kind == account.Prepaid
	view := statementView{Prepaid: prepaid, Base: v.URL(string(sectionStatement)), Title: spanWords(r, p), Opening: balanceWords(r, s.Opening), Closing: balanceWords(r, s.Closing)}
	here := monthName(r.Today)
	for _, one := range [][3]string{{"month", here, "month"}, {"year", "year:" + here[len("month:"):len("month:2026")], "year"}, {"since", sinceLastPayment, "since"}} {
		current := p.Kind == one[2] && (p.Kind != "month" || p.Name == here)
		view.Tabs = append(view.Tabs, tab{r.T("statement." + one[0]), v.URL(string(sectionStatement), "period", one[1]), current})
	}
	view.Months = monthsOf(r, a, p.Name, "month:")
	view.CSV = v.URL(string(sectionStatement), "period", p.Name, "format", "csv")
	view.PDF = v.URL(string(sectionStatement), "period", p.Name, "format", "pdf")
	view.Rows = entriesOf(r, s)
	if view.From, view.To = v.Query("from"), v.Query("to"); view.From == "" && p.Kind == "days" {
		view.From, view.To = r.LocalDate(p.Span.From).String(), r.LocalDate(p.Span.To).AddDays(-1).String()
	}
	if _, ok := daysOf(v); !ok && view.From+view.To != "" && p.Kind != "days" {
		view.Wrong = r.T("statement.days.wrong")
	}
	if !prepaid && !s.Unbilled.IsZero() {
		view.Unbilled = r.T("statement.unbilled", "amount", r.Money(s.Unbilled))
	}
	return view
}

func spanWords(r ui.Reader, p period) string {
	first := r.LocalDate(p.Span.From)
	switch p.Kind {
	case "month":
		return r.Locale.FormatMonth(first)
	case "year":
		return strconv.Itoa(first.Year)
	}
	if p.Kind == "days" {
		return r.T("statement.to", "from", r.Date(first), "to", r.Date(r.LocalDate(p.Span.To).AddDays(-1)))
	}
	return r.T("statement.to", "from", r.Date(first), "to", r.Date(r.Today))
}

// balanceWords tells a balance in words: no reader has to know our signs.
func balanceWords(r ui.Reader, a money.Amount) string {
	rounded := a.RoundToDocument()
	switch rounded.Sign() {
	case 1:
		return r.T("statement.had", "amount", r.Money(rounded))
	case -1:
		return r.T("statement.owed", "amount", r.Money(rounded.Neg()))
	}
	return r.T("statement.even")
}
