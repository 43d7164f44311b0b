package payment

import (
	"errors"
	"fmt"
	"slices"
)

// IntentState is how far a card payment has come.
type IntentState string

// States of an intent.
const (
	IntentCreated    IntentState = "created"
	IntentProcessing IntentState = "processing"
	IntentSucceeded  IntentState = "succeeded"
	IntentFailed     IntentState = "failed"
	IntentCanceled   IntentState = "canceled"
)

// ErrIntentState is returned for a move the table does not allow.
var ErrIntentState = errors.New("payment intent can't move there")

// intentMoves only lead onward, so that events may arrive in any order: an
// older "processing" finds no way back from "failed" or "succeeded". A failed
// intent may still succeed, because its page stays open for another card.
var intentMoves = map[IntentState][]IntentState{
	IntentCreated:    {IntentProcessing, IntentSucceeded, IntentFailed, IntentCanceled},
	IntentProcessing: {IntentSucceeded, IntentFailed, IntentCanceled},
	IntentFailed:     {IntentSucceeded, IntentCanceled},
	IntentSucceeded:  {},
	IntentCanceled:   {},
}

// may says whether the table allows a move.
func (s IntentState) may(to IntentState) bool { return slices.Contains(intentMoves[s], to) }

// Final says whether nothing can change the state any more.
func (s IntentState) Final() bool { return len(intentMoves[s]) == 0 }

// moveTo is the only way to a new state.
func (i *Intent) moveTo(to IntentState) error {
	if !i.State.may(to) {
		return fmt.Errorf("%w: from %s to %s", ErrIntentState, i.State, to)
	}
	i.State = to
	return nil
}

// RefundState is how far a refund has come.
type RefundState string

// States of a refund.
const (
	RefundRequested RefundState = "requested"
	RefundSucceeded RefundState = "succeeded"
	RefundFailed    RefundState = "failed"
)

// ErrRefundState is returned for a move the table does not allow.
var ErrRefundState = errors.New("refund can't move there")

// refundMoves: a bank may send a card refund back after the provider called it
// succeeded.
var refundMoves = map[RefundState][]RefundState{
	RefundRequested: {RefundSucceeded, RefundFailed},
	RefundSucceeded: {RefundFailed},
	RefundFailed:    {},
}

func refundMayMove(from, to RefundState) bool { return slices.Contains(refundMoves[from], to) }

func (r *Refund) moveTo(to RefundState) error {
	if !refundMayMove(r.State, to) {
		return fmt.Errorf("%w: from %s to %s", ErrRefundState, r.State, to)
	}
	r.State = to
	return nil
}
