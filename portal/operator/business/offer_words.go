package business

import (
	"strings"

	"tollhouse/billing/catalog"
	"tollhouse/billing/insight"
	"tollhouse/billing/money"
	"tollhouse/portal/ui"
	"tollhouse/portal/web"
)

// words tells a version's prices in the reader's language.
type words struct {
	r ui.Reader
	o catalog.Offering
}

func newOfferView(v *web.Visit, o catalog.Stored, sold insight.Sold) *offerView {
	r := v.Reader
	w := words{r, o.Offering}
	page := &offerView{list: v.Console("offers"), yaml: v.Console("offers/"+o.Code+"/yaml", "version", count(r, int64(o.Number))),
		name: o.Offering.Names.In(r.Locale.Language), code: o.Code}
	page.tone, page.state = versionState(r, o.Version, v.At())
	switch v.Query("done") {
	case "published":
		page.done = r.T("biz.offer.published.done")
	case "retired":
		page.done = r.T("biz.offer.retired.done")
	}
	from := "–"
	if o.AvailableFrom != nil {
		from = r.DateTime(*o.AvailableFrom)
	}
	page.facts = []fact{{r.T("biz.offer.code"), o.Code, ""}, {r.T("biz.sold.version"), count(r, int64(o.Number)), ""}, {r.T("biz.offer.billing"), r.T("biz.offer.billing." + string(o.Billing)), ""},
		{r.T("biz.offer.services"), w.services(), ""}, {r.T("biz.offer.available"), from, ""}, {r.T("biz.sold.active"), count(r, sold.Active), ""},
		{r.T("biz.offer.tax"), o.Offering.Tax.Category + ", " + r.T("biz.offer.included."+map[bool]string{true: "true", false: "false"}[o.Offering.Tax.Included]), ""}}
	for _, p := range o.Offering.Prices.Recurring {
		page.prices = append(page.prices, priceRow{w.name(p.Names, p.Code), w.r.Every(p.Period()) + ", " + r.T("biz.offer.timing."+string(p.Timing)), w.money(p.Amount)})
	}
	for _, p := range o.Offering.Prices.OneTime {
		page.prices = append(page.prices, priceRow{w.name(p.Names, p.Code), r.T("biz.offer.once"), w.money(p.Amount)})
	}
	for _, a := range o.Offering.Allowances {
		page.allowances = append(page.allowances, allowanceRow{w.name(a.Names, a.Code), r.Quantity(a.Amount.Decimal(), a.Amount.Unit()), w.use(a)})
	}
	for _, u := range o.Offering.Usage {
		for _, rule := range u.Rules {
			page.usage = append(page.usage, w.rule(u, rule))
		}
	}
	return page
}

func (w words) name(names catalog.Names, code string) string {
	if name := names.In(w.r.Locale.Language); name != "" {
		return name
	}
	return code
}

func (w words) money(d money.Decimal) string { return w.r.Exact(money.New(d, w.o.Currency)) }

func (w words) services() string {
	var list []string
	for _, s := range w.o.Services {
		list = append(list, w.r.T("biz.offer.service."+string(s)))
	}
	return strings.Join(list, ", ")
}

func (w words) use(a catalog.Allowance) string {
	var kinds []string
	for _, k := range a.Kinds {
		kinds = append(kinds, w.r.T("biz.offer.kind."+string(k)))
	}
	text := strings.Join(kinds, ", ")
	if len(a.Destinations) > 0 {
		text += " → " + w.places(a.Destinations)
	}
	return text + ", " + w.r.N("biz.offer.for", int64(a.ValidityMonths))
}

// places names destination sets.
func (w words) places(codes []string) string {
	var list []string
	for _, code := range codes {
		if code == catalog.AnyDestination {
			list = append(list, w.r.T("biz.offer.anywhere"))
			continue
		}
		name := code
		for _, set := range w.o.Destinations {
			if set.Code == code {
				name = w.name(set.Names, code)
			}
		}
		list = append(list, name)
	}
	return strings.Join(list, ", ")
}

