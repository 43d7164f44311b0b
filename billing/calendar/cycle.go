package calendar

import (
	"errors"
	"fmt"
	"time"
)

// ErrCycle says that a cycle's length, anchor or policy cannot be used.
var ErrCycle = errors.New("not a usable cycle")

// AnchorPolicy says what the 29th to 31st become in shorter months.
type AnchorPolicy string

const (
	// Clamp takes the last day of a shorter month and comes back after it.
	Clamp AnchorPolicy = "clamp"
	// Sticky28 counts the days 29 to 31 as the 28th, always.
	Sticky28 AnchorPolicy = "sticky_28"
)

// Cycle repeats from the day Anchor: every Months months (commonly 1, 3 or 12)
// or, where Days is set, every Days days, whatever month they lie in.
type Cycle struct {
	Anchor Date
	Months int
	Policy AnchorPolicy
	Days   int
}

// Check returns ErrCycle unless c can be counted with.
func (c Cycle) Check() error {
	switch {
	case c.Anchor.IsZero():
		return fmt.Errorf("%w: no anchor", ErrCycle)
	case c.Days < 0 || c.Days > 0 && c.Months > 0:
		return fmt.Errorf("%w: %d days and %d months", ErrCycle, c.Days, c.Months)
	case c.Days == 0 && c.Months < 1:
		return fmt.Errorf("%w: %d months", ErrCycle, c.Months)
	case c.Policy != Clamp && c.Policy != Sticky28:
		return fmt.Errorf("%w: policy %.20q", ErrCycle, c.Policy)
	}
	return nil
}

// Bound returns the n-th bound, counted from the original anchor; n may be
// negative. Bound(0) is the anchor, or the 28th under Sticky28; days are counted
// from the anchor itself.
func (c Cycle) Bound(n int) Date {
	anchor := c.Anchor
	if c.Days > 0 {
		return anchor.AddDays(n * c.Days)
	}
	if c.Policy == Sticky28 {
		anchor.Day = min(anchor.Day, 28)
	}
	return anchor.AddMonths(n * c.Months)
}

// Containing returns the period of c in which d lies.
func (c Cycle) Containing(d Date) Period {
	if c.Days > 0 {
		n := c.Anchor.DaysUntil(d)
		n = (n - (n%c.Days+c.Days)%c.Days) / c.Days
		return Period{c.Bound(n), c.Bound(n + 1)}
	}
	months := (d.Year-c.Anchor.Year)*12 + int(d.Month-c.Anchor.Month)
	n := months / c.Months
	for c.Bound(n).After(d) {
		n--
	}
	for !c.Bound(n + 1).After(d) {
		n++
	}
	return Period{c.Bound(n), c.Bound(n + 1)}
}

// Period is a half-open span of days: From, up to but not including To.
type Period struct {
	From Date `json:"from"`
	To   Date `json:"to"`
}

// Days returns the number of days in p.
func (p Period) Days() int { return p.From.DaysUntil(p.To) }

// Contains reports whether d lies in p.
func (p Period) Contains(d Date) bool { return !d.Before(p.From) && d.Before(p.To) }

// Instants returns p as instants in UTC: the first of From and the first of
// To, as clocks in loc show them.
func (p Period) Instants(loc *time.Location) (from, to time.Time) {
	return p.From.Start(loc), p.To.Start(loc)
}

// String returns "2026-05-01/2026-06-01", the ISO 8601 interval.
func (p Period) String() string { return p.From.String() + "/" + p.To.String() }
