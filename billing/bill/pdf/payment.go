package pdf

import (
	"strings"

	"tollhouse/billing/bill"
	"tollhouse/billing/bill/pdf/tagged"
)

// payment says how to pay and whom to ask, in one panel, with a code to scan
// at its right end.
func (s *sheet) payment() {
	const pad, rowHeight = 14.0, 13.0
	d, w := s.doc, s.words
	if d.Kind == bill.KindCreditNote {
		s.y += 4
		return
	}
	column, coded := 250.0, len(s.code.dark) > 0
	inner := right - left - 2*pad
	if coded {
		column, inner = 215, inner-codeSide-pad
	}
	rows := s.transfer()
	if d.Due.Sign() <= 0 {
		rows = nil
	}
	width := inner - column - pad
	if rows == nil {
		width = inner
	}
	aside := s.aside(width)
	height := 2*pad + 12 + rowHeight*float64(max(len(rows), len(aside)))
	if rows == nil {
		height = 2*pad + rowHeight*float64(len(aside)) - 4
	}
	if coded {
		height = max(height, codeSide+2*pad+8)
	}
	if len(rows)+len(aside) == 0 {
		return
	}
	if s.y+height > bottom {
		s.nextPage()
	}
	s.panel(ground, left, s.y, right-left, height)
	top, asideLeft := s.y+pad+8, left+pad
	if rows != nil {
		s.In(tagged.Heading2, func() { s.at(left+pad, top, strong, w.howToPay) })
		s.Open(tagged.Table)
		for i, row := range rows {
			y := top + 5 + rowHeight*float64(i+1)
			s.row(func() {
				s.headCell("Row", func() { s.at(left+pad, y, small.sized(8.5), row[0]) })
				s.cell(func() {
					s.at(left+pad+82, y, s.shrunk(strong.sized(8.5), row[1], column-86), row[1])
				})
			})
		}
		s.Close()
		top, asideLeft = top+5+rowHeight, left+pad+column+pad
	}
	s.In(tagged.Paragraph, func() {
		for i, text := range aside {
			s.at(asideLeft, top+rowHeight*float64(i), body.sized(8.5), text)
		}
	})
	if coded {
		s.drawCode(right-pad+2, s.y+pad-2)
		caption := s.shrunk(fine, s.code.caption, codeSide+12)
		s.In(tagged.Paragraph, func() {
			s.at(right-pad+2-codeSide/2-s.width(caption, s.code.caption)/2, s.y+pad+codeSide+14, caption, s.code.caption)
		})
	}
	s.y += height + 18
}

// transfer is what a bank transfer needs, as pairs of label and value.
func (s *sheet) transfer() [][2]string {
	d, w := s.doc, s.words
	pairs := [][2]string{
		{w.holder, d.Seller.Name},
		{accountLabel(w, d.Seller.Bank.IBAN), grouped(d.Seller.Bank.IBAN)},
		{"BIC", d.Seller.Bank.BIC},
		{w.bank, d.Seller.Bank.Name},
		{w.reference, d.Reference},
	}
	if d.Seller.Bank.IBAN == "" {
		return pairs[4:]
	}
	var known [][2]string
	for _, pair := range pairs {
		if pair[1] != "" {
			known = append(known, pair)
		}
	}
	return known
}

func (s *sheet) aside(width float64) []string {
	d, w := s.doc, s.words
	var texts []string
	if d.Due.Sign() > 0 {
		texts = s.wrap(body.sized(8.5), w.online, width)
	} else {
		texts = append(texts, w.nothingDue)
	}
	if d.Operator.Support != "" {
		texts = append(texts, s.wrap(body.sized(8.5), w.questions+" "+d.Operator.Support, width)...)
	}
	return texts
}

// An IBAN begins with its country's letters; other account numbers do not.
func isIBAN(number string) bool {
	return len(number) > 15 && number[0] >= 'A' && number[0] <= 'Z' && number[1] >= 'A' && number[1] <= 'Z'
}

func accountLabel(w words, number string) string {
	if isIBAN(number) {
		return "IBAN"
	}
	return w.accountNumber
}

// grouped prints an IBAN in fours, as ISO 13616 wants it on paper.
func grouped(number string) string {
	plain := strings.ReplaceAll(number, " ", "")
	if !isIBAN(plain) {
		return number
	}
	var out strings.Builder
	for i, letter := range plain {
		if i > 0 && i%4 == 0 {
			out.WriteString("\u00a0")
		}
		out.WriteRune(letter)
	}
	return out.String()
}

// notes sets free paragraphs after everything else; a note's reason is the
// first of them.
func (s *sheet) notes() {
	notes := s.doc.Notes
	if s.doc.Reason != "" {
		notes = append([]string{s.words.reason + ": " + s.doc.Reason}, notes...)
	}
	for _, note := range notes {
		s.Open(tagged.Paragraph)
		for _, text := range s.wrap(small, note, right-left) {
			if s.y+11 > bottom {
				s.nextPage()
			}
			s.y += 11
			s.at(left, s.y, small, text)
		}
		s.Close()
		s.y += 5
	}
}
