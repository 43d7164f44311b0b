package pdf

import (
	"tollhouse/billing/bill"
	"tollhouse/billing/bill/pdf/tagged"
	"tollhouse/billing/locale"
	"tollhouse/billing/money"
)

// The table's columns: the description from the left, figures end at these.
const (
	quantityEnd  = 395.0
	taxEnd       = 445.0
	descriptionW = 230.0
	continuedTop = 74.0 // of the table on later pages
)

// lines sets the table of what was sold, service by service.
func (s *sheet) lines() {
	s.Open(tagged.Table)
	s.tableHead()
	s.head = func() { s.again(s.tableHead) }
	var service string
	var kind bill.LineKind
	for i, l := range s.doc.Lines {
		if i == 0 || l.Service != service {
			s.keep(66)
			s.serviceHead(l.Service)
			service, kind = l.Service, ""
		}
		if l.Kind != kind {
			s.keep(46)
			s.kindHead(l.Kind)
			kind = l.Kind
		}
		s.line(l)
	}
	s.Close()
	s.head = nil
	s.y += 4
}

// again sets a table's head once more on a later page, where it is decoration:
// the table is one.
func (s *sheet) again(head func()) {
	s.decor = true
	head()
	s.decor = false
}

// keep begins a new page unless so many points are left on this one.
func (s *sheet) keep(height float64) {
	if s.y+height > bottom {
		s.nextPage()
		if s.head != nil {
			s.head()
		}
	}
}

// nextPage begins a page with its short head.
func (s *sheet) nextPage() {
	s.AddPage()
	s.fill(s.brand, 0, 0, pageWidth, bandHeight)
	s.again(func() {
		s.at(left, 44, style{size: 11, strong: true, colour: s.brand.legible()}, s.doc.Operator.Name)
		s.endingAt(right, 44, small, s.title())
	})
	s.y = continuedTop
}

func (s *sheet) tableHead() {
	amount := s.doc.Currency.Code() + " " + s.words.basis[s.doc.Basis]
	s.columns(func(column func(func())) {
		column(func() { s.at(left, s.y, heading, s.words.description) })
		column(func() { s.endingAt(quantityEnd, s.y, heading, s.words.quantity) })
		column(func() { s.endingAt(taxEnd, s.y, heading, s.words.tax) })
		column(func() { s.endingAt(right, s.y, heading, amount) })
	})
	s.rule(ink, 0.8, left, right, s.y+6)
	s.y += 6
}

// columns sets a row of column heads.
func (s *sheet) columns(draw func(column func(func()))) {
	if s.decor {
		draw(func(one func()) { one() })
		return
	}
	s.row(func() { draw(func(one func()) { s.headCell("Column", one) }) })
}

func (s *sheet) serviceHead(name string) {
	if name == "" {
		return
	}
	s.y += 19
	head := strong.sized(10.5).in(s.brand.legible())
	s.row(func() {
		s.headCell("Row", func() { s.at(left, s.y, s.shrunk(head, name, taxEnd-left), name) })
		s.cell(func() {})
		s.cell(func() {})
		s.cell(func() {
			if sum, several := s.serviceSum(name); several {
				s.endingAt(right, s.y, head, s.doc.Locale.FormatFigure(sum))
			}
		})
	})
}

// serviceSum is what one service costs, and whether there is another.
func (s *sheet) serviceSum(name string) (sum money.Amount, several bool) {
	total := money.Decimal{}
	for _, l := range s.doc.Lines {
		if l.Service == name {
			total = total.Add(l.Price.Decimal())
		} else {
			several = true
		}
	}
	return money.New(total, s.doc.Currency), several
}

func (s *sheet) kindHead(kind bill.LineKind) {
	s.y += 14.5
	s.row(func() {
		s.headCell("Row", func() { s.at(left, s.y, heading, s.words.line[kind]) })
		for range 3 {
			s.cell(func() {})
		}
	})
}

// line sets one line; how many calls it sums up follows its description in
// small type where there is room, on a row of its own where there is none.
func (s *sheet) line(l bill.Line) {
	texts, count := s.wrap(body, l.Description, descriptionW), s.count(l)
	end := s.width(body, texts[len(texts)-1]) + 8
	below := count != "" && end+s.width(small, count) > descriptionW
	rows := float64(len(texts) - 1)
	if below {
		rows++
	}
	s.keep(18 + 12*rows)
	s.y += 13.5
	first := s.y
	s.row(func() {
		s.cell(func() {
			for i, text := range texts {
				if i > 0 {
					s.y += 12
				}
				s.at(left, s.y, body, text)
			}
			if below {
				s.y += 11
				end = 0
			}
			s.at(left+end, s.y, small, count)
		})
		s.figures(l, first)
	})
	s.y += 4.5
	s.rule(hairline, 0.4, left, right, s.y)
}

func (s *sheet) figures(l bill.Line, y float64) {
	s.cell(func() {
		if quantity := s.quantity(l); quantity != "" {
			s.endingAt(quantityEnd, y, body, quantity)
		} else if !l.Period.From.IsZero() {
			s.endingAt(quantityEnd, y, small, s.doc.Locale.FormatPeriod(l.Period))
		}
	})
	s.cell(func() {
		if l.Kind != bill.Allowance {
			s.endingAt(taxEnd, y, body.in(grey), s.doc.Locale.FormatPercent(l.Percent))
		}
	})
	s.cell(func() {
		if l.Kind == bill.Allowance {
			s.endingAt(right, y, body.in(grey), s.words.included)
			return
		}
		s.endingAt(right, y, body, s.doc.Locale.FormatFigure(l.Price))
	})
}

// count says how many calls or sessions a line sums up, unless its quantity
// says so already.
func (s *sheet) count(l bill.Line) string {
	if l.Kind != bill.Usage || l.Events == 0 || l.Quantity.Equal(money.NewDecimal(l.Events)) {
		return ""
	}
	return s.words.counted(s.doc.Locale, l.Unit, l.Events)
}

// quantity is how much was used, or of how much; a fee says so only when it
// was charged more than once.
func (s *sheet) quantity(l bill.Line) string {
	if l.Unit == bill.UnitFee {
		if l.Quantity.Equal(money.NewDecimal(1)) {
			return ""
		}
		return s.doc.Locale.FormatNumber(l.Quantity) + "\u00a0×"
	}
	used := measure(s.doc.Locale, l.Quantity, l.Unit)
	if l.Kind == bill.Allowance {
		return s.words.used(used, measure(s.doc.Locale, l.Granted, l.Unit))
	}
	return used
}

// measure writes a quantity in the words of its unit. Quantities of usage are
// whole; one that is not is shown as the number it is.
func measure(l locale.Locale, quantity money.Decimal, unit money.Unit) string {
	whole, err := quantity.Int64()
	if err != nil {
		return l.FormatNumber(quantity) + "\u00a0" + string(unit)
	}
	switch unit {
	case money.Second:
		return l.FormatDuration(whole)
	case money.Byte:
		return l.FormatBytes(whole)
	}
	return l.FormatNumber(quantity)
}
