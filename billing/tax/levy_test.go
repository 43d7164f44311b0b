package tax_test

import (
	"strings"
	"testing"

	"pgregory.net/rapid"

	"tollhouse/billing/money"
	"tollhouse/billing/tax"
)

func table(t interface{ Fatal(...any) }, rates ...tax.Rate) tax.Table {
	for i := range rates {
		rates[i].From = day("2020-01-01")
	}
	made, err := tax.NewTable(rates)
	if err != nil {
		t.Fatal(err)
	}
	return made
}

func levy(key, percent string, position int) tax.Rate {
	return tax.Rate{Category: "standard", Levy: key, Name: strings.ToUpper(key), Percent: money.MustDecimal(percent), Position: position}
}

// Several taxes on one line, on a part of the price, and on earlier taxes: each
// is rounded by itself, and they sum to the document's tax.
func TestTotal_severalTaxes(t *testing.T) {
	t.Parallel()
	onTax := levy("vat", "19", 2)
	onTax.OnEarlier = true
	factor := levy("", "12", 1)
	factor.Factor = tax.Factor{Num: 11, Den: 12}
	for _, c := range []struct {
		name            string
		rates           []tax.Rate
		basis           tax.Basis
		currency        string
		lines           string
		net, tax, gross string
		levies          string
	}{
		{"two taxes on the price", []tax.Rate{levy("vat", "19", 1), levy("telecom", "5", 2)}, tax.Exclusive, "EUR", "100.00", "100.00", "24.00", "124.00", "19.00 5.00"},
		{"two taxes inside", []tax.Rate{levy("vat", "19", 1), levy("telecom", "5", 2)}, tax.Inclusive, "EUR", "124.00", "100.00", "24.00", "124.00", "19.00 5.00"},
		{"tax on tax: 5 % and 19 % of 105", []tax.Rate{levy("telecom", "5", 1), onTax}, tax.Exclusive, "EUR", "100.00", "100.00", "24.95", "124.95", "5.00 19.95"},
		{"tax on tax inside", []tax.Rate{levy("telecom", "5", 1), onTax}, tax.Inclusive, "EUR", "124.95", "100.00", "24.95", "124.95", "5.00 19.95"},
		{"Indonesia: 12 % on 11/12 of 1,200,000", []tax.Rate{factor}, tax.Exclusive, "IDR", "1200000", "1200000", "132000", "1332000", "132000"},
		{"Indonesia, 100: 11 exactly, not 11.0000001", []tax.Rate{factor}, tax.Exclusive, "IDR", "100", "100", "11", "111", "11"},
		{"Indonesia with tax inside", []tax.Rate{factor}, tax.Inclusive, "IDR", "111000", "100000", "11000", "111000", "11000"},
		{"each rounds alone", []tax.Rate{levy("a", "5", 1), levy("b", "5", 2), levy("c", "5", 3)}, tax.Exclusive, "EUR", "0.09", "0.09", "0.00", "0.09", "0.00 0.00 0.00"},
		{"each rounds alone, upward", []tax.Rate{levy("a", "5", 1), levy("b", "5", 2)}, tax.Exclusive, "EUR", "0.10", "0.10", "0.02", "0.12", "0.01 0.01"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			currency := money.MustCurrency(c.currency)
			rate, err := table(t, c.rates...).At("standard", day("2026-01-01"))
			if err != nil {
				t.Fatal(err)
			}
			var lines []tax.Line
			for _, text := range strings.Fields(c.lines) {
				lines = append(lines, tax.Line{Amount: amount(t, text, currency), Rate: rate})
			}
			got, err := tax.Total(lines, c.basis, currency, currency.DocumentDigits())
			if err != nil {
				t.Fatal(err)
			}
			if got.Net.Text() != c.net || got.Tax.Text() != c.tax || got.Gross.Text() != c.gross {
				t.Errorf("%s + %s = %s", got.Net, got.Tax, got.Gross)
			}
			var levies []string
			for _, l := range got.Subtotals[0].Levies {
				levies = append(levies, l.Tax.Text())
			}
			if strings.Join(levies, " ") != c.levies {
				t.Errorf("levies %v, want %s", levies, c.levies)
			}
		})
	}
}

