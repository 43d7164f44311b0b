package bill

import (
	"strings"
	"testing"

	"tollhouse/billing/account"
	"tollhouse/billing/money"
	"tollhouse/billing/tax"
)

// semantics, "Tax and documents, inclusive", on the document itself: each
// price is a line of its own, with tax inside.
func TestReckon_taxInclusiveLines(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name, rate, prices string
		total, net, tax    string
		lines              string
	}{
		{"119.00 at 19 %", "19", "119.00", "119.00", "100.00", "19.00", "100.00"},
		{"three lines of 9.99", "19", "9.99 9.99 9.99", "29.97", "25.18", "4.79", "8.40 8.39 8.39"},
		{"two lines of 9.99", "19", "9.99 9.99", "19.98", "16.79", "3.19", "8.40 8.39"},
		{"four lines of 9.99", "19", "9.99 9.99 9.99 9.99", "39.96", "33.58", "6.38", "8.40 8.40 8.39 8.39"},
		{"at 7 %", "7", "9.99 0.01", "10.00", "9.35", "0.65", "9.34 0.01"},
		{"a thousand messages of 0.0004 are 0.40", "19", "0.4000", "0.40", "0.34", "0.06", "0.34"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			f, offering := memory(t, true, c.rate)
			o := mayOf(account.Postpaid, "EUR")
			rate, err := f.rates.At("standard", o.Cycle.From)
			if err != nil {
				t.Fatal(err)
			}
			for i, price := range strings.Fields(c.prices) {
				parts, err := tax.Split(money.New(money.MustDecimal(price), o.Currency), rate, tax.Inclusive, money.Scale)
				if err != nil {
					t.Fatal(err)
				}
				s := charged(offering, Usage, "line"+string(rune('a'+i)), price, parts.Net.Decimal().String(), parts.Tax.Decimal().String())
				o.charges = append(o.charges, s)
			}
			got, err := f.reckon(o)
			if err != nil {
				t.Fatal(err)
			}
			if got.doc.Total.Text() != c.total || got.doc.Net.Text() != c.net || got.doc.Tax.Text() != c.tax {
				t.Errorf("total %s, net %s, tax %s; want %s, %s, %s", got.doc.Total, got.doc.Net, got.doc.Tax, c.total, c.net, c.tax)
			}
			var lines []string
			for _, e := range got.entries {
				lines = append(lines, e.Net.Text())
			}
			if strings.Join(lines, " ") != c.lines {
				t.Errorf("lines %v, want %s", lines, c.lines)
			}
		})
	}
}
