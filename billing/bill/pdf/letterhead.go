package pdf

import (
	"bytes"
	"fmt"
	"image/png"
	"strings"
	"sync"

	"tollhouse/billing/account"
	"tollhouse/billing/bill"
	"tollhouse/billing/bill/pdf/tagged"
)

// Where DIN 5008 form B puts the parts of a letter's head.
const (
	senderBaseline  = 136.0
	addressBaseline = 156.0
	factsLeft       = 343.0
	bandHeight      = 5.0
	logoHeight      = 40.0
)

// logos keeps pictures by their hash: a run prints thousands of one operator's.
var logos struct {
	sync.Mutex
	byHash map[string]*tagged.Picture
}

// logoOf is the operator's logo as the document knew it; nil where it had none.
func logoOf(hash string, file []byte) (*tagged.Picture, error) {
	if hash == "" || len(file) == 0 {
		return nil, nil
	}
	logos.Lock()
	defer logos.Unlock()
	if p := logos.byHash[hash]; p != nil {
		return p, nil
	}
	img, err := png.Decode(bytes.NewReader(file))
	if err != nil {
		return nil, fmt.Errorf("logo: %w", err)
	}
	p, err := tagged.NewPicture(img)
	if err != nil {
		return nil, fmt.Errorf("logo: %w", err)
	}
	if logos.byHash == nil || len(logos.byHash) > 100 {
		logos.byHash = map[string]*tagged.Picture{}
	}
	logos.byHash[hash] = p
	return p, nil
}

// letterhead sets the operator's logo or name, the buyer's address and the
// bill's key facts at the top of the first page.
func (s *sheet) letterhead() {
	d := s.doc
	s.fill(s.brand, 0, 0, pageWidth, bandHeight)
	x := left
	if s.logo != nil {
		w, h := s.logo.Size()
		height := logoHeight
		width := height * float64(w) / float64(h)
		if width > 180 {
			width, height = 180, 180*float64(h)/float64(w)
		}
		s.Image(s.logo, left, 30+(logoHeight-height)/2, width, height, d.Operator.Name)
		x += width + 14
	}
	name := style{size: 21, strong: true, colour: s.brand.legible()}
	for name.size > 12 && s.width(name, d.Operator.Name) > right-x {
		name.size--
	}
	if s.logo == nil || s.width(name, d.Operator.Name) < right-x {
		baseline := 66.0
		if s.logo != nil {
			baseline = 57
		}
		s.In(tagged.Paragraph, func() { s.at(x, baseline, name, d.Operator.Name) })
	}
	sender := strings.Join(append([]string{d.Seller.Name}, addressLines(d.Seller.Address, "")...), " · ")
	s.In(tagged.Paragraph, func() {
		s.at(left, senderBaseline, fine, s.wrap(fine, sender, factsLeft-left-20)[0])
	})
	y := addressBaseline
	s.In(tagged.Paragraph, func() {
		for _, text := range append([]string{d.Buyer.Name}, addressLines(d.Buyer.Address, d.Seller.Address.Country)...) {
			for _, part := range s.wrap(body.sized(10.5), text, factsLeft-left-30) {
				s.at(left, y, body.sized(10.5), part)
				y += 14.5
			}
		}
	})
	s.facts()
}

// facts sets the pairs of label and value beside the address.
func (s *sheet) facts() {
	d, w, y := s.doc, s.words, senderBaseline
	pairs := [][2]string{
		{w.number[d.Kind], d.Number},
		{w.issued, s.date(d)},
		{w.account, d.Buyer.Account},
		{w.period, d.Locale.FormatPeriod(d.Period)},
	}
	if d.Corrects != nil {
		pairs = append(pairs, [2]string{w.corrects, d.Corrects.Number})
	}
	if d.Buyer.TaxID != "" {
		pairs = append(pairs, [2]string{w.taxID, d.Buyer.TaxID})
	}
	s.Open(tagged.Table)
	for _, pair := range pairs {
		if pair[1] == "" {
			continue // a statement has no number
		}
		s.row(func() {
			s.headCell("Row", func() { s.at(factsLeft, y, small, pair[0]) })
			s.cell(func() {
				s.endingAt(right, y, s.shrunk(strong.sized(9), pair[1], right-factsLeft-s.width(small, pair[0])-8), pair[1])
			})
		})
		y += 16
	}
	s.Close()
}

// date is the day of issue; a preview has none yet.
func (s *sheet) date(d bill.Document) string {
	if d.Issued.IsZero() {
		return s.words.preview
	}
	return d.Locale.FormatDate(d.Issued)
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
	d, w := s.doc, s.words
	s.In(tagged.Heading1, func() {
		st := style{size: 17, strong: true, colour: ink}
		s.at(left, top-16, s.shrunk(st, s.heading(), right-left-90), s.heading())
		switch d.State {
		case bill.Void:
			s.endingAt(right, top-16, st, w.void)
		case bill.Draft:
			s.endingAt(right, top-16, st, w.preview)
		}
	})
	s.panel(s.brand.tint(8), left, top, right-left, height)
	s.fill(s.brand, left, top, 3, height)
	first, second := w.amountDue, s.toPay()
	switch d.Kind {
	case bill.KindStatement:
		first, second = w.paidFromBalance, d.PaidBefore
	case bill.KindCreditNote:
		first, second = w.credited, d.Total
	}
	pair := func(x float64, label string, st style, value string, room float64) {
		s.In(tagged.Paragraph, func() {
			s.at(x, top+18, small, label)
			s.at(x, top+42, s.shrunk(st, value, room), value)
		})
	}
	pair(left+pad, first, style{size: 21, strong: true, colour: ink}, d.Locale.FormatMoney(second), 180)
	value := style{size: 13, strong: true, colour: ink}
	switch {
	case d.Kind == bill.KindCreditNote && d.Corrects != nil:
		pair(left+210, w.corrects, value, d.Corrects.Number, right-left-210-pad)
	case d.Due.Sign() > 0:
		if !d.DueDate.IsZero() {
			pair(left+210, w.payBy, value, d.Locale.FormatDate(d.DueDate), 125)
		}
		pair(left+345, w.reference, value, d.Reference, right-left-345-pad)
	default:
		s.In(tagged.Paragraph, func() { s.at(left+250, top+40, style{size: 11, colour: ink}, w.nothingDue) })
	}
	s.y = top + height + 27
}

// heading names the document by its month where its cycle is one.
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

func (s *sheet) row(draw func())  { s.In(tagged.Row, draw) }
func (s *sheet) cell(draw func()) { s.In(tagged.Cell, draw) }
func (s *sheet) headCell(scope string, draw func()) {
	s.OpenHead(scope)
	draw()
	s.Close()
}
