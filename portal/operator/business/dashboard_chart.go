package business

import (
	"tollhouse/billing/insight"
	"tollhouse/billing/money"
	"tollhouse/portal/ui"
	"tollhouse/portal/web"
)

// revenueChartOf stacks what each month was earned with; the month that is not
// over is pale.
func revenueChartOf(v *web.Visit, months []insight.Month) *revenueChart {
	r, c := v.Reader, v.Profile.Currency
	most := money.NewDecimal(0)
	for _, m := range months {
		if m.Total().Cmp(most) > 0 {
			most = m.Total()
		}
	}
	step := ui.NiceStep(most, money.NewDecimal(1))
	top := step.Mul(money.NewDecimal(3))
	chart := &revenueChart{unit: r.Locale.Symbol(c)}
	chart.id, chart.title, chart.big = "rev", r.T("biz.rev.title"), true
	for i := int64(3); i >= 0; i-- {
		chart.scale = append(chart.scale, scaleLabel(r, money.New(step.Mul(money.NewDecimal(i)), c)))
	}
	chart.lines = []string{"0", "33.33", "66.67", "100"}
	last := months[len(months)-1]
	for i, m := range months {
		chart.below = append(chart.below, monthShort(r, m.First))
		classes := [3]string{"b1", "b2", "b4"}
		if i == len(months)-1 {
			classes = [3]string{"b2", "bmute", "bmute"}
		}
		chart.parts = append(chart.parts, stack(i, len(months), top, classes, m.Recurring, m.Usage, m.OneTime)...)
		figure := func(d money.Decimal) string { return figure(r, money.New(d, c)) }
		chart.rows = append(chart.rows, revenueRow{r.Locale.FormatMonth(m.First), v.Console("revenue/" + m.First.String()[:7]),
			figure(m.Recurring), figure(m.Usage), figure(m.OneTime), figure(m.Total())})
	}
	chart.legend = []legendEntry{{"sq", r.T("biz.rev.recurring")}, {"sq soft", r.T("biz.rev.usage")}, {"sq s2", r.T("biz.rev.onetime")}}
	chart.said = r.T("biz.rev.open", "month", r.Locale.FormatMonth(last.First), "day", count(r, int64(r.Today.Day)),
		"of", count(r, int64(last.First.DaysUntil(last.First.AddMonths(1)))))
	if n := len(months); n > 1 {
		chart.finds = r.T("biz.rev.finds", "first", r.Locale.FormatMonth(months[0].First), "from", r.Money(money.New(months[0].Total(), c)),
			"last", r.Locale.FormatMonth(months[n-2].First), "to", r.Money(money.New(months[n-2].Total(), c)), "so", r.Money(money.New(last.Total(), c)))
	}
	return chart
}

// scaleLabel is an amount at a line of a chart, whose heading names the currency.
func scaleLabel(r ui.Reader, a money.Amount) string {
	for _, big := range []struct {
		power int32
		key   string
	}{{9, "biz.billion"}, {6, "biz.million"}} {
		size := money.DecimalOf(1, -big.power)
		if a.Decimal().Cmp(size) >= 0 {
			if part, err := a.Decimal().Div(size, 2, money.HalfAwayFromZero); err == nil {
				return r.Number(part) + nbsp + r.T(big.key)
			}
		}
	}
	return r.Number(a.Decimal())
}

// stack places one period's parts over one another: the lowest first, two
// thirds of the period's width.
func stack(i, of int, top money.Decimal, classes [3]string, amounts ...money.Decimal) []part {
	n := money.NewDecimal(int64(of))
	x, _ := money.NewDecimal(int64(i)*100+17).Div(n, 2, money.HalfAwayFromZero) // of is above zero
	width, _ := money.NewDecimal(66).Div(n, 2, money.HalfAwayFromZero)
	foot := money.NewDecimal(100)
	var parts []part
	for at, amount := range amounts {
		if amount.Sign() <= 0 {
			continue
		}
		height := share(amount, top)
		foot = foot.Sub(height)
		parts = append(parts, part{classes[at], x.String(), foot.String(), width.String(), height.String()})
	}
	return parts
}

// weekChartOf draws the net change of each week from a line of zero, which lies
// where the losses need it.
func weekChartOf(r ui.Reader, weeks []insight.Week) *weekChart {
	if len(weeks) == 0 {
		return nil
	}
	chart := &weekChart{}
	chart.id, chart.title = "net", r.T("biz.net.title")
	var most, least, sum int64
	for _, w := range weeks {
		most, least, sum = max(most, w.Net()), min(least, w.Net()), sum+w.Net()
	}
	if most == least {
		most = 1 // nobody came or went: the line of zero lies at the foot
	}
	span := most - least
	y := func(n int64) money.Decimal { return share(money.NewDecimal(most-n), money.NewDecimal(span)) }
	chart.scale, chart.lines = []string{signed(r, most)}, []string{"0"}
	if least < 0 && most > 0 {
		chart.scale = append(chart.scale, "0")
	}
	chart.scale = append(chart.scale, signed(r, least))
	chart.lines = append(chart.lines, y(0).String())
	width, _ := money.NewDecimal(66).Div(money.NewDecimal(int64(len(weeks))), 2, money.HalfAwayFromZero)
	for i, w := range weeks {
		x, _ := money.NewDecimal(int64(i)*100+17).Div(money.NewDecimal(int64(len(weeks))), 2, money.HalfAwayFromZero)
		from, to := y(max(w.Net(), 0)), y(min(w.Net(), 0))
		class := "b1"
		switch {
		case i == len(weeks)-1:
			class = "b2"
		case w.Net() < 0:
			class = "bbad"
		}
		if w.Net() != 0 {
			chart.parts = append(chart.parts, part{class, x.String(), from.String(), width.String(), to.Sub(from).String()})
		}
		chart.rows = append(chart.rows, weekRow{r.Date(w.From), count(r, w.Joined), count(r, w.Left), signed(r, w.Net())})
		if i%4 == 0 || i == len(weeks)-1 {
			chart.below = append(chart.below, r.DayMonth(w.From))
		}
	}
	chart.sum = r.T("biz.net.sum", "n", signed(r, sum))
	chart.finds = r.T("biz.net.finds", "n", signed(r, sum), "most", signed(r, most), "least", signed(r, least))
	chart.legend = []legendEntry{{"sq", r.T("biz.net.legend")}}
	chart.said = r.T("biz.net.open")
	return chart
}
