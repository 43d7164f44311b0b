package payment

import (
	"errors"
	"fmt"

	"tollhouse/billing/money"
)

// uniqueViolation is PostgreSQL's code for a key that is taken.
const uniqueViolation = "23505"

var (
	// ErrNotFound means that there is no such payment, intent, refund or webhook.
	ErrNotFound = errors.New("no such payment")
	// ErrAmount means an amount not above zero, in another currency than the
	// account's or finer than its documents.
	ErrAmount = errors.New("amount can't be paid")
	// ErrBill means that the account has no such bill to pay.
	ErrBill = errors.New("the account has no such bill")
	// ErrNothingOwed means that there is nothing to pay.
	ErrNothingOwed = errors.New("nothing is owed")
	// ErrPurpose means that this account can't be paid for that, or that way.
	ErrPurpose = errors.New("the account can't be paid for that way")
	// ErrReason means that a refund was asked for without a reason.
	ErrReason = errors.New("a refund needs a reason")
	// ErrKeyReused means that the key or id belongs to another command.
	ErrKeyReused = errors.New("the key was used for something else")
	// ErrTooMuch is wrapped by RefundError.
	ErrTooMuch = errors.New("more than is left to refund")
)

// RefundError refuses a refund above what is left of the payment, or above
// what is left of a top-up on the balance.
type RefundError struct{ Asked, Left money.Amount }

func (e *RefundError) Error() string {
	return fmt.Sprintf("%v: %s asked, %s left", ErrTooMuch, e.Asked, e.Left)
}

func (e *RefundError) Unwrap() error { return ErrTooMuch }
