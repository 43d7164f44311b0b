package tax

import (
	"slices"
	"strings"

	"tollhouse/billing/calendar"
)

// Buyer is what tax needs to know of a customer who is not an ordinary one: of
// another country than the seller's, or exempt. An account keeps it.
type Buyer struct {
	Seller   string      `json:"seller"`  // country of the legal entity
	Country  string      `json:"country"` // of the customer
	Business bool        `json:"business"`
	TaxID    string      `json:"tax_id,omitempty"`
	Exempt   []Exemption `json:"exempt,omitempty"`
	// Unregistered: an authority's register says that the tax id is not in use.
	Unregistered bool `json:"unregistered,omitempty"`
}

// HasTaxID says whether the buyer's tax id is of its country and well formed,
// and no register has said that it is not in use.
func (b *Buyer) HasTaxID() bool {
	if b.Unregistered {
		return false
	}
	country, err := CheckID(b.TaxID)
	return err == nil && (country == b.Country || country == "XI" && b.Country == "GB")
}

// Regime is how one customer is taxed.
type Regime struct {
	table *Table
	buyer *Buyer
}

// For is how a customer is taxed; nil is an ordinary one.
func (t *Table) For(b *Buyer) Regime { return Regime{t, b} }

// Applied is a rate with why it is that one.
type Applied struct {
	Rate
	Home      Rate // what an ordinary customer pays
	Exemption *Exemption
	Rule      *Rule
}

// At is what a category is taxed at for this customer on a day.
func (r Regime) At(category string, day calendar.Date) (Rate, error) {
	if r.buyer == nil {
		return r.table.At(category, day)
	}
	applied, err := r.Explain(category, day)
	return applied.Rate, err
}

// Explain is At with what led to it.
func (r Regime) Explain(category string, day calendar.Date) (Applied, error) {
	home, err := r.table.At(category, day)
	applied := Applied{Rate: home, Home: home}
	if err != nil || r.buyer == nil {
		return applied, err
	}
	for i := range r.buyer.Exempt {
		if e := &r.buyer.Exempt[i]; e.covers(category, day) {
			applied.Rate, applied.Exemption = home.untaxed(e.Code, e.reason()), e
			return applied, nil
		}
	}
	if r.buyer.Country == r.buyer.Seller || r.buyer.Country == "" {
		return applied, nil
	}
	known, _ := r.table.Category(category)
	for i := range r.table.rules {
		rule := &r.table.rules[i]
		if !rule.matches(r.buyer, known.Service) {
			continue
		}
		applied.Rule = rule
		switch rule.Treat {
		case Charge:
		case AsCategory:
			applied.Rate, err = r.table.At(rule.Category, day)
			applied.Category = category
			for n := range applied.Levies {
				applied.Levies[n].Category = category
			}
		default:
			code, reason := codeOf[rule.Treat], rule.Reason
			if reason.IsZero() && code.NeedsReason() {
				reason = UsualReason(code)
			}
			applied.Rate = home.untaxed(code, reason)
		}
		return applied, err
	}
	return applied, nil
}

// Days are those on which something changes for the customer, in order.
func (r Regime) Days() []calendar.Date {
	if r.buyer == nil || len(r.buyer.Exempt) == 0 {
		return r.table.days
	}
	return Merge(r.table.days, r.buyer.Days())
}

// Days are those on which an exemption begins or ends.
func (b *Buyer) Days() []calendar.Date {
	var days []calendar.Date
	for _, e := range b.Exempt {
		days = append(days, e.From)
		if !e.To.IsZero() {
			days = append(days, e.To)
		}
	}
	return days
}

// Merge puts days in order, each once.
func Merge(days ...[]calendar.Date) []calendar.Date {
	all := slices.Concat(days...)
	slices.SortFunc(all, calendar.Date.Compare)
	return slices.Compact(all)
}

// Changes are the days within a period, after its first, on which the customer
// is taxed otherwise than the day before.
func (r Regime) Changes(category string, p calendar.Period) []calendar.Date {
	var changed []calendar.Date
	for _, day := range r.Days() {
		if !day.After(p.From) || !day.Before(p.To) {
			continue
		}
		before, err := r.At(category, day.AddDays(-1))
		after, err2 := r.At(category, day)
		if err == nil && err2 == nil && !before.same(after) {
			changed = append(changed, day)
		}
	}
	return changed
}

// untaxed is a rate that charges nothing; what a written price holds of the
// home rate is taken out.
func (r Rate) untaxed(code Code, reason Reason) Rate {
	home := r.fraction()
	return Rate{Category: r.Category, Name: r.Name, From: r.From, To: r.To, Code: code, Reason: reason, home: &home}
}

// normal is a tax id without spaces, dots and dashes, in capitals.
func normal(id string) string {
	return strings.Map(func(c rune) rune {
		switch {
		case c >= 'a' && c <= 'z':
			return c - 'a' + 'A'
		case c >= '0' && c <= '9' || c >= 'A' && c <= 'Z' || c == '+' || c == '*':
			return c
		}
		return -1
	}, id)
}

// Charged is the rate as it is charged, for a price that holds nothing beyond:
// a fee that is written as what is paid.
func (r Rate) Charged() Rate {
	r.home = nil
	return r
}
