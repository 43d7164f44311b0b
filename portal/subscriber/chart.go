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
	step, labels := c.scale(most)
	columns := ui.Columns{ID: "days", Title: c.reader.T("usage.byday." + string(c.kind)), Scale: labels, Below: c.below(),
		Finds: c.reader.T("usage.finds", "total", explain.QuantityOf(c.reader, c.kind, total), "most", explain.QuantityOf(c.reader, c.kind, most), "day", c.reader.DayMonth(mostOn))}
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
