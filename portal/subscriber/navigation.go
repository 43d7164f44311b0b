package subscriber

import (
	"tollhouse/portal/ui"
	"tollhouse/portal/web"
)

// section is a part of the pages, by its address.
type section string

// The sections, in the order of the tab bar.
const (
	sectionHome      section = ""
	sectionUsage     section = "usage"
	sectionStatement section = "statements"
	sectionBills     section = "bills"
	sectionAccount   section = "account"
)

// navigation leads to the sections.
func navigation(v *web.Visit, current section) []ui.NavItem {
	sections := []struct {
		section
		key, icon string
	}{
		{sectionHome, "nav.home", "home"}, {sectionUsage, "nav.usage", "chart"}, {sectionStatement, "nav.statement", "list"},
		{sectionBills, "nav.bills", "bill"}, {sectionAccount, "nav.account", "user"},
	}
	items := make([]ui.NavItem, len(sections))
	for i, s := range sections {
		items[i] = ui.NavItem{Href: v.URL(string(s.section)), Label: v.Reader.T(s.key), Icon: s.icon, Current: s.section == current}
	}
	return items
}

// pageOf is a page of a section.
func pageOf(v *web.Visit, current section, title string) ui.Page {
	page := v.Page(title)
	page.Nav = navigation(v, current)
	return page
}
