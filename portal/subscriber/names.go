package subscriber

import (
	"tollhouse/billing/catalog"
	"tollhouse/billing/money"
	"tollhouse/portal/ui"
)

// afterwards tells what use costs when an allowance is used up: the one price
// there is, or the lowest of several.
func afterwards(r ui.Reader, o catalog.Offering, a catalog.Allowance, c money.Currency) string {
	var lowest catalog.Rule
	prices, stepped := map[string]bool{}, false
	for _, u := range o.Usage {
		for _, rule := range u.Rules {
			if !paysFor(a, u.Kind) || !shareDestination(a.Destinations, rule.Destinations) {
				continue
			}
			if rule.Price == nil || rule.Per == nil {
				stepped = true // by tiers or steps: no one price
				continue
			}
			if rule.Price.Sign() <= 0 {
				continue
			}
			prices[rule.Price.String()+"/"+rule.Per.String()] = true
			if lowest.Price == nil || perBase(rule).Cmp(perBase(lowest)) < 0 {
				lowest = rule
			}
		}
	}
	switch {
	case stepped:
		return r.T("left.then.list")
	case lowest.Price == nil:
		return ""
	}
	key := "left.then"
	if len(prices) > 1 {
		key = "left.then.from"
	}
	return r.T(key, "price", r.Exact(money.New(*lowest.Price, c)), "per", r.Per(*lowest.Per))
}

func paysFor(a catalog.Allowance, kind catalog.UsageKind) bool {
	for _, k := range a.Kinds {
		if k == kind {
			return true
		}
	}
	return false
}

// shareDestination says whether a rule prices what an allowance covers; an
// allowance without destinations covers all.
func shareDestination(covered, priced []string) bool {
	if len(covered) == 0 {
		return true
	}
	for _, a := range covered {
		for _, b := range priced {
			if a == b || a == catalog.AnyDestination || b == catalog.AnyDestination {
				return true
			}
		}
	}
	return false
}

// perBase is a price for one second, byte or event, fine enough to compare by.
func perBase(rule catalog.Rule) money.Decimal {
	const fine = 30
	price, err := rule.Price.Div(money.NewDecimal(rule.Per.Base()), fine, money.HalfEven)
	if err != nil {
		return money.Decimal{}
	}
	return price
}
