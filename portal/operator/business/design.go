package business

import (
	"fmt"
	"slices"
	"strings"

	"tollhouse/billing/catalog"
	"tollhouse/billing/money"
	"tollhouse/portal/explain"
	"tollhouse/portal/ui"
)

// group is a part of the form: a fieldset with fields, inner groups and the
// buttons that add rows to it.
type group struct {
	path, title string
	fields      []control
	groups      []group
	adds        []addRow
	removable   bool
	rest        string // what of the part no field shows, as JSON: it stays as it is
	weeks       []weekView
	curve       *curveView
}

type addRow struct{ path, label string }

// control is one field of the form.
type control struct {
	ui.Field
	kind    string // input, area, select or checks
	choices []ui.Choice
}

// designer builds the form of a document.
type designer struct {
	reader   ui.Reader
	tree     tree
	currency money.Currency // zero while none is written
	faults   map[string]string
	focus    string // path of the row that was just added
	paths    map[string]bool
	labels   map[string]string // what fields and parts are called, by path
	offering *catalog.Offering // nil while it cannot be read
	painting *paint            // hours that the form asks for
}

func newDesigner(r ui.Reader, t tree, findings []catalog.Finding) *designer {
	d := &designer{reader: r, tree: t, faults: map[string]string{}, paths: map[string]bool{}, labels: map[string]string{}}
	if code, is := t["currency"].(string); is {
		d.currency, _ = money.ParseCurrency(code) // an unknown one is a finding
	}
	if o, err := t.offering(); err == nil {
		d.offering = &o
	}
	d.label("", d.build()) // once without faults, to know which fields there are
	said := map[string]int{}
	for _, f := range catalog.Faults(findings) {
		at := d.nearest(f.Path)
		if said[at]++; said[at] > saidBeside {
			continue
		}
		if d.faults[at] != "" {
			d.faults[at] += "; "
		}
		d.faults[at] += saying(r, f)
	}
	for at, n := range said {
		if n > saidBeside {
			d.faults[at] += "; " + r.N("catalog.faults.more", int64(n-saidBeside))
		}
	}
	return d
}

// saidBeside is how many faults stand beside one field or part; the summary on
// top of the page has all.
const saidBeside = 2

// saying is a finding with what would be right.
func saying(r ui.Reader, f catalog.Finding) string {
	words, _ := explain.FindingWith(r, f.Message, f.Want)
	return words
}

// label names every field and part as people see it, from the outside in.
func (d *designer) label(within string, groups []group) {
	for _, g := range groups {
		title := g.title
		if within != "" {
			title = within + " › " + title
		}
		d.labels[g.path] = title
		for _, c := range g.fields {
			d.labels[c.ID] = title + " › " + c.Label
		}
		d.label(title, g.groups)
	}
}

// nearest is the field or part that a finding is shown at: its own, or that
// which holds it.
func (d *designer) nearest(path string) string {
	for path != "" && d.labels[path] == "" {
		if d.labels[path+".amount"] != "" {
			return path + ".amount" // a cap, which a document may write as one amount
		}
		cut := max(strings.LastIndex(path, "."), strings.LastIndex(path, "["))
		if cut < 0 {
			return ""
		}
		path = path[:cut]
	}
	return path
}

// summary lists what is wrong, each with the field it is about.
func (d *designer) summary(findings []catalog.Finding) []ui.Fault {
	faults := make([]ui.Fault, len(findings))
	for i, f := range findings {
		at := d.nearest(f.Path)
		if at == "" {
			at = "design"
		}
		message := saying(d.reader, f)
		if label := d.labels[at]; label != "" {
			message = d.reader.T("finding.at", "at", label, "what", message)
		} else if f.Path != "" {
			message = d.reader.T("finding.at", "at", f.Path, "what", message)
		}
		faults[i] = ui.Fault{Field: at, Message: message}
	}
	return faults
}

