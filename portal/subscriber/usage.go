package subscriber

import (
	"time"

	"tollhouse/billing/history"
	"tollhouse/billing/money"
	"tollhouse/billing/usage"
	"tollhouse/portal/explain"
	"tollhouse/portal/ui"
	"tollhouse/portal/web"
)

// usageView is what was used: by day in the open cycle, and the latest of it.
type usageView struct {
	Cycle  string
	Kinds  []kindLink // more than one kind was used
	Chart  *ui.Columns
	Days   []dayRow
	Total  dayRow
	Costs  string // heading of the days' costs
	Latest []explain.Row
	Older  string // address of the next page
	Newest string // address of the first, from a later one
}

// kindLink chooses what the chart shows.
type kindLink struct {
	Label, Href string
	Current     bool
}

type dayRow struct{ Day, Used, Cost string }

// kinds in the order in which a chart is looked for.
var kinds = []usage.Kind{usage.Data, usage.Voice, usage.Message, usage.Content}

func usageOf(v *web.Visit, f *facts) usageView {
	r := v.Reader
	last := f.account.Cycle.To.AddDays(-1)
	view := usageView{Cycle: r.T("usage.cycle", "from", r.Date(f.account.Cycle.From), "to", r.Date(last))}
	view.showDays(v, f)
	for i, u := range f.uses {
		if i == latestUses {
			previous := f.uses[i-1].Place()
			view.Older = v.URL("", "usage", previous.At.Format(time.RFC3339Nano), "use", previous.ID.String())
			break
		}
		view.Latest = append(view.Latest, useRowOf(v, u))
	}
	if v.Query("usage") != "" {
		view.Newest = v.Base
	}
	return view
}

// showDays draws the kind that was asked for, or the first that was used.
func (view *usageView) showDays(v *web.Visit, f *facts) {
	used := map[usage.Kind]bool{}
	for _, d := range f.days {
		used[d.Kind] = true
	}
	shown := usage.Kind("")
	for _, kind := range kinds {
		if used[kind] && (shown == "" || v.Query("show") == string(kind)) {
			shown = kind
		}
	}
	if shown == "" {
		return
	}
	for _, kind := range kinds {
		if used[kind] && len(used) > 1 {
			view.Kinds = append(view.Kinds, kindLink{Label: v.Reader.T("usage." + string(kind)), Href: v.URL("", "show", string(kind)), Current: kind == shown})
		}
	}
	c := chart{reader: v.Reader, kind: shown, cycle: f.account.Cycle}
	for _, d := range f.days {
		if d.Kind == shown {
			c.days = append(c.days, d)
		}
	}
	columns := c.draw()
	view.Chart = &columns
	view.Costs = v.Reader.T("usage.col.cost", "currency", v.Reader.Locale.Symbol(f.account.Currency))
	view.table(v.Reader, f, c.days)
}

func (view *usageView) table(r ui.Reader, f *facts, days []history.Day) {
	var used, cost money.Decimal
	row := func(day string, quantity, price money.Decimal, kind usage.Kind) dayRow {
		return dayRow{day, explain.QuantityOf(r, kind, quantity), r.Locale.FormatFigure(f.amount(price).RoundToDocument())}
	}
	for _, d := range days {
		used, cost = used.Add(d.Quantity), cost.Add(d.Price)
		view.Days = append(view.Days, row(r.DayMonth(d.Day), d.Quantity, d.Price, d.Kind))
	}
	view.Total = row(r.T("usage.total"), used, cost, days[0].Kind)
}

func useRowOf(v *web.Visit, u history.Use) explain.Row {
	return explain.RowOf(v.Reader, u, v.Base+"usage/"+usage.PeriodOf(u.End, v.Reader.Zone).String()+"/"+u.ID.String())
}
