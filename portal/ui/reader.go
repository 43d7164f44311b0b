package ui

import (
	"strconv"
	"strings"
	"time"

	"tollhouse/billing/calendar"
	"tollhouse/billing/catalog"
	"tollhouse/billing/locale"
	"tollhouse/billing/money"
	"tollhouse/portal/text"
)

const nbsp = "\u00a0"

// Reader is for whom a page is written: language, operator's country and zone.
type Reader struct {
	Locale locale.Locale
	Zone   *time.Location
	Today  calendar.Date // in Zone, by the operator's clock
}

// T is a message with values in its places.
func (r Reader) T(key string, values ...string) string {
	return text.Of(r.Locale.Language, key, values...)
}

// N is the form of a message that goes with a count; {n} is the count.
func (r Reader) N(key string, n int64, values ...string) string {
	return text.Count(r.Locale, key, n, append(values, "n", r.Number(money.NewDecimal(n)))...)
}

// Number writes a number exactly.
func (r Reader) Number(d money.Decimal) string { return r.Locale.FormatNumber(d) }

// Money writes an amount in document units: what stands on bills.
func (r Reader) Money(a money.Amount) string { return r.Locale.FormatMoney(a.RoundToDocument()) }

// Exact writes an amount with all its decimals, as a price may have them.
func (r Reader) Exact(a money.Amount) string { return r.Locale.FormatMoney(a) }

// Cost writes what one use cost in document units. What is less than half a
// unit is no zero: the reader was charged something.
func (r Reader) Cost(a money.Amount) string {
	if rounded := a.RoundToDocument(); !rounded.IsZero() || a.IsZero() {
		return r.Locale.FormatMoney(rounded)
	}
	least := money.New(money.DecimalOf(1, a.Currency().DocumentDigits()), a.Currency())
	return "<" + nbsp + r.Locale.FormatMoney(least)
}

// Date writes a day with its year.
func (r Reader) Date(d calendar.Date) string { return r.Locale.FormatDate(d) }

// DayMonth writes a day without its year: the date's own form, cut.
func (r Reader) DayMonth(d calendar.Date) string {
	if r.Locale.Plain {
		return r.Date(d)
	}
	whole := strings.TrimSuffix(r.Locale.FormatDate(d), nbsp+"г.")
	return strings.TrimSuffix(strings.TrimSuffix(whole, nbsp+strconv.Itoa(d.Year)), ",")
}

// LocalDate is the operator's calendar day at an instant.
func (r Reader) LocalDate(at time.Time) calendar.Date { return calendar.DateOf(at, r.Zone) }

// DateTime writes an instant with year and zone.
func (r Reader) DateTime(at time.Time) string { return r.Locale.FormatDateTime(at, r.Zone) }

// Clock writes the time of day without the zone, for lists that name it above.
func (r Reader) Clock(at time.Time) string {
	return strings.TrimSuffix(r.Locale.FormatClock(at, r.Zone), nbsp+at.In(r.Zone).Format("MST"))
}

// Short writes an instant for a list: no zone, and the year only if it is
// another than today's.
func (r Reader) Short(at time.Time) string {
	day := r.LocalDate(at)
	if r.Locale.Plain {
		return r.DateTime(at)
	}
	if day.Year != r.Today.Year {
		return r.Date(day) + ", " + r.Clock(at)
	}
	return r.DayMonth(day) + ", " + r.Clock(at)
}

// Until tells how far off a day is: today, tomorrow, in 12 days.
func (r Reader) Until(d calendar.Date) string {
	switch days := r.Today.DaysUntil(d); days {
	case 0:
		return r.T("day.today")
	case 1:
		return r.T("day.tomorrow")
	default:
		return r.N("day.in", int64(days))
	}
}

// Quantity writes usage: a duration, bytes, or a count.
func (r Reader) Quantity(n money.Decimal, unit money.Unit) string {
	whole, err := n.Int64()
	switch {
	case err == nil && unit == money.Second:
		return r.Locale.FormatDuration(whole)
	case err == nil && unit == money.Byte:
		return r.Locale.FormatBytes(whole)
	case err == nil && unit == money.Event:
		return r.N("count.event", whole)
	}
	return r.Number(n) + nbsp + string(unit)
}

// Level is what is left of an allowance in one unit for both figures.
type Level struct{ Left, Of, Unit string }

// Text is the level as a sentence's part: 312.6 of 500 GB.
func (l Level) Text(r Reader) string {
	return r.T("level.of", "left", l.Left, "of", l.Of, "unit", l.Unit)
}

// Level writes what is left: nobody is promised more than there is, so it is
// rounded down.
func (r Reader) Level(left, of money.Decimal, unit money.Unit) Level {
	name, size, digits := "", int64(1), int32(0)
	switch {
	case unit == money.Second:
		name, size = r.T("unit.min"), 60
	case unit == money.Byte && of.Cmp(money.NewDecimal(1e9)) >= 0:
		name, size, digits = r.T("unit.GB"), 1e9, 1
	case unit == money.Byte:
		name, size, digits = r.T("unit.MB"), 1e6, 1
	}
	figure := func(d money.Decimal) string {
		scaled, err := d.Div(money.NewDecimal(size), digits, money.Floor)
		if err != nil {
			return r.Number(d) // size is never zero
		}
		return r.Number(scaled)
	}
	return Level{figure(left), figure(of), name}
}

// Per writes the quantity that a price is for: min, GB, 30 s.
func (r Reader) Per(q catalog.Quantity) string {
	number, symbol, _ := strings.Cut(q.String(), " ")
	unit := symbol
	if symbol == "" {
		unit = r.T("unit.each")
	} else if name := r.T("unit." + symbol); name != "unit."+symbol {
		unit = name
	}
	if number == "1" {
		return unit
	}
	if n, err := money.ParseDecimal(number); err == nil {
		number = r.Number(n)
	}
	return number + nbsp + unit
}

// Share is part of whole in per cent with one decimal, held within 0 and 100,
// as SVG's lengths have it.
func Share(part, whole money.Decimal) string {
	if whole.Sign() <= 0 || part.Sign() <= 0 {
		return "0"
	}
	if part.Cmp(whole) >= 0 {
		return "100"
	}
	share, err := part.MulDiv(money.NewDecimal(100), whole, 1, money.Floor)
	if err != nil {
		return "0" // whole is above zero
	}
	return share.String()
}
