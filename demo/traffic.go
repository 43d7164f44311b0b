package demo

import (
	"fmt"
	"io"
	"math/rand/v2"
	"sort"
	"strings"
	"time"
)

// line is a record of a usage file with the time at which it was written.
type line struct {
	at   time.Time
	text string
}

// write puts lines in the order in which the producer wrote them.
func write(w io.Writer, lines []line) error {
	sort.SliceStable(lines, func(i, k int) bool { return lines[i].at.Before(lines[k].at) })
	for _, l := range lines {
		if _, err := io.WriteString(w, l.text); err != nil {
			return err
		}
	}
	return nil
}

// span is the time a file covers, half-open.
type span struct{ from, to time.Time }

// moment draws an instant of a span, in waking hours mostly.
func (s span) moment(r *rand.Rand) time.Time {
	at := s.from.Add(time.Duration(r.Int64N(int64(s.to.Sub(s.from)))))
	if hour := at.Hour(); hour < 7 && !chance(r, 15) {
		at = at.Add(time.Duration(8+r.IntN(10)) * time.Hour)
	}
	if !at.Before(s.to) {
		at = s.to.Add(-time.Second)
	}
	return at.Truncate(time.Second)
}

// radiusSessions writes what a FreeRADIUS detail file says of one login's
// sessions: start, interim updates, stop; counters over 4 GiB carry gigawords;
// now and then a packet is repeated or comes late.
func radiusSessions(r *rand.Rand, s span, login, nas string, sessions int, heavy bool) []line {
	var lines []line
	for n := range sessions {
		begin := s.moment(r)
		length := time.Duration(20+r.IntN(600)) * time.Minute
		if begin.Add(length).After(s.to) {
			length = s.to.Sub(begin)
		}
		id := fmt.Sprintf("%08X%s%02d", uint32(begin.Unix()), login[max(0, len(login)-5):], n)
		down := uint64(r.Int64N(900_000_000) + 20_000_000)
		if heavy {
			down *= 9
		}
		up := down / uint64(8+r.IntN(12))
		packet := func(at time.Time, kind string, share float64) line {
			return line{at, detailPacket(at, kind, login, nas, id, at.Sub(begin), uint64(float64(up)*share), uint64(float64(down)*share))}
		}
		half := packet(begin.Add(length/2), "Interim-Update", 0.45)
		stop := packet(begin.Add(length), "Stop", 1)
		lines = append(lines, packet(begin, "Start", 0), half, stop)
		switch {
		case chance(r, 2): // the server didn't hear the answer and sent it again
			lines = append(lines, line{stop.at.Add(3 * time.Second), stop.text})
		case chance(r, 2): // the interim update arrives after the stop
			lines[len(lines)-2].at = stop.at.Add(2 * time.Second)
		}
	}
	return lines
}

func detailPacket(at time.Time, kind, login, nas, session string, online time.Duration, up, down uint64) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s\n", at.Format("Mon Jan _2 15:04:05 2006"))
	attr := func(name, value string) { fmt.Fprintf(&b, "\t%s = %s\n", name, value) }
	attr("Acct-Session-Id", `"`+session+`"`)
	attr("Acct-Status-Type", kind)
	attr("User-Name", `"`+login+`"`)
	attr("NAS-IP-Address", nas)
	attr("NAS-Port-Type", "Ethernet")
	attr("Service-Type", "Framed-User")
	attr("Framed-Protocol", "PPP")
	if kind != "Start" {
		attr("Acct-Session-Time", fmt.Sprint(int64(online.Seconds())))
		attr("Acct-Input-Octets", fmt.Sprint(uint32(up)))
		attr("Acct-Output-Octets", fmt.Sprint(uint32(down)))
		attr("Acct-Input-Gigawords", fmt.Sprint(up>>32))
		attr("Acct-Output-Gigawords", fmt.Sprint(down>>32))
	}
	if kind == "Stop" {
		attr("Acct-Terminate-Cause", "User-Request")
	}
	attr("Event-Timestamp", `"`+at.Format("Jan _2 2006 15:04:05 MST")+`"`)
	attr("Acct-Delay-Time", "0")
	attr("Timestamp", fmt.Sprint(at.Unix()))
	b.WriteString("\n")
	return b.String()
}

// dialled is a destination with how often it is called.
type dialled struct {
	prefix string
	digits int // behind the prefix
	weight int
}

