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
	Levies []LevyAmount // each of the rate's taxes; they sum to Tax
}

// LevyAmount is one tax of a document at one rate.
type LevyAmount struct {
	Rate Rate
	Base money.Amount // before Rate.Factor; with earlier taxes where Rate.OnEarlier
	Tax  money.Amount
}

// Totals are a document's sums. Lines are in the order they were given;
// Subtotals in the order in which their rates first appeared.
type Totals struct {
	Parts
	Lines     []Parts
	Groups    []int // of each line: the place of its subtotal
	Subtotals []Subtotal
	// Rounding is what the written prices come to beyond Gross: only where the
	// rule is strict and prices include tax.
	Rounding money.Amount
}

// Total sums a document by the usual rule: tax is rounded once per rate.
func Total(lines []Line, basis Basis, currency money.Currency, digits int32) (Totals, error) {
	return Settings{}.Total(lines, basis, currency, digits)
}

// Total sums a document. Per group, tax is rounded once per rate, half away from
// zero, and spread over the lines by the largest remainder, the earlier line
// first where remainders are equal; per line, each line is rounded alone.
// Amounts of another currency are refused with money.ErrCurrencyMismatch, finer
// ones with ErrLineUnit.
func (s Settings) Total(lines []Line, basis Basis, currency money.Currency, digits int32) (Totals, error) {
	zero := money.Zero(currency)
	totals := Totals{Parts: Parts{zero, zero, zero}, Lines: make([]Parts, len(lines)), Groups: make([]int, len(lines)), Rounding: zero}
	for no, group := range groupByRate(lines) {
		group.basis, group.currency, group.digits, group.settings = basis, currency, digits, s
		if err := group.settle(lines); err != nil {
			return Totals{}, err
		}
		subtotal := Parts{zero, zero, zero}
		var err error
		for i, at := range group.lines {
			totals.Lines[at], totals.Groups[at] = group.parts[i], no
			if subtotal, err = subtotal.plus(group.parts[i]); err != nil {
				return Totals{}, err
			}
		}
		levies, err := group.levies(subtotal)
		if err != nil {
			return Totals{}, err
		}
		totals.Subtotals = append(totals.Subtotals, Subtotal{group.rate, subtotal, levies})
		if totals.Parts, err = totals.plus(subtotal); err != nil {
			return Totals{}, err
		}
		if basis == Inclusive && s.Strict && !group.rate.Untaxed() {
			off, err := group.sum.Sub(subtotal.Gross)
			if err != nil {
				return Totals{}, err
			}
			if totals.Rounding, err = totals.Rounding.Add(off); err != nil {
				return Totals{}, err
			}
		}
	}
	return totals, nil
}

// rateGroup is the lines of one rate, by their place in the document.
type rateGroup struct {
	rate     Rate
	lines    []int
	basis    Basis
	currency money.Currency
	digits   int32
	settings Settings

	amounts []money.Decimal
	sum     money.Amount
	parts   []Parts
	each    []money.Decimal // of each levy, where it is rounded alone
}

func groupByRate(lines []Line) []*rateGroup {
	var groups []*rateGroup
next:
	for i, line := range lines {
		for _, g := range groups {
			if g.rate.same(line.Rate) {
				g.lines = append(g.lines, i)
				continue next
			}
		}
		groups = append(groups, &rateGroup{rate: line.Rate, lines: []int{i}})
	}
	return groups
}

// settle gives each line of the group its parts.
func (g *rateGroup) settle(lines []Line) error {
	g.amounts, g.sum = make([]money.Decimal, len(g.lines)), money.Zero(g.currency)
	for i, at := range g.lines {
		line := lines[at].Amount
		g.amounts[i] = line.Decimal()
		if !g.amounts[i].Round(g.digits, money.Down).Equal(g.amounts[i]) {
			return fmt.Errorf("line %d: %s: %w", at+1, line, ErrLineUnit)
		}
		var err error
		if g.sum, err = g.sum.Add(line); err != nil {
			return fmt.Errorf("line %d: %w", at+1, err)
		}
	}
	nets, err := g.nets()
	if err != nil {
		return err
	}
	taxes, err := g.taxes(nets)
	if err != nil {
		return err
	}
	g.parts = make([]Parts, len(nets))
	for i := range nets {
		g.parts[i] = Parts{money.New(nets[i], g.currency), money.New(taxes[i], g.currency), money.New(nets[i].Add(taxes[i]), g.currency)}
	}
	return nil
}

