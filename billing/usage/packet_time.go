package usage

import (
	"strconv"
	"strings"
	"time"
)

// nasHasClock is the first year a NAS's own time is believed in: one without a
// battery begins at 1970 until it has heard from a time server.
const nasHasClock = 2000

// reportedAt is when the NAS sent the packet first: its own time, else the
// server's less the delay it admits to, else the date line.
func (p *packetParser) reportedAt() (time.Time, *Problem) {
	if at, ok := p.eventTime(p.values[eventTimestamp]); ok && at.Year() >= nasHasClock {
		return at, nil
	}
	if p.seen[timestamp] {
		received, err := strconv.ParseInt(p.values[timestamp], 10, 64)
		if err != nil || received < 0 || received > maxUnixMicro/1e6 {
			return time.Time{}, &Problem{"Timestamp", BadTime, quote(clip(p.values[timestamp])) + " is no time", "seconds since 1970"}
		}
		delay, fault := p.number(acctDelayTime, "Acct-Delay-Time")
		return time.Unix(received-int64(delay), 0).UTC(), fault
	}
	wall, err := time.Parse("Mon Jan _2 15:04:05 2006", p.header)
	if err != nil {
		return time.Time{}, &Problem{"Event-Timestamp", BadTime, "no time of this record can be read",
			"Event-Timestamp, Timestamp, or a date line such as Tue Jun  2 02:00:00 2026"}
	}
	at, err := p.clock.fromLocal(wall.Unix(), 0)
	if err != nil {
		return time.Time{}, &Problem{"date line", BadTime, quote(p.header) + " " + err.Error(), "a time in " + p.clock.zone.String()}
	}
	return utc(at.unixMicro), nil
}

// eventTime reads "Jun  2 2026 02:00:00 WIB". An abbreviation means something
// only in its zone, so one that the declared zone does not use is not believed.
func (p *packetParser) eventTime(text string) (time.Time, bool) {
	at := strings.LastIndexByte(text, ' ')
	if at < 0 {
		return time.Time{}, false
	}
	wall, err := time.Parse("Jan _2 2006 15:04:05", text[:at])
	if err != nil {
		return time.Time{}, false
	}
	abbreviation := text[at+1:]
	if abbreviation == "UTC" || abbreviation == "GMT" {
		return wall, true
	}
	local, err := p.clock.fromLocal(wall.Unix(), 0)
	if err != nil {
		return time.Time{}, false
	}
	for _, micro := range [...]int64{local.unixMicro, local.again} {
		if name, _ := utc(micro).In(p.clock.zone).Zone(); name == abbreviation {
			return utc(micro), true
		}
	}
	return time.Time{}, false
}
