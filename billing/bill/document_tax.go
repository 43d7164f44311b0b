package bill

import (
	"github.com/jackc/pgx/v5"

	"tollhouse/billing/money"
	"tollhouse/billing/tax"
)

// TaxLine is one tax of the document's lines at one rate. Lines that are taxed
// alike are a group; a group has several tax lines where several taxes are on it.
type TaxLine struct {
	Position  int // in the document, from 1
	Group     int // Line.TaxGroup
	Category  string
	Levy      string // which of the category's taxes
	Name      string
	Percent   money.Decimal
	Factor    tax.Factor // the part of Base that is taxed
	OnEarlier bool       // Base holds the taxes before it
	Other     bool       // no VAT, but a levy
	Code      tax.Code   // of EN 16931
	Reason    tax.Reason // why there is none
	Base      money.Amount
	Tax       money.Amount
}

// Taxed is the part of the base that the percentage is of.
func (t TaxLine) Taxed() money.Amount {
	if t.Factor.IsZero() || t.Factor.Den == 0 {
		return t.Base
	}
	part, err := t.Base.MulDiv(money.NewDecimal(t.Factor.Num), money.NewDecimal(t.Factor.Den), t.Base.Currency().DocumentDigits(), money.HalfAwayFromZero)
	if err != nil {
		return t.Base
	}
	return part
}

// CodeOr is the code, or what follows from the percentage for a document from
// before codes were kept.
func (t TaxLine) CodeOr() tax.Code {
	switch {
	case t.Code != "":
		return t.Code
	case t.Percent.Sign() > 0:
		return tax.Standard
	}
	return tax.ZeroRated
}

// SumUp takes a document's sums and taxes from what its lines come to.
func (d *Document) SumUp(sums tax.Totals) error {
	d.Taxes = nil
	for n, s := range sums.Subtotals {
		for _, levy := range s.Levies {
			r := levy.Rate
			code := r.Code
			if code == "" {
				code = s.Rate.Code
			}
			line := TaxLine{
				Position: len(d.Taxes) + 1, Group: n + 1, Category: s.Rate.Category, Levy: r.Levy, Name: r.Name, Percent: r.Percent, Factor: r.Factor,
				OnEarlier: r.OnEarlier, Other: r.Other, Code: code, Reason: s.Rate.Reason, Base: levy.Base, Tax: levy.Tax,
			}
			line.Code = line.CodeOr()
			d.Taxes = append(d.Taxes, line)
		}
	}
	d.Net, d.Tax, d.Rounding = sums.Net, sums.Tax, sums.Rounding
	var err error
	d.Total, err = sums.Gross.Add(sums.Rounding)
	return err
}

const selectTaxes = `
	select position, tax_group, category, percent, name, base, tax, code, reason_code, reason, levy, factor_num, factor_den, on_earlier, other
	from bill_tax where bill_id = $1 order by position, percent desc, category`

func (d *Document) scanTax(row pgx.CollectableRow) (TaxLine, error) {
	var t TaxLine
	var base, part money.Decimal
	err := row.Scan(&t.Position, &t.Group, &t.Category, &t.Percent, &t.Name, &base, &part, &t.Code, &t.Reason.Code, &t.Reason.Text,
		&t.Levy, &t.Factor.Num, &t.Factor.Den, &t.OnEarlier, &t.Other)
	t.Base, t.Tax = money.New(base, d.Currency), money.New(part, d.Currency)
	return t, err
}

// GroupOf is the group of taxes of a line: by its number, or for documents from
// before groups by category and percentage. It is 0 for a line without tax.
func (d *Document) GroupOf(l Line) []TaxLine {
	var group []TaxLine
	for _, t := range d.Taxes {
		if l.TaxGroup > 0 && t.Group == l.TaxGroup || l.TaxGroup == 0 && t.Group == 0 && t.Category == l.Category && t.Percent.Equal(l.Percent) {
			group = append(group, t)
		}
	}
	return group
}