// nets are the lines without tax.
func (g *rateGroup) nets() ([]money.Decimal, error) {
	if g.basis != Inclusive {
		return g.amounts, nil
	}
	of := g.rate.fraction()
	if g.rate.home != nil {
		of = *g.rate.home
	}
	return g.share(g.amounts, of.within())
}

// share takes a fraction of each amount: each rounded alone, or their sum once.
func (g *rateGroup) share(amounts []money.Decimal, f fraction) ([]money.Decimal, error) {
	if g.settings.Rounding == PerLine {
		shares := make([]money.Decimal, len(amounts))
		for i, amount := range amounts {
			var err error
			if shares[i], err = amount.MulDiv(f.num, f.den, g.digits, money.HalfAwayFromZero); err != nil {
				return nil, err
			}
		}
		return shares, nil
	}
	sum, err := total(amounts).MulDiv(f.num, f.den, g.digits, money.HalfAwayFromZero)
	if err != nil {
		return nil, err
	}
	return apportion(amounts, sum, f, g.digits)
}

func total(amounts []money.Decimal) (sum money.Decimal) {
	for _, amount := range amounts {
		sum = sum.Add(amount)
	}
	return sum
}

// taxes are the lines' taxes: what the price holds beyond net, or each levy of
// the net rounded by itself, as a tax office sums it.
func (g *rateGroup) taxes(nets []money.Decimal) ([]money.Decimal, error) {
	taxes := make([]money.Decimal, len(nets))
	if g.rate.Untaxed() {
		return taxes, nil
	}
	if g.basis == Inclusive && !g.settings.Strict {
		for i := range nets {
			taxes[i] = g.amounts[i].Sub(nets[i])
		}
		return taxes, nil
	}
	g.each = make([]money.Decimal, 0, 2)
	if g.settings.Rounding == PerLine {
		for _, levy := range g.rate.parts() {
			shares, err := g.share(nets, levy.fraction())
			if err != nil {
				return nil, err
			}
			g.each = append(g.each, total(shares))
			for i := range taxes {
				taxes[i] = taxes[i].Add(shares[i])
			}
		}
		return taxes, nil
	}
	net, sum := total(nets), money.Decimal{}
	for _, levy := range g.rate.parts() {
		f := levy.fraction()
		part, err := net.MulDiv(f.num, f.den, g.digits, money.HalfAwayFromZero)
		if err != nil {
			return nil, err
		}
		g.each, sum = append(g.each, part), sum.Add(part)
	}
	return apportion(nets, sum, g.rate.fraction(), g.digits)
}

// levies tells the group's single taxes, which sum to its tax.
func (g *rateGroup) levies(sub Parts) ([]LevyAmount, error) {
	rates := g.rate.parts()
	amounts := g.each
	if g.rate.Untaxed() || g.each == nil && sub.Tax.IsZero() {
		amounts = make([]money.Decimal, len(rates))
	} else if amounts == nil && len(rates) == 1 {
		amounts = []money.Decimal{sub.Tax.Decimal()}
	} else if amounts == nil { // with tax inside: shares of what is beyond net
		weights := make([]money.Decimal, len(rates))
		for i, r := range rates {
			f := r.fraction()
			weights[i] = f.num.Mul(others(rates, i))
		}
		shares, err := sub.Tax.Split(weights, g.digits)
		if err != nil {
			return nil, err
		}
		for _, s := range shares {
			amounts = append(amounts, s.Decimal())
		}
	}
	list, before := make([]LevyAmount, len(rates)), sub.Net
	for i, r := range rates {
		list[i] = LevyAmount{Rate: r, Base: sub.Net, Tax: money.New(amounts[i], g.currency)}
		if r.OnEarlier {
			list[i].Base = before
		}
		var err error
		if before, err = before.Add(list[i].Tax); err != nil {
			return nil, err
		}
	}
	return list, nil
}

// others is the product of the other rates' denominators: it brings all to one.
func others(rates []Rate, but int) money.Decimal {
	product := one
	for i, r := range rates {
		if i != but {
			product = product.Mul(r.fraction().den)
		}
	}
	return product
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
