package rating

import "fmt"

// Reason is a stable code for why an event has no price.
type Reason string

// Reasons.
const (
	// NoRule: the offering has no price for this kind of usage.
	NoRule Reason = "no_rule"
	// NoDestination: no prefix of the offering fits the destination.
	NoDestination Reason = "no_destination"
	// WindowHole: the event runs into a time without a rule.
	WindowHole Reason = "window_hole"
	// Negative: quantity, offset or what is covered is below zero, or more is
	// covered than was used.
	Negative Reason = "negative"
	// TooLong: a call lasts longer than ten years.
	TooLong Reason = "too_long"
	// NoAmount: the price is a part of the event's own amount, and it has none.
	NoAmount Reason = "no_amount"
	// NoRate: a price is in a currency that the table cannot convert that day.
	NoRate Reason = "no_rate"
	// SessionEnded: the event went on after its price had reached a cap that
	// ends the session.
	SessionEnded Reason = "session_ended"
	// TooLarge: the price needs more than 127 bits.
	TooLarge Reason = "too_large"
)

// Error says why an event has no price. It is never priced as free.
type Error struct {
	Reason Reason
	// Detail tells the facts for people, such as the destination.
	Detail string
	// PricedUntil is, for a WindowHole and SessionEnded, how much of the session has a price.
	PricedUntil int64
}

// Error returns reason and detail.
func (e *Error) Error() string { return fmt.Sprintf("cannot price: %s: %s", e.Reason, e.Detail) }

func fail(reason Reason, format string, args ...any) *Error {
	return &Error{Reason: reason, Detail: fmt.Sprintf(format, args...)}
}
