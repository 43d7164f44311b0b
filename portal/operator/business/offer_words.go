package business

import (
	"strings"

	"tollhouse/billing/catalog"
	"tollhouse/billing/insight"
	"tollhouse/billing/money"
	"tollhouse/portal/explain"
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
		{r.T("biz.offer.services"), dash(w.services()), ""}, {r.T("biz.offer.available"), from, ""}, {r.T("biz.sold.active"), count(r, sold.Active), ""},
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

func (w words) name(names catalog.Names, code string) string { return w.tariff().Name(names, code) }

func (w words) tariff() explain.Words { return explain.Words{Reader: w.r, Offering: w.o} }

func (w words) money(d money.Decimal) string { return w.r.Exact(money.New(d, w.o.Currency)) }

func (w words) services() string {
	var list []string
	for _, s := range w.o.Services {
		list = append(list, w.r.T("biz.offer.service."+string(s)))
	}
	return strings.Join(list, ", ")
}

// use is what an allowance is for, how it gives it and how long.
func (w words) use(a catalog.Allowance) string {
	text := w.tariff().AllowanceFor(a)
	if text == "" {
		text = w.tariff().Kinds(a.Kinds)
	}
	list := append([]string{text}, w.tariff().Gives(a)...)
	switch {
	case a.ValidityMonths > 0:
		list = append(list, w.r.N("biz.offer.for", int64(a.ValidityMonths)))
	case a.ValidityDays > 0:
		list = append(list, w.r.N("kept.days", int64(a.ValidityDays)))
	case a.Validity == catalog.UntilCycle:
		list = append(list, w.r.T("kept.cycle"))
	}
	if a.Rollover != nil {
		list = append(list, w.r.N("kept.rolls", int64(a.Rollover.Periods)))
	}
	if a.Shared != nil {
		list = append(list, w.r.T("kept.shared"))
	}
	if list[0] == "" {
		list = list[1:]
	}
	return strings.Join(list, ", ")
}

func (w words) rule(u catalog.UsagePrice, rule catalog.Rule) usageRow {
	row := usageRow{name: w.name(rule.Names, w.name(u.Names, u.Code)), to: w.tariff().Places(rule.Destinations), windows: w.tariff().Windows(rule.Windows)}
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
	more = append(more, w.tariff().Narrowed(rule.Network, rule.Qualities)...)
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
