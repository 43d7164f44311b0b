package usage

import (
	"fmt"
	"math"
	"time"
)

// futureSlack is how far clocks of producers may run ahead.
const futureSlack = 24 * time.Hour

// window is the span of dates that are believable at a business time.
type window struct {
	from, to time.Time
	maxAge   time.Duration
}

func newWindow(at time.Time, maxAge time.Duration) window {
	return window{from: at.Add(-maxAge), to: at.Add(futureSlack), maxAge: maxAge}
}

func (w window) check(r *Record) *Problem {
	switch {
	case r.Start.Before(w.from):
		return &Problem{"start", TooOld, "the use began " + r.Start.Format(time.RFC3339),
			fmt.Sprintf("at most %d days before %s", int(w.maxAge.Hours())/24, w.from.Add(w.maxAge).Format(time.RFC3339))}
	case r.End.After(w.to):
		return &Problem{"end", InFuture, "the use ended " + r.End.Format(time.RFC3339),
			"at most a day after " + w.to.Add(-futureSlack).Format(time.RFC3339)}
	}
	return nil
}

// settleTimes completes a record's span. What the text leaves open in the hour
// that clocks show twice is decided by the duration where there is one.
func settleTimes(start, end instant, hasStart, hasEnd bool, seconds int64) (from, to int64, fault *Problem) {
	if seconds < 0 {
		seconds = 0 // not a duration
	}
	if seconds > math.MaxInt32 {
		return 0, 0, &Problem{"quantity", BadNumber, "the duration is longer than 68 years", "seconds"}
	}
	switch {
	case !hasEnd:
		return start.unixMicro, start.unixMicro + seconds*1e6, nil
	case !hasStart:
		return end.unixMicro - seconds*1e6, end.unixMicro, nil
	}
	from, to = start.unixMicro, end.unixMicro
	if start.twice() || end.twice() {
		from, to = nearest(start, end, seconds*1e6)
	}
	if to < from {
		return 0, 0, &Problem{"end", EndBeforeStart,
			"ends " + utc(to).Format(time.RFC3339) + ", begins " + utc(from).Format(time.RFC3339), "an end at or after the start"}
	}
	return from, to, nil
}

// nearest picks, of the readings of both ends, the pair that lies in order and
// is closest to the duration; the earliest of equals.
func nearest(start, end instant, micros int64) (from, to int64) {
	from, to = start.unixMicro, end.unixMicro
	best := int64(math.MaxInt64)
	for _, s := range [...]int64{start.unixMicro, start.again} {
		for _, e := range [...]int64{end.unixMicro, end.again} {
			off := e - s - micros
			if off < 0 {
				off = -off
			}
			if e >= s && off < best {
				best, from, to = off, s, e
			}
		}
	}
	return from, to
}
