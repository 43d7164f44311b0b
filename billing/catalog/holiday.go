package catalog

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"time"

	"tollhouse/billing/calendar"
)

var (
	// ErrCalendarNotFound says that there is no such calendar.
	ErrCalendarNotFound = errors.New("holiday calendar not found")
	// ErrCalendarUsed says that offerings name a calendar, so that it stays.
	ErrCalendarUsed = errors.New("offerings name the holiday calendar")
	// ErrHoliday says that a day of a calendar cannot be used.
	ErrHoliday = errors.New("not a usable holiday")
	// ErrPastDay says that a change concerns days that are over, on which usage
	// was rated by what held then. It is made when that is accepted.
	ErrPastDay = errors.New("change concerns days that are over")
)

// HolidayCalendar names the days that offerings price as holidays.
type HolidayCalendar struct {
	Code   string
	Names  Names
	Yearly []YearlyHoliday // by month and day
	Days   []NamedDay      // by day
}

// NamedDay is one day.
type NamedDay struct {
	Day   calendar.Date `json:"day"`
	Names Names         `json:"names,omitempty"`
}

// YearlyHoliday is a day that comes back on the same date, from a year on up
// to and including Until, or for ever if that is 0.
type YearlyHoliday struct {
	Month time.Month `json:"month"`
	Day   int        `json:"day"`
	From  int        `json:"from"`
	Until int        `json:"until,omitempty"`
	Names Names      `json:"names,omitempty"`
}

// lastYear is how far ahead yearly days are laid out.
const (
	firstYear = 2000
	lastYear  = 2099
)

func (y YearlyHoliday) check() error {
	leap := calendar.Date{Year: 2028, Month: y.Month, Day: y.Day} // a year that has every date
	if same, err := calendar.ParseDate(leap.String()); err != nil || same != leap {
		return fmt.Errorf("%w: %02d-%02d is no day of a year", ErrHoliday, y.Month, y.Day)
	}
	if y.From < firstYear || y.From > lastYear || (y.Until != 0 && (y.Until < y.From || y.Until > lastYear)) {
		return fmt.Errorf("%w: %02d-%02d from %d until %d: years are %d to %d, in order", ErrHoliday, y.Month, y.Day, y.From, y.Until, firstYear, lastYear)
	}
	return y.Names.check()
}

func (h NamedDay) check() error {
	if h.Day.Year < firstYear || h.Day.Year > lastYear {
		return fmt.Errorf("%w: %s is not in the years %d to %d", ErrHoliday, h.Day, firstYear, lastYear)
	}
	return h.Names.check()
}

// Dates returns every holiday in order. 29 February comes in leap years only.
func (c HolidayCalendar) Dates() []calendar.Date {
	var dates []calendar.Date
	for _, h := range c.Days {
		dates = append(dates, h.Day)
	}
	for _, y := range c.Yearly {
		for year := y.From; year <= cmp.Or(y.Until, lastYear); year++ {
			day := calendar.Date{Year: year, Month: y.Month, Day: y.Day}
			if day.AddDays(0) == day {
				dates = append(dates, day)
			}
		}
	}
	slices.SortFunc(dates, calendar.Date.Compare)
	return slices.Compact(dates)
}

// about returns the holidays within ten years of one: usage of other times is
// not priced, and every tariff keeps them in memory.
func (c HolidayCalendar) about(year int) []calendar.Date {
	return slices.DeleteFunc(c.Dates(), func(day calendar.Date) bool { return day.Year < year-10 || day.Year > year+10 })
}

// In returns the holidays of a year with their names.
func (c HolidayCalendar) In(year int) []NamedDay {
	var days []NamedDay
	for _, h := range c.Days {
		if h.Day.Year == year {
			days = append(days, h)
		}
	}
	for _, y := range c.Yearly {
		day := calendar.Date{Year: year, Month: y.Month, Day: y.Day}
		named := slices.ContainsFunc(days, func(h NamedDay) bool { return h.Day == day })
		if !named && y.From <= year && year <= cmp.Or(y.Until, lastYear) && day.AddDays(0) == day {
			days = append(days, NamedDay{day, y.Names})
		}
	}
	slices.SortFunc(days, func(a, b NamedDay) int { return a.Day.Compare(b.Day) })
	return days
}

// changedDays returns the days that are a holiday in one of two calendars only.
func changedDays(before, after HolidayCalendar) []calendar.Date {
	changed := map[calendar.Date]int{}
	for _, c := range []HolidayCalendar{before, after} {
		for _, day := range c.Dates() {
			changed[day]++
		}
	}
	var days []calendar.Date
	for day, n := range changed {
		if n == 1 {
			days = append(days, day)
		}
	}
	slices.SortFunc(days, calendar.Date.Compare)
	return days
}

// Without returns the yearly days without the one of a date: it ends with the
// year before, so that earlier years keep it.
func (c HolidayCalendar) Without(day calendar.Date) []YearlyHoliday {
	kept := []YearlyHoliday{}
	for _, y := range c.Yearly {
		if y.Month == day.Month && y.Day == day.Day && y.From <= day.Year && day.Year <= cmp.Or(y.Until, lastYear) {
			if y.From == day.Year {
				continue
			}
			y.Until = day.Year - 1
		}
		kept = append(kept, y)
	}
	return kept
}
