package subscriber

import (
	"context"
	"net/http"
	"strings"
	"time"

	"github.com/google/uuid"

	"tollhouse/billing/account"
	"tollhouse/billing/calendar"
	"tollhouse/billing/history"
	"tollhouse/billing/money"
	"tollhouse/billing/tenant"
	"tollhouse/billing/usage"
	"tollhouse/portal/explain"
	"tollhouse/portal/ui"
	"tollhouse/portal/web"
)

// usesOnPage is how many uses one page lists.
const usesOnPage = 20

// usageAsk is what of the usage is asked for, as the address says it.
type usageAsk struct {
	Month string // 2026-05; empty: the open cycle
	Show  string // kind that the chart draws
	Day   string // 2026-05-12: uses of this day only
	At    string // where the list begins: an instant,
	Use   string // and the use after which it does
	Why   string // month and id of the use that is explained
}

func usageAsked(v *web.Visit) usageAsk {
	return usageAsk{Month: v.Query("month"), Show: v.Query("show"), Day: v.Query("day"), At: v.Query("at"), Use: v.Query("use"), Why: v.Query("why")}
}

// url is the address that asks this.
func (a usageAsk) url(v *web.Visit) string {
	var pairs []string
	for _, one := range [][2]string{{"month", a.Month}, {"show", a.Show}, {"day", a.Day}, {"at", a.At}, {"use", a.Use}, {"why", a.Why}} {
		if one[1] != "" {
			pairs = append(pairs, one[0], one[1])
		}
	}
	return v.URL(string(sectionUsage), pairs...)
}

// from is another list of uses of the same period.
func (a usageAsk) from(day, at, use string) usageAsk {
	a.Day, a.At, a.Use, a.Why = day, at, use, ""
	return a
}

func (a usageAsk) explaining(why string) usageAsk {
	a.Why = why
	return a
}

// usageFacts are what the page is made of.
type usageFacts struct {
	account account.Account
	period  calendar.Period
	list    calendar.Period // part of the period whose uses are listed
	days    []history.Day
	uses    []history.Use
	why     *explain.View
}

// usageView is the page.
type usageView struct {
	Page   ui.Page
	Period string
	Months []month
	Ask    usageAsk
	Base   string // address of the page
	Chart  chartView
	List   usesView
}

// chartView is what was used by day.
type chartView struct {
	Kinds []kindLink // more than one kind was used
	Chart *ui.Columns
	Days  []dayRow
	Total dayRow
	Costs string // heading of the days' costs
}

// kindLink chooses what the chart shows.
type kindLink struct {
	Label, Href string
	Current     bool
}

// dayRow is a day in the chart's table; Href lists its uses.
type dayRow struct{ Day, Used, Cost, Href string }

// usesView lists single uses.
type usesView struct {
	Title  string
	Rows   []explain.Row
	All    string // address of the list without its day
	Older  string // address of the next page
	Newest string // address of the first, from a later one
	Why    *explain.View
	Fold   string // address of the list without the explanation
}

// kinds in the order in which a chart is looked for.
var kinds = []usage.Kind{usage.Data, usage.Voice, usage.Message, usage.Content}

func usagePageOf(v *web.Visit) error {
	ask := usageAsked(v)
	f, err := loadUsage(v, ask)
	if err != nil {
		return err
	}
	switch {
	case v.Part("usage-chart"):
		return v.Show(http.StatusOK, usageChart(v.Reader, chartOf(v, ask, &f)))
	case v.Part("usage-latest"):
		return v.Show(http.StatusOK, usesList(v.Reader, usesOf(v, ask, &f)))
	}
	return v.Show(http.StatusOK, usagePage(usageViewOf(v, ask, &f)))
}

// loadUsage reads what the page, or the part that is asked for, is made of.
func loadUsage(v *web.Visit, ask usageAsk) (f usageFacts, err error) {
	err = read(v, func(ctx context.Context, tx tenant.Tx) (err error) {
		if f.account, err = ownAccount(ctx, tx, v); err != nil {
			return err
		}
		f.period = periodAsked(ask, f.account)
		f.list = listAsked(ask, f.period)
		if !v.Part("usage-latest") {
			from, to := f.period.Instants(v.Reader.Zone)
			if f.days, err = history.Days(ctx, tx, f.account.ID, from, to, v.Reader.Zone); err != nil {
				return err
			}
		}
		if v.Part("usage-chart") {
			return nil
		}
		return loadUses(ctx, tx, v, ask, &f)
	})
	return f, err
}

func loadUses(ctx context.Context, tx tenant.Tx, v *web.Visit, ask usageAsk, f *usageFacts) error {
	from, to := f.list.Instants(v.Reader.Zone)
	place := history.Place{At: to}
	if at, err := time.Parse(time.RFC3339Nano, ask.At); err == nil && at.Before(to) {
		place = history.Place{At: at, ID: parseID(ask.Use)}
	}
	uses, err := history.Uses(ctx, tx, f.account.ID, place, usesOnPage+1)
	if err != nil {
		return err
	}
	for _, u := range uses {
		if !u.End.Before(from) {
			f.uses = append(f.uses, u)
		}
	}
	period, id, found := whyAsked(ask)
	if !found {
		return nil
	}
	_, view, err := explained(ctx, tx, v, period, id)
	f.why = &view
	return err
}

// whyAsked reads the month and the id of the use that is to be explained.
func whyAsked(ask usageAsk) (calendar.Date, uuid.UUID, bool) {
	month, text, _ := strings.Cut(ask.Why, ".")
	period, err := calendar.ParseDate(month)
	id := parseID(text)
	return period, id, err == nil && id != uuid.Nil
}

