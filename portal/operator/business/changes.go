package business

import (
	"strings"

	"tollhouse/billing/catalog"
	"tollhouse/billing/money"
	"tollhouse/portal/ui"
)

// changeRow is one difference in words.
type changeRow struct {
	tone       string // of the pill
	word, text string
	href       string // of the field it is about
}

// changeWords tells the differences between two versions as a marketer reads
// them.
func changeWords(r ui.Reader, o catalog.Offering, changes []catalog.Change) []changeRow {
	rows := make([]changeRow, len(changes))
	for i, c := range changes {
		row := changeRow{word: r.T("catalog.change." + string(c.Sort)), href: "#" + c.Path, tone: map[catalog.ChangeSort]string{catalog.Added: "ok", catalog.Removed: "bad", catalog.Changed: "info"}[c.Sort]}
		what := r.T("catalog.part." + c.Part)
		if name := c.Names.In(r.Locale.Language); name != "" {
			what = name
		} else if c.Code != "" {
			what += " " + c.Code
		}
		row.text = what
		if c.Field != "" {
			row.text = r.T("catalog.change.of", "field", r.T("catalog.field."+fieldWord(c.Field)), "what", what)
		}
		before, after := changeValue(r, o, c, c.Before), changeValue(r, o, c, c.After)
		switch {
		case c.Sort == catalog.Changed:
			row.text += ": " + dash(before) + " → " + dash(after)
		case c.Sort == catalog.Added && after != "":
			row.text += ": " + after
		case c.Sort == catalog.Removed && before != "":
			row.text += ": " + before
		}
		if c.Per != "" {
			row.text += " " + r.T("catalog.change.per", "per", c.Per)
		}
		rows[i] = row
	}
	return rows
}

func dash(text string) string {
	if text == "" {
		return "–"
	}
	return text
}

// changeValue writes an amount in the reader's notation; what is none stays.
func changeValue(r ui.Reader, o catalog.Offering, c catalog.Change, value string) string {
	amounts := c.Part == "one_time" || c.Part == "recurring" || c.Part == "rule"
	if d, err := money.ParseDecimal(value); err == nil && amounts && (c.Field == "" || strings.Contains("price amount connect_fee minimum cap event_price cost", c.Field)) {
		return r.Exact(money.New(d, o.Currency))
	}
	return value
}

// fieldWord is the word of a field; those without one of their own are details.
func fieldWord(field string) string {
	switch field {
	case "price", "amount", "per", "windows", "destinations", "names", "tiers", "steps", "increments", "connect_fee", "minimum", "cap", "months", "every", "timing",
		"prorate", "prefixes", "priority", "tax", "billing", "services", "bundle", "option", "third_party", "holidays", "required_facts", "currency", "kinds", "cost":
		return field
	}
	return "other"
}
