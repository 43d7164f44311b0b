package catalog

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"tollhouse/billing/calendar"
	"tollhouse/billing/money"
)

// RatesFormat says how a file of exchange rates is written.
type RatesFormat struct {
	TableFormat
	// Base is the currency that a table with a column for each currency states
	// its rates for; the euro if it is zero.
	Base money.Currency
	// BothWays lets every rate of the file be used from To into From as well.
	BothWays bool
}

// RatesFile is what a file of exchange rates holds.
type RatesFile struct {
	Rates   []ExchangeRate
	Ignored []string
}

// The columns of a file with a line for each rate.
const (
	rateFrom = iota
	rateTo
	rateDay
	rateValue
)

var rateColumns = []column{
	{"from", []string{"from_currency", "currency", "base"}, true},
	{"to", []string{"to_currency", "target", "quote"}, true},
	{"day", []string{"date", "valid_from", "datum"}, true},
	{"rate", []string{"value", "exchange_rate"}, true},
}

// ReadRates reads exchange rates: a line for each with from, to, day and rate,
// or a table with the day first and a column for each currency, as the
// European Central Bank publishes them. A *TableError names every line that
// cannot be taken.
func ReadRates(content []byte, f RatesFormat) (RatesFile, error) {
	if f.Delimiter == 0 {
		f.Delimiter = delimiterOf(plainText(content, &TableError{}))
	}
	r := &ratesReader{format: f, lines: map[rateKey]int{}}
	var ignored []string
	var err error
	if wide := wideColumns(content); wide != nil {
		if r.format.Base.IsZero() {
			r.format.Base = money.MustCurrency("EUR")
		}
		ignored, err = readTable(content, TableFormat{f.Delimiter, HeaderYes}, wide, r.wide)
	} else {
		ignored, err = readTable(content, f.TableFormat, rateColumns, r.long)
	}
	return RatesFile{r.rates, ignored}, err
}

type rateKey struct {
	from, to money.Currency
	day      calendar.Date
}

type ratesReader struct {
	format RatesFormat
	lines  map[rateKey]int
	rates  []ExchangeRate
}

// wideColumns returns the day and the currencies of a first line that names
// them, or nil.
func wideColumns(content []byte) []column {
	text := plainText(content, &TableError{})
	first, _, _ := strings.Cut(string(text), "\n")
	cells := strings.Split(strings.TrimSpace(first), string(delimiterOf(text)))
	if !slices.Contains([]string{"date", "day", "datum"}, strings.ToLower(plainName(cells[0]))) {
		return nil
	}
	columns := []column{{strings.ToLower(plainName(cells[0])), nil, true}}
	for _, cell := range cells[1:] {
		if _, err := money.ParseCurrency(plainName(cell)); err == nil {
			columns = append(columns, column{strings.ToLower(plainName(cell)), nil, false})
		}
	}
	if len(columns) == 1 {
		return nil
	}
	return columns
}

func plainName(cell string) string { return strings.Trim(plainCell(cell), `" `) }

func (r *ratesReader) wide(row *tableRow) {
	day, valid := rateDate(row.get(0))
	if !valid {
		row.fault(0, "a date such as 2026-11-30 or 30 November 2026")
		return
	}
	for n := 1; n < len(row.columns); n++ {
		text := row.get(n)
		if text == "" || text == "N/A" || text == "-" {
			continue
		}
		to, err := money.ParseCurrency(strings.ToUpper(row.columns[n].name))
		if err != nil || to == r.format.Base {
			continue
		}
		r.add(row, n, n, rateKey{r.format.Base, to, day})
	}
}

func (r *ratesReader) long(row *tableRow) {
	before := row.Total
	from, to := rateCurrency(row, rateFrom), rateCurrency(row, rateTo)
	day, valid := rateDate(row.get(rateDay))
	if !valid {
		row.fault(rateDay, "a date such as 2026-11-30")
	}
	if row.Total == before && from == to {
		row.fault(rateTo, "another currency than %s", from)
	}
	if row.Total == before {
		r.add(row, rateValue, rateDay, rateKey{from, to, day})
	}
}

func (r *ratesReader) add(row *tableRow, n, keyed int, key rateKey) {
	value, err := r.value(row.get(n))
	rate := ExchangeRate{From: key.from, To: key.to, Day: key.day, Value: value, BothWays: r.format.BothWays}
	if err == nil {
		err = rate.check()
	}
	if err != nil {
		row.fault(n, "a rate above 0 with at most %d decimals, such as 1.0825", rateDigits)
		return
	}
	if line := r.lines[key]; line > 0 {
		row.fault(keyed, "each day once: line %d has a rate from %s to %s on %s", line, key.from, key.to, key.day)
		return
	}
	r.lines[key] = row.line
	r.rates = append(r.rates, rate)
}

// value reads a rate; where cells are not parted by commas, a comma is a point.
func (r *ratesReader) value(text string) (money.Decimal, error) {
	if r.format.Delimiter != ',' && strings.Count(text, ",") == 1 && !strings.Contains(text, ".") {
		text = strings.Replace(text, ",", ".", 1)
	}
	return money.ParseDecimal(text)
}

func rateCurrency(row *tableRow, n int) money.Currency {
	c, err := money.ParseCurrency(strings.ToUpper(row.get(n)))
	if err != nil {
		row.fault(n, "an ISO 4217 currency such as EUR")
	}
	return c
}

func rateDate(text string) (calendar.Date, bool) {
	if day, valid := parseDay(text); valid {
		return day, true
	}
	t, err := time.Parse("2 January 2006", text)
	if err != nil {
		return calendar.Date{}, false
	}
	return calendar.DateOf(t, time.UTC), true
}

// rateDigits is how fine a rate is kept.
const rateDigits = 12

func (r ExchangeRate) check() error {
	switch {
	case r.From.IsZero() || r.To.IsZero() || r.From == r.To:
		return fmt.Errorf("%w: from %s to %s", ErrRate, r.From, r.To)
	case r.Value.Sign() <= 0 || r.Value.Digits() > rateDigits || r.Value.Cmp(money.NewDecimal(1_000_000_000_000)) >= 0:
		return fmt.Errorf("%w: %s from %s to %s", ErrRate, r.Value, r.From, r.To)
	case r.Day.Year < firstYear || r.Day.Year > lastYear:
		return fmt.Errorf("%w: day %s", ErrRate, r.Day)
	}
	return nil
}
