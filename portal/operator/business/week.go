package business

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"tollhouse/billing/catalog"
	"tollhouse/billing/money"
	"tollhouse/portal/ui"
)

// weekView is the week of one group of a usage price's rules: those for the same
// destinations.
type weekView struct {
	id, title, unit string
	legend          []weekKey
	days            []weekDay
	paint           paintForm
}

type weekKey struct{ class, text string }

type weekDay struct {
	short, long string
	cells       []weekCell
}

// weekCell is a stretch of hours with one price. Its button puts the hours into
// the form below.
type weekCell struct {
	span                     string // in half hours
	class, text, spoken, act string
	chosen                   bool
}

// paintForm gives hours to a rule.
type paintForm struct {
	days     []ui.Choice
	from, to ui.Field
	rules    []ui.Choice
	path     string // prefix of the fields
	act      string
	fault    string
}

// paint is which hours a form asks for; its fields bear names that no document
// has.
type paint struct {
	usage, group int
	days         []string
	from, to     string
	rule         string
	fault        string
}

func paintPath(usage, group int) string { return fmt.Sprintf("~%d.%d", usage, group) }

// weeks draws the weeks of a usage price.
func (d *designer) weeks(usage int) []weekView {
	if d.offering == nil || usage >= len(d.offering.Usage) {
		return nil
	}
	u := d.offering.Usage[usage]
	var views []weekView
	for n, group := range u.SameDestinations() {
		if slices.ContainsFunc(group, func(i int) bool {
			return !slices.ContainsFunc(u.Rules[i].Windows, catalog.Window.Plain) && len(u.Rules[i].Windows) > 0
		}) {
			continue // dates and months have no place in a week
		}
		views = append(views, d.week(u, usage, n, group))
	}
	return views
}

func (d *designer) week(u catalog.UsagePrice, usage, n int, group []int) weekView {
	w := words{d.reader, *d.offering}
	name := w.name(u.Names, u.Code)
	v := weekView{id: fmt.Sprintf("week-%d-%d", usage, n), title: d.reader.T("catalog.week.title", "what", name, "to", w.tariff().Places(u.Rules[group[0]].Destinations)),
		unit: d.reader.T("catalog.week.unit", "currency", d.offering.Currency.Code())}
	classes := d.classes(u, group)
	for _, i := range group {
		v.legend = append(v.legend, weekKey{classes[i], w.name(u.Rules[i].Names, u.Rules[i].Code) + " " + d.priceOf(u.Rules[i])})
	}
	asked := d.painting != nil && d.painting.usage == usage && d.painting.group == n
	week := u.Week(group)
	days := catalog.DayCount
	if len(d.offering.Holidays) == 0 && d.offering.Calendar == "" {
		days = int(catalog.Holiday)
	}
	for day := range days {
		row := weekDay{short: d.t("day." + catalog.Day(day).String()), long: d.reader.T("catalog.day." + catalog.Day(day).String())}
		for _, span := range week[day] {
			row.cells = append(row.cells, d.cell(u, usage, n, catalog.Day(day), span, classes, asked))
		}
		v.days = append(v.days, row)
	}
	v.paint = d.paintForm(u, usage, n, group, asked)
	return v
}

func (d *designer) cell(u catalog.UsagePrice, usage, n int, day catalog.Day, span catalog.Span, classes map[int]string, asked bool) weekCell {
	hours := span.From.String() + "–" + span.To.String()
	c := weekCell{span: strconv.Itoa(max(1, (int(span.To)-int(span.From))/30)), class: "w-hole", text: "?", act: fmt.Sprintf("hours:%d:%d:%s:%s:%s", usage, n, day, clock(span.From), clock(span.To))}
	spoken := d.reader.T("catalog.week.hole")
	if span.Rule >= 0 {
		c.class, c.text = classes[span.Rule], d.priceOf(u.Rules[span.Rule])
		spoken = c.text
	}
	c.spoken = d.reader.T("catalog.day."+day.String()) + " " + hours + ", " + spoken
	c.chosen = asked && slices.Contains(d.painting.days, day.String()) && d.painting.from == span.From.String() && d.painting.to == span.To.String()
	return c
}

// clock writes a time without the colon that parts an act.
func clock(t catalog.TimeOfDay) string { return strings.ReplaceAll(t.String(), ":", ".") }

