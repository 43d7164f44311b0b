package calendar

import "time"

// Proration says in what parts of a period are counted.
type Proration string

// A tenant picks one. By the day, a part is whole local days, however long they
// are; by the second, what clocks measure: a day on which they change is longer
// or shorter than others.
const (
	ByDay    Proration = "day"
	BySecond Proration = "second"
)

// Counted is a way to count in a zone.
type Counted struct {
	By   Proration
	Zone *time.Location
}

// Units counts from one instant to another: days that begin between them, or
// seconds.
func (c Counted) Units(from, to time.Time) int64 {
	if !from.Before(to) {
		return 0
	}
	if c.By == BySecond {
		return int64(c.Cut(to).Sub(c.Cut(from)) / time.Second)
	}
	return int64(DateOf(from, c.Zone).DaysUntil(DateOf(to, c.Zone)))
}

// Whole is how many units a period has.
func (c Counted) Whole(p Period) int64 {
	if c.By != BySecond {
		return int64(p.Days())
	}
	return c.Units(p.Instants(c.Zone))
}

// Cut is the bound at or before an instant: the beginning of its day or second.
func (c Counted) Cut(at time.Time) time.Time {
	if c.By == BySecond {
		return at.Truncate(time.Second)
	}
	return DateOf(at, c.Zone).Start(c.Zone)
}

// Through is the first day that begins at a cut instant or after it.
func (c Counted) Through(at time.Time) Date {
	day := DateOf(at, c.Zone)
	if day.Start(c.Zone).Before(at) {
		return day.AddDays(1)
	}
	return day
}
