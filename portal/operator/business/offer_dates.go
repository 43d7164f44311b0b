package business

import (
	"strconv"
	"strings"

	"tollhouse/billing/catalog"
)

// narrowed says whose network and which qualities a rule is for.
func (w words) narrowed(rule catalog.Rule) (list []string) {
	if rule.Network != "" {
		list = append(list, w.r.T("biz.offer.network."+string(rule.Network)))
	}
	if len(rule.Qualities) > 0 {
		list = append(list, w.r.T("biz.offer.quality", "list", strings.Join(rule.Qualities, ", ")))
	}
	return list
}

// dates says on which days of the year a window lies.
func (w words) dates(window catalog.Window) (list []string) {
	numbers := func(key string, days []int) {
		if len(days) == 0 {
			return
		}
		texts := make([]string, len(days))
		for i, d := range days {
			texts[i] = strconv.Itoa(d)
		}
		list = append(list, w.r.T("biz.offer."+key, "list", strings.Join(texts, ", ")))
	}
	months := make([]int, len(window.Months))
	for i, m := range window.Months {
		months[i] = int(m)
	}
	numbers("months", months)
	numbers("monthdays", window.MonthDays)
	for _, d := range window.Dates {
		list = append(list, w.r.Date(d))
	}
	switch {
	case window.FirstDate != nil && window.LastDate != nil:
		list = append(list, w.r.T("biz.offer.dates", "from", w.r.Date(*window.FirstDate), "to", w.r.Date(*window.LastDate)))
	case window.FirstDate != nil:
		list = append(list, w.r.T("biz.offer.datesfrom", "from", w.r.Date(*window.FirstDate)))
	case window.LastDate != nil:
		list = append(list, w.r.T("biz.offer.datesto", "to", w.r.Date(*window.LastDate)))
	}
	return list
}
