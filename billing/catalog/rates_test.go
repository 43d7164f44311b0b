package catalog_test

import (
	"errors"
	"testing"

	"tollhouse/billing/calendar"
	"tollhouse/billing/catalog"
	"tollhouse/billing/money"
)

func TestRates_lastOneThatBegan(t *testing.T) {
	eur, usd, idr, chf := money.MustCurrency("EUR"), money.MustCurrency("USD"), money.MustCurrency("IDR"), money.MustCurrency("CHF")
	rate := func(from, to money.Currency, day, value string, bothWays bool) catalog.ExchangeRate {
		return catalog.ExchangeRate{From: from, To: to, Day: date(t, day), Value: money.MustDecimal(value), BothWays: bothWays}
	}
	rates := catalog.NewRates([]catalog.ExchangeRate{
		rate(eur, usd, "2026-03-10", "1.0950", false), rate(eur, usd, "2026-03-01", "1.0825", false), rate(eur, idr, "2026-03-01", "17654.12", true),
	})
	for _, row := range []struct {
		from, to money.Currency
		day      string
		amount   string
		want     string
	}{
		{eur, usd, "2026-03-01", "10", "10.825"},
		{eur, usd, "2026-03-09", "10", "10.825"},
		{eur, usd, "2026-03-10", "10", "10.95"},
		{eur, usd, "2027-01-01", "10", "10.95"},
		{eur, usd, "2026-02-28", "10", ""},
		{usd, eur, "2026-03-10", "10", ""}, // nobody said both ways
		{idr, eur, "2026-03-10", "17654.12", "1"},
		{idr, eur, "2026-03-10", "1000", "0.056644002"},
		{eur, chf, "2026-03-10", "1", ""},
		{chf, chf, "2026-03-10", "1.5", "1.5"},
	} {
		conversion, err := rates.Rate(row.from, row.to, date(t, row.day))
		if row.want == "" {
			if !errors.Is(err, catalog.ErrNoRate) || err.Error() != "no exchange rate from "+row.from.Code()+" to "+row.to.Code()+" on "+row.day {
				t.Errorf("%s to %s on %s: %v", row.from, row.to, row.day, err)
			}
			continue
		}
		if err != nil {
			t.Error(err)
			continue
		}
		got, err := conversion.Convert(money.New(money.MustDecimal(row.amount), row.from), money.Scale, money.HalfAwayFromZero)
		if err != nil || got.Decimal().String() != row.want || got.Currency() != row.to {
			t.Errorf("%s %s on %s is %s, %v; want %s", row.amount, row.from, row.day, got, err, row.want)
		}
	}
	var none *catalog.Rates
	if _, err := none.Rate(eur, usd, date(t, "2026-03-01")); !errors.Is(err, catalog.ErrNoRate) {
		t.Error(err)
	}
}

func date(t *testing.T, s string) calendar.Date {
	t.Helper()
	d, err := calendar.ParseDate(s)
	if err != nil {
		t.Fatal(err)
	}
	return d
}
