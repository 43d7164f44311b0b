package books

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"time"

	"github.com/google/uuid"
	"github.com/labstack/echo/v4"

	"tollhouse/billing/account"
	"tollhouse/billing/calendar"
	"tollhouse/billing/identity"
	"tollhouse/billing/money"
	"tollhouse/billing/report"
	"tollhouse/billing/report/sheet"
	"tollhouse/billing/tenant"
	"tollhouse/portal/operator/frame"
	"tollhouse/portal/ui"
	"tollhouse/portal/web"
)

// rowsShown is how many rows of a report a page shows; the file has them all.
const rowsShown = 100

// Register adds the addresses of these pages below a tenant's console.
func Register(console *echo.Group, site *web.Site) {
	console.GET("/reports", site.Console(identity.LedgerRead, list))
	console.GET("/reports/days", site.Console(identity.LedgerRead, days))
	console.GET("/reports/days/:day", site.Console(identity.LedgerRead, day))
	console.POST("/reports/days/:day", site.Console(identity.RefundWrite, signOff))
	console.GET("/reports/chart", site.Console(identity.LedgerRead, chart))
	console.POST("/reports/chart", site.Console(identity.RefundWrite, saveChart))
	console.GET("/reports/schedules", site.Console(identity.LedgerRead, schedules))
	console.GET("/reports/schedules/:schedule", site.Console(identity.LedgerRead, schedule))
	console.POST("/reports/schedules/:schedule", site.Console(identity.RefundWrite, saveSchedule))
	console.POST("/reports/schedules/:schedule/remove", site.Console(identity.RefundWrite, removeSchedule))
	console.GET("/reports/:report", site.Console(identity.LedgerRead, show))
	console.GET("/reports/:report/file", site.ConsoleUpload(identity.LedgerRead, fileBound, file))
}

// fileBound is above a usual form's, so that the request may take as long as a
// file does.
const fileBound = 1 << 20

type entry struct{ href, name, about string }

// tabs are the pages of reports.
func tabs(v *web.Visit, current string) []ui.NavItem {
	r := v.Reader
	var items []ui.NavItem
	for _, at := range []string{"", "days", "chart", "schedules"} {
		path := "reports"
		if at != "" {
			path += "/" + at
		}
		items = append(items, ui.NavItem{Href: v.Console(path), Label: r.T("books.tab." + at), Current: at == current})
	}
	return items
}

func list(v *web.Visit) error {
	language := v.Reader.Locale.Language
	var entries []entry
	for _, one := range report.All() {
		entries = append(entries, entry{v.Console("reports/" + string(one.Name)), report.Word(language, "report."+string(one.Name)), report.Word(language, "about."+string(one.Name))})
	}
	return v.Show(http.StatusOK, listPage(frame.Of(v, frame.Reports, v.Reader.T("con.nav.reports")), tabs(v, ""), entries))
}

// reportView is one report with what it was asked with.
type reportView struct {
	list, here, csv, xlsx string
	about                 string
	asOf                  bool
	from, to              ui.Field
	entity, branch        ui.Field
	entities, branches    []ui.Choice
	faults                []ui.Fault
	heads                 []head
	rows                  [][]string
	totals                [][]string
	more                  string
}

type head struct {
	words string
	num   bool
}

// asked are the terms in the address; a report begins with the month before
// this one, or with today.
func asked(v *web.Visit, one report.Report) report.Terms {
	t := report.Terms{Language: v.Reader.Locale.Language}
	t.From, _ = calendar.ParseDate(v.Query("from"))
	t.To, _ = calendar.ParseDate(v.Query("to"))
	today := v.Reader.Today
	switch {
	case one.AsOf && t.To.IsZero():
		t.To = today
	case t.From.IsZero() && t.To.IsZero():
		first := today.AddDays(1 - today.Day)
		t.From, t.To = first.AddMonths(-1), first.AddDays(-1)
	}
	if id, err := uuid.Parse(v.Query("legal_entity")); err == nil {
		t.LegalEntity = &id
	}
	if id, err := uuid.Parse(v.Query("branch")); err == nil {
		t.Branch = &id
	}
	return t
}

func query(t report.Terms) []string {
	var pairs []string
	if !t.From.IsZero() {
		pairs = append(pairs, "from", t.From.String())
	}
	pairs = append(pairs, "to", t.To.String())
	if t.LegalEntity != nil {
		pairs = append(pairs, "legal_entity", t.LegalEntity.String())
	}
	if t.Branch != nil {
		pairs = append(pairs, "branch", t.Branch.String())
	}
	return pairs
}

// sumUpAtMost bounds what a page spends on snapshots before it reads.
const sumUpAtMost = 300 * time.Millisecond

