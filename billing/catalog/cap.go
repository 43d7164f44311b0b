package catalog

import (
	"bytes"
	"encoding/json"

	"tollhouse/billing/money"
)

// Cap is the most that an event costs, and what comes after. An offer writes
// a bare amount where the rest is free.
type Cap struct {
	Amount money.Decimal
	Then   AfterCap
}

// AfterCap says what becomes of an event whose price has reached its cap.
type AfterCap string

const (
	// ThenFree lets the event go on for nothing.
	ThenFree AfterCap = "free"
	// ThenEnd ends the session where its price would pass the cap.
	ThenEnd AfterCap = "end"
)

type capObject struct {
	Amount money.Decimal `json:"amount"`
	Then   AfterCap      `json:"then"`
}

// MarshalJSON writes a bare amount where the rest is free.
func (c Cap) MarshalJSON() ([]byte, error) {
	if c.Then != ThenEnd {
		return c.Amount.MarshalJSON()
	}
	return json.Marshal(capObject(c))
}

// UnmarshalJSON reads an amount, or an object with amount and then.
func (c *Cap) UnmarshalJSON(text []byte) error {
	if !bytes.HasPrefix(bytes.TrimSpace(text), []byte("{")) {
		*c = Cap{Then: ThenFree}
		return c.Amount.UnmarshalJSON(text)
	}
	object := capObject{Then: ThenFree}
	err := json.Unmarshal(text, &object)
	*c = Cap(object)
	return err
}
