package tax_test

import (
	"errors"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"tollhouse/billing/calendar"
	"tollhouse/billing/money"
	"tollhouse/billing/tax"
)

var euro = money.MustCurrency("EUR")

func amount(t interface{ Fatal(...any) }, text string, c money.Currency) money.Amount {
	a, err := money.Parse(text, c)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

func day(text string) calendar.Date {
	d, err := calendar.ParseDate(text)
	if err != nil {
		panic(err)
	}
	return d
}

func period(from, to string) calendar.Period { return calendar.Period{From: day(from), To: day(to)} }

func rate(percent string) tax.Rate {
	return tax.Rate{Category: "standard", Name: "VAT", Percent: money.MustDecimal(percent), From: day("2020-01-01")}
}

func texts(parts []tax.Parts, of func(tax.Parts) money.Amount) []string {
	var out []string
	for _, p := range parts {
		out = append(out, of(p).Text())
	}
	return out
}

func TestTotal(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name            string
		basis           tax.Basis
		currency        string
		rate            string
		lines           []string
		net, tax, gross string
		lineNets        []string
	}{
		{"one price with tax inside", tax.Inclusive, "EUR", "19", []string{"119.00"}, "100.00", "19.00", "119.00", []string{"100.00"}},
		{"tax is gross less net, lines by largest remainder", tax.Inclusive, "EUR", "19", []string{"9.99", "9.99", "9.99"}, "25.18", "4.79", "29.97", []string{"8.40", "8.39", "8.39"}},
		{"tax on top", tax.Exclusive, "EUR", "10", []string{"60.00"}, "60.00", "6.00", "66.00", []string{"60.00"}},
		{"tax is rounded per rate, not per line", tax.Exclusive, "EUR", "19", []string{"0.02", "0.02", "0.02"}, "0.06", "0.01", "0.07", []string{"0.02", "0.02", "0.02"}},
		{"rupiah has no digits", tax.Exclusive, "IDR", "11", []string{"1267101"}, "1267101", "139381", "1406482", []string{"1267101"}},
		{"yen has none", tax.Inclusive, "JPY", "10", []string{"1000"}, "909", "91", "1000", []string{"909"}},
		{"dinar has three", tax.Inclusive, "KWD", "5", []string{"1.000"}, "0.952", "0.048", "1.000", []string{"0.952"}},
		{"a correction beside a charge", tax.Inclusive, "EUR", "19", []string{"119.00", "-9.99"}, "91.61", "17.40", "109.01", []string{"100.00", "-8.39"}},
		{"no lines", tax.Exclusive, "EUR", "19", nil, "0.00", "0.00", "0.00", nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			currency := money.MustCurrency(c.currency)
			var lines []tax.Line
			for _, text := range c.lines {
				lines = append(lines, tax.Line{Amount: amount(t, text, currency), Rate: rate(c.rate)})
			}
			got, err := tax.Total(lines, c.basis, currency, currency.DocumentDigits())
			if err != nil {
				t.Fatal(err)
			}
			for _, pair := range [][2]money.Amount{
				{got.Net, amount(t, c.net, currency)}, {got.Tax, amount(t, c.tax, currency)}, {got.Gross, amount(t, c.gross, currency)},
			} {
				if n, err := pair[0].Cmp(pair[1]); err != nil || n != 0 {
					t.Errorf("got %s, want %s", pair[0], pair[1])
				}
			}
			for i, want := range c.lineNets {
				if n, _ := got.Lines[i].Net.Cmp(amount(t, want, currency)); n != 0 {
					t.Errorf("line %d: net %s, want %s", i+1, got.Lines[i].Net, want)
				}
			}
		})
	}
}

func TestTotal_refusesAFineLine(t *testing.T) {
	t.Parallel()
	_, err := tax.Total([]tax.Line{{amount(t, "1.005", euro), rate("19")}}, tax.Exclusive, euro, 2)
	if !errors.Is(err, tax.ErrLineUnit) {
		t.Fatalf("got %v", err)
	}
	_, err = tax.Total([]tax.Line{{amount(t, "1", money.MustCurrency("USD")), rate("19")}}, tax.Exclusive, euro, 2)
	if !errors.Is(err, money.ErrCurrencyMismatch) {
		t.Fatalf("got %v", err)
	}
}

func TestPercentOff_goesOnTheGross(t *testing.T) {
	t.Parallel()
	reduced, discount, err := tax.PercentOff(amount(t, "9.99", euro), money.NewDecimal(10), 2)
	if err != nil || reduced.Text() != "8.99" || !discount.Decimal().Equal(money.NewDecimal(1)) {
		t.Fatalf("%s off %s, %v", discount, reduced, err)
	}
}