func (d *designer) t(key string) string { return d.reader.T("biz.offer." + key) }

// field is a one-line field of the document.
func (d *designer) field(path, label string) control {
	d.paths[path] = true
	f := ui.Field{ID: path, Label: label, Value: d.tree.text(path, d.reader.Locale), Error: d.faults[path], Autocomplete: "off", Optional: optional(path), MaxLength: "4000"}
	f.Autofocus = d.focus != "" && path == d.focus+".code"
	return control{Field: f, kind: "input"}
}

// optional says whether a document may go without a field. A rule's price may
// stand in steps or tiers instead.
func optional(path string) bool {
	switch path[strings.LastIndex(path, ".")+1:] {
	case "code", "amount", "timing", "prorate", "kind", "kinds", "validity_months", "priority", "billing", "services", "currency", "category", "included", "en":
		return strings.HasPrefix(path, "destinations") && strings.HasSuffix(path, ".en") || strings.Contains(path, ".rules[") && strings.HasSuffix(path, ".en")
	case "destinations":
		return strings.HasPrefix(path, "allowances")
	}
	return true
}

// amount tells what was understood of a price.
func (d *designer) amount(path, label string) control {
	c := d.field(path, label)
	c.InputMode = "decimal"
	if text, is := d.tree.at(path).(string); is && !d.currency.IsZero() {
		if a, err := money.Parse(text, d.currency); err == nil {
			c.Hint = "= " + d.reader.Exact(a)
		}
	}
	return c
}

func (d *designer) hinted(path, label, hint string) control {
	c := d.field(path, label)
	c.Hint = d.t(hint)
	return c
}

func (d *designer) area(path, label, hint string) control {
	c := d.hinted(path, label, hint)
	c.kind = "area"
	return c
}

// choose offers values; words are biz.offer.<word>.<value>. none adds an empty
// choice.
func (d *designer) choose(path, label, word string, none bool, values ...string) control {
	c := d.field(path, label)
	c.kind = "select"
	if none {
		c.choices = append(c.choices, ui.Choice{Label: d.reader.T("biz.none")})
	}
	for _, value := range values {
		c.choices = append(c.choices, ui.Choice{Value: value, Label: d.t(word + "." + value), Chosen: c.Value == value})
	}
	return c
}

func (d *designer) checks(path, label, word string, values ...string) control {
	c := d.choose(path, label, word, false, values...)
	c.kind = "checks"
	chosen := d.tree.list(path)
	for i := range c.choices {
		c.choices[i].Chosen = slices.Contains(chosen, c.choices[i].Value)
	}
	return c
}

func (d *designer) names(path string) []control {
	var list []control
	for _, language := range []string{"en", "id", "ru"} {
		c := d.field(path+".names."+language, d.reader.T("biz.offer.name."+language))
		c.Lang = language
		list = append(list, c)
	}
	d.paths[path+".names"] = false
	return list
}

// part opens a group; a fault of the part as a whole is told at its head.
func (d *designer) part(path, title string, removable bool, fields ...control) group {
	d.paths[path] = true
	return group{path: path, title: title, fields: fields, removable: removable, rest: d.rest(path)}
}

// rows are the groups of a list.
func (d *designer) rows(path string, one func(row string) group) []group {
	var groups []group
	for i := range d.tree.rows(path) {
		groups = append(groups, one(fmt.Sprintf("%s[%d]", path, i)))
	}
	d.paths[path] = true
	return groups
}

// titled is a row's title: its name if it has one, else what it is.
func (d *designer) titled(row, what string) string {
	for _, path := range []string{row + ".names." + d.reader.Locale.Language, row + ".names.en", row + ".code"} {
		if text := d.tree.text(path, d.reader.Locale); text != "" {
			return d.t(what) + ": " + text
		}
	}
	return d.t(what)
}

