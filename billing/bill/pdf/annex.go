package pdf

import (
	"strings"

	"tollhouse/billing/bill"
	"tollhouse/billing/bill/pdf/tagged"
	"tollhouse/billing/money"
)

// Where the annex's columns stand.
const (
	annexCalled = 150.0
	annexWhat   = 270.0
	annexUsed   = 465.0
)

// annex sets the itemised usage, from a page of its own, service by service.
func (s *sheet) annex() {
	calls := s.doc.Annex
	if len(calls) == 0 {
		return
	}
	s.nextPage()
	s.Open(tagged.Section)
	s.y += 18
	s.In(tagged.Heading2, func() { s.at(left, s.y, style{size: 15, strong: true, colour: ink}, s.words.annex) })
	s.y += 12
	if s.doc.Masked {
		s.In(tagged.Paragraph, func() { s.at(left, s.y+4, small, s.words.hidden) })
		s.y += 12
	}
	for len(calls) > 0 {
		n := 1
		for n < len(calls) && calls[n].Service == calls[0].Service {
			n++
		}
		s.annexOf(calls[:n])
		calls = calls[n:]
	}
	s.Close()
}

func (s *sheet) annexOf(calls []bill.Call) {
	s.keep(70)
	s.y += 20
	title := strings.ReplaceAll(s.words.annexOf, "{service}", calls[0].Service)
	s.In(tagged.Heading3, func() {
		st := strong.sized(10.5).in(s.brand.legible())
		s.at(left, s.y, s.shrunk(st, title, right-left), title)
	})
	s.y += 18
	s.Open(tagged.Table)
	s.annexHead()
	s.head = func() { s.again(s.annexHead) }
	sum := money.Decimal{}
	for _, c := range calls {
		s.keep(14)
		s.y += 11
		s.call(c)
		sum = sum.Add(c.Price.Decimal())
	}
	s.head = nil
	s.rule(ink, 0.6, left, right, s.y+4)
	s.y += 15
	s.row(func() {
		s.headCell("Row", func() {
			s.at(left, s.y, strong.sized(8.5), strings.ReplaceAll(s.words.annexSum, "{count}", s.doc.Locale.FormatNumber(money.NewDecimal(int64(len(calls))))))
		})
		s.cell(func() {})
		s.cell(func() {})
		s.cell(func() {})
		s.cell(func() {
			s.endingAt(right, s.y, strong.sized(8.5), s.doc.Locale.FormatFigure(money.New(sum, s.doc.Currency).RoundToDocument()))
		})
	})
	s.Close()
}

func (s *sheet) annexHead() {
	s.columns(func(column func(func())) {
		column(func() { s.at(left, s.y, heading, s.words.time) })
		column(func() { s.at(annexCalled, s.y, heading, s.words.called) })
		column(func() { s.at(annexWhat, s.y, heading, s.words.description) })
		column(func() { s.endingAt(annexUsed, s.y, heading, s.words.consumed) })
		column(func() { s.endingAt(right, s.y, heading, s.doc.Currency.Code()+" "+s.words.basis[s.doc.Basis]) })
	})
	s.rule(ink, 0.6, left, right, s.y+5)
	s.y += 5
}

func (s *sheet) call(c bill.Call) {
	st := body.sized(8)
	s.row(func() {
		s.cell(func() { s.at(left, s.y, st, c.At) })
		s.cell(func() { s.at(annexCalled, s.y, s.shrunk(st, c.To, annexWhat-annexCalled-6), c.To) })
		s.cell(func() { s.at(annexWhat, s.y, s.shrunk(st, c.What, annexUsed-annexWhat-70), c.What) })
		s.cell(func() { s.endingAt(annexUsed, s.y, st, measure(s.doc.Locale, c.Quantity, c.Unit)) })
		s.cell(func() { s.endingAt(right, s.y, st, s.doc.Locale.FormatNumber(c.Price.Decimal())) })
	})
}
