package fleet

import "slices"

// State is how far a site is.
type State string

// The states of a site.
const (
	Requested State = "requested"
	Making    State = "making"    // the cloud works on it
	Enrolling State = "enrolling" // all of it stands; its host has yet to answer
	Ready     State = "ready"
	Failed    State = "failed" // with a reason; tried again unless it is held
	Clearing  State = "clearing"
	Cleared   State = "cleared" // nothing stands, all is still known
	Closing   State = "closing" // in its grace
	Removing  State = "removing"
	Removed   State = "removed"
)

// moves is the one table of what may follow what.
var moves = map[State][]State{
	Requested: {Making, Failed, Clearing, Closing},
	Making:    {Enrolling, Failed, Clearing, Closing},
	Enrolling: {Making, Ready, Failed, Clearing, Closing},
	Ready:     {Making, Failed, Closing},
	Failed:    {Making, Enrolling, Clearing, Closing},
	Clearing:  {Cleared},
	Cleared:   {Requested, Removed},
	Closing:   {Making, Removing},
	Removing:  {Removed},
}

// May says whether a site may go from one state to another.
func (s State) May(to State) bool { return slices.Contains(moves[s], to) }

// Moves are the states that may follow, for people who watch.
func (s State) Moves() []State { return slices.Clone(moves[s]) }

// Over says whether nothing will happen to the site any more by itself.
func (s State) Over() bool { return s == Cleared || s == Removed }

// Working says whether the site is on its way, so that it is worth watching.
func (s State) Working() bool {
	return s != Ready && s != Closing && !s.Over()
}

// States are all of them, in the order in which a site goes through them.
func States() []State {
	return []State{Requested, Making, Enrolling, Ready, Failed, Clearing, Cleared, Closing, Removing, Removed}
}
