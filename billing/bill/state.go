package bill

import "fmt"

// Kind is what a document of a closed cycle is: a bill asks for money, a
// statement documents what prepaid money already paid.
type Kind string

// The kinds of document. They are numbered in series of their own.
const (
	KindBill      Kind = "bill"
	KindStatement Kind = "statement"
)

// State is a document's state; doc.go draws the moves.
type State string

// The states of a document.
const (
	Draft State = "draft"
	Final State = "final"
	Void  State = "void"
)

// moves are the allowed ones; all others are refused.
var moves = map[State][]State{
	Draft: {Final},
	Final: {Void},
}

// StateError says that a document cannot go from one state to another.
type StateError struct{ From, To State }

func (e *StateError) Error() string {
	return fmt.Sprintf("a document cannot go from %s to %s", e.From, e.To)
}

// To is the state after a move, or a *StateError where there is no such move.
func (s State) To(next State) (State, error) {
	for _, allowed := range moves[s] {
		if allowed == next {
			return next, nil
		}
	}
	return s, &StateError{s, next}
}
