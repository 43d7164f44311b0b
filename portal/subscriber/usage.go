package subscriber

import (
	"time"

	"tollhouse/billing/calendar"
	"tollhouse/billing/history"
	"tollhouse/billing/money"
	"tollhouse/billing/usage"
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
	Latest []useRow
	Older  string // address of the next page
	Newest string // address of the first, from a later one
}

// kindLink chooses what the chart shows.
type kindLink struct {
	Label, Href string
	Current     bool
}

type dayRow struct{ Day, Used, Cost string }

// useRow is one use in the list.
type useRow struct {
	ID         string // unique on the page
	When       string
	What, With string
	Quantity   string
	Cost       string
	Spoken     string // of the link
	Amount     *money.Amount
	Why        string // address of the explanation
	Open       *whyView
	Fold       string // address of the row without it
}

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
		return dayRow{day, quantityOf(r, kind, quantity), r.Locale.FormatFigure(f.amount(price).RoundToDocument())}
	}
	for _, d := range days {
		used, cost = used.Add(d.Quantity), cost.Add(d.Price)
		view.Days = append(view.Days, row(r.DayMonth(d.Day), d.Quantity, d.Price, d.Kind))
	}
	view.Total = row(r.T("usage.total"), used, cost, days[0].Kind)
}

// quantityOf writes how much of a kind: messages are counted as such.
func quantityOf(r ui.Reader, kind usage.Kind, quantity money.Decimal) string {
	n, err := quantity.Int64()
	switch {
	case err != nil:
		return r.Number(quantity)
	case kind == usage.Message || kind == usage.Content:
		return r.N("count."+string(kind), n)
	}
	return r.Quantity(quantity, unitOf(kind))
}

func unitOf(kind usage.Kind) money.Unit {
	switch kind {
	case usage.Voice:
		return money.Second
	case usage.Data:
		return money.Byte
	}
	return money.Event
}

func useRowOf(v *web.Visit, u history.Use) useRow {
	r := v.Reader
	address := v.Base + "usage/" + usage.PeriodOf(u.End, r.Zone).String() + "/" + u.ID.String()
	row := useRow{
		ID: u.ID.String(), When: r.Short(u.Start), What: r.T("usage." + string(u.Kind)), Quantity: quantityOf(r, u.Kind, u.Quantity),
		Amount: u.Price, Why: address, Fold: address + "?fold=1",
	}
	switch {
	case u.Destination != "":
		row.With = r.T("usage.to", "destination", readable(u.Destination))
	case u.Kind == usage.Voice && u.Origin != "":
		row.With = r.T("usage.from", "origin", readable(u.Origin))
	}
	row.Cost, row.Spoken = r.T("usage.free"), r.T("usage.why.free")
	if u.Price != nil && !u.Price.IsZero() {
		row.Cost = r.Cost(*u.Price)
		row.Spoken = r.T("usage.why.of", "cost", row.Cost)
	}
	return row
}

// chart draws one kind of usage over the days of a cycle.
type chart struct {
	reader ui.Reader
	kind   usage.Kind
	cycle  calendar.Period
	days   []history.Day
}

func (c chart) draw() ui.Columns {
	var total, most money.Decimal
	var mostOn calendar.Date
	for _, d := range c.days {
		total = total.Add(d.Quantity)
		if d.Quantity.Cmp(most) > 0 {
			most, mostOn = d.Quantity, d.Day
		}
	}
	if most.IsZero() {
		most, mostOn = money.NewDecimal(1), c.days[0].Day
	}
	step, labels := c.scale(most)
	columns := ui.Columns{ID: "days", Title: c.reader.T("usage.byday." + string(c.kind)), Scale: labels, Below: c.below(),
		Finds: c.reader.T("usage.finds", "total", quantityOf(c.reader, c.kind, total), "most", quantityOf(c.reader, c.kind, most), "day", c.reader.DayMonth(mostOn))}
	top := step.Mul(money.NewDecimal(3))
	for _, d := range c.days {
		columns.Bars = append(columns.Bars, c.column(d, top))
	}
	return columns
}

// column places a day among the days of the cycle: two thirds of its width.
func (c chart) column(d history.Day, top money.Decimal) ui.Column {
	days := money.NewDecimal(int64(c.cycle.Days()))
	part := func(numerator money.Decimal) string {
		x, err := numerator.Div(days, 2, money.HalfAwayFromZero)
		if err != nil {
			return "0" // a cycle has days
		}
		return x.String()
	}
	place := money.NewDecimal(int64(c.cycle.From.DaysUntil(d.Day)))
	hundred := money.NewDecimal(100)
	height, err := d.Quantity.MulDiv(hundred, top, 2, money.HalfAwayFromZero)
	if err != nil {
		height = money.Decimal{} // top is above zero
	}
	return ui.Column{
		X: part(place.Mul(hundred).Add(money.NewDecimal(17))), Width: part(money.NewDecimal(66)),
		Y: hundred.Sub(height).String(), Height: height.String(), Pale: d.Day == c.reader.Today,
	}
}

// scale chooses three even steps that hold the most, in a unit that reads well.
func (c chart) scale(most money.Decimal) (step money.Decimal, labels []string) {
	unit, size := "", money.NewDecimal(1)
	switch {
	case c.kind == usage.Voice:
		unit, size = "min", money.NewDecimal(60)
	case c.kind == usage.Data && most.Cmp(money.NewDecimal(1e9)) >= 0:
		unit, size = "GB", money.NewDecimal(1e9)
	case c.kind == usage.Data:
		unit, size = "MB", money.NewDecimal(1e6)
	}
	count := niceStep(most, size)
	for i := int64(3); i >= 0; i-- {
		label := c.reader.Number(count.Mul(money.NewDecimal(i)))
		if i == 3 && unit != "" {
			label += "\u00a0" + c.reader.T("unit."+unit)
		}
		labels = append(labels, label)
	}
	return count.Mul(size), labels
}

// niceStep is the least of 1, 2, 5, 10, 15, 20, 25, 50 … of which three hold
// the most; below one it begins again at a tenth.
func niceStep(most, size money.Decimal) money.Decimal {
	for scale := money.DecimalOf(1, 1); ; scale = scale.Mul(money.NewDecimal(10)) {
		for _, n := range []string{"1", "1.5", "2", "2.5", "3", "4", "5", "6", "8"} {
			step := scale.Mul(money.MustDecimal(n))
			if step.Mul(size).Mul(money.NewDecimal(3)).Cmp(most) >= 0 {
				return step
			}
		}
	}
}

// below labels the first and last day and two between.
func (c chart) below() []string {
	days := c.cycle.Days()
	var labels []string
	for i := range 4 {
		day := c.cycle.From.AddDays((days - 1) * i / 3)
		if i == 0 || day.Day < c.cycle.From.Day && i == 3 {
			labels = append(labels, c.reader.DayMonth(day))
			continue
		}
		labels = append(labels, c.reader.Number(money.NewDecimal(int64(day.Day))))
	}
	return labels
}
