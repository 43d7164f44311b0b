package business

import (
	"fmt"
	"slices"
	"sort"
	"strings"

	"tollhouse/billing/catalog"
	"tollhouse/portal/ui"
)

// moreMark ends the path of a part that holds fields of the row before it which
// most offers leave alone. No document has such a path.
const moreMark = "~more"

// more is a part of a row for what most offers leave alone.
func (d *designer) more(row string, fields ...control) group {
	return group{path: row + moreMark, title: d.word("more"), fields: fields}
}

// listed is a field of several values, with commas.
func (d *designer) listed(path, label string) control {
	c := d.number(path, label)
	c.Hint = d.reader.T("catalog.hint.commas")
	return c
}

// picked is a choice that may be left open; its words are catalog.<word>.<value>.
func (d *designer) picked(path, label, word string, values ...string) control {
	c := d.field(path, d.word(label))
	c.kind, c.Optional = "select", true
	c.choices = []ui.Choice{{Label: d.reader.T("catalog." + word + ".none")}}
	return d.choices(c, word, values...)
}

// wording is a field with a hint of the catalog's own words.
func (d *designer) wording(path, label, hint string) control {
	c := d.number(path, label)
	c.Hint = d.reader.T("catalog.hint." + hint)
	return c
}

// ownTimes are when subscribers may change from the plan by themselves.
func (d *designer) ownTimes() control {
	c := d.field("own_change.when", d.word("own_change.when"))
	c.kind, c.Hint = "checks", d.reader.T("catalog.hint.own_change")
	chosen := d.tree.list("own_change.when")
	for _, at := range []catalog.ChangeTime{catalog.ChangeNow, catalog.ChangeAtEnd} {
		c.choices = append(c.choices, ui.Choice{Value: string(at), Label: d.reader.T("catalog.own_change." + string(at)), Chosen: slices.Contains(chosen, string(at))})
	}
	return c
}

// ruleMore are the fields of a price by quality, network, currency and cost.
func (d *designer) ruleMore(row string) group {
	return d.more(row, d.picked(row+".network", "network", "network", "own", "other"), d.listed(row+".qualities", "qualities"),
		d.picked(row+".cap.then", "cap.then", "then", "free", "end"), d.wording(row+".currency", "rule.currency", "rule.currency"),
		d.wording(row+".cost.price", "cost.price", "cost"), d.wording(row+".cost.per", "cost.per", "cost.per"))
}

// windowFields are when a price holds, or an allowance may be used.
func (d *designer) window(at string) group {
	g := d.part(at, d.t("window.one"), true, d.checks(at+".days", d.t("days"), "day", "mon", "tue", "wed", "thu", "fri", "sat", "sun", "holiday"),
		d.hinted(at+".from", d.t("from"), "time.hint"), d.field(at+".to", d.t("to")))
	g.groups = []group{d.more(at, d.wording(at+".months", "window.months", "window.months"), d.wording(at+".month_days", "window.month_days", "window.month_days"),
		d.wording(at+".dates", "window.dates", "window.dates"), d.wording(at+".first_date", "window.first", "window.first"), d.wording(at+".last_date", "window.last", "window.first"))}
	return g
}

// allowanceMore are an allowance's filter, own price, factors, end, rollover,
// sharing and refills.
func (d *designer) allowanceMore(row string) []group {
	groups := d.rows(row+".windows", d.window)
	d.paths[row+".factors"] = true
	shared := d.picked(row+".shared.on", "shared", "shared", "true")
	return append(groups, d.more(row,
		d.listed(row+".qualities", "qualities"), d.wording(row+".factors", "factors", "factors"), d.picked(row+".blocks", "blocks", "blocks", "true"),
		d.wording(row+".price.connect_fee", "own.fee", "own.fee"), d.wording(row+".price.price", "own.price", "own.price"), d.wording(row+".price.per", "own.per", "cost.per"), d.wording(row+".price.increment", "own.increment", "own.increment"),
		d.wording(row+".validity_days", "validity.days", "validity"), d.picked(row+".validity", "validity", "validity", "cycle"),
		d.wording(row+".rollover.periods", "rollover.periods", "rollover"), d.wording(row+".rollover.share", "rollover.share", "rollover.share"), d.wording(row+".rollover.amount", "rollover.amount", "rollover.amount"), d.picked(row+".rollover.use", "rollover.use", "turn", "first", "last"),
		shared, d.wording(row+".shared.limit", "shared.limit", "shared.limit"),
		d.picked(row+".refill.on", "refill.on", "refill", "cycle", "payment", "event"), d.wording(row+".refill.minimum", "refill.minimum", "refill.minimum"),
		d.wording(row+".refill.event", "refill.event", "refill.event"), d.wording(row+".refill.times", "refill.times", "refill.times")))
}

// keepWhole mends what a form says in two fields and a document in one: a cap
// whose rest is free is an amount, and an allowance may be shared without a
// limit.
func (t tree) keepWhole() {
	for i := range t.rows("usage") {
		for n := range t.rows(fmt.Sprintf("usage[%d].rules", i)) {
			rule, _ := t.at(fmt.Sprintf("usage[%d].rules[%d]", i, n)).(map[string]any)
			if most, is := rule["cap"].(map[string]any); is && most["then"] != "end" {
				delete(rule, "cap")
				if amount, set := most["amount"]; set {
					rule["cap"] = amount
				}
			}
		}
	}
	for i := range t.rows("allowances") {
		row, _ := t.at(fmt.Sprintf("allowances[%d]", i)).(map[string]any)
		shared, is := row["shared"].(map[string]any)
		if !is {
			continue
		}
		if shared["on"] != true {
			delete(row, "shared")
			continue
		}
		delete(shared, "on")
	}
}

// factors are written as quality = units, with commas.
func factorsText(factors map[string]any) string {
	var list []string
	for quality, units := range factors {
		list = append(list, fmt.Sprintf("%s = %v", quality, units))
	}
	sort.Strings(list)
	return strings.Join(list, ", ")
}

// factorsOf reads them; what cannot be read stays a text, which the document's
// own check refuses.
func factorsOf(text string) any {
	factors := map[string]any{}
	for part := range strings.SplitSeq(text, ",") {
		quality, units, is := strings.Cut(part, "=")
		if !is || strings.TrimSpace(quality) == "" {
			return text
		}
		factors[strings.TrimSpace(quality)] = strings.TrimSpace(units)
	}
	return factors
}
