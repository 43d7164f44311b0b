package locale

import (
	"strconv"
	"strings"
	"time"
	"tollhouse/billing/calendar"
)

// shortMonths are CLDR's abbreviated months as they stand inside a date.
var shortMonths = map[string][12]string{
	"en": {"Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sept", "Oct", "Nov", "Dec"},
	"id": {"Jan", "Feb", "Mar", "Apr", "Mei", "Jun", "Jul", "Agu", "Sep", "Okt", "Nov", "Des"},
	"ru": {"янв.", "февр.", "мар.", "апр.", "мая", "июн.", "июл.", "авг.", "сент.", "окт.", "нояб.", "дек."},
}

// monthNames are CLDR's full months as they stand alone before a year.
var monthNames = map[string][12]string{
	"en": {"January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November", "December"},
	"id": {"Januari", "Februari", "Maret", "April", "Mei", "Juni", "Juli", "Agustus", "September", "Oktober", "November", "Desember"},
	"ru": {"январь", "февраль", "март", "апрель", "май", "июнь", "июль", "август", "сентябрь", "октябрь", "ноябрь", "декабрь"},
}

func name(of map[string][12]string, language string, month time.Month) string {
	names, known := of[language]
	if !known {
		names = of["en"]
	}
	return names[month-1]
}

// FormatDate writes a day: 23 Nov 2026, 23 нояб. 2026 г.
func (l Locale) FormatDate(d calendar.Date) string {
	if l.Plain {
		return d.String()
	}
	month, day, year := l.shortMonth(d.Month), strconv.Itoa(d.Day), strconv.Itoa(d.Year)
	switch {
	case l.Language == "ru":
		return day + nbsp + month + nbsp + year + nbsp + "г."
	case l.marks().monthFirst:
		return month + nbsp + day + "," + nbsp + year
	}
	return day + nbsp + month + nbsp + year
}

func (l Locale) shortMonth(m time.Month) string {
	if m == time.September && l.marks().monthFirst {
		return "Sep"
	}
	return name(shortMonths, l.Language, m)
}

// FormatMonth writes a month: October 2026, октябрь 2026 г.
func (l Locale) FormatMonth(d calendar.Date) string {
	text := name(monthNames, l.Language, d.Month) + nbsp + strconv.Itoa(d.Year)
	if l.Language == "ru" {
		text += nbsp + "г."
	}
	return text
}

// FormatDateTime writes an instant in a zone: 23 Nov 2026, 14:02 CET.
func (l Locale) FormatDateTime(at time.Time, zone *time.Location) string {
	if l.Plain {
		return at.In(zone).Format("2006-01-02 15:04:05")
	}
	return l.FormatDate(calendar.DateOf(at, zone)) + ", " + l.FormatClock(at, zone)
}

// FormatClock writes the time of day in a zone: 14.02 WIB. Russian names no zone.
func (l Locale) FormatClock(at time.Time, zone *time.Location) string {
	m, local := l.marks(), at.In(zone)
	text := local.Format(m.clock)
	if m.zone {
		text += nbsp + local.Format("MST")
	}
	return text
}

// FormatPeriod writes a half-open period by its first and last day: 1 Oct 2026 – 31 Oct 2026.
func (l Locale) FormatPeriod(p calendar.Period) string {
	last := p.To.AddDays(-1)
	if !last.After(p.From) {
		return l.FormatDate(p.From)
	}
	return l.FormatDate(p.From) + " \u2013 " + l.FormatDate(last)
}

var durationUnits = map[string][3]string{
	"en": {"h", "min", "s"},
	"id": {"jam", "mnt", "dtk"},
	"ru": {"ч", "мин", "с"},
}

// FormatDuration writes whole seconds, largest unit first, parts that are zero
// left out: 2 h 2 min 54 s.
func (l Locale) FormatDuration(seconds int64) string {
	units, known := durationUnits[l.Language]
	if !known {
		units = durationUnits["en"]
	}
	sign := ""
	if seconds < 0 {
		sign, seconds = minus, -seconds
	}
	var parts []string
	for i, size := range [3]int64{3600, 60, 1} {
		if n := seconds / size; n > 0 {
			parts = append(parts, strconv.FormatInt(n, 10)+nbsp+units[i])
		}
		seconds %= size
	}
	if len(parts) == 0 {
		return "0" + nbsp + units[2]
	}
	return sign + strings.Join(parts, nbsp)
}
