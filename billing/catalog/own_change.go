package catalog

import "slices"

// OwnChange says that subscribers may change from an offering to another by
// themselves.
type OwnChange struct {
	When []ChangeTime `json:"when"`
	To   []string     `json:"to,omitempty"` // codes; empty: whatever fits
}

// ChangeTime is when a subscriber's own change takes effect.
type ChangeTime string

// The times of an own change.
const (
	ChangeNow   ChangeTime = "now"
	ChangeAtEnd ChangeTime = "period_end"
)

// Allows says whether the change may be to an offering, at a time.
func (c *OwnChange) Allows(code string, when ChangeTime) bool {
	return c != nil && slices.Contains(c.When, when) && (len(c.To) == 0 || slices.Contains(c.To, code))
}

func (c *checker) ownChange() {
	own := c.offering.OwnChange
	if own == nil {
		return
	}
	if c.offering.OnTop() {
		c.add("own_change", "is for plans and bundles: what is bought on top is ended and bought anew")
	}
	if slices.Contains(own.To, c.offering.Code) {
		c.add("own_change.to", "names the offering itself")
	}
}
