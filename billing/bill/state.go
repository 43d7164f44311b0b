package bill

import "fmt"

// Kind is what a document is: a bill asks for money, a statement documents
// what prepaid money already paid, a note corrects a bill downward or upward,
// an advance bill asks for money before the service.
type Kind string

// The kinds of document. They are numbered in series of their own.
const (
	KindBill       Kind = "bill"
	KindStatement  Kind = "statement"
	KindCreditNote Kind = "credit_note"
	KindDebitNote  Kind = "debit_note"
	KindAdvance    Kind = "advance"

	kindDeposit Kind = "deposit" // no document of ours: deposits are numbered only
)

// asks says whether a document of the kind asks for money: it has an open item
// and may be credited.
func (k Kind) asks() bool { return k == KindBill || k == KindDebitNote || k == KindAdvance }

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
