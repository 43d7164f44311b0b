package catalog

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"tollhouse/billing/calendar"
)

// ErrWindow says that a text is no day or time of day of a window.
var ErrWindow = errors.New("not a day or time of day")

// Window is a span of local time on some days, From up to but not including
// To. It doesn't cross midnight: that is written as two windows. A day has to
// fit all of Days, Months, MonthDays and the dates that are named.
type Window struct {
	// Days defaults to all eight.
	Days []Day `json:"days,omitempty"`
	// Months are 1 to 12 and MonthDays 1 to 31; empty is all.
	Months    []time.Month `json:"months,omitempty"`
	MonthDays []int        `json:"month_days,omitempty"`
	// Dates are single days; FirstDate and LastDate bound the days, both
	// included, and either may be absent.
	Dates     []calendar.Date `json:"dates,omitempty"`
	FirstDate *calendar.Date  `json:"first_date,omitempty"`
	LastDate  *calendar.Date  `json:"last_date,omitempty"`
	// From defaults to 00:00 and To to 24:00.
	From *TimeOfDay `json:"from,omitempty"`
	To   *TimeOfDay `json:"to,omitempty"`
}

// Day is a sort of local day. A date in the offering's list of holidays is a
// Holiday and not a weekday.
type Day uint8

// Days, in the order of a grid's rows.
const (
	Monday Day = iota
	Tuesday
	Wednesday
	Thursday
	Friday
	Saturday
	Sunday
	Holiday
)

// DayCount is the number of sorts of days.
const DayCount = 8

var dayNames = [DayCount]string{"mon", "tue", "wed", "thu", "fri", "sat", "sun", "holiday"}

// WeekdayOf returns the Day of a weekday.
func WeekdayOf(w time.Weekday) Day { return Day((w + 6) % 7) }

// String returns "mon" to "sun" or "holiday".
func (d Day) String() string {
	if int(d) < len(dayNames) {
		return dayNames[d]
	}
	return fmt.Sprintf("day(%d)", uint8(d))
}

// MarshalText writes the day's name.
func (d Day) MarshalText() ([]byte, error) { return []byte(d.String()), nil }

// UnmarshalText reads the day's name.
func (d *Day) UnmarshalText(text []byte) error {
	for i, name := range dayNames {
		if string(text) == name {
			*d = Day(i)
			return nil
		}
	}
	return fmt.Errorf("%w: %.20q", ErrWindow, text)
}

// TimeOfDay counts minutes of local wall time since 00:00, up to 24:00.
type TimeOfDay int

// DayMinutes is 24:00.
const DayMinutes TimeOfDay = 24 * 60

// String returns "08:00".
func (t TimeOfDay) String() string { return fmt.Sprintf("%02d:%02d", t/60, t%60) }

// MarshalText writes "08:00".
func (t TimeOfDay) MarshalText() ([]byte, error) { return []byte(t.String()), nil }

// UnmarshalText reads "08:00"; 24:00 is the last.
func (t *TimeOfDay) UnmarshalText(text []byte) error {
	s := string(text)
	if s == "24:00" {
		*t = DayMinutes
		return nil
	}
	clock, err := time.Parse("15:04", s)
	if err != nil || len(s) != 5 {
		return fmt.Errorf("%w: %.20q", ErrWindow, s)
	}
	*t = TimeOfDay(clock.Hour()*60 + clock.Minute())
	return nil
}

// Span returns the window's minutes with the defaults filled in.
func (w Window) Span() (from, to TimeOfDay) {
	to = DayMinutes
	if w.From != nil {
		from = *w.From
	}
	if w.To != nil {
		to = *w.To
	}
	return from, to
}

// On reports whether w lies on a date that counts as a day of sort d.
func (w *Window) On(date calendar.Date, d Day) bool {
	switch {
	case len(w.Days) > 0 && !slices.Contains(w.Days, d),
		len(w.Months) > 0 && !slices.Contains(w.Months, date.Month),
		len(w.MonthDays) > 0 && !slices.Contains(w.MonthDays, date.Day),
		len(w.Dates) > 0 && !slices.Contains(w.Dates, date),
		w.FirstDate != nil && date.Before(*w.FirstDate),
		w.LastDate != nil && w.LastDate.Before(date):
		return false
	}
	return true
}
