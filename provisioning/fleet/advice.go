package fleet

import (
	"strings"
	"time"
)

// Advice is what to do next about a site that needs somebody.
type Advice string

// The advices. Whoever shows them has the words in the reader's language.
const (
	NoAdvice      Advice = ""
	AdviseRoom    Advice = "room"    // there is no room: buy, or take a smaller size
	AdviseQuota   Advice = "quota"   // our quota in the cloud is used up
	AdviseCloud   Advice = "cloud"   // the cloud does not answer
	AdviseMachine Advice = "machine" // the machine stands and does not come
	AdviseResume  Advice = "resume"  // put the reason right; it is tried again
	AdviseRebuild Advice = "rebuild" // it is gone: restore
	AdviseBackup  Advice = "backup"  // a deletion waits for its backup
	AdviseRepair  Advice = "repair"  // it has drifted
	AdviseSilent  Advice = "silent"  // its host says nothing
	AdviseHost    Advice = "host"    // its host is not well
	AdviseSetUp   Advice = "set_up"  // a part of the control plane is not set up
)

// words that reasons and clouds' own words have in common, the most telling
// first.
var telling = []struct {
	advice Advice
	words  []string
}{
	{AdviseSetUp, []string{"not set up", "is set up here"}},
	{AdviseQuota, []string{"quota"}},
	{AdviseRoom, []string{"no valid host", "novalidhost", "has room", "no room"}},
	{AdviseMachine, []string{"has not enrolled", "does not serve its operator"}},
	{AdviseCloud, []string{"does not answer", "connection refused", "took too long", "no such host", "timeout"}},
}

// Advice is what to do next; none where nothing needs anybody.
func (s Site) Advice(at time.Time) Advice {
	switch s.State {
	case Failed:
		if s.Held {
			return AdviseRebuild
		}
		return s.failureAdvice(AdviseResume)
	case Clearing, Removing:
		if s.Reason != "" {
			return s.failureAdvice(AdviseCloud)
		}
	case Closing:
		if s.Reason != "" {
			return AdviseBackup
		}
	case Ready:
		switch s.Health(at) {
		case HealthSilent:
			return AdviseSilent
		case HealthAiling:
			return AdviseHost
		case HealthDrifted:
			return AdviseRepair
		}
	}
	return NoAdvice
}

func (s Site) failureAdvice(otherwise Advice) Advice {
	text := strings.ToLower(s.Reason + " " + s.Detail)
	for _, t := range telling {
		for _, word := range t.words {
			if strings.Contains(text, word) {
				return t.advice
			}
		}
	}
	return otherwise
}

// Advices are all that may be shown.
func Advices() []Advice {
	return []Advice{AdviseRoom, AdviseQuota, AdviseCloud, AdviseMachine, AdviseResume, AdviseRebuild, AdviseBackup, AdviseRepair, AdviseSilent, AdviseHost, AdviseSetUp}
}

var english = map[Advice]string{
	AdviseRoom:    "See the capacity of its cloud: add a hypervisor there, free one, or take a smaller size. It is tried again by itself.",
	AdviseQuota:   "Have our quota in the cloud raised, or take a smaller size. It is tried again by itself.",
	AdviseCloud:   "See whether the cloud is up. It is tried again by itself.",
	AdviseMachine: "Read the machine's own log of its first start, put right what it says, then resume; or clear it and ask again.",
	AdviseResume:  "Put the reason right and resume, or clear what stands. It is tried again by itself.",
	AdviseRebuild: "Find out what took it away. If its data are lost, have it made anew and restore the last backup.",
	AdviseBackup:  "Wait for the final backup, put right what it says, or waive it in writing.",
	AdviseRepair:  "See what differs and who did it, then repair.",
	AdviseSilent:  "See whether the machine runs and reaches us.",
	AdviseHost:    "Read what its host says, and look at the machine.",
	AdviseSetUp:   "Set the missing part up in the control plane's settings. It goes on by itself.",
}

// English is the advice in the language of the API.
func (a Advice) English() string { return english[a] }
