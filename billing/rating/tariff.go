package rating

import (
	"errors"
	"math"
	"strings"
	"time"

	"tollhouse/billing/catalog"
	"tollhouse/billing/money"
)

// ErrTooFine says that an offering's prices have no common denominator of 62
// bits. Real price lists need about 30.
var ErrTooFine = errors.New("prices are too fine to be summed exactly")

// Tariff is an offering made ready for pricing in one zone. It never changes
// and may be used by any number of goroutines.
type Tariff struct {
	currency money.Unit
	clock    clock
	voice    *usage
	data     *usage
	message  *usage
	content  *usage
}

// usage is a compiled catalog.UsagePrice.
type usage struct {
	code     string
	names    catalog.Names
	kind     catalog.UsageKind
	unit     money.Unit
	tax      string
	total    scaled
	rules    []rule
	counters []string
	prefixes prefixTable
}

// rule is a compiled catalog.Rule. Numerators are over usage.total.denominator.
type rule struct {
	code         string
	lineCode     string
	lineNames    catalog.Names
	slots        []slot
	tiers        *tiers
	fee          wide
	minimum, cap *wide
	source       *catalog.Rule
}

// slot is a price from a position of the event on.
type slot struct {
	from      int64
	increment int64
	numerator int64 // price of one second, byte or event
	price     money.Decimal
	per       catalog.Quantity
}

// end returns the position at which slot i of r ends.
func (r *rule) end(i int) int64 {
	if i+1 < len(r.slots) {
		return r.slots[i+1].from
	}
	return math.MaxInt64
}

// slotAt returns the index of the slot that holds at position.
func (r *rule) slotAt(position int64) int {
	i := 0
	for r.end(i) <= position {
		i++
	}
	return i
}

// Currency returns the currency of the tariff's prices.
func (t *Tariff) Currency() money.Unit { return t.currency }

func (t *Tariff) usageOf(kind catalog.UsageKind) *usage {
	switch kind {
	case catalog.VoiceUsage:
		return t.voice
	case catalog.DataUsage:
		return t.data
	case catalog.MessageUsage:
		return t.message
	case catalog.ContentUsage:
		return t.content
	}
	return nil
}

// prefixTable finds the schedule of the longest prefix.
type prefixTable struct {
	schedules map[string]*schedule
	lengths   []int // descending, without 0
}

func (t *prefixTable) find(destination string) (prefix string, s *schedule) {
	for _, n := range t.lengths {
		if n > len(destination) {
			continue
		}
		if s := t.schedules[destination[:n]]; s != nil {
			return destination[:n], s
		}
	}
	return "", t.schedules[""]
}

// schedule says which rule applies when. Most have one rule for always.
type schedule struct {
	always int16 // rule index, or -1 if spans decide
	spans  [catalog.DayCount][]span
}

// span is a part of a day up to until; rule is -1 where there is none.
type span struct {
	until catalog.TimeOfDay
	rule  int16
}

// clock knows the local day and time of instants.
type clock struct {
	loc      *time.Location
	holidays map[localDay]struct{}
}

type localDay struct {
	year  int
	month time.Month
	day   int
}

// rule returns the rule at t and the instant up to which it holds: the end of
// its span or, if earlier, the next change of the zone's clocks.
func (s *schedule) rule(c clock, t time.Time) (rule int16, until time.Time) {
	t = t.In(c.loc)
	hour, minute, second := t.Clock()
	now := catalog.TimeOfDay(hour*60 + minute)
	spans := s.spans[c.day(t)]
	i := 0
	for spans[i].until <= now {
		i++
	}
	intoMinute := time.Duration(second)*time.Second + time.Duration(t.Nanosecond())
	until = t.Add(time.Duration(spans[i].until-now)*time.Minute - intoMinute)
	// A change that is past is none: see calendar.Date.Start on leap years.
	if _, change := t.ZoneBounds(); change.After(t) && change.Before(until) {
		until = change
	}
	return spans[i].rule, until
}

func (c clock) day(local time.Time) catalog.Day {
	if len(c.holidays) > 0 {
		y, m, d := local.Date()
		if _, holiday := c.holidays[localDay{y, m, d}]; holiday {
			return catalog.Holiday
		}
	}
	return catalog.WeekdayOf(local.Weekday())
}

func normalDestination(s string) string { return strings.TrimPrefix(s, "+") }
