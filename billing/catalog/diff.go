package catalog

import (
	"cmp"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
)

// Change is one difference between two versions of an offering.
type Change struct {
	Sort ChangeSort `json:"sort"`
	// Path is where it stands: in the new version or, for what is gone, the old.
	Path string `json:"path"`
	// Part is what sort of thing it is about: offering, one_time, recurring,
	// allowance, destination, usage, rule, band; Code and Names say which.
	Part  string `json:"part"`
	Code  string `json:"code,omitempty"`
	Names Names  `json:"names,omitempty"`
	// Field is what of it changed, such as price or windows.
	Field  string `json:"field,omitempty"`
	Before string `json:"before,omitempty"`
	After  string `json:"after,omitempty"`
	// Per is the quantity that a price is for, of the new version.
	Per string `json:"per,omitempty"`
}

// ChangeSort says what happened.
type ChangeSort string

// What can happen to a part.
const (
	Added   ChangeSort = "added"
	Removed ChangeSort = "removed"
	Changed ChangeSort = "changed"
)

// Diff tells what changed from one version to another, in the order of the
// format. Parts are matched by their codes, so that a part that only moved has
// not changed.
func Diff(before, after Offering) []Change {
	d := differ{}
	d.fields("offering", "", "", nil, head(before), head(after), "")
	d.parts("one_time", "prices.one_time", elements(before.Prices.OneTime), elements(after.Prices.OneTime))
	d.parts("recurring", "prices.recurring", elements(before.Prices.Recurring), elements(after.Prices.Recurring))
	d.parts("allowance", "allowances", elements(before.Allowances), elements(after.Allowances))
	d.parts("destination", "destinations", elements(before.Destinations), elements(after.Destinations))
	d.usage(before.Usage, after.Usage)
	return d.changes
}

type differ struct{ changes []Change }

// fieldsOf is a part as its fields.
type fieldsOf map[string]any

// element is a part of a list with its code.
type element struct {
	code   string
	names  Names
	fields fieldsOf
}

func plain(part any) fieldsOf {
	text, err := json.Marshal(part)
	if err != nil {
		return nil // parts of a parsed offering always encode
	}
	fields := fieldsOf{}
	if err := json.Unmarshal(text, &fields); err != nil {
		return nil
	}
	return fields
}

func elements[T any](list []T) []element {
	all := make([]element, len(list))
	for i := range list {
		fields := plain(list[i])
		code, _ := fields["code"].(string)
		names := Names{}
		if known, is := fields["names"].(map[string]any); is {
			for language, name := range known {
				names[language], _ = name.(string)
			}
		}
		all[i] = element{code, names, fields}
	}
	return all
}

// head is the offering without its lists.
func head(o Offering) fieldsOf {
	fields := plain(o)
	for _, part := range []string{"prices", "allowances", "destinations", "usage"} {
		delete(fields, part)
	}
	return fields
}

// parts compares two lists by codes.
func (d *differ) parts(part, path string, before, after []element) {
	for i, now := range after {
		at := fmt.Sprintf("%s[%d]", path, i)
		was := slices.IndexFunc(before, func(e element) bool { return e.code == now.code })
		if was < 0 {
			d.changes = append(d.changes, Change{Sort: Added, Path: at, Part: part, Code: now.code, Names: now.names, After: worth(now.fields), Per: text(now.fields["per"])})
			continue
		}
		d.fields(part, at, now.code, now.names, before[was].fields, now.fields, text(now.fields["per"]))
	}
	for i, was := range before {
		if !slices.ContainsFunc(after, func(e element) bool { return e.code == was.code }) {
			d.changes = append(d.changes, Change{Sort: Removed, Path: fmt.Sprintf("%s[%d]", path, i), Part: part, Code: was.code, Names: was.names, Before: worth(was.fields), Per: text(was.fields["per"])})
		}
	}
}

// worth is what a part is mainly told by: its price or amount.
func worth(fields fieldsOf) string {
	for _, name := range []string{"price", "amount", "event_price", "percent"} {
		if value := text(fields[name]); value != "" {
			return value
		}
	}
	return ""
}

// fields compares the fields of one part.
func (d *differ) fields(part, path, code string, names Names, before, after fieldsOf, per string) {
	all := map[string]bool{}
	for name := range before {
		all[name] = true
	}
	for name := range after {
		all[name] = true
	}
	order := make([]string, 0, len(all))
	for name := range all {
		order = append(order, name)
	}
	slices.SortFunc(order, func(a, b string) int { return cmp.Or(cmp.Compare(weight(a), weight(b)), cmp.Compare(a, b)) })
	for _, name := range order {
		was, now := text(before[name]), text(after[name])
		if was == now || name == "rules" {
			continue
		}
		at := name
		if path != "" {
			at = path + "." + name
		}
		c := Change{Sort: Changed, Path: at, Part: part, Code: code, Names: names, Field: name, Before: was, After: now}
		if weight(name) == 0 {
			c.Per = per
		}
		d.changes = append(d.changes, c)
	}
}

// weight puts what a customer pays first.
func weight(field string) int {
	switch field {
	case "price", "amount", "event_price", "percent":
		return 0
	case "per", "connect_fee", "increments", "tiers", "steps", "windows", "destinations":
		return 1
	}
	return 2
}

func (d *differ) usage(before, after []UsagePrice) {
	was, now := elements(before), elements(after)
	d.parts("usage", "usage", was, now)
	for i, u := range after {
		old := slices.IndexFunc(before, func(b UsagePrice) bool { return b.Code == u.Code })
		if old >= 0 {
			d.parts("rule", fmt.Sprintf("usage[%d].rules", i), elements(before[old].Rules), elements(u.Rules))
		}
	}
}

// text tells a value in few words: maps as "key value", lists by their items.
func text(value any) string {
	switch v := value.(type) {
	case nil:
		return ""
	case string:
		return v
	case float64, bool:
		return fmt.Sprint(v)
	case []any:
		items := make([]string, len(v))
		for i, item := range v {
			items[i] = text(item)
		}
		return strings.Join(items, "; ")
	case map[string]any:
		if name := window(v); name != "" {
			return name
		}
		keys := make([]string, 0, len(v))
		for key := range v {
			keys = append(keys, key)
		}
		slices.SortFunc(keys, func(a, b string) int { return cmp.Or(cmp.Compare(place(a), place(b)), cmp.Compare(a, b)) })
		for i, key := range keys {
			keys[i] = key + " " + text(v[key])
		}
		return strings.Join(keys, ", ")
	}
	return fmt.Sprint(value)
}

// place keeps the parts of tiers and steps in the order in which they are read.
func place(key string) int {
	return slices.Index([]string{"", "kind", "from", "to", "first", "next", "price", "per"}, key)
}

// window tells a window of time as people write it: "mon, tue 08:00–18:00".
func window(v map[string]any) string {
	from, to := text(v["from"]), text(v["to"])
	_, hasDays := v["days"]
	for key := range v {
		if key != "days" && key != "from" && key != "to" {
			return ""
		}
	}
	if !hasDays && !strings.Contains(from+to, ":") {
		return ""
	}
	days := strings.ReplaceAll(text(v["days"]), ";", ",")
	if from == "" && to == "" {
		return days
	}
	return strings.TrimSpace(days + " " + cmp.Or(from, "00:00") + "–" + cmp.Or(to, "24:00"))
}
