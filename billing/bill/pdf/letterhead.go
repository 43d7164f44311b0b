package pdf

import (
	"strings"

	"tollhouse/billing/account"
	"tollhouse/billing/bill"
)

// Where DIN 5008 form B puts the parts of a letter's head.
const (
	senderBaseline  = 136.0
	addressBaseline = 156.0
	factsLeft       = 343.0
	bandHeight      = 5.0
)

// letterhead sets the operator's name, the buyer's address and the bill's key
// facts at the top of the first page.
func (s *sheet) letterhead() {
	d := s.doc
	s.fill(s.brand, 0, 0, pageWidth, bandHeight)
	name := style{size: 21, strong: true, colour: s.brand.legible()}
	for name.size > 12 && s.width(name, d.Operator.Name) > right-left {
		name.size--
	}
	s.at(left, 66, name, d.Operator.Name)

	sender := strings.Join(append([]string{d.Seller.Name}, addressLines(d.Seller.Address, "")...), " · ")
	s.at(left, senderBaseline, fine, s.wrap(fine, sender, factsLeft-left-20)[0])
	y := addressBaseline
	for _, text := range append([]string{d.Buyer.Name}, addressLines(d.Buyer.Address, d.Seller.Address.Country)...) {
		for _, part := range s.wrap(body.sized(10.5), text, factsLeft-left-30) {
			s.at(left, y, body.sized(10.5), part)
			y += 14.5
		}
	}
	s.facts()
}

// facts sets the pairs of label and value beside the address.
func (s *sheet) facts() {
	d, w, y := s.doc, s.words, senderBaseline
	pairs := [][2]string{
		{w.number[d.Kind], d.Number},
		{w.issued, d.Locale.FormatDate(d.Issued)},
		{w.account, d.Buyer.Account},
		{w.period, d.Locale.FormatPeriod(d.Period)},
	}
	if d.Buyer.TaxID != "" {
		pairs = append(pairs, [2]string{w.taxID, d.Buyer.TaxID})
	}
	for _, pair := range pairs {
		s.at(factsLeft, y, small, pair[0])
		s.endingAt(right, y, s.shrunk(strong.sized(9), pair[1], right-factsLeft-s.width(small, pair[0])-8), pair[1])
		y += 16
	}
}

// addressLines are a postal address's lines; the country is left out where it
// is the sender's own.
func addressLines(a account.Address, home string) []string {
	var lines []string
	city := strings.TrimSpace(a.Postcode + " " + a.City)
	for _, text := range []string{a.Street, city, a.Region} {
		if text != "" {
			lines = append(lines, text)
		}
	}
	if a.Country != "" && home != "" && a.Country != home {
		lines = append(lines, a.Country)
	}
	return lines
}

// summary says at a glance what is owed, until when, and what to state.
func (s *sheet) summary() {
	const top, height, pad = 266.0, 54.0, 16.0
	d := s.doc
	s.at(left, top-16, style{size: 17, strong: true, colour: ink}, s.heading())
	if d.State == bill.Void {
		s.endingAt(right, top-16, style{size: 17, strong: true, colour: ink}, s.words.void)
	}
	s.panel(s.brand.tint(8), left, top, right-left, height)
	s.fill(s.brand, left, top, 3, height)
	first, second := s.words.amountDue, s.doc.Locale.FormatMoney(d.Due)
	if d.Kind == bill.KindStatement {
		first, second = s.words.paidFromBalance, s.doc.Locale.FormatMoney(d.PaidBefore)
	}
	s.at(left+pad, top+18, small, first)
	s.at(left+pad, top+42, style{size: 21, strong: true, colour: ink}, second)
	if d.Due.Sign() > 0 {
		s.at(left+210, top+18, small, s.words.payBy)
		s.at(left+210, top+42, style{size: 13, strong: true, colour: ink}, d.Locale.FormatDate(d.DueDate))
		s.at(left+345, top+18, small, s.words.reference)
		s.at(left+345, top+42, s.shrunk(style{size: 13, strong: true, colour: ink}, d.Reference, right-left-345-pad), d.Reference)
	} else {
		s.at(left+250, top+40, style{size: 11, colour: ink}, s.words.nothingDue)
	}
	s.y = top + height + 27
}

// headline names the document by its month where its cycle is one.
func (s *sheet) heading() string {
	p, w := s.doc.Period, s.words.kind[s.doc.Kind]
	if p.From.Day == 1 && p.To == p.From.AddMonths(1) {
		return w + " · " + s.doc.Locale.FormatMonth(p.From)
	}
	return w + " · " + s.doc.Locale.FormatPeriod(p)
}

// shrunk is a style made smaller until the text fits.
func (s *sheet) shrunk(st style, text string, width float64) style {
	for st.size > 6 && s.width(st, text) > width {
		st.size -= 0.5
	}
	return st
}
