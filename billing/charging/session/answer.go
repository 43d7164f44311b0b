package session

import (
	"time"

	"github.com/google/uuid"

	"tollhouse/billing/money"
	"tollhouse/billing/usage"
)

// Result is what a service was told.
type Result string

// Results.
const (
	Granted    Result = "granted"
	Reported   Result = "reported"    // use was charged, nothing was asked
	NoCredit   Result = "no_credit"   // the balance gives nothing
	NotPriced  Result = "not_priced"  // what is asked or used has no price
	NotAllowed Result = "not_allowed" // the subscriber has no service now
	CapReached Result = "cap_reached" // the price has reached the cap that ends the session
)

// Action is what happens when the last quota is used up.
type Action string

// Actions.
const (
	EndService Action = "terminate"
	Redirect   Action = "redirect"
	Restrict   Action = "restrict"
)

// Valid says whether the action is one of the closed list.
func (a Action) Valid() bool { return a == EndService || a == Redirect || a == Restrict }

// Final says what is to be done when a quota, the last, is used up.
type Final struct {
	Action Action `json:"action"`
	// RedirectTo is an address for Redirect, FilterID a filter that the network
	// knows for Restrict.
	RedirectTo string `json:"redirect_to,omitempty"`
	FilterID   string `json:"filter_id,omitempty"`
}

// Given is the answer for one service.
type Given struct {
	Service      string         `json:"service"`
	Result       Result         `json:"result"`
	Problem      *usage.Problem `json:"problem,omitempty"` // why it is no plain grant
	Unit         money.Unit     `json:"unit"`
	Granted      int64          `json:"granted"`
	ValidSeconds int64          `json:"valid_seconds,omitempty"`
	HoldSeconds  int64          `json:"hold_seconds,omitempty"`
	Final        *Final         `json:"final,omitempty"`

	Used     int64         `json:"used,omitempty"`    // as reported
	Covered  int64         `json:"covered,omitempty"` // of it, by unit buckets
	Price    money.Decimal `json:"price,omitzero"`    // as the offering writes prices
	Net      money.Decimal `json:"net,omitzero"`
	Tax      money.Decimal `json:"tax,omitzero"`
	ChargeID uuid.UUID     `json:"charge,omitzero"`
	Held     bool          `json:"held,omitempty"` // the use waits in suspense
}

// Answer is what a step was told. It is stored as JSON and is the same for
// every repeat.
type Answer struct {
	Session  uuid.UUID      `json:"session"`
	Number   int64          `json:"number"`
	State    State          `json:"state"`
	Ending   Ending         `json:"ending,omitempty"`
	Currency money.Currency `json:"currency"`
	Services []Given        `json:"services,omitempty"`
	At       time.Time      `json:"at"`
	Repeat   bool           `json:"-"` // it had been answered before
}

// Granted says whether some service may go on.
func (a *Answer) Granted() bool {
	for i := range a.Services {
		if a.Services[i].Granted > 0 {
			return true
		}
	}
	return false
}
