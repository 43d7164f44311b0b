package contract

import (
	"tollhouse/billing/calendar"
	"tollhouse/billing/money"
)

// Base is what an operator collected in the days of a month that a contract
// covers, as its stack signed it.
type Base struct {
	Collected money.Amount
	Missing   []calendar.Date // days of which no signed total is there
}

// Whole says whether every day is there.
func (b Base) Whole() bool { return len(b.Missing) == 0 }

// Part is a slice of a base with what it comes to.
type Part struct {
	Base, Share money.Amount
	Percent     money.Decimal
}

// Of is the share of a base, slice by slice, each rounded to the document's
// unit. What was paid back over what came in shares nothing.
func (s ShareTerms) Of(base money.Amount) (share money.Amount, parts []Part) {
	share = money.Zero(base.Currency())
	below := share
	for _, tier := range s.Tiers {
		top := base
		if tier.UpTo != nil && tier.UpTo.Decimal().Cmp(base.Decimal()) < 0 {
			top = *tier.UpTo
		}
		slice := less(top, below)
		if slice.Sign() <= 0 {
			break
		}
		p := Part{Base: slice, Percent: tier.Percent, Share: part(slice, tier.Percent, hundred)}
		share, parts, below = sum(share, p.Share), append(parts, p), top
	}
	return share, parts
}