func show(v *web.Visit) error {
	one, err := report.Find(report.Name(v.Param("report")))
	if err != nil {
		return err
	}
	if _, err := v.Stack.SumUp(v.Context(), sumUpAtMost); err != nil {
		return err
	}
	r, language := v.Reader, v.Reader.Locale.Language
	t := asked(v, one)
	path := "reports/" + string(one.Name)
	p := &reportView{list: v.Console("reports"), here: v.Console(path), about: report.Word(language, "about."+string(one.Name)), asOf: one.AsOf,
		from: ui.Field{ID: "from", Label: r.T("books.from"), Kind: "date", Value: t.From.String()}, to: ui.Field{ID: "to", Label: r.T("books.to"), Kind: "date", Value: t.To.String()},
		entity: ui.Field{ID: "legal_entity", Label: report.Word(language, "col.legal_entity"), Optional: true}, branch: ui.Field{ID: "branch", Label: report.Word(language, "col.branch"), Optional: true}}
	p.csv, p.xlsx = v.Console(path+"/file", append(query(t), "format", "csv")...), v.Console(path+"/file", append(query(t), "format", "xlsx")...)
	if one.AsOf {
		p.to.Label = r.T("books.on")
	}
	var table report.Table
	err = v.Stack.Read(v.Context(), func(ctx context.Context, tx tenant.Tx) (err error) {
		if err := p.choices(ctx, tx, r, t); err != nil {
			return err
		}
		table, err = one.Read(ctx, tx, t, rowsShown)
		return err
	})
	var field *report.FieldError
	if errors.As(err, &field) {
		fault := r.T("books.want." + field.Field)
		if field.Field == "from" {
			p.from.Error = fault
		} else {
			p.to.Error = fault
		}
		p.faults = ui.FaultsOf(p.from, p.to)
		return v.Show(http.StatusUnprocessableEntity, reportPage(frame.Of(v, frame.Reports, report.Word(language, "report."+string(one.Name))), p))
	}
	if err != nil {
		return err
	}
	p.fill(r, one, table)
	return v.Show(http.StatusOK, reportPage(frame.Of(v, frame.Reports, report.Word(language, "report."+string(one.Name))), p))
}

// choices are the legal entities and branches that a report can be narrowed to.
func (p *reportView) choices(ctx context.Context, tx tenant.Tx, r ui.Reader, t report.Terms) error {
	entities, err := account.LegalEntities(ctx, tx)
	if err != nil {
		return err
	}
	branches, err := account.Branches(ctx, tx)
	if err != nil {
		return err
	}
	p.entities, p.branches = []ui.Choice{{Label: r.T("books.all")}}, []ui.Choice{{Label: r.T("books.all")}}
	for _, e := range entities {
		p.entities = append(p.entities, ui.Choice{Value: e.ID.String(), Label: e.Name, Chosen: t.LegalEntity != nil && *t.LegalEntity == e.ID})
	}
	for _, b := range branches {
		p.branches = append(p.branches, ui.Choice{Value: b.ID.String(), Label: b.Name, Chosen: t.Branch != nil && *t.Branch == b.ID})
	}
	return nil
}

// hidden are columns that are for files: ids.
var hidden = []string{"line", "entry"}

func (p *reportView) fill(r ui.Reader, one report.Report, table report.Table) {
	currencyAt := slices.IndexFunc(one.Columns, func(c report.Column) bool { return c.Key == "currency" })
	language := r.Locale.Language
	for _, c := range one.Columns {
		if !slices.Contains(hidden, c.Key) {
			p.heads = append(p.heads, head{report.Word(language, "col."+c.Key), c.Kind == report.Amount || c.Kind == report.Number})
		}
	}
	for _, cells := range table.Rows {
		var row []string
		currency := money.Currency{}
		if currencyAt >= 0 {
			currency, _ = money.ParseCurrency(fmt.Sprint(cells[currencyAt]))
		}
		for i, c := range one.Columns {
			if !slices.Contains(hidden, c.Key) {
				row = append(row, words(r, c, cells[i], currency))
			}
		}
		p.rows = append(p.rows, row)
	}
	if table.More {
		p.more = r.T("books.more", "n", r.Number(money.NewDecimal(rowsShown)))
	}
	for _, t := range table.Totals {
		currency, err := money.ParseCurrency(t.Currency)
		if err != nil || !slices.ContainsFunc(one.Columns, func(c report.Column) bool { return c.Total }) {
			continue
		}
		var row []string
		for i, c := range one.Columns {
			switch {
			case slices.Contains(hidden, c.Key):
			case c.Total:
				row = append(row, r.Locale.FormatFigure(money.New(t.Sums[c.Key], currency).RoundToDocument()))
			case i == 0:
				row = append(row, r.T("books.total"))
			case c.Key == "currency":
				row = append(row, t.Currency)
			default:
				row = append(row, "")
			}
		}
		p.totals = append(p.totals, row)
	}
}

// words are a cell as people read it.
func words(r ui.Reader, c report.Column, cell sheet.Cell, currency money.Currency) string {
	switch v := cell.(type) {
	case nil:
		return ""
	case calendar.Date:
		switch {
		case v.IsZero():
			return ""
		case c.Key == "month":
			return r.Locale.FormatMonth(v)
		}
		return r.Date(v)
	case money.Decimal:
		if c.Kind == report.Amount && !currency.IsZero() {
			return r.Locale.FormatFigure(money.New(v, currency).RoundToDocument())
		}
		return r.Number(v)
	case int64:
		return r.Number(money.NewDecimal(v))
	}
	return fmt.Sprint(cell)
}

// file writes a report as it is read: its rows never stand in memory.
func file(v *web.Visit) error {
	one, err := report.Find(report.Name(v.Param("report")))
	if err != nil {
		return err
	}
	format := sheet.Format(v.Query("format"))
	if !format.Valid() {
		return account.ErrNotFound
	}
	t, language := asked(v, one), v.Reader.Locale.Language
	name := string(one.Name) + "-" + t.To.String()
	if !one.AsOf {
		name = string(one.Name) + "-" + t.From.String() + "-" + t.To.String()
	}
	return v.Stack.Read(v.Context(), func(ctx context.Context, tx tenant.Tx) error {
		if err := one.Check(t); err != nil { // before the first byte
			return err
		}
		return v.Stream(name, format, func(to io.Writer) error {
			out, err := sheet.New(to, format, report.Word(language, "report."+string(one.Name)), one.Heads(language, v.Profile.Currency.DocumentDigits()))
			if err != nil {
				return err
			}
			if err := one.Write(ctx, tx, t, out); err != nil {
				return err
			}
			return out.Close()
		})
	})
}
