package pdf

import (
	"fmt"
	"io"
	"time"

	"codeberg.org/go-pdf/fpdf"

	"tollhouse/billing/bill"
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
// that a text cannot be set.
func Render(w io.Writer, d bill.Document) error {
	s := newSheet(d)
	s.AddPage()
	s.letterhead()
	s.summary()
	s.lines()
	s.totals()
	s.payment()
	s.notes()
	s.footers()
	if err := s.Output(w); err != nil {
		return fmt.Errorf("print %s %s: %w", d.Kind, d.Number, err)
	}
	return nil
}

// sheet is a document being set; y is the baseline reached so far.
type sheet struct {
	*fpdf.Fpdf
	doc   bill.Document
	words words
	brand colour
	y     float64
}

func newSheet(d bill.Document) *sheet {
	f := fpdf.NewCustom(&fpdf.InitType{UnitStr: "pt", SizeStr: "A4", OrientationStr: "P"})
	s := &sheet{Fpdf: f, doc: d, words: wordsOf(d.Locale.Language), brand: parseColour(d.Operator.Colour)}
	f.SetMargins(0, 0, 0)
	f.SetCellMargin(0)
	f.SetAutoPageBreak(false, 0)
	f.SetCatalogSort(true) // or fonts come in the order of a map
	issued := time.Date(d.Issued.Year, d.Issued.Month, d.Issued.Day, 0, 0, 0, 0, time.UTC)
	f.SetCreationDate(issued)
	f.SetModificationDate(issued)
	f.SetProducer("Tollhouse", true)
	f.SetTitle(s.title(), true)
	f.SetAuthor(d.Seller.Name, true)
	f.SetLang(d.Locale.Tag())
	addFonts(f)
	return s
}

func (s *sheet) title() string {
	return s.words.kind[s.doc.Kind] + " " + s.doc.Number
}