// periodAsked is the month that was asked for, or the open cycle.
func periodAsked(ask usageAsk, a account.Account) calendar.Period {
	if first, err := calendar.ParseDate(ask.Month + "-01"); err == nil {
		return calendar.Period{From: first, To: first.AddMonths(1)}
	}
	return a.Cycle
}

// listAsked is the day that was asked for, or the whole period.
func listAsked(ask usageAsk, period calendar.Period) calendar.Period {
	day, err := calendar.ParseDate(ask.Day)
	if err != nil || day.Before(period.From) || !day.Before(period.To) {
		return period
	}
	return calendar.Period{From: day, To: day.AddDays(1)}
}

func usageViewOf(v *web.Visit, ask usageAsk, f *usageFacts) usageView {
	r := v.Reader
	view := usageView{
		Page: pageOf(v, sectionUsage, r.T("usage.title")), Ask: ask, Base: v.URL(string(sectionUsage)),
		Period: r.T("usage.cycle", "from", r.Date(f.period.From), "to", r.Date(f.period.To.AddDays(-1))),
		Chart:  chartOf(v, ask, f), List: usesOf(v, ask, f),
	}
	view.Months = append([]month{{"", r.T("usage.open"), ask.Month == ""}}, monthsOf(r, f.account, ask.Month, "")...)
	return view
}

// monthsOf lists the months of an account, the latest first, back to where it
// was opened. Prefix is what their values begin with.
func monthsOf(r ui.Reader, a account.Account, chosen, prefix string) []month {
	var months []month
	day, opened := r.Today, r.LocalDate(a.CreatedAt)
	day.Day, opened.Day = 1, 1
	for ; len(months) < chosenMonths && !day.Before(opened); day = day.AddMonths(-1) {
		value := prefix + day.String()[:len("2026-05")]
		months = append(months, month{value, r.Locale.FormatMonth(day), value == chosen})
	}
	return months
}

// chartOf draws the kind that was asked for, or the first that was used.
func chartOf(v *web.Visit, ask usageAsk, f *usageFacts) (view chartView) {
	used := map[usage.Kind]bool{}
	for _, d := range f.days {
		used[d.Kind] = true
	}
	shown := usage.Kind("")
	for _, kind := range kinds {
		if used[kind] && (shown == "" || ask.Show == string(kind)) {
			shown = kind
		}
	}
	if shown == "" {
		return view
	}
	for _, kind := range kinds {
		if used[kind] && len(used) > 1 {
			view.Kinds = append(view.Kinds, kindLink{Label: v.Reader.T("usage." + string(kind)),
				Href: usageAsk{Month: ask.Month, Show: string(kind)}.url(v), Current: kind == shown})
		}
	}
	c := chart{reader: v.Reader, kind: shown, cycle: f.period}
	for _, d := range f.days {
		if d.Kind == shown {
			c.days = append(c.days, d)
		}
	}
	columns := c.draw()
	view.Chart = &columns
	view.Costs = v.Reader.T("usage.col.cost", "currency", v.Reader.Locale.Symbol(f.account.Currency))
	view.table(v, ask, f, c.days)
	return view
}

func (view *chartView) table(v *web.Visit, ask usageAsk, f *usageFacts, days []history.Day) {
	r := v.Reader
	var used, cost money.Decimal
	row := func(day string, quantity, price money.Decimal, kind usage.Kind) dayRow {
		figure := r.Locale.FormatFigure(money.New(price, f.account.Currency).RoundToDocument())
		return dayRow{Day: day, Used: explain.QuantityOf(r, kind, quantity), Cost: figure}
	}
	for _, d := range days {
		used, cost = used.Add(d.Quantity), cost.Add(d.Price)
		one := row(r.DayMonth(d.Day), d.Quantity, d.Price, d.Kind)
		one.Href = ask.from(d.Day.String(), "", "").url(v)
		view.Days = append(view.Days, one)
	}
	view.Total = row(r.T("usage.total"), used, cost, days[0].Kind)
}

func usesOf(v *web.Visit, ask usageAsk, f *usageFacts) usesView {
	r := v.Reader
	view := usesView{Title: r.T("usage.latest"), Why: f.why, Fold: ask.explaining("").url(v)}
	if f.list != f.period {
		view.Title, view.All = r.T("usage.of", "day", r.Date(f.list.From)), ask.from("", "", "").url(v)
	}
	for i, u := range f.uses {
		if i == usesOnPage {
			previous := f.uses[i-1].Place()
			view.Older = ask.from(ask.Day, previous.At.Format(time.RFC3339Nano), previous.ID.String()).url(v)
			break
		}
		view.Rows = append(view.Rows, useRowOf(v, ask, f, u))
	}
	if ask.At != "" {
		view.Newest = ask.from(ask.Day, "", "").url(v)
	}
	return view
}

// useRowOf is a use in the list; its cost leads to the same list with the
// explanation opened.
func useRowOf(v *web.Visit, ask usageAsk, f *usageFacts, u history.Use) explain.Row {
	why := usage.PeriodOf(u.End, v.Reader.Zone).String() + "." + u.ID.String()
	row := explain.RowOf(v.Reader, u, ask.explaining(why).url(v))
	row.Fold, row.Part, row.Beside = ask.explaining("").url(v), "usage-latest", true
	if f.why != nil && ask.Why == why {
		row.Open = f.why
		row.Spoken = v.Reader.T("usage.why.close", "cost", row.Cost)
	}
	return row
}
