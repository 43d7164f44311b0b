package voucher

import (
	"errors"
	"fmt"
	"slices"
)

// State is what may be done with a voucher.
type State string

// The states of a voucher.
const (
	Made     State = "made"   // not sold yet
	Active   State = "active" // sold: whoever holds it may redeem it
	Redeemed State = "redeemed"
	Expired  State = "expired"
	Blocked  State = "blocked"
)

// States lists all states in the order of a voucher's life.
var States = []State{Made, Active, Redeemed, Expired, Blocked}

// moves is the one table of what may follow what. A blocked voucher goes back
// to where it came from: active if it was sold.
var moves = map[State][]State{
	Made:     {Active, Blocked, Expired},
	Active:   {Redeemed, Blocked, Expired},
	Blocked:  {Made, Active, Expired},
	Redeemed: {},
	Expired:  {},
}

// may says whether the table allows a move.
func (s State) may(to State) bool { return slices.Contains(moves[s], to) }

// sources are the states from which a state may be reached.
func sources(to State) []string {
	var from []string
	for _, s := range States {
		if s.may(to) {
			from = append(from, string(s))
		}
	}
	return from
}

// Errors of this package.
var (
	// ErrNotFound means that there is no such batch or voucher.
	ErrNotFound = errors.New("no such voucher batch")
	// ErrPIN means a PIN that opens nothing: unknown, not sold yet, blocked. Who
	// guesses is not told which.
	ErrPIN = errors.New("this PIN is not valid")
	// ErrUsed means that the voucher was redeemed before.
	ErrUsed = errors.New("this voucher was redeemed already")
	// ErrExpired means that the voucher's time is over.
	ErrExpired = errors.New("this voucher has expired")
	// ErrCurrency means that the voucher is of another currency than the account.
	ErrCurrency = errors.New("this voucher is of another currency")
	// ErrTooMany means too many wrong PINs: wait.
	ErrTooMany = errors.New("too many wrong PINs")
	// ErrCodeTaken means that another batch has the code.
	ErrCodeTaken = errors.New("another batch has this code")
	// ErrFetched means that a batch's PINs were fetched already.
	ErrFetched = errors.New("the PINs were fetched already")
	// ErrMove means that not all vouchers of the range may make this move.
	ErrMove = errors.New("not all vouchers of the range may make this move")
)

// MoveError says which voucher stands in the way of a move of a range.
type MoveError struct {
	Serial int
	From   State
	To     State
}

func (e *MoveError) Error() string {
	return fmt.Sprintf("voucher %d is %s and cannot become %s", e.Serial, e.From, e.To)
}

// Is lets errors.Is find ErrMove.
func (e *MoveError) Is(target error) bool { return target == ErrMove }
