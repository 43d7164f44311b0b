package account

import "slices"

// State is where an account stands.
type State string

// The states of an account.
const (
	Active State = "active"
	Closed State = "closed"
)

// SubscriptionState is where a subscription, and each of its services, stands.
type SubscriptionState string

// The states of a subscription and of a service.
const (
	SubscriptionPending    SubscriptionState = "pending"
	SubscriptionActive     SubscriptionState = "active"
	SubscriptionSuspended  SubscriptionState = "suspended"
	SubscriptionTerminated SubscriptionState = "terminated"
)

// moves lists, for each state, those that may follow it.
type moves[S ~string] map[S][]S

func (m moves[S]) allow(from, to S) bool { return slices.Contains(m[from], to) }

var accountMoves = moves[State]{Active: {Closed}}

// A pending subscription is either activated or its transaction never happened:
// it is made and activated in one, so nothing ends it from there.
var subscriptionMoves = moves[SubscriptionState]{
	SubscriptionPending:   {SubscriptionActive},
	SubscriptionActive:    {SubscriptionSuspended, SubscriptionTerminated},
	SubscriptionSuspended: {SubscriptionActive, SubscriptionTerminated},
}
