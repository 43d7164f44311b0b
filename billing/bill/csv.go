package bill

import (
	"io"

	"tollhouse/billing/calendar"
	"tollhouse/billing/money"
	"tollhouse/billing/report/sheet"
)

// WriteCSV writes a document's lines for a spreadsheet, its taxes and sums
// behind them: plain decimals, days as ISO 8601 has them.
func (d *Document) WriteCSV(w io.Writer) error {
	out, err := sheet.New(w, sheet.CSV, d.Number, []sheet.Column{
		{Head: "document"}, {Head: "issued"}, {Head: "row"}, {Head: "no"}, {Head: "service"}, {Head: "code"}, {Head: "description"}, {Head: "from"}, {Head: "to"},
		{Head: "quantity"}, {Head: "unit"}, {Head: "price"}, {Head: "net"}, {Head: "tax"}, {Head: "tax_category"}, {Head: "tax_code"}, {Head: "tax_percent"}, {Head: "currency"},
	})
	if err != nil {
		return err
	}
	row := func(kind string, no any, service, code, words string, p calendar.Period, quantity any, unit string, price, net, tax any, category, taxCode string, percent any) {
		if err == nil {
			var last sheet.Cell
			if !p.To.IsZero() {
				last = p.To.AddDays(-1)
			}
			err = out.Row(d.Number, d.Issued, kind, no, service, code, words, p.From, last, quantity, unit, price, net, tax, category, taxCode, percent, d.Currency.Code())
		}
	}
	cents := func(a money.Amount) money.Decimal { return a.RoundToDocument().Decimal() }
	for _, l := range d.Lines {
		code := ""
		if group := d.GroupOf(l); len(group) > 0 {
			code = string(group[len(group)-1].CodeOr())
		}
		row(string(l.Kind), l.No, l.Service, l.Code, l.Description, l.Period, l.Quantity, string(l.Unit), cents(l.Price), cents(l.Net), cents(l.Tax), l.Category, code, l.Percent)
	}
	for _, t := range d.Taxes {
		row("tax", t.Position, "", t.Levy, t.Name, calendar.Period{}, nil, "", nil, cents(t.Taxed()), cents(t.Tax), t.Category, string(t.CodeOr()), t.Percent)
	}
	if d.Rounding.Sign() != 0 {
		row("rounding", nil, "", "", "", calendar.Period{}, nil, "", cents(d.Rounding), nil, nil, "", "", nil)
	}
	row("total", nil, "", "", "", d.Period, nil, "", cents(d.Total), cents(d.Net), cents(d.Tax), "", "", nil)
	if err != nil {
		return err
	}
	return out.Close()
}

// WriteCSV writes a statement for a spreadsheet: its entries between the
// opening and the closing balance.
func (p *StatementPaper) WriteCSV(w io.Writer) error {
	out, err := sheet.New(w, sheet.CSV, "statement", []sheet.Column{
		{Head: "day"}, {Head: "kind"}, {Head: "number"}, {Head: "count"}, {Head: "amount"}, {Head: "balance"}, {Head: "unbilled"}, {Head: "currency"},
	})
	if err != nil {
		return err
	}
	code, balance := p.Currency.Code(), p.Opening.Decimal()
	if err := out.Row(p.Days.From, "opening", "", nil, nil, balance, nil, code); err != nil {
		return err
	}
	for _, e := range p.Entries {
		balance = balance.Add(e.Amount.Decimal())
		if err := out.Row(e.Day, string(e.Kind), e.Number, e.Count, e.Amount.Decimal(), balance, e.Unbilled.Decimal(), code); err != nil {
			return err
		}
	}
	if err := out.Row(p.Days.To.AddDays(-1), "closing", "", nil, nil, p.Closing.Decimal(), p.Unbilled.Decimal(), code); err != nil {
		return err
	}
	return out.Close()
}
