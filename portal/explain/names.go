package explain

import (
	"strings"

	"github.com/google/uuid"

	"tollhouse/billing/account"
	"tollhouse/billing/catalog"
	"tollhouse/portal/ui"
)

// OfferingOf is the offering that a subscription's balance comes from: its plan,
// or the option on top of it that includes an allowance of the code.
func OfferingOf(subscription *uuid.UUID, code string, all []account.Subscription, offerings map[uuid.UUID]catalog.Offering) (own catalog.Offering) {
	if subscription == nil {
		return own
	}
	for _, s := range all {
		if s.ID == *subscription {
			own = offerings[s.OfferingID]
		}
	}
	if _, found := AllowanceNamed(own, code); found {
		return own
	}
	for _, s := range all {
		if s.PartOf != nil && *s.PartOf == *subscription {
			if _, found := AllowanceNamed(offerings[s.OfferingID], code); found {
				return offerings[s.OfferingID]
			}
		}
	}
	return own
}

// AllowanceNamed finds an allowance of a plan by its code.
func AllowanceNamed(o catalog.Offering, code string) (catalog.Allowance, bool) {
	for _, a := range o.Allowances {
		if a.Code == code {
			return a, true
		}
	}
	return catalog.Allowance{}, false
}

// RuleNamed finds a rule of a plan by its code, and what people call it: its
// own name or that of the usage it prices.
func RuleNamed(o catalog.Offering, code, language string) (string, catalog.Rule, bool) {
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

// ServiceName is what a subscriber calls a service: its number or login.
func ServiceName(r ui.Reader, s account.Service) string {
	for _, kind := range []account.IdentityKind{account.MSISDN, account.Line, account.Login, account.STB, account.Host} {
		for _, i := range s.Identities {
			if i.Kind == kind {
				return i.Value
			}
		}
	}
	return r.T("kind." + string(s.Kind))
}

// Readable groups a number's digits so that it can be read out: +49 151 2345 678.
func Readable(number string) string {
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