// semantics, "Tax and documents, inclusive": three lines of 9.99 are 4.79 by the
// usual rule; strictly 4.78, and 0.01 of rounding keeps the price; per line each
// is 8.39 and 1.60.
func TestSettings_threeLinesOf999(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name                      string
		settings                  tax.Settings
		net, tax, gross, rounding string
	}{
		{"usual", tax.Settings{}, "25.18", "4.79", "29.97", "0.00"},
		{"strict", tax.Settings{Strict: true}, "25.18", "4.78", "29.96", "0.01"},
		{"per line", tax.Settings{Rounding: tax.PerLine}, "25.17", "4.80", "29.97", "0.00"},
		{"strict per line", tax.Settings{Rounding: tax.PerLine, Strict: true}, "25.17", "4.77", "29.94", "0.03"},
	} {
		price := tax.Line{Amount: amount(t, "9.99", euro), Rate: rate("19")}
		got, err := c.settings.Total([]tax.Line{price, price, price}, tax.Inclusive, euro, 2)
		if err != nil {
			t.Fatal(err)
		}
		if got.Net.Text() != c.net || got.Tax.Text() != c.tax || got.Gross.Text() != c.gross || got.Rounding.Text() != c.rounding {
			t.Errorf("%s: %s + %s = %s, rounding %s", c.name, got.Net, got.Tax, got.Gross, got.Rounding)
		}
	}
}

// Whatever the setting, lines sum to the document, levies to its tax, and gross
// with rounding to what was promised.
func TestSettings_partsSumToTheWhole(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		onTax := levy("b", "19", 2)
		onTax.OnEarlier = true
		part := levy("c", "12", 3)
		part.Factor = tax.Factor{Num: 11, Den: 12}
		all := table(t, levy("a", "5", 1), onTax, part, tax.Rate{Category: "reduced", Percent: money.MustDecimal("7")})
		settings := tax.Settings{Strict: rapid.Bool().Draw(t, "strict"), Rounding: rapid.SampledFrom([]tax.Rounding{tax.PerGroup, tax.PerLine}).Draw(t, "rounding")}
		basis := rapid.SampledFrom([]tax.Basis{tax.Inclusive, tax.Exclusive}).Draw(t, "basis")
		var lines []tax.Line
		promised := money.Zero(euro)
		for _, minor := range rapid.SliceOfN(rapid.Int64Range(-100_000, 1_000_000), 1, 20).Draw(t, "minor") {
			rate, err := all.At(rapid.SampledFrom([]string{"standard", "reduced"}).Draw(t, "category"), day("2026-01-01"))
			if err != nil {
				t.Fatal(err)
			}
			lines = append(lines, tax.Line{Amount: money.FromMinor(minor, euro), Rate: rate})
			promised, _ = promised.Add(lines[len(lines)-1].Amount)
		}
		got, err := settings.Total(lines, basis, euro, 2)
		if err != nil {
			t.Fatal(err)
		}
		net, taxes, levies := money.Zero(euro), money.Zero(euro), money.Zero(euro)
		for _, l := range got.Lines {
			net, _ = net.Add(l.Net)
			taxes, _ = taxes.Add(l.Tax)
		}
		for _, s := range got.Subtotals {
			for _, l := range s.Levies {
				levies, _ = levies.Add(l.Tax)
			}
		}
		whole, _ := got.Gross.Add(got.Rounding)
		if net.Text() != got.Net.Text() || taxes.Text() != got.Tax.Text() || levies.Text() != got.Tax.Text() {
			t.Fatalf("lines %s + %s, levies %s, document %v", net, taxes, levies, got.Parts)
		}
		if basis == tax.Inclusive && whole.Text() != promised.Text() {
			t.Fatalf("promised %s, asked %s", promised, whole)
		}
	})
}

