package access

import (
	"errors"
	"slices"
	"time"

	"github.com/google/uuid"
)

// Level is what a service may do.
type Level string

// The levels, from the freest.
const (
	Allowed Level = "allowed"
	Slowed  Level = "slowed"
	Walled  Level = "walled" // the operator's own pages only
	Cut     Level = "cut"
)

var levels = []Level{Allowed, Slowed, Walled, Cut}

// Stronger says whether a level takes away more than another one.
func (l Level) Stronger(than Level) bool {
	return slices.Index(levels, l) > slices.Index(levels, than)
}

// Strongest is the one of some levels that takes away most; Allowed of none.
func Strongest(of ...Level) Level {
	strongest := Allowed
	for _, l := range of {
		if l.Stronger(strongest) {
			strongest = l
		}
	}
	return strongest
}

// Cause is why a service is held back.
type Cause string

// The causes. The first four hold; the others follow from what an account is
// and has.
const (
	Dunning  Cause = "dunning"
	Alert    Cause = "alert"
	Desk     Cause = "desk"
	Schedule Cause = "schedule"

	Closed     Cause = "closed"     // the account
	Pending    Cause = "pending"    // the subscription is not active yet
	Suspended  Cause = "suspended"  // the subscription, by whatever is not told by a hold
	Terminated Cause = "terminated" // the subscription
	Empty      Cause = "empty"      // a prepaid balance
)

func (c Cause) holds() bool { return c == Dunning || c == Alert || c == Desk || c == Schedule }

// Reason is one of the reasons for a level.
type Reason struct {
	Level Level      `json:"level"`
	Cause Cause      `json:"cause"`
	Ref   uuid.UUID  `json:"ref"` // of the cause: a hold's; otherwise the subscription or account
	Words string     `json:"words,omitempty"`
	Since *time.Time `json:"since,omitempty"`
	Until *time.Time `json:"until,omitempty"`
}

// Right is what a service may do now.
type Right struct {
	ServiceID, SubscriptionID, AccountID uuid.UUID
	Kind                                 string // of the service
	Level                                Level
	Reasons                              []Reason // strongest first; empty where it is allowed
	Intent                               Intent   // the newest; zero: nothing was ever asked of the network
}

// PendingLevel is what the network has been asked for and has not confirmed;
// empty when it has.
func (r Right) PendingLevel() Level {
	if r.Intent.State == IntentPending {
		return r.Intent.Level
	}
	return ""
}

// Errors of this package.
var (
	// ErrNotFound means that there is no such service.
	ErrNotFound = errors.New("no such service")
	// ErrHold refuses a hold that can't be.
	ErrHold = errors.New("a hold has a cause that holds, a level that takes something away, and an end after its beginning")
	// ErrHeld refuses to resume what something else still suspends.
	ErrHeld = errors.New("the subscription is held for another reason as well")
)
