package promotion

import (
	"fmt"

	"tollhouse/billing/catalog/document"
	"tollhouse/billing/money"
)

// Finding is one fault of a promotion.
type Finding = document.Finding

var wholePercent = money.NewDecimal(100)

// Check returns what keeps p from being published, each with its path and what
// would be right. It takes a promotion that Parse accepted; offerings are the
// codes that are on sale.
func Check(p Promotion, offerings map[string]bool) []Finding {
	c := checker{p: &p}
	c.span()
	c.known("offerings", p.Offerings, offerings)
	c.known("with", p.With, offerings)
	if p.Eligibility != "" {
		if _, err := compileCondition(p.Eligibility); err != nil {
			c.add("eligibility", "%v", err)
		}
	}
	c.occasion()
	c.benefit("benefit", &p.Benefit)
	if p.Friend != nil {
		c.benefit("friend", p.Friend)
	}
	if p.Limits.Budget != nil {
		c.fine("limits.budget", *p.Limits.Budget)
	}
	return c.findings
}

type checker struct {
	p        *Promotion
	findings []Finding
}

func (c *checker) add(path, format string, args ...any) {
	c.findings = append(c.findings, Finding{Path: path, Message: fmt.Sprintf(format, args...)})
}

func (c *checker) span() {
	if c.p.Until != nil && c.p.Until.Before(c.p.From) {
		c.add("until", "%s is before its first day %s", c.p.Until, c.p.From)
	}
}

func (c *checker) known(path string, codes []string, offerings map[string]bool) {
	for i, code := range codes {
		if !offerings[code] {
			c.add(fmt.Sprintf("%s[%d]", path, i), "no offering on sale has the code %q", code)
		}
	}
}

// occasion checks that fields which belong to one occasion stand there only.
func (c *checker) occasion() {
	p := c.p
	only := func(path string, set bool, occasion Occasion) {
		if set && p.Occasion != occasion {
			c.add(path, "belongs to promotions of occasion %s, this one's is %s", occasion, p.Occasion)
		}
	}
	only("after_months", p.AfterMonths != 0, OnLoyalty)
	only("every_months", p.EveryMonths != 0, OnLoyalty)
	only("minimum_top_up", p.MinimumTopUp != nil, OnTopUp)
	only("friend", p.Friend != nil, OnReferral)
	if p.Occasion == OnLoyalty && p.AfterMonths == 0 {
		c.add("after_months", "is missing: after how many months it is given")
	}
	if p.Occasion == OnCycle && p.Benefit.Cycles != 0 {
		c.add("benefit.cycles", "is of no use: it holds for as long as it is deserved")
	}
	if p.MinimumTopUp != nil {
		c.fine("minimum_top_up", *p.MinimumTopUp)
	}
}

func (c *checker) benefit(path string, b *Benefit) {
	ways := 0
	for _, set := range []bool{b.Percent != nil, b.Amount != nil, b.Bucket != nil} {
		if set {
			ways++
		}
	}
	if ways != 1 {
		c.add(path, "must have exactly one of percent, amount, bucket")
	}
	if b.Percent != nil && (b.Percent.Sign() <= 0 || b.Percent.Cmp(wholePercent) > 0) {
		c.add(path+".percent", "%s is not above 0 and up to 100", b.Percent)
	}
	if b.Amount != nil {
		c.fine(path+".amount", *b.Amount)
	}
	reduces := b.Percent != nil || b.Amount != nil
	if b.Cycles != 0 && (!reduces || c.p.Occasion == OnTopUp) {
		c.add(path+".cycles", "belongs to what is taken off recurring fees")
	}
	if b.Bucket != nil {
		c.bucket(path+".bucket", b.Bucket)
	}
}

func (c *checker) bucket(path string, b *Bucket) {
	if (b.Units == nil) == (b.Money == nil) {
		c.add(path, "must have either units or money")
	}
	if b.Money != nil {
		c.fine(path+".money", *b.Money)
	}
	if b.Units == nil {
		return
	}
	if b.Units.Base() == 0 {
		c.add(path+".units", "must be more than nothing")
	}
	for i, kind := range b.Kinds {
		if kind.Unit() != b.Units.Unit() {
			c.add(fmt.Sprintf("%s.kinds[%d]", path, i), "%s usage counts %ss, %q counts %ss", kind, kind.Unit(), b.Units, b.Units.Unit())
		}
	}
}

// fine checks an amount: above nothing, with the digits its currency has.
func (c *checker) fine(path string, amount money.Decimal) {
	if amount.Sign() <= 0 {
		c.add(path, "must be more than nothing")
	}
	if have, most := amount.Digits(), c.p.Currency.Digits(); have > most {
		c.add(path, "%s has %d digits after the point; %s has %d", amount, have, c.p.Currency, most)
	}
}
