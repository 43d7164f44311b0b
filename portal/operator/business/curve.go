package business

import (
	"strings"

	"tollhouse/billing/catalog"
	"tollhouse/billing/money"
	"tollhouse/portal/ui"
)

// curveView draws what a rule's tiers cost by how much is used.
type curveView struct {
	title, spoken string
	path          string // of the polyline
	dots          []dot
	xs, ys        []tick
	draft         string
}

type dot struct{ x, y, text, anchor, textX, textY string }
type tick struct{ at, text string }

// The plot's corners, in the picture's units.
const (
	plotLeft, plotRight, plotTop, plotBottom = 44, 312, 20, 160
)

// curve draws graduated and volume tiers; nil for others and for what cannot be
// drawn yet.
func (d *designer) curve(r catalog.Rule) *curveView {
	t := r.Tiers
	if t == nil || len(t.Bands) < 2 || d.offering == nil || t.Kind == catalog.Package {
		return nil
	}
	last := t.Bands[len(t.Bands)-2].To
	if last == nil || last.Base() == 0 {
		return nil
	}
	xMax := money.NewDecimal(last.Base()).Mul(money.NewDecimal(3))
	xMax, _ = xMax.Div(money.NewDecimal(2), 0, money.HalfAwayFromZero)
	type point struct{ x, y money.Decimal }
	points := []point{{}}
	for _, b := range t.Bands {
		x := xMax
		if b.To != nil {
			x = money.NewDecimal(b.To.Base())
		}
		y, err := tierCost(*t, x)
		if err != nil {
			return nil
		}
		points = append(points, point{x, y})
	}
	yMax := money.Decimal{}
	for _, p := range points {
		if p.y.Cmp(yMax) > 0 {
			yMax = p.y
		}
	}
	if yMax.IsZero() {
		return nil
	}
	at := func(v, top money.Decimal, from, to int64) string {
		moved, err := v.MulDiv(money.NewDecimal(to-from), top, 1, money.HalfAwayFromZero)
		if err != nil {
			return ""
		}
		return moved.Add(money.NewDecimal(from)).String()
	}
	w := words{d.reader, *d.offering}
	c := &curveView{title: d.reader.T("catalog.curve.title", "what", w.name(r.Names, r.Code)), draft: d.reader.T("catalog.curve.draft")}
	var told, drawn []string
	for i, p := range points {
		x, y := at(p.x, xMax, plotLeft, plotRight), at(yMax.Sub(p.y), yMax, plotTop, plotBottom)
		drawn = append(drawn, x+","+y)
		if i == 0 {
			continue
		}
		label := d.reader.Quantity(p.x, last.Unit()) + ", " + w.money(p.y)
		told = append(told, label)
		if i < len(points)-1 {
			c.dots = append(c.dots, dot{x: x, y: y, text: label, textX: x, textY: y, anchor: "middle"})
		}
		c.xs = append(c.xs, tick{x, d.reader.Quantity(p.x, last.Unit())})
	}
	c.path, c.spoken = strings.Join(drawn, " "), d.reader.T("catalog.curve.spoken", "points", strings.Join(told, "; "))
	half, _ := yMax.Div(money.NewDecimal(2), d.offering.Currency.Digits(), money.HalfAwayFromZero)
	for _, y := range []money.Decimal{{}, half, yMax} {
		c.ys = append(c.ys, tick{at(yMax.Sub(y), yMax, plotTop, plotBottom), short(d.reader, y)})
	}
	return c
}

func short(r ui.Reader, d money.Decimal) string {
	return r.Number(d.Round(min(d.Digits(), 2), money.HalfAwayFromZero))
}

// tierCost is what a period's use of x costs.
func tierCost(t catalog.Tiers, x money.Decimal) (money.Decimal, error) {
	var sum, from money.Decimal
	for _, b := range t.Bands {
		to := x
		if b.To != nil && money.NewDecimal(b.To.Base()).Cmp(x) < 0 {
			to = money.NewDecimal(b.To.Base())
		}
		switch part := to.Sub(from); {
		case t.Kind == catalog.Volume && (b.To == nil || money.NewDecimal(b.To.Base()).Cmp(x) >= 0):
			return x.MulDiv(orZero(b.Price), money.NewDecimal(perOf(b)), money.Scale, money.HalfAwayFromZero)
		case t.Kind != catalog.Volume && part.Sign() > 0:
			cost, err := part.MulDiv(orZero(b.Price), money.NewDecimal(perOf(b)), money.Scale, money.HalfAwayFromZero)
			if err != nil {
				return sum, err
			}
			sum = sum.Add(cost)
		}
		from = to
	}
	return sum, nil
}

func orZero(d *money.Decimal) money.Decimal {
	if d == nil {
		return money.Decimal{}
	}
	return *d
}

// perOf is the quantity that a band's price is for.
func perOf(b catalog.Band) int64 {
	if b.Per == nil {
		return 1
	}
	return b.Per.Base()
}