func dial(r *rand.Rand, to []dialled) string {
	total := 0
	for _, d := range to {
		total += d.weight
	}
	n := r.IntN(total)
	for _, d := range to {
		if n -= d.weight; n < 0 {
			number := d.prefix
			for range d.digits {
				number += string(rune('0' + r.IntN(10)))
			}
			return number
		}
	}
	return ""
}

// talk draws a call's length in seconds: many short ones, few long ones.
func talk(r *rand.Rand) int {
	seconds := 5 + int(r.ExpFloat64()*140)
	return min(seconds, 3*3600)
}

var jakartaDials = []dialled{{"021", 7, 40}, {"0812", 8, 30}, {"0857", 8, 15}, {"0251", 7, 8}, {"0065", 8, 4}, {"0049", 9, 1}}

// asteriskCalls writes one line's calls as cdr_csv does, with uniqueid.
func asteriskCalls(r *rand.Rand, s span, number string, calls int) []line {
	var lines []line
	for range calls {
		start := s.moment(r)
		seconds, ring := talk(r), 3+r.IntN(15)
		answered, disposition := start.Add(time.Duration(ring)*time.Second), "ANSWERED"
		answer, billed := answered.Format(asteriskTime), seconds
		if chance(r, 12) {
			answer, billed, seconds, disposition = "", 0, 0, "NO ANSWER"
		}
		end := start.Add(time.Duration(ring+seconds) * time.Second)
		to := dial(r, jakartaDials)
		unique := fmt.Sprintf("%d.%d", start.Unix(), 1000+r.IntN(900000))
		lines = append(lines, line{end, fmt.Sprintf("\"\",\"%s\",\"%s\",\"from-internal\",\"\"\"%s\"\" <%s>\",\"PJSIP/%s-%08x\",\"PJSIP/trunk-%08x\",\"Dial\",\"PJSIP/%s@trunk,60\",\"%s\",\"%s\",\"%s\",%d,%d,\"%s\",\"DOCUMENTATION\",\"%s\",\"\"\n",
			number, to, number, number, number, r.Uint32(), r.Uint32(), to,
			start.Format(asteriskTime), answer, end.Format(asteriskTime), ring+seconds, billed, disposition, unique)})
	}
	return lines
}

const asteriskTime = "2006-01-02 15:04:05"

var hamburgDials = []dialled{{"+4915", 9, 38}, {"+4917", 9, 30}, {"+4940", 7, 18}, {"+4930", 7, 6}, {"+4366", 8, 3}, {"+90532", 7, 2}, {"+1212", 7, 2}}

// mobileCalls writes one number's calls as the host network's mediation hands
// them over (see callMapping).
func mobileCalls(r *rand.Rand, s span, msisdn string, calls int) []line {
	var lines []line
	for range calls {
		start, seconds := s.moment(r), talk(r)
		id := fmt.Sprintf("%x-%08x", start.Unix(), r.Uint32())
		lines = append(lines, line{start.Add(time.Duration(seconds) * time.Second),
			fmt.Sprintf("%s;MOC;%s;%s;%s;%d\n", id, msisdn, dial(r, hamburgDials), start.UTC().Format(time.RFC3339), seconds)})
	}
	return lines
}

// mobileEvents writes one number's messages and data sessions as JSON events.
func mobileEvents(r *rand.Rand, s span, msisdn string, events int, heavy bool) []line {
	var lines []line
	for range events {
		start := s.moment(r)
		end, kind, unit, quantity, to := start, "message", "event", int64(1), dial(r, hamburgDials)
		if !chance(r, 25) {
			end = start.Add(time.Duration(60+r.IntN(3000)) * time.Second)
			kind, unit, to = "data", "byte", "internet"
			quantity = 100_000 + int64(r.ExpFloat64()*90_000_000)
			if heavy {
				quantity *= 6
			}
		}
		id := fmt.Sprintf("%s-%x-%08x", kind, start.Unix(), r.Uint32())
		lines = append(lines, line{end, fmt.Sprintf(`{"id":"%s","kind":"%s","identity":{"kind":"msisdn","value":"%s"},"start":"%s","end":"%s","quantity":%d,"unit":"%s","destination":"%s"}`+"\n",
			id, kind, msisdn, start.UTC().Format(time.RFC3339), end.UTC().Format(time.RFC3339), quantity, unit, to)})
	}
	return lines
}