func TestSpread_coupon(t *testing.T) {
	t.Parallel()
	prices := []money.Amount{amount(t, "19.99", euro), amount(t, "5.01", euro), amount(t, "74.99", euro)}
	parts, err := tax.Spread(amount(t, "10.00", euro), prices, 2)
	if err != nil {
		t.Fatal(err)
	}
	for i, want := range []string{"2.00", "0.50", "7.50"} {
		if n, _ := parts[i].Cmp(amount(t, want, euro)); n != 0 {
			t.Errorf("part %d: %s, want %s", i+1, parts[i], want)
		}
	}
	if _, err := tax.Spread(amount(t, "100.00", euro), prices, 2); !errors.Is(err, tax.ErrDiscount) {
		t.Errorf("more than the whole: %v", err)
	}
}

func TestSettle_discountThenTaxThenCreditAndPrepaid(t *testing.T) {
	t.Parallel()
	total, err := tax.Total([]tax.Line{{amount(t, "60.00", euro), rate("10")}}, tax.Exclusive, euro, 2)
	if err != nil {
		t.Fatal(err)
	}
	got, err := tax.Settle(total.Gross, amount(t, "20.00", euro), amount(t, "30.00", euro))
	if err != nil || !got.Due.Decimal().Equal(money.NewDecimal(16)) {
		t.Fatalf("due %s, %v", got.Due, err)
	}
	got, err = tax.Settle(total.Gross, amount(t, "20.01", euro), amount(t, "30.00", euro))
	if err != nil || got.Due.Text() != "15.99" {
		t.Fatalf("a cent more credit: due %s, %v", got.Due, err)
	}
	got, err = tax.Settle(total.Gross, amount(t, "50.00", euro), amount(t, "30.00", euro))
	if err != nil || !got.Due.IsZero() || !got.Prepaid.Decimal().Equal(money.NewDecimal(16)) {
		t.Fatalf("no more than is owed: %+v, %v", got, err)
	}
}

func TestTable_ratesByDay(t *testing.T) {
	t.Parallel()
	low, high := rate("16"), rate("19")
	low.From, low.To, high.From = day("2020-07-01"), day("2021-01-01"), day("2021-01-01")
	table, err := tax.NewTable([]tax.Rate{high, low})
	if err != nil {
		t.Fatal(err)
	}
	for on, want := range map[string]string{"2020-07-01": "16", "2020-12-31": "16", "2021-01-01": "19", "2030-01-01": "19"} {
		if got, err := table.At("standard", day(on)); err != nil || got.Percent.String() != want {
			t.Errorf("%s: %s %v, want %s", on, got.Percent, err, want)
		}
	}
	if _, err := table.At("standard", day("2020-06-30")); !errors.Is(err, tax.ErrNoRate) {
		t.Errorf("before the first: %v", err)
	}
	low.To = calendar.Date{}
	if _, err := tax.NewTable([]tax.Rate{high, low}); !errors.Is(err, tax.ErrOverlap) {
		t.Errorf("overlap: %v", err)
	}
}

// Whatever the lines, a document's parts sum to the whole and no line's tax
// is further than a unit from its own share.
func TestTotal_partsSumToTheWhole(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		digits := rapid.SampledFrom([]string{"EUR", "JPY", "KWD"}).Draw(t, "currency")
		currency := money.MustCurrency(digits)
		basis := rapid.SampledFrom([]tax.Basis{tax.Inclusive, tax.Exclusive}).Draw(t, "basis")
		rates := []tax.Rate{rate("19"), {Category: "reduced", Percent: money.MustDecimal("7")}, {Category: "zero"}}
		var lines []tax.Line
		for _, minor := range rapid.SliceOfN(rapid.Int64Range(-100_000, 10_000_000), 0, 30).Draw(t, "minor") {
			lines = append(lines, tax.Line{
				Amount: money.FromMinor(minor, currency),
				Rate:   rapid.SampledFrom(rates).Draw(t, "rate"),
			})
		}
		got, err := tax.Total(lines, basis, currency, currency.DocumentDigits())
		if err != nil {
			t.Fatal(err)
		}
		sum := tax.Parts{Net: money.Zero(currency), Tax: money.Zero(currency), Gross: money.Zero(currency)}
		for i, p := range got.Lines {
			if gross, _ := p.Net.Add(p.Tax); gross != p.Gross && !gross.Decimal().Equal(p.Gross.Decimal()) {
				t.Fatalf("line %d: %v", i, p)
			}
			sum.Net, _ = sum.Net.Add(p.Net)
			sum.Tax, _ = sum.Tax.Add(p.Tax)
			sum.Gross, _ = sum.Gross.Add(p.Gross)
			alone, err := tax.Split(lines[i].Amount, lines[i].Rate, basis, currency.DocumentDigits())
			if err != nil {
				t.Fatal(err)
			}
			off := alone.Tax.Decimal().Sub(p.Tax.Decimal()).Abs()
			if off.Cmp(money.DecimalOf(1, currency.DocumentDigits())) > 0 {
				t.Fatalf("line %d: tax %s, alone %s", i, p.Tax, alone.Tax)
			}
		}
		if !slices.Equal(texts([]tax.Parts{sum}, whole), texts([]tax.Parts{got.Parts}, whole)) {
			t.Fatalf("lines %v, document %v", sum, got.Parts)
		}
	})
}

func whole(p tax.Parts) money.Amount { return p.Gross }
