package catalog

import (
	"regexp"
	"strconv"
	"time"
	"unicode"

	"tollhouse/billing/calendar"
)

// The columns of a calendar's file.
const (
	holidayDay = iota
	holidayName
)

var holidayColumns = []column{
	{"day", []string{"date", "holiday", "datum"}, true},
	{"name", []string{"name_en", "description"}, false},
	{"name_id", nil, false},
	{"name_ru", nil, false},
}

// HolidayFile is what a calendar's file holds.
type HolidayFile struct {
	Days    []NamedDay
	Yearly  []YearlyHoliday
	Ignored []string
}

// ReadHolidays reads a calendar's file: days such as 2026-12-25 or 25.12.2026,
// and days of every year such as 12-25, which hold from fromYear on. A
// *TableError names every line that cannot be taken.
func ReadHolidays(content []byte, f TableFormat, fromYear int) (HolidayFile, error) {
	var file HolidayFile
	seen := map[string]int{}
	ignored, err := readTable(content, f, holidayColumns, func(row *tableRow) {
		before := row.Total
		names := Names{}
		for i, language := range []string{"en", "id", "ru"} {
			if name := row.line1(holidayName + i); name != "" {
				names[language] = name
			}
		}
		day, yearly, valid := parseHoliday(row.get(holidayDay), fromYear)
		if !valid {
			row.fault(holidayDay, "a date such as 2026-12-25, or 12-25 for every year")
		}
		if row.Total > before {
			return
		}
		key := day.String()
		if yearly {
			key = key[len("2026-"):]
		}
		if line := seen[key]; line > 0 {
			row.fault(holidayDay, "each day once: %s stands in line %d", key, line)
			return
		}
		seen[key] = row.line
		if yearly {
			file.Yearly = append(file.Yearly, YearlyHoliday{Month: day.Month, Day: day.Day, From: fromYear, Names: names})
			return
		}
		file.Days = append(file.Days, NamedDay{day, names})
	})
	file.Ignored = ignored
	return file, err
}

// line1 is a short text on one line.
func (r *tableRow) line1(n int) string {
	text := r.get(n)
	for i, c := range []rune(text) {
		if unicode.IsControl(c) || i >= 100 {
			r.fault(n, "a text on one line of at most 100 characters")
			return ""
		}
	}
	return text
}

var everyYear = regexp.MustCompile(`^-{0,2}([0-9]{1,2})-([0-9]{1,2})$`)

func parseHoliday(text string, year int) (day calendar.Date, yearly, valid bool) {
	if part := everyYear.FindStringSubmatch(text); part != nil {
		month, _ := strconv.Atoi(part[1]) // both are digits
		number, _ := strconv.Atoi(part[2])
		y := YearlyHoliday{Month: time.Month(month), Day: number, From: year}
		return calendar.Date{Year: year, Month: y.Month, Day: number}, true, y.check() == nil
	}
	day, valid = parseDay(text)
	return day, false, valid && day.Year >= firstYear && day.Year <= lastYear
}

// parseDay reads 2026-12-25, or 25.12.2026 as many spreadsheets write it.
func parseDay(text string) (calendar.Date, bool) {
	if t, err := time.Parse("2.1.2006", text); err == nil {
		return calendar.DateOf(t, time.UTC), true
	}
	day, err := calendar.ParseDate(text)
	return day, err == nil
}
