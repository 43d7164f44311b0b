package subscriber

import (
	"strings"

	"tollhouse/billing/account"
	"tollhouse/billing/catalog"
	"tollhouse/billing/money"
	"tollhouse/portal/ui"
)

// allowanceNamed finds an allowance of a plan by its code.
func allowanceNamed(o catalog.Offering, code string) (catalog.Allowance, bool) {
	for _, a := range o.Allowances {
		if a.Code == code {
			return a, true
		}
	}
	return catalog.Allowance{}, false
}

// ruleNamed finds a rule of a plan by its code, and what people call it: its
// own name or that of the usage it prices.
func ruleNamed(o catalog.Offering, code, language string) (string, catalog.Rule, bool) {
	for _, u := range o.Usage {
		for _, rule := range u.Rules {
			if rule.Code != code {
				continue
			}
			if len(rule.Names) > 0 {
				return rule.Names.In(language), rule, true
			}
			return u.Names.In(language), rule, true
		}
	}
	return code, catalog.Rule{}, false
}

// whereTo names the destinations of a rule that a prefix stands for.
func whereTo(o catalog.Offering, rule catalog.Rule, prefix, language string) string {
	for _, set := range o.Destinations {
		for _, code := range rule.Destinations {
			if set.Code != code || len(set.Names) == 0 {
				continue
			}
			for _, p := range set.Prefixes {
				if catalog.NormalPrefix(p) == prefix {
					return set.Names.In(language)
				}
			}
		}
	}
	return ""
}

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

// serviceName is what a subscriber calls a service: its number or login.
func serviceName(r ui.Reader, s account.Service) string {
	for _, kind := range []account.IdentityKind{account.MSISDN, account.Line, account.Login, account.STB, account.Host} {
		for _, i := range s.Identities {
			if i.Kind == kind {
				return i.Value
			}
		}
	}
	return r.T("kind." + string(s.Kind))
}

// readable groups a number's digits so that it can be read out: +49 151 2345 678.
func readable(number string) string {
	digits, plus := strings.CutPrefix(number, "+")
	if len(digits) < 8 || strings.Trim(digits, "0123456789") != "" {
		return number
	}
	var groups []string
	if plus {
		country := 2
		if digits[0] == '1' || digits[0] == '7' {
			country = 1 // North America; Russia and Kazakhstan
		}
		groups, digits = append(groups, "+"+digits[:country]), digits[country:]
	}
	for len(digits) > 4 {
		groups, digits = append(groups, digits[:3]), digits[3:]
	}
	return strings.Join(append(groups, digits), "\u00a0")
}
