package replay

import (
	"slices"
	"strings"

	"github.com/google/uuid"

	"tollhouse/billing/calendar"
	"tollhouse/billing/charging"
)

// Bounds of a choice.
const (
	maxDays   = 366
	maxPrefix = 32
	maxUses   = 1_000
)

// Choice says which charged usage is meant. Empty fields do not narrow it.
type Choice struct {
	Days    calendar.Period `json:"days"` // of the ends of use, in the operator's zone
	Account uuid.UUID       `json:"account,omitzero"`
	// Subscription is one of those that have stood in one place: usage of all of
	// them is meant, and of the parts of a bundle.
	Subscription uuid.UUID `json:"subscription,omitzero"`
	Offering     string    `json:"offering,omitempty"` // code
	Prefix       string    `json:"prefix,omitempty"`   // of the destination, without "+"
	File         uuid.UUID `json:"file,omitzero"`
	Uses         []Piece   `json:"uses,omitempty"` // only these; for taking back
}

// Piece is one use, or a part of its quantity.
type Piece struct {
	ID       uuid.UUID     `json:"id"`
	Period   calendar.Date `json:"period"` // its month
	Quantity int64         `json:"quantity,omitempty"`
}

func (c *Choice) check() error {
	c.Prefix = strings.TrimPrefix(c.Prefix, "+")
	switch {
	case len(c.Uses) > maxUses:
		return &ChoiceError{"uses", "at most 1,000 uses at once"}
	case c.Days.From.IsZero():
		return &ChoiceError{"from", "the first day of the usage"}
	case c.Days.To.IsZero() || !c.Days.To.After(c.Days.From):
		return &ChoiceError{"to", "a day after the first"}
	case c.Days.Days() > maxDays:
		return &ChoiceError{"to", "at most 366 days after the first"}
	case len(c.Prefix) > maxPrefix || strings.ContainsAny(c.Prefix, " %_\\"):
		return &ChoiceError{"prefix", "digits, or the beginning of a name, of up to 32 characters"}
	}
	for _, p := range c.Uses {
		if p.ID == uuid.Nil || p.Quantity < 0 {
			return &ChoiceError{"uses", "ids of charged uses, with no quantity below zero"}
		}
	}
	return nil
}

// picks says whether a use is meant; versions are those of the offering, line the
// subscriptions of the place.
func (c *Choice) picks(versions map[uuid.UUID]bool, line []uuid.UUID, pieces map[uuid.UUID]int64) func(*charging.Used) bool {
	return func(u *charging.Used) bool {
		charge := &u.Was.Charge
		if len(c.Uses) > 0 {
			if _, named := pieces[charge.UsageID]; !named {
				return false
			}
		}
		return (c.Account == uuid.Nil || charge.AccountID == c.Account) &&
			(c.Subscription == uuid.Nil || slices.Contains(line, charge.SubscriptionID)) &&
			(c.Offering == "" || versions[charge.OfferingID]) &&
			(c.File == uuid.Nil || u.File == c.File) &&
			(c.Prefix == "" || strings.HasPrefix(strings.TrimPrefix(u.Record.Destination, "+"), c.Prefix))
	}
}

// pieces are the chosen uses with what is meant of each; 0 is all.
func (c *Choice) pieces() map[uuid.UUID]int64 {
	pieces := make(map[uuid.UUID]int64, len(c.Uses))
	for _, p := range c.Uses {
		pieces[p.ID] = p.Quantity
	}
	return pieces
}

// takesBack is how much of a use is to be taken back.
func (c *Choice) takesBack(pieces map[uuid.UUID]int64) func(*charging.Used) int64 {
	return func(u *charging.Used) int64 {
		if n := pieces[u.Was.Charge.UsageID]; n > 0 {
			return min(n, u.Left())
		}
		return u.Left()
	}
}
