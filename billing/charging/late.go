package charging

import (
	"fmt"
	"time"

	"tollhouse/billing/calendar"
	"tollhouse/billing/usage"
)

// ownCycle is the start of the cycle in which something happened. Its tiers
// count there, whichever bill it comes on: late use of May must neither find
// June's counters nor move them.
func (p *payer) ownCycle(at time.Time, zone *time.Location) calendar.Date {
	if !at.Before(p.openFrom) && at.Before(p.openTo) {
		return p.open.From
	}
	return p.cycle.Containing(calendar.DateOf(at, zone)).From
}

// tooLate says why use of a closed cycle is taken no more: the operator's
// correction window has passed. It waits for a person then.
func (s *scene) tooLate(p *payer, at time.Time) *usage.Problem {
	if !at.Before(p.openFrom) {
		return nil
	}
	ended := p.cycle.Containing(calendar.DateOf(at, s.zone)).To
	last := ended.AddDays(s.correctable)
	if s.today.Before(last) {
		return nil
	}
	return &usage.Problem{
		Field: "end", Code: usage.PastWindow, Want: "use that arrives in time, or a longer correction window",
		Reason: fmt.Sprintf("its cycle ended on %s and could be corrected before %s", ended, last),
	}
}