// classes gives the dearest rule the strongest colour.
func (d *designer) classes(u catalog.UsagePrice, group []int) map[int]string {
	order := slices.Clone(group)
	slices.SortStableFunc(order, func(a, b int) int { return firstPrice(u.Rules[b]).Cmp(firstPrice(u.Rules[a])) })
	strengths := []string{"w-peak", "w-day", "w-night"}
	classes := map[int]string{}
	for n, i := range order {
		classes[i] = strengths[min(n, len(strengths)-1)]
		if firstPrice(u.Rules[i]).IsZero() {
			classes[i] = "w-free"
		}
	}
	return classes
}

// firstPrice is what the beginning of an event costs by a rule.
func firstPrice(r catalog.Rule) money.Decimal {
	switch {
	case r.Price != nil:
		return *r.Price
	case r.EventPrice != nil:
		return *r.EventPrice
	case r.Percent != nil:
		return *r.Percent
	case len(r.Steps) > 0:
		return r.Steps[0].Price
	case r.Tiers != nil && len(r.Tiers.Bands) > 0:
		return orZero(r.Tiers.Bands[0].Price)
	case r.Tiers != nil && r.Tiers.Price != nil:
		return *r.Tiers.Price
	}
	return money.Decimal{}
}

// priceOf is a rule's price as short as a cell needs it.
func (d *designer) priceOf(r catalog.Rule) string {
	price := firstPrice(r)
	if price.IsZero() {
		return d.reader.T("catalog.week.free")
	}
	return d.reader.Number(price)
}

func (d *designer) paintForm(u catalog.UsagePrice, usage, n int, group []int, asked bool) paintForm {
	path := paintPath(usage, n)
	form := paintForm{path: path, act: fmt.Sprintf("paint:%d:%d", usage, n),
		from: ui.Field{ID: path + ".from", Label: d.t("from"), Autocomplete: "off", MaxLength: "5", Optional: true},
		to:   ui.Field{ID: path + ".to", Label: d.t("to"), Autocomplete: "off", MaxLength: "5", Optional: true}}
	chosen, rule := []string{}, ""
	if asked {
		chosen, rule, form.from.Value, form.to.Value, form.fault = d.painting.days, d.painting.rule, d.painting.from, d.painting.to, d.painting.fault
	}
	for _, day := range []string{"mon", "tue", "wed", "thu", "fri", "sat", "sun", "holiday"} {
		form.days = append(form.days, ui.Choice{Value: day, Label: d.t("day." + day), Chosen: slices.Contains(chosen, day)})
	}
	w := words{d.reader, *d.offering}
	for _, i := range group {
		code := u.Rules[i].Code
		form.rules = append(form.rules, ui.Choice{Value: code, Label: w.name(u.Rules[i].Names, code) + " " + d.priceOf(u.Rules[i]), Chosen: rule == code})
	}
	return form
}

// paintHours carries out what a form asks of the week; it says what is wrong, if
// it cannot be.
func paintHours(r ui.Reader, o *catalog.Offering, p *paint) string {
	if p.usage >= len(o.Usage) {
		return r.T("catalog.paint.gone")
	}
	u := &o.Usage[p.usage]
	groups := u.SameDestinations()
	if p.group >= len(groups) {
		return r.T("catalog.paint.gone")
	}
	var days []catalog.Day
	for _, name := range p.days {
		var day catalog.Day
		if day.UnmarshalText([]byte(name)) == nil {
			days = append(days, day)
		}
	}
	from, err := timeOr(p.from, 0)
	to, err2 := timeOr(p.to, catalog.DayMinutes)
	rule := slices.IndexFunc(u.Rules, func(one catalog.Rule) bool { return one.Code == p.rule })
	switch {
	case len(days) == 0:
		return r.T("catalog.paint.days")
	case err != nil || err2 != nil || to <= from:
		return r.T("catalog.paint.hours")
	case rule < 0:
		return r.T("catalog.paint.rule")
	}
	if err := u.Paint(groups[p.group], rule, days, from, to); err != nil {
		return r.T("catalog.paint.hours")
	}
	return ""
}

func timeOr(text string, fallback catalog.TimeOfDay) (t catalog.TimeOfDay, err error) {
	text = strings.ReplaceAll(strings.TrimSpace(text), ".", ":")
	if text == "" {
		return fallback, nil
	}
	return t, t.UnmarshalText([]byte(text))
}
