package pdf

import (
	"strings"

	"tollhouse/billing/bill/pdf/tagged"
)

// footers sets the foot of every page, last, when their number is known. The
// seller's own facts are read out once, on the first page; the rest is decoration.
func (s *sheet) footers() {
	const top, leading = 782.0, 9.5
	pages := s.PageCount()
	columns := s.legal()
	for page := 1; page <= pages; page++ {
		s.SetPage(page)
		s.rule(hairline, 0.5, left, right, top-12)
		s.decor = page > 1
		for i, column := range columns {
			x := left + float64(i)*168
			set := func() {
				for j, text := range column {
					s.at(x, top+leading*float64(j), fine, text)
				}
			}
			if s.decor {
				set()
			} else {
				s.In(tagged.Paragraph, set)
			}
		}
		s.decor = true
		s.endingAt(right, top+leading*4, fine.in(ink), s.words.page(page, pages))
		s.decor = false
	}
}

// legal is what a seller must say of itself, in columns.
func (s *sheet) legal() [][]string {
	seller, w := s.doc.Seller, s.words
	who := append([]string{seller.Name}, addressLines(seller.Address, "")...)
	var ids []string
	if seller.TaxID != "" {
		ids = append(ids, w.taxID+" "+seller.TaxID)
	}
	if seller.RegisterID != "" {
		ids = append(ids, seller.RegisterID)
	}
	var bank []string
	for _, text := range []string{seller.Bank.Name, grouped(seller.Bank.IBAN), seller.Bank.BIC} {
		if text != "" {
			bank = append(bank, text)
		}
	}
	var columns [][]string
	for _, column := range [][]string{who, ids, bank} {
		if strings.Join(column, "") == "" {
			continue
		}
		var fitted []string
		for _, text := range column {
			fitted = append(fitted, s.wrap(fine, text, 155)...)
		}
		columns = append(columns, fitted[:min(len(fitted), 5)])
	}
	return columns
}
