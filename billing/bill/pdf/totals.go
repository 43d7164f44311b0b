package pdf

import (
	"strings"

	"tollhouse/billing/bill"
	"tollhouse/billing/money"
)

const totalsLeft = 300.0

// totals sets the sums: net, tax by rate, total, what is paid, what is due.
// They stay together on one page.
func (s *sheet) totals() {
	d, w := s.doc, s.words
	height := 76 + 15*float64(len(d.Taxes))
	if s.y+height > bottom {
		s.nextPage()
	}
	s.y += 4
	s.sum(body, w.net, d.Net)
	for _, t := range d.Taxes {
		s.sum(body, w.taxOn(s.taxName(t), d.Locale.FormatMoney(t.Base)), t.Tax)
	}
	s.rule(ink, 0.8, totalsLeft, right, s.y+6)
	s.y += 4
	s.sum(strong.sized(11), w.total, d.Total)
	if d.PaidBefore.Sign() > 0 {
		paid := w.paidFromCredit
		if d.Kind == bill.KindStatement {
			paid = w.paidFromBalance
		}
		s.sum(body, paid, d.PaidBefore.Neg())
		s.sum(strong.sized(11), w.amountDue, d.Due)
	}
	s.y += 17
}

func (s *sheet) sum(st style, label string, a money.Amount) {
	s.y += 14
	s.at(totalsLeft, s.y, st, label)
	s.endingAt(right, s.y, st, s.doc.Locale.FormatMoney(a))
}

// taxName is a rate as printed. Names often carry their percentage, as the
// law's own wording does; it isn't said twice.
func (s *sheet) taxName(t bill.TaxLine) string {
	if strings.Contains(t.Name, "%") {
		return t.Name
	}
	return t.Name + " " + s.doc.Locale.FormatPercent(t.Percent)
}
