package bill

import (
	"fmt"
	"math/big"
	"slices"

	"tollhouse/billing/money"
	"tollhouse/billing/tax"
)

// creditShare is what a note takes of one line.
type creditShare struct {
	line     LeftLine
	net, tax money.Decimal
}

func (s creditShare) gross() money.Decimal { return s.net.Add(s.tax) }

// sharesOf says what a credit note takes of which line: of chosen lines, of a
// gross amount spread over all, or all that is left.
func (c Creditable) sharesOf(n NewCredit) ([]creditShare, error) {
	switch {
	case len(n.Lines) > 0:
		return c.ofLines(n.Lines)
	case !n.Gross.Currency().IsZero():
		return c.ofGross(n.Gross)
	}
	return c.ofGross(c.Left)
}

// part is what is asked of a line, as the fraction of what is left of it.
type part struct {
	line   LeftLine
	asked  money.Decimal // as its price is written
	of     money.Decimal // what is left, written alike
	netted bool          // asked without tax
}

// ofLines credits chosen lines, each in whole or by an amount as its price is
// written: with tax where the bill's prices include it.
func (c Creditable) ofLines(wanted []CreditLine) ([]creditShare, error) {
	var parts []part
	taken := map[int]bool{}
	for _, w := range wanted {
		at := slices.IndexFunc(c.Lines, func(l LeftLine) bool { return l.No == w.No })
		if at < 0 || taken[w.No] {
			return nil, fmt.Errorf("line %d: %w", w.No, ErrNoteLine)
		}
		taken[w.No] = true
		p := part{line: c.Lines[at], of: c.Lines[at].gross()}
		if c.Document.Basis == tax.Exclusive {
			p.of, p.netted = p.line.NetLeft.Decimal(), true
		}
		p.asked = p.of
		if w.Amount != nil {
			p.asked = w.Amount.Decimal()
			if w.Amount.Currency() != c.Document.Currency {
				return nil, fmt.Errorf("line %d: %w", w.No, money.ErrCurrencyMismatch)
			}
		}
		if err := p.check(c.Document.Currency); err != nil {
			return nil, err
		}
		parts = append(parts, p)
	}
	return c.shared(parts)
}

// check refuses a part of a line that is nothing, of the wrong sign, finer than
// the document or more than is left.
func (p part) check(currency money.Currency) error {
	asked, left := money.New(p.asked, currency), money.New(p.of, currency)
	switch {
	case p.asked.IsZero(), p.asked.Sign() != p.of.Sign(), p.asked.Abs().Cmp(p.of.Abs()) > 0:
		return fmt.Errorf("line %d: %w", p.line.No, &CreditError{asked, left})
	case !asked.RoundToDocument().Decimal().Equal(p.asked):
		return fmt.Errorf("line %d: %w", p.line.No, ErrNoteAmount)
	}
	return nil
}

// ofGross spreads an amount with tax over the lines in proportion to what is
// left of them, by the largest remainder.
func (c Creditable) ofGross(gross money.Amount) ([]creditShare, error) {
	switch {
	case gross.Currency() != c.Document.Currency:
		return nil, fmt.Errorf("credit %s: %w", c.Document.Number, money.ErrCurrencyMismatch)
	case c.Left.Sign() <= 0, gross.Decimal().Cmp(c.Left.Decimal()) > 0:
		return nil, &CreditError{gross, c.Left}
	case gross.Sign() <= 0, !gross.RoundToDocument().Decimal().Equal(gross.Decimal()):
		return nil, ErrNoteAmount
	}
	exact := make([]*big.Rat, len(c.Lines))
	fraction := new(big.Rat).Quo(gross.Decimal().BigRat(), c.Left.Decimal().BigRat())
	for i, l := range c.Lines {
		exact[i] = new(big.Rat).Mul(l.gross().BigRat(), fraction)
	}
	amounts := spread(exact, gross.Decimal(), c.Document.Currency.DocumentDigits())
	var parts []part
	for i, l := range c.Lines {
		if !amounts[i].IsZero() {
			parts = append(parts, part{line: l, asked: amounts[i], of: l.gross()})
		}
	}
	return c.shared(parts)
}

// shared gives each part its tax: the same fraction of the tax that is left,
// rounded once per rate and spread over its lines by the largest remainder.
// Who takes all that is left of a line takes its tax to the cent.
func (c Creditable) shared(parts []part) ([]creditShare, error) {
	digits := c.Document.Currency.DocumentDigits()
	shares := make([]creditShare, len(parts))
	groups := map[string][]int{}
	var order []string
	for i, p := range parts {
		key := fmt.Sprintf("%d %s %s", p.line.TaxGroup, p.line.Category, p.line.Percent)
		if groups[key] == nil {
			order = append(order, key)
		}
		groups[key] = append(groups[key], i)
	}
	for _, key := range order {
		exact, sum := make([]*big.Rat, len(groups[key])), new(big.Rat)
		for n, i := range groups[key] {
			p := parts[i]
			exact[n] = new(big.Rat).Mul(p.line.TaxLeft.Decimal().BigRat(), new(big.Rat).Quo(p.asked.BigRat(), p.of.BigRat()))
			sum.Add(sum, exact[n])
		}
		taxes := spread(exact, money.RoundRat(sum, digits, money.HalfAwayFromZero), digits)
		for n, i := range groups[key] {
			p := parts[i]
			shares[i] = creditShare{line: p.line, net: p.asked, tax: taxes[n]}
			if !p.netted {
				shares[i].net = p.asked.Sub(taxes[n])
			}
		}
	}
	return shares, nil
}

// spread rounds exact amounts so that they come to a sum: each down, and one
// unit each to the largest remainders. None goes beyond the next whole unit, so
// what is left of a line is never passed.
func spread(exact []*big.Rat, sum money.Decimal, digits int32) []money.Decimal {
	amounts, remainders, order := make([]money.Decimal, len(exact)), make([]*big.Rat, len(exact)), make([]int, len(exact))
	for i, e := range exact {
		amounts[i] = money.RoundRat(e, digits, money.Floor)
		remainders[i] = new(big.Rat).Sub(e, amounts[i].BigRat())
		sum, order[i] = sum.Sub(amounts[i]), i
	}
	slices.SortStableFunc(order, func(a, b int) int { return remainders[b].Cmp(remainders[a]) })
	unit := money.DecimalOf(1, digits)
	for _, i := range order {
		if sum.Sign() <= 0 {
			break
		}
		amounts[i], sum = amounts[i].Add(unit), sum.Sub(unit)
	}
	return amounts
}
