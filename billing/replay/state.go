package replay

import (
	"errors"
	"fmt"
	"slices"
)

// State is how far a trial or a re-rating has come.
type State string

// States.
const (
	Asked     State = "asked"
	Running   State = "running"
	Ready     State = "ready" // a re-rating: it can be looked at and applied
	Done      State = "done"  // a trial
	Applying  State = "applying"
	Applied   State = "applied"
	Failed    State = "failed"
	Cancelled State = "cancelled"
)

// Tables of moves.
var (
	trialMoves = map[State][]State{
		Asked:   {Running, Cancelled},
		Running: {Done, Failed, Cancelled},
	}
	reratingMoves = map[State][]State{
		Asked:    {Running, Cancelled},
		Running:  {Ready, Failed, Cancelled},
		Ready:    {Applying, Cancelled},
		Applying: {Applied, Failed},
	}
)

// Ended says that nothing will change by itself any more.
func (s State) Ended() bool {
	return s == Done || s == Applied || s == Failed || s == Cancelled
}

// Working says that portions of it are being worked.
func (s State) Working() bool { return s == Asked || s == Running || s == Applying }

// Errors of this package.
var (
	// ErrNotFound means that there is no such trial or re-rating.
	ErrNotFound = errors.New("no such trial or re-rating")
	// ErrState means that what is asked cannot be done in its present state.
	ErrState = errors.New("its state does not allow that")
	// ErrChoice is wrapped by every ChoiceError.
	ErrChoice = errors.New("the choice cannot be used")
	// ErrUndone means that it has been undone already.
	ErrUndone = errors.New("it has been undone already")
	// ErrBusy means that as many as may be are under way.
	ErrBusy = errors.New("another one is under way")
)

// ChoiceError names the field that is wrong and what would be right.
type ChoiceError struct{ Field, Want string }

func (e *ChoiceError) Error() string { return fmt.Sprintf("%s: %s is wanted", e.Field, e.Want) }

// Is lets errors.Is find ErrChoice.
func (e *ChoiceError) Is(target error) bool { return target == ErrChoice }

func allowed(moves map[State][]State, from, to State) error {
	if slices.Contains(moves[from], to) {
		return nil
	}
	return fmt.Errorf("from %s to %s: %w", from, to, ErrState)
}
