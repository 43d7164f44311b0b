package pdf

import (
	"fmt"
	"io"

	"tollhouse/billing/bill"
	"tollhouse/billing/bill/pdf/tagged"
)

// The page: A4, with the margins that DIN 5008 asks for.
const (
	pageWidth  = 595.28
	pageHeight = 841.89
	left       = 56.7
	right      = 541.0
	bottom     = 764.0 // body ends here, the footer begins below
)

// Render writes the document as a PDF. Its errors are the writer's, or say
// that a picture or a code cannot be drawn.
func Render(w io.Writer, d bill.Document) error {
	s, err := newSheet(d)
	if err == nil {
		s.AddPage()
		s.letterhead()
		s.summary()
		s.lines()
		s.totals()
		s.payment()
		s.notes()
		s.annex()
		s.footers()
		err = s.Write(w)
	}
	if err != nil {
		return fmt.Errorf("print %s %s: %w", d.Kind, d.Number, err)
	}
	return nil
}

// sheet is a document being set; y is the baseline reached so far.
type sheet struct {
	*tagged.Document
	doc   bill.Document
	words words
	brand colour
	logo  *tagged.Picture
	code  payCode
	decor bool // what is set now says nothing new
	y     float64
	head  func() // of the table that goes on after a page's end
}

func newSheet(d bill.Document) (*sheet, error) {
	s := &sheet{doc: d, words: wordsOf(d.Locale.Language), brand: parseColour(d.Operator.Colour)}
	var err error
	if s.logo, err = logoOf(d.Operator.Logo, d.Picture); err != nil {
		return nil, err
	}
	if s.code, err = s.payCode(); err != nil {
		return nil, err
	}
	fonts, err := typeface()
	if err != nil {
		return nil, err
	}
	created := d.Issued
	if created.IsZero() {
		created = d.Period.To
	}
	s.Document = tagged.New(tagged.Info{Title: s.title(), Author: d.Seller.Name, Language: d.Locale.Tag(), Created: created.String()}, pageWidth, pageHeight, fonts...)
	return s, nil
}

func (s *sheet) title() string {
	return s.words.kind[s.doc.Kind] + " " + s.doc.Number
}
