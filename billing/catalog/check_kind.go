package catalog

import (
	"fmt"
	"slices"

	"tollhouse/billing/money"
)

// kind checks what an offering's kind asks for and what it forbids.
func (c *checker) kind() {
	o := c.offering
	for _, part := range []struct {
		path  string
		there bool
		kinds []Kind
	}{
		{"bundle", o.Bundle != nil, []Kind{BundleKind}},
		{"option", o.Option != nil, []Kind{OptionKind, ThirdPartyKind}},
		{"third_party", o.ThirdParty != nil, []Kind{ThirdPartyKind}},
	} {
		belongs := slices.Contains(part.kinds, o.Sort())
		switch {
		case part.there && !belongs:
			c.add(part.path, "belongs to an offering of kind %s; this one is %s", part.kinds[0], o.Sort())
		case !part.there && part.kinds[0] == o.Sort():
			c.add(part.path, "is missing: an offering of kind %s needs it", o.Sort())
		}
	}
	c.carries()
	if o.Bundle != nil {
		c.bundle(*o.Bundle)
	}
	if o.Option != nil {
		c.option(*o.Option)
	}
	if o.ThirdParty != nil {
		c.share(o.ThirdParty.Share, "third_party.share")
	}
}

// carries checks services: a plan has at least one, what is on top of another
// subscription or made of others has none of its own.
func (c *checker) carries() {
	o := c.offering
	switch {
	case o.Sort() == BundleKind || o.OnTop():
		for i := range o.Services {
			c.add(fmt.Sprintf("services[%d]", i), "a %s carries no service of its own", o.Sort())
		}
	case len(o.Services) == 0:
		c.add("services", "must name at least one service")
	}
	if o.Sort() != BundleKind {
		return
	}
	for i := range o.Usage {
		c.add(fmt.Sprintf("usage[%d]", i), "a bundle prices no usage: its components do")
	}
	for i := range o.Allowances {
		c.add(fmt.Sprintf("allowances[%d]", i), "a bundle has no allowances: its components do")
	}
}

func (c *checker) bundle(b Bundle) {
	if len(b.Components) < 2 {
		c.add("bundle.components", "must be at least two offerings")
	}
	seen := map[string]string{}
	for i, one := range b.Components {
		path := fmt.Sprintf("bundle.components[%d].offering", i)
		c.unique(seen, one.Offering, path)
		if one.Offering == c.offering.Code {
			c.add(path, "a bundle cannot hold itself")
		}
	}
	if b.AtLeast > len(b.Components) {
		c.add("bundle.at_least", "%d is more than the %d components", b.AtLeast, len(b.Components))
	}
	switch {
	case b.Pricing == AsOne && b.Discount != nil:
		c.add("bundle.discount", "is off the components' prices, and this bundle has one price of its own")
	case b.Pricing == AsOne && len(c.offering.Prices.Recurring)+len(c.offering.Prices.OneTime) == 0:
		c.add("prices", "a bundle with one price needs a price")
	case b.Discount != nil:
		c.share(*b.Discount, "bundle.discount")
	}
}

func (c *checker) option(o Option) {
	for name, codes := range map[string][]string{"for": o.For, "requires": o.Requires, "excludes": o.Excludes} {
		for i, code := range codes {
			if code == c.offering.Code {
				c.add(fmt.Sprintf("option.%s[%d]", name, i), "an option cannot name itself")
			}
		}
	}
	for i, code := range o.Excludes {
		if slices.Contains(o.Requires, code) {
			c.add(fmt.Sprintf("option.excludes[%d]", i), "%q is required as well, so nobody could ever have this option", code)
		}
	}
	if o.Lasts != nil && (o.Lasts.Cycles > 0) == (o.Lasts.Days > 0) {
		c.add("option.lasts", "must have exactly one of cycles and days")
	}
}

var wholePercent = money.NewDecimal(100)

// share checks a percentage or an amount.
func (c *checker) share(r Reduction, path string) {
	switch {
	case (r.Percent == nil) == (r.Amount == nil):
		c.add(path, "must have exactly one of percent and amount")
	case r.Percent != nil && (r.Percent.Sign() <= 0 || r.Percent.Cmp(wholePercent) > 0):
		c.add(path+".percent", "must be above 0 and at most 100")
	case r.Amount != nil && r.Amount.Sign() <= 0:
		c.add(path+".amount", "must be above zero")
	case r.Amount != nil:
		c.minorDigits(*r.Amount, path+".amount")
	}
}

// period checks that a recurring price says once how long its period is.
func (c *checker) period(p RecurringPrice, path string) {
	switch {
	case p.Months == 0 && p.Every == nil:
		c.add(path+".every", "is missing: day, week, month, quarter, year, or a number of days or months")
	case p.Months > 0 && p.Every != nil:
		c.add(path+".months", "is said by every already")
	}
}
