package pdf

import (
	"strings"

	"tollhouse/billing/bill"
	"tollhouse/billing/bill/pdf/tagged"
	"tollhouse/billing/money"
)

const totalsLeft = 250.0

// toPay is what is due, less what the buyer keeps back for the tax office.
func (s *sheet) toPay() money.Amount { return toPay(s.doc) }

func toPay(d bill.Document) money.Amount {
	if d.Withheld == nil || d.Due.Sign() <= 0 {
		return d.Due
	}
	left, err := d.Due.Sub(d.Withheld.Amount)
	if err != nil || left.Sign() < 0 {
		return d.Due
	}
	return left
}

// totals sets the sums: net, tax by rate, total, what is paid, what is due.
// They stay together on one page.
func (s *sheet) totals() {
	d, w := s.doc, s.words
	reasons := s.reasons()
	height := 76 + 15*float64(len(d.Taxes)) + 11*float64(len(reasons))
	if d.PaidBefore.Sign() != 0 || d.Withheld != nil || d.Rounding.Sign() != 0 {
		height += 48
	}
	if s.y+height > bottom {
		s.nextPage()
	}
	s.y += 4
	s.Open(tagged.Table)
	s.sum(body, w.net, d.Net)
	for _, t := range d.Taxes {
		s.sum(body, s.taxLabel(t), t.Tax)
	}
	if d.Rounding.Sign() != 0 {
		s.sum(body, w.rounding, d.Rounding)
	}
	s.rule(ink, 0.8, totalsLeft, right, s.y+6)
	s.y += 4
	label := w.total
	if d.Kind == bill.KindCreditNote {
		label = w.credited
	}
	s.sum(strong.sized(11), label, d.Total)
	if d.PaidBefore.Sign() > 0 {
		paid := w.paidFromCredit
		if d.Kind == bill.KindStatement {
			paid = w.paidFromBalance
		}
		s.sum(body, paid, d.PaidBefore.Neg())
		s.sum(strong.sized(11), w.amountDue, d.Due)
	}
	if d.Withheld != nil && d.Due.Sign() > 0 {
		s.sum(body, s.withheldLabel(), d.Withheld.Amount.Neg())
		s.sum(strong.sized(11), w.toPay, s.toPay())
	}
	s.Close()
	s.y += 4
	for _, reason := range reasons {
		s.y += 11
		s.In(tagged.Paragraph, func() { s.endingAt(right, s.y, small, reason) })
	}
	s.y += 13
}

func (s *sheet) sum(st style, label string, a money.Amount) {
	s.y += 14
	s.row(func() {
		s.headCell("Row", func() {
			value := s.width(st, s.doc.Locale.FormatMoney(a))
			s.at(totalsLeft, s.y, s.shrunk(st, label, right-totalsLeft-value-8), label)
		})
		s.cell(func() { s.endingAt(right, s.y, st, s.doc.Locale.FormatMoney(a)) })
	})
}

// taxLabel is a tax with what it is of: where only a part of the price is
// taxed, that part, as the law wants it shown.
func (s *sheet) taxLabel(t bill.TaxLine) string {
	base := s.doc.Locale.FormatMoney(t.Taxed())
	if !t.Factor.IsZero() && t.Factor.Den != 0 {
		base += " (" + t.Factor.String() + ")"
	}
	return s.words.taxOn(s.taxName(t), base)
}

// taxName is a rate as printed. Names often carry their percentage, as the
// law's own wording does; it isn't said twice.
func (s *sheet) taxName(t bill.TaxLine) string {
	if t.Reason.Text != "" && t.Percent.Sign() == 0 && strings.Contains(t.Name, "%") {
		return strings.TrimSpace(t.Name[:strings.IndexAny(t.Name, "0123456789")]) + " " + s.doc.Locale.FormatPercent(t.Percent)
	}
	if strings.Contains(t.Name, "%") {
		return t.Name
	}
	return t.Name + " " + s.doc.Locale.FormatPercent(t.Percent)
}

// reasons are why there is no tax, each once.
func (s *sheet) reasons() []string {
	var list []string
	seen := map[string]bool{}
	for _, t := range s.doc.Taxes {
		if text := t.Reason.Text; text != "" && !seen[text] {
			seen[text] = true
			list = append(list, s.wrap(small, text, right-left)...)
		}
	}
	return list
}

func (s *sheet) withheldLabel() string {
	h := s.doc.Withheld
	return strings.NewReplacer("{tax}", h.Name+" "+s.doc.Locale.FormatPercent(h.Percent), "{base}", s.doc.Locale.FormatMoney(h.Base)).Replace(s.words.withheld)
}
