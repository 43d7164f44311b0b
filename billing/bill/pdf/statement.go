package pdf

import (
	"fmt"
	"io"

	"tollhouse/billing/bill"
	"tollhouse/billing/bill/pdf/tagged"
	"tollhouse/billing/calendar"
	"tollhouse/billing/money"
)

// Where a statement's columns end.
const (
	entryWhat    = 130.0
	entryAmount  = 445.0
	entryBalance = right
)

// RenderStatement writes an account's statement as a PDF: each entry with the
// balance that it leaves.
func RenderStatement(w io.Writer, p bill.StatementPaper) error {
	d := bill.Document{
		Kind: bill.KindBill, State: bill.Final, Issued: p.Made, Period: p.Days, Locale: p.Locale, Currency: p.Currency, Operator: p.Operator, Picture: p.Picture,
		Seller: p.Seller, Buyer: p.Buyer, Due: money.Zero(p.Currency), PaidBefore: money.Zero(p.Currency), Total: money.Zero(p.Currency),
	}
	s, err := newSheet(d)
	if err != nil {
		return fmt.Errorf("print statement: %w", err)
	}
	s.words.kind = map[bill.Kind]string{bill.KindBill: s.words.statement}
	s.words.number = map[bill.Kind]string{}
	fonts, err := typeface()
	if err != nil {
		return err
	}
	s.Document = tagged.New(tagged.Info{Title: s.heading(), Author: p.Seller.Name, Language: p.Locale.Tag(), Created: p.Made.String()}, pageWidth, pageHeight, fonts...)
	s.AddPage()
	s.letterhead()
	s.In(tagged.Heading1, func() {
		st := style{size: 17, strong: true, colour: ink}
		s.at(left, 250, s.shrunk(st, s.heading(), right-left), s.heading())
	})
	s.y = 280
	s.entries(p)
	s.footers()
	if err := s.Write(w); err != nil {
		return fmt.Errorf("print statement: %w", err)
	}
	return nil
}

func (s *sheet) entries(p bill.StatementPaper) {
	w := s.words
	s.Open(tagged.Table)
	s.entryHead()
	s.head = func() { s.again(s.entryHead) }
	balance := p.Opening.Decimal()
	s.entry(p.Days.From, w.opening, "", money.New(balance, p.Currency), strong)
	for _, e := range p.Entries {
		if e.Amount.IsZero() {
			continue // usage that is not billed yet moves no balance
		}
		balance = balance.Add(e.Amount.Decimal())
		what := w.entry(string(e.Kind))
		if e.Number != "" {
			what += " " + e.Number
		}
		s.entry(e.Day, what, s.doc.Locale.FormatFigure(e.Amount.RoundToDocument()), money.New(balance, p.Currency), body)
	}
	s.head = nil
	s.entry(p.Days.To.AddDays(-1), w.closing, "", p.Closing, strong)
	s.Close()
	if p.Unbilled.Sign() != 0 {
		s.y += 16
		s.In(tagged.Paragraph, func() {
			s.at(left, s.y, small, w.unbilled+" "+s.doc.Locale.FormatMoney(p.Unbilled.RoundToDocument()))
		})
	}
	s.y += 14
	s.In(tagged.Paragraph, func() { s.at(left, s.y, small, w.signs) })
}

func (s *sheet) entryHead() {
	s.columns(func(column func(func())) {
		column(func() { s.at(left, s.y, heading, s.words.day) })
		column(func() { s.at(entryWhat, s.y, heading, s.words.description) })
		column(func() { s.endingAt(entryAmount, s.y, heading, s.words.movement) })
		column(func() { s.endingAt(entryBalance, s.y, heading, s.words.balance+" "+s.doc.Currency.Code()) })
	})
	s.rule(ink, 0.8, left, right, s.y+6)
	s.y += 6
}

func (s *sheet) entry(day calendar.Date, what, amount string, balance money.Amount, st style) {
	s.keep(18)
	s.y += 13.5
	s.row(func() {
		s.cell(func() { s.at(left, s.y, st, s.doc.Locale.FormatDate(day)) })
		s.cell(func() { s.at(entryWhat, s.y, s.shrunk(st, what, entryAmount-entryWhat-70), what) })
		s.cell(func() { s.endingAt(entryAmount, s.y, st, amount) })
		s.cell(func() {
			s.endingAt(entryBalance, s.y, st, s.doc.Locale.FormatFigure(balance.RoundToDocument()))
		})
	})
	s.y += 4.5
	s.rule(hairline, 0.4, left, right, s.y)
}
