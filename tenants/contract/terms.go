package contract

import (
	"fmt"

	"tollhouse/billing/money"
	"tollhouse/tenants"
)

// Terms are what a contract says about money, all without tax and in the
// contract's currency. Its model needs its own part; Rent may stand beside any.
type Terms struct {
	Rent    *RentTerms    `json:"rent,omitempty"`
	Lease   *LeaseTerms   `json:"lease,omitempty"`
	Share   *ShareTerms   `json:"share,omitempty"`
	Licence *LicenceTerms `json:"licence,omitempty"`
}

// RentTerms is a monthly rent, by days where a month is not whole.
type RentTerms struct {
	Setup   money.Amount `json:"setup"`   // once
	Monthly money.Amount `json:"monthly"` // each calendar month
}

// LeaseTerms is a price paid off in equal monthly instalments.
type LeaseTerms struct {
	Price    money.Amount  `json:"price"`
	Upfront  money.Amount  `json:"upfront"`   // on the first day, off the price
	Months   int           `json:"months"`    // 1 to 60
	Yearly   money.Decimal `json:"yearly"`    // interest in percent a year, by months of equal length
	EarlyFee money.Decimal `json:"early_fee"` // of a buy-out: percent of what is outstanding
}

// ShareTerms is a part of what the operator collects in a month.
type ShareTerms struct {
	Tiers   []Tier       `json:"tiers"`   // graduated: each percentage for its own slice
	Minimum money.Amount `json:"minimum"` // a month, by days where it is not whole
}

// Tier is a slice of the base up to an amount; the last has none.
type Tier struct {
	UpTo    *money.Amount `json:"up_to,omitempty"`
	Percent money.Decimal `json:"percent"`
}

// LicenceTerms is a licence bought once, and its support, paid for a year ahead.
type LicenceTerms struct {
	Price   money.Amount `json:"price"`
	Support money.Amount `json:"support"`
}

const (
	// maxLease is the longest lease, in months: five years.
	maxLease = 60
	// maxTiers bounds a share's table.
	maxTiers = 20
)

var hundred = money.NewDecimal(100)

// check collects every field that is wrong.
func (t Terms) check(model Model, currency money.Currency) []tenants.FieldError {
	var wrong []tenants.FieldError
	add := func(field, want string) {
		wrong = append(wrong, tenants.FieldError{Field: "terms." + field, Want: want})
	}
	amount := func(field string, a money.Amount, positive bool) {
		switch {
		case a.Currency() != currency:
			add(field, "an amount in "+currency.Code())
		case a.Sign() < 0 || positive && a.IsZero():
			add(field, map[bool]string{true: "an amount above zero", false: "zero or more"}[positive])
		case !a.RoundToDocument().Decimal().Equal(a.Decimal()):
			add(field, fmt.Sprintf("no more than %d decimals", currency.DocumentDigits()))
		}
	}
	percent := func(field string, d money.Decimal, most int64) {
		if d.Sign() < 0 || d.Cmp(money.NewDecimal(most)) > 0 {
			add(field, fmt.Sprintf("a percentage from 0 to %d", most))
		}
	}
	for _, part := range []struct {
		model   Model
		field   string
		present bool
	}{{Lease, "lease", t.Lease != nil}, {RevenueShare, "share", t.Share != nil}, {OwnLicence, "licence", t.Licence != nil}} {
		switch {
		case part.present && part.model != model:
			add(part.field, fmt.Sprintf("nothing: the model is %s", model))
		case !part.present && part.model == model:
			add(part.field, "the terms of the model")
		}
	}
	if model == Rent && t.Rent == nil {
		add("rent", "the terms of the model")
	}
	if r := t.Rent; r != nil {
		amount("rent.setup", r.Setup, false)
		amount("rent.monthly", r.Monthly, model == Rent)
	}
	if l := t.Lease; l != nil {
		amount("lease.price", l.Price, true)
		amount("lease.upfront", l.Upfront, false)
		percent("lease.yearly", l.Yearly, 100)
		percent("lease.early_fee", l.EarlyFee, 100)
		if l.Months < 1 || l.Months > maxLease {
			add("lease.months", fmt.Sprintf("1 to %d", maxLease))
		}
		if over, err := l.Upfront.Cmp(l.Price); err == nil && over >= 0 {
			add("lease.upfront", "less than the price")
		}
	}
	if s := t.Share; s != nil {
		amount("share.minimum", s.Minimum, false)
		wrong = append(wrong, s.checkTiers(currency)...)
	}
	if l := t.Licence; l != nil {
		amount("licence.price", l.Price, false)
		amount("licence.support", l.Support, false)
	}
	return wrong
}

// checkTiers wants tiers that rise and end in one without a bound.
func (s ShareTerms) checkTiers(currency money.Currency) []tenants.FieldError {
	wrong := func(field, want string) []tenants.FieldError {
		return []tenants.FieldError{{Field: "terms.share." + field, Want: want}}
	}
	if len(s.Tiers) == 0 || len(s.Tiers) > maxTiers {
		return wrong("tiers", fmt.Sprintf("1 to %d tiers", maxTiers))
	}
	below := money.Zero(currency)
	for i, t := range s.Tiers {
		field := fmt.Sprintf("tiers[%d]", i)
		if t.Percent.Sign() < 0 || t.Percent.Cmp(hundred) > 0 {
			return wrong(field+".percent", "a percentage from 0 to 100")
		}
		last := i == len(s.Tiers)-1
		if last != (t.UpTo == nil) {
			return wrong(field+".up_to", "an amount for each tier but the last")
		}
		if last {
			break
		}
		over, err := t.UpTo.Cmp(below)
		if err != nil || over <= 0 {
			return wrong(field+".up_to", "an amount in "+currency.Code()+" above the tier before")
		}
		below = *t.UpTo
	}
	return nil
}
