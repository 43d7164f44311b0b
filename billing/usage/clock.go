package usage

import (
	"errors"
	"strconv"
	"sync"
	"time"
)

const (
	layoutRFC3339    = "rfc3339"
	layoutUnix       = "unix"
	layoutUnixMillis = "unix_ms"
	layoutLocal      = "2006-01-02 15:04:05" // what most switches write; read without package time

	maxUnixMicro = 253402300799 * 1e6 // the end of the year 9999
)

var (
	errTimeText = errors.New("cannot be read by the declared layout")
	errTimeGap  = errors.New("does not exist in the declared zone: clocks were moved forward over it")
)

// clock turns the producer's times into UTC. Local offsets are kept per quarter
// of an hour: zones change on such bounds, and calls of a file lie close
// together. It is not safe for concurrent use.
type clock struct {
	layout   string
	zone     *time.Location
	offset   func() bool // whether the layout carries an offset; asked once
	quarters [256]quarter
}

func newClock(layout string, zone *time.Location) clock {
	return clock{layout: layout, zone: zone, offset: sync.OnceValue(func() bool { return hasOffset(layout) })}
}

// quarter is a quarter of an hour of local time that has one offset all along.
type quarter struct {
	number int64 // local seconds since 1970 / 900, plus one: zero is an empty slot
	offset int64
}

// instant is a point in time, or two where clocks were moved back over it.
type instant struct {
	unixMicro int64
	again     int64 // the second time the clock shows it; equal to unixMicro as a rule
}

func (i instant) twice() bool { return i.unixMicro != i.again }

func utc(unixMicro int64) time.Time { return time.UnixMicro(unixMicro).UTC() }

func (c *clock) parse(text string) (instant, error) {
	switch c.layout {
	case layoutLocal:
		if local, ok := parseLocal(text); ok {
			return c.fromLocal(local, 0)
		}
		return instant{}, errTimeText
	case layoutUnix, layoutUnixMillis:
		return parseUnix(text, c.layout)
	case layoutRFC3339:
		t, err := time.Parse(time.RFC3339Nano, text)
		if err != nil {
			return instant{}, errTimeText
		}
		return instant{t.UnixMicro(), t.UnixMicro()}, nil
	}
	return c.parseLayout(text)
}

func parseUnix(text, layout string) (instant, error) {
	perUnit := int64(1e6)
	if layout == layoutUnixMillis {
		perUnit = 1e3
	}
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil || n < 0 || n > maxUnixMicro/perUnit {
		return instant{}, errTimeText
	}
	return instant{n * perUnit, n * perUnit}, nil
}

// parseLayout reads the wall clock first: a layout without an offset means the
// declared zone, where the time may exist twice or not at all.
func (c *clock) parseLayout(text string) (instant, error) {
	t, err := time.Parse(c.layout, text)
	if err != nil {
		return instant{}, errTimeText
	}
	if c.offset() {
		return instant{t.UnixMicro(), t.UnixMicro()}, nil
	}
	return c.fromLocal(t.Unix(), int64(t.Nanosecond()/1000))
}

// hasOffset tells a layout that carries an offset from one of local time, by
// what it writes for an instant in a zone far from UTC.
func hasOffset(layout string) bool {
	at := time.Date(2031, time.June, 1, 12, 0, 0, 0, time.FixedZone("", 5*3600+45*60))
	back, err := time.Parse(layout, at.Format(layout))
	return err == nil && back.Equal(at)
}

// fromLocal places local wall-clock seconds in the zone.
func (c *clock) fromLocal(local, micros int64) (instant, error) {
	number := local/900 + 1
	slot := &c.quarters[uint64(number)%uint64(len(c.quarters))]
	if slot.number == number {
		at := (local-slot.offset)*1e6 + micros
		return instant{at, at}, nil
	}
	first, second, err := c.offsets(local)
	if err != nil {
		return instant{}, err
	}
	if first == second && c.steady(local/900*900, first) {
		*slot = quarter{number, first}
	}
	return instant{(local-first)*1e6 + micros, (local-second)*1e6 + micros}, nil
}

// offsets finds the offsets that show this local time: one, two when clocks
// were moved back over it (the earlier instant first), none when forward.
func (c *clock) offsets(local int64) (first, second int64, err error) {
	const day = 24 * 3600
	before, after := c.offsetAt(local-day), c.offsetAt(local+day)
	isBefore := c.offsetAt(local-before) == before
	isAfter := c.offsetAt(local-after) == after
	switch {
	case isBefore && isAfter:
		return before, after, nil
	case isBefore:
		return before, before, nil
	case isAfter:
		return after, after, nil
	}
	return 0, 0, errTimeGap
}

// steady says whether the quarter of an hour has this one offset all along.
func (c *clock) steady(from, offset int64) bool {
	for _, local := range [...]int64{from, from + 899} {
		first, second, err := c.offsets(local)
		if err != nil || first != offset || second != offset {
			return false
		}
	}
	return true
}

func (c *clock) offsetAt(unix int64) int64 {
	_, offset := time.Unix(unix, 0).In(c.zone).Zone()
	return int64(offset)
}

// parseLocal reads "2006-01-02 15:04:05" to seconds since 1970 as if it were UTC.
func parseLocal(s string) (int64, bool) {
	if len(s) != 19 || s[4] != '-' || s[7] != '-' || s[10] != ' ' || s[13] != ':' || s[16] != ':' {
		return 0, false
	}
	century, ok1 := twoDigits(s, 0)
	year, ok2 := twoDigits(s, 2)
	month, ok3 := twoDigits(s, 5)
	day, ok4 := twoDigits(s, 8)
	hour, ok5 := twoDigits(s, 11)
	minute, ok6 := twoDigits(s, 14)
	second, ok7 := twoDigits(s, 17)
	year += 100 * century
	digits := ok1 && ok2 && ok3 && ok4 && ok5 && ok6 && ok7
	if !digits || month < 1 || month > 12 || day < 1 || day > daysIn(year, month) || hour > 23 || minute > 59 || second > 59 {
		return 0, false
	}
	return daysSince1970(year, month, day)*86400 + hour*3600 + minute*60 + second, true
}

func twoDigits(s string, at int) (int64, bool) {
	tens, ones := s[at]-'0', s[at+1]-'0'
	return int64(tens)*10 + int64(ones), tens <= 9 && ones <= 9
}

func daysIn(year, month int64) int64 {
	switch month {
	case 4, 6, 9, 11:
		return 30
	case 2:
		if year%4 == 0 && (year%100 != 0 || year%400 == 0) {
			return 29
		}
		return 28
	}
	return 31
}

// daysSince1970 counts days of the Gregorian calendar with years that begin in
// March, so that a leap day ends its year.
func daysSince1970(year, month, day int64) int64 {
	if month <= 2 {
		year--
		month += 12
	}
	era := year / 400
	if year < 0 {
		era = -1 // year 0 in January or February
	}
	ofEra := year - era*400
	ofYear := (153*(month-3)+2)/5 + day - 1
	return era*146097 + ofEra*365 + ofEra/4 - ofEra/100 + ofYear - 719468
}
