package catalog

import "tollhouse/billing/money"

// Deposit is the security without which an order for a postpaid offering does
// not activate.
type Deposit struct {
	Amount       money.Decimal  `json:"amount"`                 // of persons, and of organizations unless they have an amount of their own; zero: none
	Organization *money.Decimal `json:"organization,omitempty"` // of organizations; zero: none
	Months       *int           `json:"months,omitempty"`       // given back by itself after so many months of paying on time; nil: by the operator
	Interest     *money.Decimal `json:"interest,omitempty"`     // per cent a year, paid when it is given back; nil: none
}

// Of is what a kind of party leaves as security; zero: nothing.
func (d *Deposit) Of(organization bool) money.Decimal {
	switch {
	case d == nil:
		return money.Decimal{}
	case organization && d.Organization != nil:
		return *d.Organization
	}
	return d.Amount
}

// Plus is a bundle's deposit with that of one of its parts: their sum, on the
// terms of the first.
func (d *Deposit) Plus(part *Deposit) *Deposit {
	if d == nil || part == nil {
		if d == nil {
			return part
		}
		return d
	}
	sum := *d
	sum.Amount = d.Of(false).Add(part.Of(false))
	organization := d.Of(true).Add(part.Of(true))
	sum.Organization = &organization
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
	if d.Of(false).IsZero() && d.Of(true).IsZero() {
		c.add("deposit.amount", "is above zero")
	}
	if d.Interest != nil && (d.Interest.Sign() <= 0 || d.Interest.Cmp(money.NewDecimal(100)) > 0 || d.Interest.Digits() > 6) {
		c.add("deposit.interest", "is per cent a year, above 0 and at most 100")
	}
	if c.offering.Billing != Postpaid {
		c.add("deposit", "is for postpaid accounts: prepaid ones pay before they use")
	}
}
