package ui_test

import (
	"strings"
	"testing"
	"time"

	"tollhouse/billing/calendar"
	"tollhouse/billing/catalog"
	"tollhouse/billing/locale"
	"tollhouse/billing/money"
	"tollhouse/portal/ui"
)

func plain(s string) string { return strings.ReplaceAll(s, "\u00a0", " ") }

func TestParseAmount(t *testing.T) {
	t.Parallel()
	british, german, indonesian := locale.Locale{Language: "en", Country: "GB"}, locale.Locale{Language: "en", Country: "DE"}, locale.Locale{Language: "id", Country: "ID"}
	for _, c := range []struct {
		typed, currency string
		in              locale.Locale
		want            string // "" is refused
	}{
		{"25", "EUR", british, "25"},
		{"12,5", "EUR", british, "12.5"},
		{"12.50", "EUR", german, "12.5"},
		{"1.234,50", "EUR", british, "1234.5"},
		{"1,234.50", "EUR", german, "1234.5"},
		{"1.234", "EUR", british, "1234"},
		{"€ 10", "EUR", british, "10"},
		{"10 €", "EUR", german, "10"},
		{"1 000 000", "EUR", british, "1000000"},
		{"50.000", "IDR", indonesian, "50000"},
		{"50,000", "IDR", indonesian, "50000"},
		{"Rp 1.250.000", "IDR", indonesian, "1250000"},
		{"1.234", "KWD", british, "1.234"},
		{"1,234", "KWD", british, "1234"},
		{"1.234", "KWD", german, "1234"},
		{"12.345", "KWD", british, "12.345"},
		{"", "EUR", british, ""},
		{"0", "EUR", british, ""},
		{"-5", "EUR", british, ""},
		{"1e3", "EUR", british, ""},
		{"12.5", "IDR", indonesian, ""},
		{"1.23.456", "EUR", british, ""},
		{"12.3456", "EUR", british, ""},
		{"1234.567", "EUR", british, ""},
		{"0.500", "EUR", german, ""},
		{"0,001", "EUR", british, ""},
		{"0.500", "KWD", british, "0.5"},
		{".", "EUR", british, ""},
		{"9999999999999999", "EUR", british, ""},
	} {
		got, err := ui.ParseAmount(c.typed, money.MustCurrency(c.currency), c.in)
		if text := got.Decimal().String(); err == nil && text != c.want || err != nil && c.want != "" {
			t.Errorf("%q %s: %s, %v; want %q", c.typed, c.currency, text, err, c.want)
		}
	}
}

func TestReader(t *testing.T) {
	t.Parallel()
	berlin, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		t.Fatal(err)
	}
	day := calendar.Date{Year: 2026, Month: time.November, Day: 23}
	for language, want := range map[string][]string{
		"en": {"23 Nov", "23 Nov, 08:02", "in 12 days", "312.6 of 500 GB", "min", "< €0.01"},
		"id": {"23 Nov", "23 Nov, 08.02", "12 hari lagi", "312,6 dari 500 GB", "menit", "< € 0,01"},
		"ru": {"23 нояб.", "23 нояб., 08:02", "через 12 дней", "312,6 из 500 ГБ", "мин", "< 0,01 €"},
	} {
		r := ui.Reader{Locale: locale.Locale{Language: language, Country: "GB"}, Zone: berlin, Today: day}
		got := []string{
			r.DayMonth(day), r.Short(time.Date(2026, 11, 23, 7, 2, 0, 0, time.UTC)), r.Until(day.AddDays(12)),
			r.Level(money.NewDecimal(312_690_000_000), money.NewDecimal(500_000_000_000), money.Byte).Text(r),
			r.Per(catalog.MustQuantity("1 min")), r.Cost(money.New(money.MustDecimal("0.0004"), money.MustCurrency("EUR"))),
		}
		for i := range want {
			if plain(got[i]) != want[i] {
				t.Errorf("%s: %q, want %q", language, plain(got[i]), want[i])
			}
		}
	}
}

func TestShare(t *testing.T) {
	t.Parallel()
	for _, c := range [][3]string{{"1", "3", "33.3"}, {"-1", "3", "0"}, {"5", "3", "100"}, {"1", "0", "0"}} {
		if got := ui.Share(money.MustDecimal(c[0]), money.MustDecimal(c[1])); got != c[2] {
			t.Errorf("%s of %s: %s", c[0], c[1], got)
		}
	}
}
