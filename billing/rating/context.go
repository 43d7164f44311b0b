package rating

import (
	"time"

	"tollhouse/billing/calendar"
	"tollhouse/billing/catalog"
)

// Context is what an offering's names stand for.
type Context struct {
	// Zone is that of the time windows.
	Zone *time.Location
	// Decks are the prefix tables that destinations and buckets name, by code.
	Decks map[string]*catalog.Deck
	// Calendars are lists of holidays by code.
	Calendars map[string][]calendar.Date
	// Rates converts prices of other currencies; without it they are refused.
	Rates *catalog.Rates
}

// clock tells what a moment is called in the tariff's zone. Days of one
// calendar are its holidays.
type clock struct {
	loc      *time.Location
	holidays map[calendar.Date]struct{}
}

func newClock(loc *time.Location, lists ...[]calendar.Date) clock {
	c := clock{loc: loc, holidays: map[calendar.Date]struct{}{}}
	for _, list := range lists {
		for _, d := range list {
			c.holidays[d] = struct{}{}
		}
	}
	return c
}

// moment is an instant as clocks show it.
type moment struct {
	at    time.Time // local
	date  calendar.Date
	day   catalog.Day
	time  catalog.TimeOfDay
	under time.Duration // since the minute began
}

func (c clock) moment(t time.Time) moment {
	t = t.In(c.loc)
	year, month, day := t.Date()
	hour, minute, second := t.Clock()
	m := moment{
		at: t, date: calendar.Date{Year: year, Month: month, Day: day}, day: catalog.WeekdayOf(t.Weekday()),
		time:  catalog.TimeOfDay(hour*60 + minute),
		under: time.Duration(second)*time.Second + time.Duration(t.Nanosecond()),
	}
	if len(c.holidays) > 0 {
		if _, holiday := c.holidays[m.date]; holiday {
			m.day = catalog.Holiday
		}
	}
	return m
}

// at returns the instant at which clocks show a later time of the same day
// or, if earlier, that of the next change of the zone's clocks.
func (m moment) until(t catalog.TimeOfDay) time.Time {
	until := m.at.Add(time.Duration(t-m.time)*time.Minute - m.under)
	// A change that is past is none: see calendar.Date.Start on leap years.
	if _, change := m.at.ZoneBounds(); change.After(m.at) && change.Before(until) {
		until = change
	}
	return until
}
