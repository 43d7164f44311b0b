package calendar

import (
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5/pgtype"
)

var (
	// ErrSyntax says that a text is no date such as "2026-05-01".
	ErrSyntax = errors.New("not a date of the form 2026-05-01")
	// ErrNull says that a database NULL met a date that cannot be absent.
	ErrNull = errors.New("NULL is no date")
)

// Date is a day of the calendar, without zone or time. The zero value is no
// date. It is comparable.
type Date struct {
	Year  int
	Month time.Month
	Day   int
}

// ParseDate reads "2026-05-01".
func ParseDate(s string) (Date, error) {
	t, err := time.Parse(time.DateOnly, s)
	if err != nil {
		return Date{}, fmt.Errorf("%w: %.20q", ErrSyntax, s)
	}
	return civil(t), nil
}

// DateOf returns the day that clocks in loc show at t.
func DateOf(t time.Time, loc *time.Location) Date { return civil(t.In(loc)) }

func civil(t time.Time) Date {
	y, m, d := t.Date()
	return Date{y, m, d}
}

// atUTC is the day as an instant on a clock that never changes, for
// counting days.
func (d Date) atUTC() time.Time {
	return time.Date(d.Year, d.Month, d.Day, 0, 0, 0, 0, time.UTC)
}

// Start returns the first instant of d in loc, in UTC. Where midnight is
// skipped it is the moment of the change; where it comes twice, the first.
func (d Date) Start(loc *time.Location) time.Time {
	midnight := d.atUTC()
	// No zone is further than 14 h from UTC, so clocks show an earlier day here.
	span := midnight.Add(-26 * time.Hour).In(loc)
	for {
		_, offset := span.Zone()
		_, end := span.ZoneBounds()
		if !end.IsZero() && !end.After(span) {
			// Beyond the last change that a zone's file lists, package time ends
			// leap years a day early: on 31 December the span has ended before it
			// is asked for. No zone changes its clock on that day.
			end = span.Add(time.Hour)
		}
		first := midnight.Add(-time.Duration(offset) * time.Second)
		if first.Before(span) {
			first = span // this span of the zone begins after midnight
		}
		if end.IsZero() || first.Before(end) {
			return first.UTC()
		}
		span = end.In(loc)
	}
}

// Weekday returns the day of the week.
func (d Date) Weekday() time.Weekday { return d.atUTC().Weekday() }

// AddDays returns the date n days later, or earlier if n is negative.
func (d Date) AddDays(n int) Date { return civil(d.atUTC().AddDate(0, 0, n)) }

// AddMonths returns the same day n months later, or the last day of that
// month if it is shorter.
func (d Date) AddMonths(n int) Date {
	first := time.Date(d.Year, d.Month+time.Month(n), 1, 0, 0, 0, 0, time.UTC)
	y, m, _ := first.Date()
	return Date{y, m, min(d.Day, daysIn(y, m))}
}

func daysIn(year int, month time.Month) int {
	return time.Date(year, month+1, 0, 0, 0, 0, 0, time.UTC).Day()
}

// Compare returns -1, 0 or 1 as d is before, equal to or after e.
func (d Date) Compare(e Date) int { return d.atUTC().Compare(e.atUTC()) }

// Before reports whether d is an earlier day than e.
func (d Date) Before(e Date) bool { return d.Compare(e) < 0 }

// After reports whether d is a later day than e.
func (d Date) After(e Date) bool { return d.Compare(e) > 0 }

// Equal reports whether d and e are the same day.
func (d Date) Equal(e Date) bool { return d == e }

// DaysUntil returns the number of days from d to e, negative if e is earlier.
func (d Date) DaysUntil(e Date) int {
	return int(e.atUTC().Sub(d.atUTC()) / (24 * time.Hour))
}

// IsZero reports whether d is no date.
func (d Date) IsZero() bool { return d == Date{} }

// String returns "2026-05-01".
func (d Date) String() string {
	return fmt.Sprintf("%04d-%02d-%02d", d.Year, d.Month, d.Day)
}

// MarshalText writes "2026-05-01"; JSON follows it.
func (d Date) MarshalText() ([]byte, error) { return []byte(d.String()), nil }

// UnmarshalText reads "2026-05-01".
func (d *Date) UnmarshalText(text []byte) (err error) {
	*d, err = ParseDate(string(text))
	return err
}

// Bind reads a date from a query's parameter, as generated servers ask types to.
func (d *Date) Bind(text string) error { return d.UnmarshalText([]byte(text)) }

// DateValue implements pgtype.DateValuer; the zero date is stored as NULL.
func (d Date) DateValue() (pgtype.Date, error) {
	if d.IsZero() {
		return pgtype.Date{}, nil
	}
	return pgtype.Date{Time: d.atUTC(), Valid: true}, nil
}

// ScanDate implements pgtype.DateScanner. NULL and infinity are refused; scan
// into a pointer where NULL has a meaning.
func (d *Date) ScanDate(v pgtype.Date) error {
	if !v.Valid {
		return fmt.Errorf("scan date: %w", ErrNull)
	}
	if v.InfinityModifier != pgtype.Finite {
		return fmt.Errorf("scan date: %w: infinite", ErrSyntax)
	}
	*d = civil(v.Time)
	return nil
}
