package tax

import (
	"errors"
	"fmt"

	"tollhouse/billing/money"
)

// Basis says whether prices are written with tax inside or without it.
type Basis string

// The two ways to write a price.
const (
	Inclusive Basis = "inclusive"
	Exclusive Basis = "exclusive"
)

// BasisOf is the basis of an operator whose prices include tax or do not.
func BasisOf(pricesIncludeTax bool) Basis {
	if pricesIncludeTax {
		return Inclusive
	}
	return Exclusive
}

// ErrLineUnit is returned for a line that is finer than the document unit.
var ErrLineUnit = errors.New("line amount is finer than the document unit")

var hundred = money.NewDecimal(100)

// Line is one priced line: the amount as the price is written (with tax inside
// where the basis is Inclusive), discounts taken off, in document units.
type Line struct {
	Amount money.Amount
	Rate   Rate
}

// Parts are a line's or a document's net, tax and gross; net + tax = gross.
type Parts struct{ Net, Tax, Gross money.Amount }

// Subtotal is what a document has at one rate.
type Subtotal struct {
	Rate Rate
	Parts
}

// Totals are a document's sums. Lines are in the order they were given;
// Subtotals in the order in which their rates first appeared.
type Totals struct {
	Parts
	Lines     []Parts
	Subtotals []Subtotal
}

// Total sums a document: tax is rounded once per rate, half away from zero, and
// spread over its lines by the largest remainder, the earlier line first where
// remainders are equal. Amounts of another currency are refused with
// money.ErrCurrencyMismatch, finer ones with ErrLineUnit.
func Total(lines []Line, basis Basis, currency money.Currency, digits int32) (Totals, error) {
	zero := money.Zero(currency)
	totals := Totals{Parts: Parts{zero, zero, zero}, Lines: make([]Parts, len(lines))}
	for _, group := range groupByRate(lines) {
		parts, err := group.settle(lines, basis, currency, digits)
		if err != nil {
			return Totals{}, err
		}
		subtotal := Parts{zero, zero, zero}
		for i, at := range group.lines {
			totals.Lines[at] = parts[i]
			if subtotal, err = subtotal.plus(parts[i]); err != nil {
				return Totals{}, err
			}
		}
		totals.Subtotals = append(totals.Subtotals, Subtotal{group.rate, subtotal})
		if totals.Parts, err = totals.plus(subtotal); err != nil {
			return Totals{}, err
		}
	}
	return totals, nil
}

// rateGroup names the lines of one rate by their place in the document.
type rateGroup struct {
	rate  Rate
	lines []int
}

func groupByRate(lines []Line) []*rateGroup {
	var groups []*rateGroup
next:
	for i, line := range lines {
		for _, g := range groups {
			if g.rate.Category == line.Rate.Category && g.rate.Percent.Equal(line.Rate.Percent) {
				g.lines = append(g.lines, i)
				continue next
			}
		}
		groups = append(groups, &rateGroup{line.Rate, []int{i}})
	}
	return groups
}

// settle gives each line of the group its parts.
func (g *rateGroup) settle(lines []Line, basis Basis, currency money.Currency, digits int32) ([]Parts, error) {
	amounts, sum := make([]money.Decimal, len(g.lines)), money.Zero(currency)
	for i, at := range g.lines {
		line := lines[at].Amount
		amounts[i] = line.Decimal()
		if !amounts[i].Round(digits, money.Down).Equal(amounts[i]) {
			return nil, fmt.Errorf("line %d: %s: %w", at+1, line, ErrLineUnit)
		}
		var err error
		if sum, err = sum.Add(line); err != nil {
			return nil, fmt.Errorf("line %d: %w", at+1, err)
		}
	}
	// Inclusive: net is the share 100 / (100 + rate) of each price.
	// Exclusive: tax is the share rate / 100.
	numerator, denominator := g.rate.Percent, hundred
	if basis == Inclusive {
		numerator, denominator = hundred, hundred.Add(g.rate.Percent)
	}
	shares, err := apportion(amounts, sum.Decimal(), numerator, denominator, digits)
	if err != nil {
		return nil, err
	}
	parts := make([]Parts, len(shares))
	for i, share := range shares {
		parts[i] = partsOf(amounts[i], share, basis, currency)
	}
	return parts, nil
}

func partsOf(price, share money.Decimal, basis Basis, currency money.Currency) Parts {
	if basis == Inclusive {
		return Parts{money.New(share, currency), money.New(price.Sub(share), currency), money.New(price, currency)}
	}
	return Parts{money.New(price, currency), money.New(share, currency), money.New(price.Add(share), currency)}
}

func (p Parts) plus(q Parts) (Parts, error) {
	net, err := p.Net.Add(q.Net)
	if err != nil {
		return Parts{}, err
	}
	tax, err := p.Tax.Add(q.Tax)
	if err != nil {
		return Parts{}, err
	}
	gross, err := p.Gross.Add(q.Gross)
	return Parts{net, tax, gross}, err
}
