package ui

import "tollhouse/billing/catalog"

// Every says how often a price is charged: "a month", "every 10 days".
func (r Reader) Every(e catalog.Every) string {
	if e.Count() == 1 {
		return r.T("every.one." + e.Unit())
	}
	return r.N("every."+e.Unit(), int64(e.Count()))
}