// Reverse charge, exemption and the rates of the buyer's country: semantics,
// "Reverse charge: VAT 0 with its reason". A price with tax inside loses it.
func TestRegime_byCustomer(t *testing.T) {
	t.Parallel()
	all := table(t, tax.Rate{Category: "standard", Name: "VAT", Percent: money.MustDecimal("19")}, tax.Rate{Category: "fr", Name: "TVA", Percent: money.MustDecimal("20")})
	all = all.WithRules([]tax.Rule{
		{Seller: "EU", Buyer: "EU", Kind: tax.Taxable, Treat: tax.Reverse},
		{Seller: "DE", Buyer: "FR", Kind: tax.AnyBuyer, Treat: tax.AsCategory, Category: "fr"},
		{Seller: "EU", Buyer: "other", Kind: tax.Business, Treat: tax.NotSubject},
	})
	exempt := tax.Exemption{Code: tax.Exempt, Reason: tax.Reason{Code: "VATEX-EU-151", Text: "Diplomatic mission"}, Certificate: "A-17", From: day("2026-01-01"), To: day("2026-07-01")}
	for _, c := range []struct {
		name            string
		buyer           *tax.Buyer
		on              string
		code            tax.Code
		net, tax, gross string
	}{
		{"ordinary", nil, "2026-05-01", "", "100.00", "19.00", "119.00"},
		{"French company", &tax.Buyer{Seller: "DE", Country: "FR", Business: true, TaxID: "FR40303265045"}, "2026-05-01", tax.ReverseCharge, "100.00", "0.00", "100.00"},
		{"French company with a false id", &tax.Buyer{Seller: "DE", Country: "FR", Business: true, TaxID: "FR40303265046"}, "2026-05-01", "", "99.17", "19.83", "119.00"},
		{"French company with a German id", &tax.Buyer{Seller: "DE", Country: "FR", Business: true, TaxID: "DE136695976"}, "2026-05-01", "", "99.17", "19.83", "119.00"},
		{"French consumer", &tax.Buyer{Seller: "DE", Country: "FR"}, "2026-05-01", "", "99.17", "19.83", "119.00"},
		{"Swiss company", &tax.Buyer{Seller: "DE", Country: "CH", Business: true}, "2026-05-01", tax.OutOfScope, "100.00", "0.00", "100.00"},
		{"Swiss consumer", &tax.Buyer{Seller: "DE", Country: "CH"}, "2026-05-01", "", "100.00", "19.00", "119.00"},
		{"exempt", &tax.Buyer{Seller: "DE", Country: "DE", Exempt: []tax.Exemption{exempt}}, "2026-05-01", tax.Exempt, "100.00", "0.00", "100.00"},
		{"the day after the exemption", &tax.Buyer{Seller: "DE", Country: "DE", Exempt: []tax.Exemption{exempt}}, "2026-07-01", "", "100.00", "19.00", "119.00"},
		{"the last day of it", &tax.Buyer{Seller: "DE", Country: "DE", Exempt: []tax.Exemption{exempt}}, "2026-06-30", tax.Exempt, "100.00", "0.00", "100.00"},
	} {
		rate, err := all.For(c.buyer).At("standard", day(c.on))
		if err != nil {
			t.Fatal(err)
		}
		got, err := tax.Total([]tax.Line{{amount(t, "119.00", euro), rate}}, tax.Inclusive, euro, 2)
		if err != nil {
			t.Fatal(err)
		}
		nine, err := tax.Split(amount(t, "119.00", euro), rate, tax.Inclusive, money.Scale)
		if err != nil {
			t.Fatal(err)
		}
		if rate.Code != c.code || got.Net.Text() != c.net || got.Tax.Text() != c.tax || got.Gross.Text() != c.gross || nine.Tax.RoundToDocument().Text() != c.tax {
			t.Errorf("%s: %q %s + %s = %s (%v)", c.name, rate.Code, got.Net, got.Tax, got.Gross, nine)
		}
		if rate.Code.NeedsReason() && rate.Reason.Text == "" {
			t.Errorf("%s: no reason", c.name)
		}
		if c.name == "exempt" && rate.Reason != (tax.Reason{Code: "VATEX-EU-151", Text: "Diplomatic mission (A-17)"}) {
			t.Errorf("reason %+v", rate.Reason)
		}
	}
}

func TestTable_changesWithinAPeriod(t *testing.T) {
	t.Parallel()
	low, high := rate("16"), rate("19")
	low.From, low.To, high.From = day("2020-07-01"), day("2021-01-01"), day("2021-01-01")
	all, err := tax.NewTable([]tax.Rate{low, high})
	if err != nil {
		t.Fatal(err)
	}
	for p, want := range map[[2]string]int{{"2020-12-15", "2021-01-15"}: 1, {"2020-12-15", "2021-01-01"}: 0, {"2021-01-01", "2021-02-01"}: 0} {
		if got := all.Changes("standard", period(p[0], p[1])); len(got) != want {
			t.Errorf("%v: %v", p, got)
		}
	}
}

func TestParseFactor(t *testing.T) {
	t.Parallel()
	for text, good := range map[string]bool{"11/12": true, "": true, "1": true, " 11 / 12 ": true, "12/11": false, "0/5": false, "11/0": false, "x": false, "-1/2": false, "11/12x": false} {
		if _, err := tax.ParseFactor(text); (err == nil) != good {
			t.Errorf("%q: %v", text, err)
		}
	}
}

func TestWithholding_ofTheNet(t *testing.T) {
	t.Parallel()
	idr := money.MustCurrency("IDR")
	got, err := tax.Withholding{Name: "PPh 23", Percent: money.NewDecimal(2)}.Of(amount(t, "1267101", idr), 0)
	if err != nil || got.Amount.Text() != "25342" {
		t.Errorf("%s, %v", got.Amount, err)
	}
	if (tax.Withholding{Name: "PPh 23", Percent: money.NewDecimal(100)}).Check() == nil {
		t.Error("all of the price withheld")
	}
}
