package explain

import (
	"slices"
	"strconv"
	"strings"

	"tollhouse/billing/catalog"
	"tollhouse/portal/ui"
)

// Words tells parts of an offering in a reader's language: to where, when.
type Words struct {
	Reader   ui.Reader
	Offering catalog.Offering
}

// Name is a thing's name, or its code where it has none in any language.
func (w Words) Name(names catalog.Names, code string) string {
	if name := names.In(w.Reader.Locale.Language); name != "" {
		return name
	}
	return code
}

// Kinds names kinds of usage.
func (w Words) Kinds(kinds []catalog.UsageKind) string {
	list := make([]string, len(kinds))
	for i, k := range kinds {
		list[i] = w.Reader.T("biz.offer.kind." + string(k))
	}
	return strings.Join(list, ", ")
}

// Places names destination sets.
func (w Words) Places(codes []string) string {
	var list []string
	for _, code := range codes {
		if code == catalog.AnyDestination {
			list = append(list, w.Reader.T("biz.offer.anywhere"))
			continue
		}
		name := code
		for _, set := range w.Offering.Destinations {
			if set.Code == code {
				name = w.Name(set.Names, code)
			}
		}
		list = append(list, name)
	}
	return strings.Join(list, ", ")
}

// Windows tells when something holds.
func (w Words) Windows(windows []catalog.Window) string {
	if len(windows) == 0 {
		return w.Reader.T("biz.offer.always")
	}
	var list []string
	for _, window := range windows {
		from, to := window.Span()
		text := w.days(window.Days)
		if from != 0 || to != catalog.DayMinutes {
			text = strings.TrimSpace(text + " " + from.String() + "–" + to.String())
		}
		list = append(list, strings.TrimSpace(strings.Join(append(w.dates(window), text), " ")))
	}
	return strings.Join(list, "; ")
}

// days names days, three and more in a row by the first and last.
func (w Words) days(days []catalog.Day) string {
	name := func(d catalog.Day) string { return w.Reader.T("biz.offer.day." + d.String()) }
	var list []string
	for i := 0; i < len(days); {
		end := i
		for end+1 < len(days) && days[end+1] == days[end]+1 && days[end+1] != catalog.Holiday {
			end++
		}
		if end-i >= 2 {
			list, i = append(list, name(days[i])+"–"+name(days[end])), end+1
			continue
		}
		list, i = append(list, name(days[i])), i+1
	}
	return strings.Join(list, " ")
}

// dates says on which days of the year a window lies.
func (w Words) dates(window catalog.Window) (list []string) {
	r := w.Reader
	numbers := func(key string, days []int) {
		if len(days) == 0 {
			return
		}
		texts := make([]string, len(days))
		for i, d := range days {
			texts[i] = strconv.Itoa(d)
		}
		list = append(list, r.T("biz.offer."+key, "list", strings.Join(texts, ", ")))
	}
	months := make([]int, len(window.Months))
	for i, m := range window.Months {
		months[i] = int(m)
	}
	numbers("months", months)
	numbers("monthdays", window.MonthDays)
	for _, d := range window.Dates {
		list = append(list, r.Date(d))
	}
	switch {
	case window.FirstDate != nil && window.LastDate != nil:
		list = append(list, r.T("biz.offer.dates", "from", r.Date(*window.FirstDate), "to", r.Date(*window.LastDate)))
	case window.FirstDate != nil:
		list = append(list, r.T("biz.offer.datesfrom", "from", r.Date(*window.FirstDate)))
	case window.LastDate != nil:
		list = append(list, r.T("biz.offer.datesto", "to", r.Date(*window.LastDate)))
	}
	return list
}

// Narrowed is what a rule or an allowance is for beside places and times.
func (w Words) Narrowed(network catalog.Network, qualities []string) (list []string) {
	if network != "" {
		list = append(list, w.Reader.T("biz.offer.network."+string(network)))
	}
	if len(qualities) > 0 {
		list = append(list, w.Reader.T("biz.offer.quality", "list", strings.Join(qualities, ", ")))
	}
	return list
}

// sortedNames are a map's keys in order, those for any other last.
func sortedNames[V any](m map[string]V) []string {
	var names []string
	for name := range m {
		names = append(names, name)
	}
	slices.SortFunc(names, func(a, b string) int {
		switch {
		case a == catalog.AnyQuality:
			return 1
		case b == catalog.AnyQuality:
			return -1
		}
		return strings.Compare(a, b)
	})
	return names
}
