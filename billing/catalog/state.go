package catalog

import "slices"

// State of a version.
type State string

// States; see the package's doc for the moves between them.
const (
	Draft     State = "draft"
	Checked   State = "checked" // Review found no fault
	Tried     State = "tried"   // a trial on real usage has come to its end
	Published State = "published"
	Retired   State = "retired"
)

// moves are those that a version may make.
var moves = map[State][]State{
	Draft:     {Draft, Checked},
	Checked:   {Draft, Checked, Tried, Published},
	Tried:     {Draft, Tried, Published},
	Published: {Retired},
}

// May says whether a version in state s may become to.
func (s State) May(to State) bool { return slices.Contains(moves[s], to) }

// Open says whether a version can still be changed.
func (s State) Open() bool { return s.May(Draft) }
