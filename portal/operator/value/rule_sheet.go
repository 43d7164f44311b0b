package value

import (
	"encoding/json"
	"errors"
	"net/url"
	"strconv"
	"strings"

	"tollhouse/billing/catalog"
	"tollhouse/billing/money"
	"tollhouse/portal/ui"
)

// sort says how a cell is written, and what its text means in the document.
type sort int

const (
	plainText sort = iota
	whole          // a whole number
	amount         // money
	tick           // a box to tick
	codes          // several, with commas
	choice
	contents // an amount with its unit: 2 GB, 5.00 EUR; amount and unit in the document
	ofUnit   // an amount in the unit of the same row
)

// cell is a field of a document of rules, named as there.
type cell struct {
	name     string
	sort     sort
	optional bool
	hint     bool     // it has a hint
	none     bool     // a choice may be left open
	choices  []string // whose words are rule.<name>.<value>; none: the page's own
}

// rowsOf is a list of a document.
type rowsOf struct {
	name  string
	cells []cell
}

// sheet is how a document is written as a form. The names of fields are the
// paths that the domain names when it refuses one: rules.2.value.
type sheet struct {
	kind  string
	cells []cell
	lists []rowsOf
}

var named = []cell{{name: "names.en"}, {name: "names.id", optional: true}, {name: "names.ru", optional: true}}

// sheets in the order of the page.
var sheets = []sheet{
	{"adjustment", nil, []rowsOf{
		{"reasons", append([]cell{{name: "code", hint: true}}, named...)},
		{"limits", []cell{{name: "role", sort: choice}, {name: "unit", sort: choice}, {name: "per_act", sort: ofUnit, hint: true}, {name: "per_day", sort: ofUnit}}},
	}},
	{"transfer", []cell{
		{name: "enabled", sort: tick}, {name: "subscribers", sort: tick}, {name: "minimum", sort: amount, optional: true}, {name: "maximum", sort: amount, optional: true},
		{name: "fee", sort: amount, optional: true}, {name: "keep_at_least", sort: amount, optional: true}, {name: "day_count", sort: whole, optional: true},
		{name: "day_amount", sort: amount, optional: true}, {name: "month_count", sort: whole, optional: true}, {name: "month_amount", sort: amount, optional: true},
	}, nil},
	{"points", []cell{{name: "months", sort: whole, hint: true}}, []rowsOf{
		{"earnings", []cell{{name: "source", sort: choice, choices: []string{"usage", "topup", "payment"}}, {name: "points", sort: whole}, {name: "per_amount", sort: amount}, {name: "cap", sort: whole, optional: true, hint: true}}},
		{"rewards", append(append([]cell{{name: "code", hint: true}}, named...), cell{name: "points", sort: whole}, cell{name: "amount", sort: contents, optional: true, hint: true},
			cell{name: "days", sort: whole, optional: true, hint: true}, cell{name: "option", sort: choice, none: true, hint: true})},
	}},
	{"alert", nil, []rowsOf{
		{"rules", []cell{{name: "code", hint: true}, {name: "measure", sort: choice, choices: []string{"balance", "allowance", "spend"}}, {name: "value", sort: amount, hint: true},
			{name: "action", sort: choice, choices: []string{"notify", "slow", "cut", "offer"}}, {name: "offer", sort: choice, none: true, hint: true},
			{name: "offerings", sort: codes, optional: true, hint: true}, {name: "allowances", sort: codes, optional: true, hint: true}, {name: "lines", sort: codes, optional: true, hint: true}}},
	}},
	{"reminder", []cell{{name: "days", sort: whole, hint: true}}, nil},
}

func sheetOf(kind string) (sheet, bool) {
	for _, s := range sheets {
		if s.kind == kind {
			return s, true
		}
	}
	return sheet{}, false
}

// typed are the texts of a form by the paths of their fields.
type typed struct {
	texts map[string]string
	rows  map[string]int // how many a list has
}

const mostRows = 60

// at is the path of a cell of a list's row.
func at(list string, row int, name string) string { return list + "." + strconv.Itoa(row) + "." + name }

// read takes what was typed; rows are counted by a field of the form.
func (s sheet) read(fields url.Values) typed {
	t := typed{map[string]string{}, map[string]int{}}
	for _, c := range s.cells {
		t.texts[c.name] = strings.TrimSpace(fields.Get(c.name))
	}
	for _, l := range s.lists {
		n, err := strconv.Atoi(fields.Get("rows." + l.name))
		if err != nil || n < 0 {
			n = 0
		}
		t.rows[l.name] = min(n, mostRows)
		for i := range t.rows[l.name] {
			for _, c := range l.cells {
				t.texts[at(l.name, i, c.name)] = strings.TrimSpace(fields.Get(at(l.name, i, c.name)))
			}
		}
	}
	return t
}

// add and remove change the rows of a list.
func (s sheet) add(t typed, list string) {
	if t.rows[list] < mostRows {
		t.rows[list]++
	}
}

func (s sheet) remove(t typed, path string) {
	list, index, _ := strings.Cut(path, ".")
	gone, err := strconv.Atoi(index)
	for _, l := range s.lists {
		if l.name != list || err != nil || gone < 0 || gone >= t.rows[list] {
			continue
		}
		for i := gone; i < t.rows[list]; i++ {
			for _, c := range l.cells {
				t.texts[at(list, i, c.name)] = t.texts[at(list, i+1, c.name)]
			}
		}
		t.rows[list]--
	}
}

