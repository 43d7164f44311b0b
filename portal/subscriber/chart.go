package subscriber

import (
	"tollhouse/billing/calendar"
	"tollhouse/billing/history"
	"tollhouse/billing/money"
	"tollhouse/billing/usage"
	"tollhouse/portal/explain"
	"tollhouse/portal/ui"
)

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
	top, labels := explain.Scale(c.reader, c.kind, most)
	columns := ui.Columns{ID: "days", Title: c.reader.T("usage.byday." + string(c.kind)), Scale: labels, Below: c.below(),
		Finds: c.reader.T("usage.finds", "total", explain.QuantityOf(c.reader, c.kind, total), "most", explain.QuantityOf(c.reader, c.kind, most), "day", c.reader.DayMonth(mostOn))}
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