// build makes the whole form.
func (d *designer) build() []group {
	kinds := []string{"voice", "data", "message", "content", "transaction"}
	head := d.part("design", d.t("head"), false,
		append(append([]control{d.hinted("code", d.t("code"), "code.hint")}, d.namesOfAll()...),
			d.sort("kind"), d.field("specification", d.word("specification")), d.choose("billing", d.t("billing"), "billing", false, "postpaid", "prepaid"),
			d.checks("services", d.t("services"), "service", "internet", "iptv", "voice", "mobile", "hosting"),
			d.field("currency", d.t("currency")), d.field("tax.category", d.t("tax")),
			d.choose("tax.included", d.t("included"), "included", false, "true", "false"))...)
	recurring := d.part("prices.recurring", d.t("recurring"), false)
	recurring.groups = d.rows("prices.recurring", func(row string) group {
		return d.part(row, d.titled(row, "recurring.one"), true, append(append([]control{d.field(row+".code", d.t("code"))}, d.names(row)...),
			d.amount(row+".amount", d.t("amount")), d.hinted(row+".months", d.t("months"), "months.hint"), d.period(row+".every"),
			d.choose(row+".timing", d.t("timing"), "timing", false, "advance", "arrears"),
			d.choose(row+".prorate", d.t("prorate"), "prorate", false, "day", "none"))...)
	})
	recurring.adds = []addRow{{"prices.recurring", d.t("recurring.add")}}
	once := d.part("prices.one_time", d.t("onetime"), false)
	once.groups = d.rows("prices.one_time", func(row string) group {
		return d.part(row, d.titled(row, "onetime.one"), true, append(append([]control{d.field(row+".code", d.t("code"))}, d.names(row)...), d.amount(row+".amount", d.t("amount")))...)
	})
	once.adds = []addRow{{"prices.one_time", d.t("onetime.add")}}
	allowances := d.part("allowances", d.t("allowances"), false)
	allowances.groups = d.rows("allowances", func(row string) group {
		g := d.part(row, d.titled(row, "allowance.one"), true, append(append([]control{d.field(row+".code", d.t("code"))}, d.names(row)...),
			d.hinted(row+".amount", d.t("quantity"), "quantity.hint"), d.checks(row+".kinds", d.t("kinds"), "kind", kinds...),
			d.hinted(row+".destinations", d.t("destinations"), "destinations.any"), d.field(row+".validity_months", d.t("validity")), d.hinted(row+".priority", d.t("priority"), "priority.hint"))...)
		g.groups = d.allowanceMore(row)
		g.adds = []addRow{{row + ".windows", d.t("window.add")}}
		return g
	})
	allowances.adds = []addRow{{"allowances", d.t("allowance.add")}}
	sets := d.part("destinations", d.t("sets"), false)
	sets.groups = d.rows("destinations", func(row string) group {
		return d.part(row, d.titled(row, "set.one"), true, append(append([]control{d.field(row+".code", d.t("code"))}, d.names(row)...), d.area(row+".prefixes", d.t("prefixes"), "prefixes.hint"),
			d.wording(row+".deck", "set.deck", "set.deck"), d.listed(row+".zones", "set.zones"))...)
	})
	sets.adds = []addRow{{"destinations", d.t("set.add")}}
	usage := d.part("usage", d.t("usage"), false)
	usage.groups = d.rows("usage", d.usagePrice)
	usage.adds = []addRow{{"usage", d.t("usage.add")}}
	more := d.part("more", d.t("more"), false, d.area("holidays", d.t("holidays"), "holidays.hint"), d.area("required_facts", d.t("facts"), "facts.hint"),
		d.wording("calendar", "calendar", "calendar"), d.wording("debt_limit", "debt_limit", "debt_limit"))
	deposit := d.part("deposit", d.word("deposit"), false, d.wording("deposit.amount", "deposit.amount", "deposit.amount"), d.wording("deposit.organization", "deposit.organization", "deposit.organization"),
		d.wording("deposit.months", "deposit.months", "deposit.months"), d.wording("deposit.interest", "deposit.interest", "deposit.interest"),
		d.wording("deposit.segment.tags", "deposit.tags", "deposit.tags"), d.wording("deposit.segment.risk", "deposit.risk", "deposit.risk"))
	own := d.part("own_change", d.word("own_change"), false, d.ownTimes(), d.wording("own_change.to", "own_change.to", "own_change.to"))
	groups := append([]group{head}, d.kinds()...)
	groups = append(groups, recurring, once, allowances, sets, usage, deposit, own, more)
	d.paths["design"] = true
	groups[0].rest = d.rest("")
	return groups
}