// show fills the texts from a document.
func (s sheet) show(r ui.Reader, document any) (typed, error) {
	t := typed{map[string]string{}, map[string]int{}}
	text, err := json.Marshal(document)
	if err != nil {
		return t, err
	}
	whole := map[string]any{}
	if err := json.Unmarshal(text, &whole); err != nil {
		return t, err
	}
	for _, c := range s.cells {
		t.texts[c.name] = c.text(r, whole)
	}
	for _, l := range s.lists {
		list, _ := whole[l.name].([]any)
		t.rows[l.name] = len(list)
		for i, one := range list {
			row, _ := one.(map[string]any)
			for _, c := range l.cells {
				t.texts[at(l.name, i, c.name)] = c.text(r, row)
			}
		}
	}
	return t, nil
}

// value finds what stands at a name such as names.en.
func value(row map[string]any, name string) any {
	holder, inner, nested := strings.Cut(name, ".")
	if !nested {
		return row[name]
	}
	names, _ := row[holder].(map[string]any)
	return names[inner]
}

// text is a cell's value as people write it.
func (c cell) text(r ui.Reader, row map[string]any) string {
	switch v := value(row, c.name).(type) {
	case nil:
		return ""
	case bool:
		return map[bool]string{true: "on"}[v]
	case float64: // whole numbers of the documents are small
		if n := int64(v); n != 0 {
			return strconv.FormatInt(n, 10)
		}
		if c.optional {
			return ""
		}
		return "0"
	case []any:
		list := make([]string, len(v))
		for i, one := range v {
			list[i], _ = one.(string)
		}
		return strings.Join(list, ", ")
	case string:
		return c.figure(r, v, money.Unit(unitOf(row)))
	}
	return ""
}

func unitOf(row map[string]any) string {
	unit, _ := row["unit"].(string)
	return unit
}

// figure writes an amount in the reader's notation.
func (c cell) figure(r ui.Reader, text string, unit money.Unit) string {
	if c.sort != amount && c.sort != contents && c.sort != ofUnit {
		return text
	}
	d, err := money.ParseDecimal(text)
	if err != nil || d.IsZero() && (c.optional || c.sort == contents) {
		return ""
	}
	plain := func(d money.Decimal) string { return strings.ReplaceAll(r.Number(d), "\u00a0", "") }
	if c.sort == amount {
		return plain(d)
	}
	for _, m := range sizes[unit] {
		if parts, err := d.Div(money.NewDecimal(m.size), 3, money.Down); err == nil && parts.Mul(money.NewDecimal(m.size)).Equal(d) && parts.Cmp(money.NewDecimal(1)) >= 0 {
			return plain(parts) + " " + m.symbol
		}
	}
	if c.sort == contents && unit.IsCurrency() {
		return plain(d) + " " + string(unit)
	}
	return plain(d)
}

// sizes are the units in which people write, largest first.
var sizes = map[money.Unit][]struct {
	symbol string
	size   int64
}{
	money.Byte:   {{"TB", 1e12}, {"GB", 1e9}, {"MB", 1e6}, {"kB", 1e3}, {"B", 1}},
	money.Second: {{"h", 3600}, {"min", 60}, {"s", 1}},
}

// errNumber means a text that is no number.
var errNumber = errors.New("no number")

// number reads an amount in either notation; none is zero.
func number(r ui.Reader, text string) (money.Decimal, error) {
	plain := strings.NewReplacer(" ", "", "\u00a0", "", "\u202f", "", "'", "").Replace(text)
	if plain == "" {
		return money.Decimal{}, nil
	}
	dot, comma := strings.Count(plain, "."), strings.Count(plain, ",")
	readers := strings.Trim(r.Number(money.DecimalOf(15, 1)), "15")
	mark := ""
	switch {
	case dot > 0 && comma > 0:
		mark = plain[strings.LastIndexAny(plain, ".,"):][:1]
	case dot+comma == 1:
		at := strings.IndexAny(plain, ".,")
		if one := plain[at : at+1]; len(plain)-at-1 != 3 || one == readers || plain[:at] == "0" {
			mark = one
		}
	}
	for _, other := range []string{".", ","} {
		if other != mark {
			plain = strings.ReplaceAll(plain, other, "")
		}
	}
	d, err := money.ParseDecimal(strings.Replace(plain, ",", ".", 1))
	if err != nil {
		return money.Decimal{}, errNumber
	}
	return d, nil
}

// held reads an amount with its unit; a bare number is in the unit given.
func held(r ui.Reader, text string, unit money.Unit) (catalog.Contents, error) {
	figure, symbol, _ := strings.Cut(strings.ReplaceAll(text, "\u00a0", " "), " ")
	d, err := number(r, figure)
	if err != nil {
		return catalog.Contents{}, err
	}
	switch {
	case symbol == "" && unit == money.Second:
		symbol = "s"
	case symbol == "" && unit == money.Byte:
		symbol = "B"
	case symbol == "" && unit == money.Point:
		symbol = "points"
	case symbol == "" && unit.IsCurrency():
		symbol = string(unit)
	}
	return catalog.ParseContents(strings.TrimSpace(d.String() + " " + symbol))
}
