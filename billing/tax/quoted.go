package tax

import (
	"fmt"
	"slices"
	"strings"

	"tollhouse/billing/money"
)

// noTax is why a line has no tax where the engine did not say.
const noTax = "No tax is due"

// maxTaxes bounds the taxes of a line.
const maxTaxes = 20

// Check refuses an answer that a document could not show: a line that is
// missing or was not asked for, an amount finer than the document's or of the
// wrong sign, a tax above the price.
func (q Quote) Check(s Sale) error {
	wrong := func(line int, what string) error { return fmt.Errorf("line %d: %s: %w", line, what, ErrEngineAnswer) }
	if len(q.Lines) != len(s.Lines) {
		return fmt.Errorf("%d lines for %d: %w", len(q.Lines), len(s.Lines), ErrEngineAnswer)
	}
	digits := s.Currency.DocumentDigits()
	for i, asked := range s.Lines {
		answered := q.Lines[i]
		switch {
		case answered.No != asked.No:
			return wrong(asked.No, "is not answered")
		case len(answered.Taxes) > maxTaxes:
			return wrong(asked.No, "has too many taxes")
		}
		sum := money.Decimal{}
		for _, t := range answered.Taxes {
			switch {
			case t.Jurisdiction == "" || t.Name == "" || len(t.Jurisdiction) > 80 || len(t.Name) > 80:
				return wrong(asked.No, "a tax without jurisdiction and name of at most 80 characters")
			case t.Percent.Sign() < 0 || t.Percent.Cmp(hundred) > 0:
				return wrong(asked.No, "a percentage that is not between 0 and 100")
			case !t.Amount.Round(digits, money.Down).Equal(t.Amount):
				return wrong(asked.No, "an amount finer than the document's")
			case t.Amount.Sign() != 0 && t.Amount.Sign() != asked.Amount.Sign():
				return wrong(asked.No, "a tax of another sign than the price")
			}
			sum = sum.Add(t.Amount)
		}
		if sum.Abs().Cmp(asked.Amount.Abs()) > 0 {
			return wrong(asked.No, "more tax than the price")
		}
	}
	return nil
}

// Totals are a document's sums by an engine's answer: each line has its own
// taxes, and lines that are taxed by the same ones are a group.
func (q Quote) Totals(s Sale) (Totals, error) {
	if err := q.Check(s); err != nil {
		return Totals{}, err
	}
	zero := money.Zero(s.Currency)
	totals := Totals{Parts: Parts{zero, zero, zero}, Lines: make([]Parts, len(s.Lines)), Groups: make([]int, len(s.Lines)), Rounding: zero}
	for i, line := range s.Lines {
		rate := q.Lines[i].rate(line.Category)
		at := slices.IndexFunc(totals.Subtotals, func(t Subtotal) bool { return t.Rate.same(rate) && t.Rate.Name == rate.Name })
		if at < 0 {
			at = len(totals.Subtotals)
			levies := make([]LevyAmount, 0, len(rate.parts()))
			for _, r := range rate.parts() {
				levies = append(levies, LevyAmount{Rate: r, Base: zero, Tax: zero})
			}
			totals.Subtotals = append(totals.Subtotals, Subtotal{Rate: rate, Parts: Parts{zero, zero, zero}, Levies: levies})
		}
		group, net, tax := &totals.Subtotals[at], line.Amount, money.Decimal{}
		for n, t := range q.Lines[i].Taxes {
			tax = tax.Add(t.Amount)
			group.Levies[n].Base = money.New(group.Levies[n].Base.Decimal().Add(t.Base), s.Currency)
			group.Levies[n].Tax = money.New(group.Levies[n].Tax.Decimal().Add(t.Amount), s.Currency)
		}
		if len(q.Lines[i].Taxes) == 0 {
			group.Levies[0].Base = money.New(group.Levies[0].Base.Decimal().Add(net), s.Currency)
		}
		own := Parts{money.New(net, s.Currency), money.New(tax, s.Currency), money.New(net.Add(tax), s.Currency)}
		totals.Lines[i], totals.Groups[i] = own, at
		var err error
		if group.Parts, err = group.plus(own); err != nil {
			return Totals{}, err
		}
		if totals.Parts, err = totals.plus(own); err != nil {
			return Totals{}, err
		}
	}
	return totals, nil
}

// rate is a line's taxes as a rate of ours.
func (l QuotedLine) rate(category string) Rate {
	if len(l.Taxes) == 0 {
		reason := Reason{Text: l.Reason}
		if reason.Text == "" {
			reason.Text = noTax
		}
		return Rate{Category: category, Name: reason.Text, Code: Exempt, Reason: reason}
	}
	all := Rate{Category: category, Code: Standard}
	names := make([]string, len(l.Taxes))
	for i, t := range l.Taxes {
		part := Rate{Category: category, Levy: t.Jurisdiction, Name: t.Name, Percent: t.Percent, Position: i + 1, Code: Standard}
		all.Levies, all.Percent, names[i] = append(all.Levies, part), all.Percent.Add(t.Percent), t.Name
	}
	all.Name = strings.Join(names, " + ")
	return all
}
