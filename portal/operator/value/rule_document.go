package value

import (
	"encoding/json"
	"strconv"
	"strings"

	"tollhouse/billing/money"
	"tollhouse/portal/ui"
)

// document makes the document of what was typed. Faults are by field: what is
// no number, or lacks its unit. What the document means is the domain's to
// judge.
func (s sheet) document(r ui.Reader, currency money.Currency, t typed) (text string, faults map[string]string) {
	faults = map[string]string{}
	whole := map[string]any{}
	for _, c := range s.cells {
		c.put(r, currency, whole, t, "", faults)
	}
	for _, l := range s.lists {
		list := make([]map[string]any, t.rows[l.name])
		for i := range list {
			list[i] = map[string]any{}
			for _, c := range l.cells {
				c.put(r, currency, list[i], t, l.name+"."+strconv.Itoa(i)+".", faults)
			}
			s.complete(l, list[i], currency)
		}
		whole[l.name] = list
	}
	if s.kind == "transfer" {
		whole["currency"] = currency.Code()
	}
	body, err := json.Marshal(whole)
	if err != nil {
		return "", faults // texts and numbers only
	}
	return string(body), faults
}

// complete adds the currency that rows of the operator's own have.
func (s sheet) complete(l rowsOf, row map[string]any, currency money.Currency) {
	switch {
	case l.name == "earnings", l.name == "rules" && row["measure"] != "allowance":
		row["currency"] = currency.Code()
	}
}

// put adds a cell's value to a row of the document.
func (c cell) put(r ui.Reader, currency money.Currency, row map[string]any, t typed, path string, faults map[string]string) {
	text := t.texts[path+c.name]
	refuse := func(key string) { faults[path+c.name] = r.T(key) }
	switch c.sort {
	case tick:
		row[c.name] = text != ""
	case whole:
		n, err := strconv.Atoi(text)
		switch {
		case text == "" && c.optional:
		case err != nil:
			refuse("rule.want.whole")
		default:
			row[c.name] = n
		}
	case amount:
		d, err := number(r, text)
		if err != nil {
			refuse("rule.want.amount")
			return
		}
		row[c.name] = d.String()
	case contents:
		if text == "" {
			return
		}
		h, err := held(r, text, "")
		if err != nil {
			refuse("rule.want.contents")
			return
		}
		row["amount"], row["unit"] = h.Decimal().String(), string(h.Unit())
	case ofUnit:
		unit := money.Unit(t.texts[path+"unit"])
		h, err := held(r, text, unit)
		if err != nil || h.Unit() != unit {
			refuse("rule.want.ofunit")
			return
		}
		row[c.name] = h.Decimal().String()
	case codes:
		if list := strings.FieldsFunc(text, func(r rune) bool { return strings.ContainsRune(" ,;\n\r\t", r) }); len(list) > 0 {
			row[c.name] = list
		}
	default:
		if text == "" {
			return
		}
		holder, inner, nested := strings.Cut(c.name, ".")
		if !nested {
			row[c.name] = text
			return
		}
		names, is := row[holder].(map[string]any)
		if !is {
			names = map[string]any{}
			row[holder] = names
		}
		names[inner] = text
	}
}
