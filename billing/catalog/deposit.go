package catalog

import (
	"cmp"
	"slices"

	"tollhouse/billing/money"
)

// Deposit is the security without which an order for a postpaid offering does
// not activate.
type Deposit struct {
	Amount       money.Decimal  `json:"amount"`                 // of persons, and of organizations unless they have an amount of their own; zero: none
	Organization *money.Decimal `json:"organization,omitempty"` // of organizations; zero: none
	Months       *int           `json:"months,omitempty"`       // given back by itself after so many months of paying on time; nil: by the operator
	Interest     *money.Decimal `json:"interest,omitempty"`     // per cent a year, paid when it is given back; nil: none
	// Segment is whom it is asked of; nil: everybody.
	Segment *DepositSegment `json:"segment,omitempty"`

	also []*Deposit // of a bundle's parts
}

// DepositSegment is a class of customers; what is empty does not matter.
type DepositSegment struct {
	Tags []string `json:"tags,omitempty"` // the account has one of them
	Risk []string `json:"risk,omitempty"` // low, normal or high
}

// Depositor is who orders. A new account has no tags and a normal risk.
type Depositor struct {
	Organization bool
	Tags         []string
	Risk         string
}

// of says whether somebody is of the segment.
func (s *DepositSegment) of(who Depositor) bool {
	return s == nil || (len(s.Tags) == 0 || slices.ContainsFunc(s.Tags, func(tag string) bool { return slices.Contains(who.Tags, tag) })) &&
		(len(s.Risk) == 0 || slices.Contains(s.Risk, who.Risk))
}

// Of is what somebody leaves as security; zero: nothing.
func (d *Deposit) Of(who Depositor) money.Decimal {
	if d == nil {
		return money.Decimal{}
	}
	var sum money.Decimal
	if d.Segment.of(who) {
		sum = d.amountOf(who.Organization)
	}
	for _, part := range d.also {
		sum = sum.Add(part.Of(who))
	}
	return sum
}

func (d *Deposit) amountOf(organization bool) money.Decimal {
	if organization && d.Organization != nil {
		return *d.Organization
	}
	return d.Amount
}

// Plus is a bundle's deposit with that of one of its parts: their sum, each from
// whom it is asked of, on the terms of the first.
func (d *Deposit) Plus(part *Deposit) *Deposit {
	if d == nil || part == nil {
		return cmp.Or(d, part)
	}
	sum := *d
	sum.also = append(slices.Clone(d.also), part)
	return &sum
}

func (c *checker) deposit() {
	d := c.offering.Deposit
	if d == nil {
		return
	}
	c.minorDigits(d.Amount, "deposit.amount")
	if d.Organization != nil {
		c.minorDigits(*d.Organization, "deposit.organization")
	}
	if d.amountOf(false).IsZero() && d.amountOf(true).IsZero() {
		c.add("deposit.amount", "is above zero")
	}
	if d.Interest != nil && (d.Interest.Sign() <= 0 || d.Interest.Cmp(money.NewDecimal(100)) > 0 || d.Interest.Digits() > 6) {
		c.add("deposit.interest", "is per cent a year, above 0 and at most 100")
	}
	if c.offering.Billing != Postpaid {
		c.add("deposit", "is for postpaid accounts: prepaid ones pay before they use")
	}
}
