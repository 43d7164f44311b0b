package admin

import (
	"strings"

	"tollhouse/billing/account"
	"tollhouse/portal/ui"
)

// joined are the texts that are there, with commas between.
func joined(texts ...string) string {
	var there []string
	for _, t := range texts {
		if t != "" {
			there = append(there, t)
		}
	}
	return strings.Join(there, ", ")
}

// orDash shows that nothing is known.
func orDash(text string) string {
	if text == "" {
		return "–"
	}
	return text
}

func addressLine(a account.Address) string {
	return joined(a.Street, strings.TrimSpace(a.Postcode+" "+a.City), a.Region, a.Country)
}

func entityHeading(c companiesView, e account.LegalEntity) string {
	if c.New {
		return c.T("admin.company.new")
	}
	return e.Name
}

func yesOrNo(r ui.Reader, yes bool) string {
	if yes {
		return r.T("admin.yes")
	}
	return r.T("admin.no")
}

// worded is a message whose key is put together, or what it was put together
// from where nobody wrote one.
func worded(r ui.Reader, prefix, name string) string {
	if words := r.T(prefix + name); words != prefix+name {
		return words
	}
	return name
}
