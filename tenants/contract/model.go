package contract

import (
	"errors"
	"fmt"
	"slices"
)

// Model is how a contract earns.
type Model string

// The models of contracts.
const (
	Rent         Model = "rent"
	Lease        Model = "lease"         // with buy-out within five years
	RevenueShare Model = "revenue_share" // of what the operator collects
	OwnLicence   Model = "own_licence"   // the operator's own, with support
)

// Models are all there are.
var Models = []Model{Rent, Lease, RevenueShare, OwnLicence}

// Place is where the stack stands and whose the machine is.
type Place string

// The hosting places.
const (
	Pooled     Place = "pooled"     // our cloud, shared
	Dedicated  Place = "dedicated"  // our cloud, machines of its own
	Colocation Place = "colocation" // the operator's server in our data centre
	Appliance  Place = "appliance"  // our appliance at the operator's
	Customer   Place = "customer"   // the operator's server at the operator's
)

// Places are all there are.
var Places = []Place{Pooled, Dedicated, Colocation, Appliance, Customer}

// State is how far a contract is.
type State string

// The states of a contract.
const (
	Draft     State = "draft"
	Active    State = "active"
	Ended     State = "ended"
	BoughtOut State = "bought_out"
	Withdrawn State = "withdrawn"
)

// moves is the one table of what may follow what.
var moves = map[State][]State{
	Draft:  {Active, Withdrawn},
	Active: {Ended, BoughtOut},
}

// ErrState means that a contract is not in a state for what is asked.
var ErrState = errors.New("the contract's state does not allow this")

// To moves on, or says why not.
func (s State) To(next State) (State, error) {
	if !slices.Contains(moves[s], next) {
		return s, fmt.Errorf("a contract that is %s cannot become %s: %w", s, next, ErrState)
	}
	return next, nil
}
