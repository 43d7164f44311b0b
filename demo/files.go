package demo

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"time"
)

// share is how many of a month's events fall into a span.
func share(r *rand.Rand, perMonth int, s span) int {
	const month = 30 * 24 * time.Hour
	mean := float64(perMonth) * float64(s.to.Sub(s.from)) / float64(month)
	n := int(mean)
	if r.Float64() < mean-float64(n) {
		n++
	}
	return n
}

func (s subscriber) chance(p Plan, company string, at span) *rand.Rand {
	return random(p.Seed, fmt.Sprintf("%s/%d/usage/%d", company, s.index, at.from.Unix()))
}

func nusantaraFiles(p Plan, at span, active []subscriber) []usageFile {
	bras, calls := usageFile{source: "bras"}, usageFile{source: "softswitch"}
	for _, s := range active {
		r := s.chance(p, "nusantara", at)
		if s.login != "" {
			// A session is three packets: start, interim update, stop.
			bras.lines = append(bras.lines, radiusSessions(r, at, s.login, s.nas, share(r, p.Events[0], at), s.heavy)...)
		}
		if s.line != "" {
			calls.lines = append(calls.lines, asteriskCalls(r, at, s.line, share(r, 2*p.Events[0], at))...)
		}
	}
	day := at.to.Format("20060102")
	bras.name, calls.name = "detail-"+day, "Master-"+day+".csv"
	return []usageFile{bras, calls}
}

func hanseFiles(p Plan, at span, active []subscriber) []usageFile {
	calls, events := usageFile{source: "calls"}, usageFile{source: "events"}
	for _, s := range active {
		r := s.chance(p, "hanse", at)
		calls.lines = append(calls.lines, mobileCalls(r, at, s.msisdn, share(r, p.Events[1]/2, at))...)
		events.lines = append(events.lines, mobileEvents(r, at, s.msisdn, share(r, p.Events[1]-p.Events[1]/2, at), s.heavy)...)
	}
	if r := random(p.Seed, "hanse/garbled/"+at.from.String()); chance(r, 30) {
		// A record that the mediation garbled: it waits in suspense.
		calls.lines = append(calls.lines, line{at.to, fmt.Sprintf("%x-garbled;MOC;%s;;not a time;-5\n", at.to.Unix(), strings.Repeat("?", 4))})
	}
	day := at.to.Format("20060102")
	calls.name, events.name = "moc-"+day+".csv", "events-"+day+".ndjson"
	return []usageFile{calls, events}
}
