package locale_test

import (
	"strings"
	"testing"
	"time"

	"tollhouse/billing/calendar"
	"tollhouse/billing/locale"
	"tollhouse/billing/money"
)

var (
	indonesia = locale.Locale{Language: "en", Country: "ID"}
	bahasa    = locale.Locale{Language: "id", Country: "ID"}
	russian   = locale.Locale{Language: "ru", Country: "KZ"}
	britain   = locale.Locale{Language: "en", Country: "GB"}
	germany   = locale.Locale{Language: "en", Country: "DE"}
)

// plain shows no-break spaces as spaces, so that the table can be read.
func plain(s string) string { return strings.ReplaceAll(s, "\u00a0", " ") }

func TestFormatMoney(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		in           locale.Locale
		amount, code string
		want         string
	}{
		{indonesia, "1406482", "IDR", "Rp 1.406.482"},
		{bahasa, "1406482", "IDR", "Rp 1.406.482"},
		{russian, "1406482", "IDR", "1 406 482 IDR"},
		{britain, "1234.5", "EUR", "€1,234.50"},
		{britain, "-2.5", "EUR", "−€2.50"},
		{germany, "1234.5", "EUR", "1.234,50 €"},
		{bahasa, "-1234.5", "EUR", "−€ 1.234,50"},
		{russian, "-1234.5", "EUR", "−1 234,50 €"},
		{britain, "1406482", "IDR", "IDR 1,406,482"},
		{britain, "1.5", "KWD", "KWD 1.500"},
		{britain, "1200", "JPY", "¥1,200"},
		{britain, "0.0004", "EUR", "€0.0004"},
		{britain, "0", "EUR", "€0.00"},
	} {
		a, err := money.Parse(c.amount, money.MustCurrency(c.code))
		if err != nil {
			t.Fatal(err)
		}
		if got := plain(c.in.FormatMoney(a)); got != c.want {
			t.Errorf("%s %s %s: %q, want %q", c.in.Tag(), c.amount, c.code, got, c.want)
		}
	}
}

func TestFormatNumber(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		in          locale.Locale
		number      string
		want, share string
	}{
		{indonesia, "8412.5", "8.412,5", "8.412,5%"},
		{russian, "8412.5", "8 412,5", "8 412,5 %"},
		{britain, "8412.50", "8,412.5", "8,412.5%"},
		{britain, "-1000000", "−1,000,000", "−1,000,000%"},
		{britain, "999", "999", "999%"},
	} {
		d := money.MustDecimal(c.number)
		if got := plain(c.in.FormatNumber(d)); got != c.want {
			t.Errorf("%s: %q, want %q", c.number, got, c.want)
		}
		if got := plain(c.in.FormatPercent(d)); got != c.share {
			t.Errorf("%s: %q, want %q", c.number, got, c.share)
		}
	}
}

func TestFormatDateTime(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, 11, 23, 7, 2, 0, 0, time.UTC)
	jakarta, berlin := zone(t, "Asia/Jakarta"), zone(t, "Europe/Berlin")
	for _, c := range []struct {
		in   locale.Locale
		zone *time.Location
		want string
	}{
		{indonesia, jakarta, "23 Nov 2026, 14.02 WIB"},
		{bahasa, jakarta, "23 Nov 2026, 14.02 WIB"},
		{russian, jakarta, "23 нояб. 2026 г., 14:02"},
		{britain, berlin, "23 Nov 2026, 08:02 CET"},
		{locale.Locale{Language: "en", Country: "US"}, berlin, "Nov 23, 2026, 8:02 AM CET"},
	} {
		if got := plain(c.in.FormatDateTime(at, c.zone)); got != c.want {
			t.Errorf("%s: %q, want %q", c.in.Tag(), got, c.want)
		}
	}
}

func TestFormatPeriod(t *testing.T) {
	t.Parallel()
	from, err := calendar.ParseDate("2026-05-01")
	if err != nil {
		t.Fatal(err)
	}
	month := calendar.Period{From: from, To: from.AddMonths(1)}
	if got := plain(bahasa.FormatPeriod(month)); got != "1 Mei 2026 – 31 Mei 2026" {
		t.Error(got)
	}
	if got := plain(bahasa.FormatPeriod(calendar.Period{From: from, To: from.AddDays(1)})); got != "1 Mei 2026" {
		t.Error(got)
	}
	if got := plain(russian.FormatMonth(from)); got != "май 2026 г." {
		t.Error(got)
	}
}

func TestFormatBytesAndDuration(t *testing.T) {
	t.Parallel()
	for bytes, want := range map[int64]string{
		0: "0 B", 999: "999 B", 1000: "1 kB", 83_412_345_678: "83.412 GB", 100_000_000_000: "100 GB", -1500: "−1.5 kB",
	} {
		if got := plain(britain.FormatBytes(bytes)); got != want {
			t.Errorf("%d: %q, want %q", bytes, got, want)
		}
	}
	for seconds, want := range map[int64]string{0: "0 s", 7374: "2 h 2 min 54 s", 60: "1 min", 90000: "25 h"} {
		if got := plain(britain.FormatDuration(seconds)); got != want {
			t.Errorf("%d: %q, want %q", seconds, got, want)
		}
	}
}

func TestPlural_russianHasThree(t *testing.T) {
	t.Parallel()
	for n, want := range map[int64]locale.Form{1: locale.One, 2: locale.Few, 5: locale.Many, 11: locale.Many, 12: locale.Many, 21: locale.One, 104: locale.Few} {
		if got := russian.Plural(n); got != want {
			t.Errorf("%d: %s, want %s", n, got, want)
		}
	}
}

func zone(t *testing.T, name string) *time.Location {
	t.Helper()
	loc, err := time.LoadLocation(name)
	if err != nil {
		t.Fatal(err)
	}
	return loc
}
