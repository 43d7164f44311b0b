package session

import (
	"time"

	"github.com/google/uuid"

	"tollhouse/billing/usage"
)

// State is where a session stands.
type State string

// The states of a session.
const (
	Open      State = "open"
	Abandoned State = "abandoned" // fell silent; comes back with the next update
	Closed    State = "closed"
)

// moves is the one table of what may follow what.
var moves = map[State][]State{
	Open:      {Closed, Abandoned},
	Abandoned: {Open, Closed},
}

// May says whether a session may go from s to another state.
func (s State) May(to State) bool {
	for _, next := range moves[s] {
		if next == to {
			return true
		}
	}
	return false
}

// Ending says why a session is closed.
type Ending string

// Endings.
const (
	NotEnded   Ending = ""
	Asked      Ending = "asked"       // the asker ended it
	Exhausted  Ending = "exhausted"   // its price has reached the cap that ends it
	TooSilent  Ending = "silent"      // nothing was heard for longer than late requests are waited for
	SwitchedTo Ending = "switched"    // its asker started it anew
	NoService  Ending = "not_allowed" // its subscriber has no service any more
)

// Session is one use of the network, from its start to its end.
type Session struct {
	ID           uuid.UUID
	Source       string // who asks: names are unique within it
	Name         string // the asker's own
	Consumer     string // what the asker calls itself, for people
	Identity     usage.Identity
	Account      uuid.UUID
	Subscription uuid.UUID
	Service      uuid.UUID
	Offering     uuid.UUID
	State        State
	Ending       Ending
	Number       int64 // the highest answered
	Services     []Service
	NotifyURI    string // where the asker wants to be told; "" nowhere
	StartedAt    time.Time
	LastAt       time.Time // of the last report
	ClosedAt     time.Time // zero while not closed
}

// move takes the session along one arrow. Another is a bug.
func (s *Session) move(to State) {
	if !s.State.May(to) {
		panic("session: no arrow from " + string(s.State) + " to " + string(to))
	}
	s.State = to
}

// Close ends the session and gives back all it holds.
func (s *Session) Close(why Ending, at time.Time) {
	s.move(Closed)
	s.Ending, s.ClosedAt = why, at
	for i := range s.Services {
		s.Services[i].Release()
	}
}

// Abandon marks a session as silent. What it holds has run out by itself.
func (s *Session) Abandon() {
	s.move(Abandoned)
	for i := range s.Services {
		s.Services[i].Release()
	}
}

// Return opens an abandoned session again.
func (s *Session) Return() { s.move(Open) }

// Final says whether some service was told that its quota is the last.
func (s *Session) Final() bool {
	for i := range s.Services {
		if s.Services[i].Final && !s.Services[i].Ended {
			return true
		}
	}
	return false
}

// Moment is the business time of a step: as its asker says, unless that lies
// before what was heard of the session already or is not believable. What an
// asker kept while it could not reach us has its own time.
func (s *Session) Moment(said, now time.Time) time.Time {
	if said.IsZero() || said.After(now.Add(clockSkew)) || said.Before(now.Add(-lateReports)) {
		return now
	}
	if said.Before(s.LastAt) {
		return s.LastAt
	}
	return said.UTC().Truncate(time.Microsecond)
}

const (
	// clockSkew is how far an asker's clock may be ahead.
	clockSkew = 5 * time.Minute
	// lateReports is how old a report may be.
	lateReports = 72 * time.Hour
	// KeepAnswers is how long answers are kept after a session is closed.
	KeepAnswers = 24 * time.Hour
	// WaitForLate is how long an abandoned session waits for its end.
	WaitForLate = lateReports
)

// Find gives the service of a name, or nil.
func (s *Session) Find(name string) *Service {
	for i := range s.Services {
		if s.Services[i].Name == name {
			return &s.Services[i]
		}
	}
	return nil
}