func (w words) rule(u catalog.UsagePrice, rule catalog.Rule) usageRow {
	row := usageRow{name: w.name(rule.Names, w.name(u.Names, u.Code)), to: w.places(rule.Destinations), windows: w.windows(rule.Windows)}
	switch {
	case rule.Price != nil && rule.Per != nil:
		row.price = w.per(*rule.Price, *rule.Per)
	case len(rule.Steps) > 0:
		var parts []string
		for _, s := range rule.Steps {
			parts = append(parts, w.r.T("biz.offer.stepfrom", "from", s.From.String())+" "+w.per(s.Price, s.Per))
		}
		row.price = strings.Join(parts, "; ")
	case rule.Tiers != nil:
		row.price = w.tiers(*rule.Tiers)
	case rule.EventPrice != nil:
		row.price = w.r.T("biz.offer.perevent", "price", w.money(*rule.EventPrice))
	case rule.Percent != nil:
		row.price = w.r.T("biz.offer.percent", "percent", w.r.Number(*rule.Percent))
	}
	var more []string
	add := func(key string, d *money.Decimal) {
		if d != nil {
			more = append(more, w.r.T("biz.offer."+key)+" "+w.money(*d))
		}
	}
	add("connect", rule.ConnectFee)
	add("minimum", rule.Minimum)
	if rule.Cap != nil {
		key := "cap"
		if rule.Cap.Then == catalog.ThenEnd {
			key = "capend"
		}
		add(key, &rule.Cap.Amount)
	}
	more = append(more, w.narrowed(rule)...)
	if rule.Increments != nil {
		more = append(more, w.r.T("biz.offer.increments", "first", rule.Increments.First.String(), "next", rule.Increments.Next.String()))
	}
	row.more = strings.Join(more, "; ")
	return row
}

func (w words) per(price money.Decimal, per catalog.Quantity) string {
	return w.money(price) + nbsp + "/" + nbsp + w.r.Per(per)
}

func (w words) tiers(t catalog.Tiers) string {
	if t.Kind == catalog.Package && t.Free != nil && t.Size != nil && t.Price != nil {
		return w.r.T("biz.offer.package", "free", t.Free.String(), "size", t.Size.String(), "price", w.money(*t.Price))
	}
	var parts []string
	for _, band := range t.Bands {
		if band.To != nil {
			parts = append(parts, w.r.T("biz.offer.bandto", "to", band.To.String())+" "+w.band(band))
		} else {
			parts = append(parts, w.r.T("biz.offer.bandrest")+" "+w.band(band))
		}
	}
	return w.r.T("biz.offer.tiers."+string(t.Kind)) + ": " + strings.Join(parts, "; ")
}

// band is a fee, a price, or a fee and a price.
func (w words) band(b catalog.Band) string {
	var parts []string
	if b.Fee != nil {
		parts = append(parts, w.money(*b.Fee))
	}
	if b.Price != nil && b.Per != nil {
		parts = append(parts, w.per(*b.Price, *b.Per))
	}
	return strings.Join(parts, " + ")
}

func (w words) windows(windows []catalog.Window) string {
	if len(windows) == 0 {
		return w.r.T("biz.offer.always")
	}
	var list []string
	for _, window := range windows {
		from, to := window.Span()
		text := w.days(window.Days)
		if from != 0 || to != catalog.DayMinutes {
			text = strings.TrimSpace(text + " " + from.String() + "–" + to.String())
		}
		list = append(list, strings.TrimSpace(strings.Join(append(w.dates(window), text), " ")))
	}
	return strings.Join(list, "; ")
}

// days names days, three and more in a row by the first and last.
func (w words) days(days []catalog.Day) string {
	name := func(d catalog.Day) string { return w.r.T("biz.offer.day." + d.String()) }
	var list []string
	for i := 0; i < len(days); {
		end := i
		for end+1 < len(days) && days[end+1] == days[end]+1 && days[end+1] != catalog.Holiday {
			end++
		}
		if end-i >= 2 {
			list, i = append(list, name(days[i])+"–"+name(days[end])), end+1
			continue
		}
		list, i = append(list, name(days[i])), i+1
	}
	return strings.Join(list, " ")
}
