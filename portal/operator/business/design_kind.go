package business

import (
	"encoding/json"
	"strconv"
	"strings"

	"tollhouse/portal/ui"
)

// word is a label of the catalog's own words.
func (d *designer) word(key string) string { return d.reader.T("catalog.label." + key) }

// sort is what kind of offer it is.
func (d *designer) sort(path string) control {
	c := d.field(path, d.word("sort"))
	c.kind, c.Hint, c.Optional = "select", d.reader.T("catalog.hint.sort"), false
	return d.choices(c, "sort", "simple", "bundle", "option", "third_party")
}

// choices fills a choice whose words are catalog.<word>.<value>.
func (d *designer) choices(c control, word string, values ...string) control {
	for _, value := range values {
		c.choices = append(c.choices, ui.Choice{Value: value, Label: d.reader.T("catalog." + word + "." + value), Chosen: c.Value == value})
	}
	return c
}

// period is the other way to say how long a price's period is.
func (d *designer) period(path string) control {
	c := d.field(path, d.word("every"))
	c.Hint, c.Optional = d.reader.T("catalog.hint.every"), true
	return c
}

// kinds are the parts that only an offer of a kind has; those that it has
// already are shown whatever its kind, so that they can be emptied.
func (d *designer) kinds() []group {
	sort, _ := d.tree["kind"].(string)
	var groups []group
	if sort == "bundle" || d.tree.has("bundle") {
		g := d.part("bundle", d.word("bundle"), false, d.choices(d.selected("bundle.pricing", "pricing"), "pricing", "one", "components"),
			d.number("bundle.discount.percent", "discount.percent"), d.number("bundle.discount.amount", "discount.amount"), d.number("bundle.at_least", "at_least"))
		g.groups = d.rows("bundle.components", func(row string) group {
			return d.part(row, d.word("component")+": "+d.tree.text(row+".offering", d.reader.Locale), true, d.field(row+".offering", d.word("component.offering")),
				d.choices(d.selected(row+".optional", "component.optional"), "optional", "false", "true"))
		})
		g.adds = []addRow{{"bundle.components", d.word("component.add")}}
		groups = append(groups, g)
	}
	if sort == "option" || d.tree.has("option") {
		groups = append(groups, d.part("option", d.word("option"), false, d.number("option.for", "option.for"), d.number("option.requires", "option.requires"),
			d.number("option.excludes", "option.excludes"), d.number("option.at_most", "option.at_most"),
			d.number("option.priority", "option.priority"), d.number("option.lasts.cycles", "lasts.cycles"), d.number("option.lasts.days", "lasts.days")))
	}
	if sort == "third_party" || d.tree.has("third_party") {
		groups = append(groups, d.part("third_party", d.word("third_party"), false, d.number("third_party.partner", "partner"),
			d.number("third_party.share.percent", "share.percent"), d.number("third_party.share.amount", "share.amount"), d.choices(d.selected("third_party.per", "share.per"), "per", "charge", "period")))
	}
	return groups
}

func (d *designer) number(path, label string) control {
	c := d.field(path, d.word(label))
	c.Optional = true
	return c
}

func (d *designer) selected(path, label string) control {
	c := d.field(path, d.word(label))
	c.kind, c.Optional = "select", false
	return c
}

func (d *designer) curveOf(row string) *curveView {
	if d.offering == nil {
		return nil
	}
	usage, rule := indexOf(row[:strings.Index(row, ".rules")]), indexOf(row)
	if usage >= len(d.offering.Usage) || rule >= len(d.offering.Usage[usage].Rules) {
		return nil
	}
	return d.curve(d.offering.Usage[usage].Rules[rule])
}

// indexOf is the last index of a path.
func indexOf(path string) int {
	open := strings.LastIndex(path, "[")
	n, err := strconv.Atoi(strings.TrimSuffix(path[open+1:], "]"))
	if open < 0 || err != nil {
		return maxRows
	}
	return n
}

// rest is what of a part no field shows. It goes along with the form, so that a
// form that knows less than the format loses nothing.
func (d *designer) rest(path string) string {
	whole := any(map[string]any(d.tree))
	if path != "" {
		whole = d.tree.at(path)
	}
	fields, is := whole.(map[string]any)
	if !is {
		return ""
	}
	left := d.unshown(path, fields)
	if len(left) == 0 {
		return ""
	}
	text, err := json.Marshal(left)
	if err != nil {
		return "" // a tree is plain JSON
	}
	return string(text)
}

func (d *designer) unshown(path string, fields map[string]any) map[string]any {
	left := map[string]any{}
	for name, value := range fields {
		at := strings.TrimPrefix(path+"."+name, ".")
		inner, isMap := value.(map[string]any)
		switch {
		case d.paths[at] && (!isMap || name == "factors"):
		case isMap && d.shown(at):
			if more := d.unshown(at, inner); len(more) > 0 {
				left[name] = more
			}
		case !d.shown(at):
			left[name] = value
		}
	}
	return left
}

// shown says whether a path or anything below it has a field.
func (d *designer) shown(path string) bool {
	if _, known := d.paths[path]; known {
		return true
	}
	for known := range d.paths {
		if strings.HasPrefix(known, path+".") || strings.HasPrefix(known, path+"[") {
			return true
		}
	}
	return false
}