// namesOfAll are the offering's own names, which stand at no part.
func (d *designer) namesOfAll() []control {
	var list []control
	for _, language := range []string{"en", "id", "ru"} {
		c := d.field("names."+language, d.reader.T("biz.offer.name."+language))
		c.Lang = language
		list = append(list, c)
	}
	return list
}

func (d *designer) usagePrice(row string) group {
	g := d.part(row, d.titled(row, "usage.one"), true, append(append([]control{d.field(row+".code", d.t("code"))}, d.names(row)...),
		d.choose(row+".kind", d.t("kind"), "kind", false, "voice", "data", "message", "content", "transaction"))...)
	g.groups = d.rows(row+".rules", d.rule)
	g.weeks = d.weeks(indexOf(row))
	g.adds = []addRow{{row + ".rules", d.t("rule.add")}}
	return g
}

func (d *designer) rule(row string) group {
	g := d.part(row, d.titled(row, "rule.one"), true, append(append([]control{d.field(row+".code", d.t("code"))}, d.names(row)...),
		d.hinted(row+".destinations", d.t("destinations"), "destinations.hint"),
		d.amount(row+".price", d.t("price")), d.hinted(row+".per", d.t("per"), "per.hint"),
		d.hinted(row+".increments.first", d.t("first"), "increment.hint"), d.field(row+".increments.next", d.t("next")),
		d.amount(row+".connect_fee", d.t("connect")), d.amount(row+".minimum", d.t("minimum")), d.amount(row+".cap.amount", d.t("cap")), d.amount(row+".event_price", d.word("event_price")),
		d.amount(row+".percent", d.word("percent")), d.field(row+".priority", d.word("rule.priority")))...)
	g.groups = append(g.groups, d.rows(row+".windows", d.window)...)
	g.groups = append(g.groups, d.rows(row+".steps", func(at string) group {
		return d.part(at, d.t("step.one"), true, d.field(at+".from", d.t("step.from")), d.amount(at+".price", d.t("price")), d.field(at+".per", d.t("per")), d.field(at+".increment", d.t("increment")))
	})...)
	if d.tree.has(row + ".tiers") {
		g.groups = append(g.groups, d.tiers(row+".tiers"))
		g.curve = d.curveOf(row)
	}
	g.groups = append(g.groups, d.ruleMore(row))
	g.adds = []addRow{{row + ".windows", d.t("window.add")}, {row + ".steps", d.t("step.add")}, {row + ".tiers.bands", d.t("band.add")}}
	return g
}

func (d *designer) tiers(at string) group {
	g := d.part(at, d.t("tiers"), false, d.choose(at+".kind", d.t("tiers.kind"), "tiers", true, "graduated", "volume", "package", "stair"),
		d.field(at+".free", d.t("free")), d.field(at+".size", d.t("size")), d.amount(at+".price", d.t("price")), d.picked(at+".at_zero", "at_zero", "at_zero", "true"))
	g.groups = d.rows(at+".bands", func(row string) group {
		return d.part(row, d.t("band.one"), true, d.hinted(row+".to", d.t("band.to"), "band.hint"), d.amount(row+".price", d.t("price")), d.field(row+".per", d.t("per")), d.wording(row+".fee", "band.fee", "band.fee"))
	})
	return g
}
