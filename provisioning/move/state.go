package move

import "slices"

// State is how far a move is.
type State string

// The states of a move.
const (
	Asked      State = "asked"
	Copying    State = "copying"    // the rows of one instant
	Following  State = "following"  // what was written since
	Switching  State = "switching"  // the pause
	Switched   State = "switched"   // decided; the new end is being opened
	Moved      State = "moved"      // the former end follows, until somebody decides
	Returning  State = "returning"  // the pause before going back
	Reverting  State = "reverting"  // decided; the former end is being opened
	Clearing   State = "clearing"   // confirmed; the former end is being taken away
	Cancelling State = "cancelling" // the new end is being taken away
	Done       State = "done"
	Returned   State = "returned"
	Cancelled  State = "cancelled"
)

// moves is the one table of what may follow what.
var moves = map[State][]State{
	Asked:      {Copying, Cancelling},
	Copying:    {Following, Cancelling},
	Following:  {Switching, Cancelling, Copying},
	Switching:  {Switched, Following},
	Switched:   {Moved},
	Moved:      {Clearing, Returning},
	Returning:  {Reverting, Moved},
	Reverting:  {Returned},
	Clearing:   {Done},
	Cancelling: {Cancelled},
}

// May says whether a state may follow another.
func (s State) May(next State) bool { return slices.Contains(moves[s], next) }

// Over says whether nothing follows.
func (s State) Over() bool { return len(moves[s]) == 0 }

// Wish is what staff have decided and nobody has taken up yet.
type Wish string

// The wishes of staff.
const (
	None    Wish = ""
	Confirm Wish = "confirm" // stay there for good
	Back    Wish = "back"
	Cancel  Wish = "cancel"
)

// wishes says in which states a wish makes sense.
var wishes = map[Wish][]State{
	Confirm: {Moved},
	Back:    {Moved},
	Cancel:  {Asked, Copying, Following},
}
