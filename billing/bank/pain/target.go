package pain

import (
	"time"

	"tollhouse/billing/calendar"
)

// BusinessDay says whether TARGET moves money on a day: not at weekends, on 1
// January, Good Friday, Easter Monday, 1 May, 25 and 26 December.
func BusinessDay(d calendar.Date) bool {
	if w := d.Weekday(); w == time.Saturday || w == time.Sunday {
		return false
	}
	easter := Easter(d.Year)
	switch {
	case d.Month == time.January && d.Day == 1, d.Month == time.May && d.Day == 1, d.Month == time.December && (d.Day == 25 || d.Day == 26):
		return false
	case d == easter.AddDays(-2), d == easter.AddDays(1):
		return false
	}
	return true
}

// NextBusinessDay is the day itself, or the first one after it on which money
// moves.
func NextBusinessDay(d calendar.Date) calendar.Date {
	for !BusinessDay(d) {
		d = d.AddDays(1)
	}
	return d
}

// AddBusinessDays goes so many business days on.
func AddBusinessDays(d calendar.Date, n int) calendar.Date {
	for ; n > 0; n-- {
		d = NextBusinessDay(d.AddDays(1))
	}
	return d
}

// Easter is the Sunday, by the rule of Gauss and Meeus.
func Easter(year int) calendar.Date {
	a, b, c := year%19, year/100, year%100
	h := (19*a + b - b/4 - (b-(b+8)/25+1)/3 + 15) % 30
	l := (32 + 2*(b%4) + 2*(c/4) - h - c%4) % 7
	m := (a + 11*h + 22*l) / 451
	n := h + l - 7*m + 114
	return calendar.Date{Year: year, Month: time.Month(n / 31), Day: n%31 + 1}
}
