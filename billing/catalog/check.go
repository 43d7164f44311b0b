package catalog

import (
	"fmt"

	"tollhouse/billing/catalog/document"
	"tollhouse/billing/money"
)

// Finding is one fault of an offering.
type Finding = document.Finding

// Check returns what keeps o from being published: unknown codes, units that
// do not fit, and gaps, overlaps and rules that can never apply, each with
// its path and plain words. It takes an offering that Parse accepted.
func Check(o Offering) []Finding {
	c := &checker{offering: o, sets: map[string]int{}}
	c.kind()
	c.destinations()
	c.prices()
	c.debtLimit()
	c.commitment()
	c.deposit()
	c.ownChange()
	c.allowances()
	c.holidays()
	c.usage()
	return c.findings
}

type checker struct {
	offering Offering
	sets     map[string]int // destination set code → index
	findings []Finding
}

func (c *checker) add(path, format string, args ...any) {
	c.findings = append(c.findings, Finding{Path: path, Message: fmt.Sprintf(format, args...)})
}

// unique reports a code that stands twice among its kind.
func (c *checker) unique(seen map[string]string, code, path string) {
	if first, twice := seen[code]; twice {
		c.add(path, "%q is already used at %s", code, first)
		return
	}
	seen[code] = path
}

func (c *checker) destinations() {
	seen := map[string]string{}
	for i, set := range c.offering.Destinations {
		path := fmt.Sprintf("destinations[%d]", i)
		c.unique(seen, set.Code, path+".code")
		c.sets[set.Code] = i
		prefixes := map[string]string{}
		for j, p := range set.Prefixes {
			c.unique(prefixes, NormalPrefix(p), fmt.Sprintf("%s.prefixes[%d]", path, j))
		}
	}
}

func (c *checker) knowDestinations(codes []string, path string) {
	for i, code := range codes {
		if _, known := c.sets[code]; !known && code != AnyDestination {
			c.add(fmt.Sprintf("%s.destinations[%d]", path, i), "no destination set has the code %q", code)
		}
	}
}

func (c *checker) prices() {
	seen := map[string]string{}
	for i, p := range c.offering.Prices.OneTime {
		path := fmt.Sprintf("prices.one_time[%d]", i)
		c.unique(seen, p.Code, path+".code")
		c.minorDigits(p.Amount, path+".amount")
	}
	for i, p := range c.offering.Prices.Recurring {
		path := fmt.Sprintf("prices.recurring[%d]", i)
		c.unique(seen, p.Code, path+".code")
		c.period(p, path)
		c.minorDigits(p.Amount, path+".amount")
		if p.Holding != nil {
			c.minorDigits(*p.Holding, path+".holding")
			if p.Holding.Sign() < 0 || p.Holding.Cmp(p.Amount) > 0 {
				c.add(path+".holding", "must be from zero to the price itself")
			}
		}
	}
}

func (c *checker) minorDigits(amount money.Decimal, path string) {
	if have, most := amount.Digits(), c.offering.Currency.Digits(); have > most {
		c.add(path, "%s has %d digits after the point; %s has %d", amount, have, c.offering.Currency, most)
	}
}

func (c *checker) holidays() {
	for i, day := range c.offering.Holidays {
		if day.Year < 1990 || day.Year > 2200 {
			c.add(fmt.Sprintf("holidays[%d]", i), "%s is not a date of our time", day)
		}
	}
}

func (c *checker) usage() {
	kinds, codes := map[string]string{}, map[string]string{}
	for i, u := range c.offering.Usage {
		path := fmt.Sprintf("usage[%d]", i)
		c.unique(kinds, string(u.Kind), path+".kind")
		c.unique(codes, u.Code, path+".code")
		counters := map[string]TierKind{}
		for j, r := range u.Rules {
			at := ruleCheck{c, fmt.Sprintf("%s.rules[%d]", path, j), u.Kind.Unit()}
			c.unique(codes, r.Code, at.path+".code")
			c.knowDestinations(r.Destinations, at.path)
			at.windows(r.Windows)
			at.pricing(&r, u.Kind)
			at.counter(&r, counters)
		}
		c.coverage(u, path)
	}
}
