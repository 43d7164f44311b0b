package rating

import (
	"encoding/json"
	"fmt"
	"strconv"
	"strings"

	"github.com/google/uuid"

	"tollhouse/billing/catalog"
	"tollhouse/billing/money"
)

// Op names what a step of an explanation did.
type Op string

// Steps in the order in which they happen.
const (
	OpRule    Op = "rule"     // Rule was found by Prefix and the time of the start
	OpRoundUp Op = "round_up" // Asked was rounded up to Units
	OpCover   Op = "cover"    // Bucket gave Units
	OpFee     Op = "fee"      // Amount is the connect fee of Rule
	OpUse     Op = "use"      // Units from position At cost Price per Per
	OpTier    Op = "tier"     // Units moved Counter on from CounterFrom, for Amount
	OpMinimum Op = "minimum"  // the price was raised to Amount
	OpCap     Op = "cap"      // the price was held at Amount
	OpLess    Op = "less"     // Amount was charged for earlier pieces of the session
	OpTotal   Op = "total"    // Amount is the price, rounded to Digits by Mode
	OpPay     Op = "pay"      // Bucket paid Amount
)

// Step is one step from usage to price. Which fields it has is told by its Op.
type Step struct {
	Op          Op               `json:"op"`
	Rule        string           `json:"rule,omitempty"`
	Prefix      string           `json:"prefix,omitempty"`
	Unit        money.Unit       `json:"unit,omitempty"`
	Units       int64            `json:"units,omitempty"`
	Asked       int64            `json:"asked,omitempty"`
	At          int64            `json:"at,omitempty"`
	Price       money.Decimal    `json:"price,omitzero"`
	Per         catalog.Quantity `json:"per,omitzero"`
	Counter     string           `json:"counter,omitempty"`
	CounterFrom int64            `json:"counter_from,omitempty"`
	Amount      money.Decimal    `json:"amount,omitzero"`
	Digits      int32            `json:"digits,omitempty"`
	Mode        money.Rounding   `json:"mode,omitempty"`
	Bucket      uuid.UUID        `json:"bucket,omitzero"`
}

// Explanation tells how a price came about.
type Explanation []Step

// add is told to by code that also runs without explaining.
func (e *Explanation) add(s Step) {
	if e != nil {
		*e = append(*e, s)
	}
}

// MarshalJSON writes compact JSON.
func (e Explanation) MarshalJSON() ([]byte, error) {
	return e.AppendJSON(make([]byte, 0, 96*len(e)+2)), nil
}

// AppendJSON appends what encoding/json would write for the steps, without
// reflection: every stored charge carries an explanation.
func (e Explanation) AppendJSON(b []byte) []byte {
	b = append(b, '[')
	for i := range e {
		if i > 0 {
			b = append(b, ',')
		}
		b = e[i].appendJSON(b)
	}
	return append(b, ']')
}

func (s *Step) appendJSON(b []byte) []byte {
	b = appendText(append(b, '{'), "op", string(s.Op))
	b = appendText(b, "rule", s.Rule)
	b = appendText(b, "prefix", s.Prefix)
	b = appendText(b, "unit", string(s.Unit))
	b = appendInt(b, "units", s.Units)
	b = appendInt(b, "asked", s.Asked)
	b = appendInt(b, "at", s.At)
	b = appendDecimal(b, "price", s.Price)
	if s.Per != (catalog.Quantity{}) {
		b = appendText(b, "per", s.Per.String())
	}
	b = appendText(b, "counter", s.Counter)
	b = appendInt(b, "counter_from", s.CounterFrom)
	b = appendDecimal(b, "amount", s.Amount)
	b = appendInt(b, "digits", int64(s.Digits))
	if s.Mode != 0 {
		b = appendText(b, "mode", s.Mode.String())
	}
	if s.Bucket != uuid.Nil {
		b = appendText(b, "bucket", s.Bucket.String())
	}
	return append(b, '}')
}

// appendKey writes the comma and name of a field.
func appendKey(b []byte, key string) []byte {
	if b[len(b)-1] != '{' {
		b = append(b, ',')
	}
	b = append(b, '"')
	b = append(b, key...)
	return append(b, '"', ':')
}

// appendText needs no escapes: the texts are codes, prefixes and numbers that
// the offering's schema keeps plain.
func appendText(b []byte, key, text string) []byte {
	if text == "" {
		return b
	}
	b = append(appendKey(b, key), '"')
	return append(append(b, text...), '"')
}

func appendInt(b []byte, key string, n int64) []byte {
	if n == 0 {
		return b
	}
	return strconv.AppendInt(appendKey(b, key), n, 10)
}

func appendDecimal(b []byte, key string, d money.Decimal) []byte {
	if d.IsZero() {
		return b
	}
	return appendText(b, key, d.String())
}

// Lines tells the steps in English, one line each.
func (e Explanation) Lines() []string {
	lines := make([]string, len(e))
	for i, s := range e {
		lines[i] = s.String()
	}
	return lines
}

// String tells the step in English.
func (s Step) String() string {
	switch s.Op {
	case OpRule:
		if s.Prefix == "" {
			return fmt.Sprintf("rule %s applies at the start (any destination)", s.Rule)
		}
		return fmt.Sprintf("rule %s applies at the start (destination begins with %s)", s.Rule, s.Prefix)
	case OpRoundUp:
		return fmt.Sprintf("%s counted in whole steps as %s", amountOf(s.Asked, s.Unit), amountOf(s.Units, s.Unit))
	case OpCover:
		return fmt.Sprintf("%s taken from bucket %s", amountOf(s.Units, s.Unit), s.Bucket)
	case OpFee:
		return fmt.Sprintf("connect fee %s", s.Amount)
	case OpUse:
		return s.useText()
	case OpTier:
		return fmt.Sprintf("%s by tiers of rule %s, counter %s from %d to %d: %s",
			amountOf(s.Units, s.Unit), s.Rule, s.Counter, s.CounterFrom, s.CounterFrom+s.Units, s.Amount)
	case OpMinimum:
		return fmt.Sprintf("raised to the minimum of %s", s.Amount)
	case OpCap:
		return fmt.Sprintf("held at the cap of %s", s.Amount)
	case OpLess:
		return fmt.Sprintf("less %s charged for the session so far", s.Amount)
	case OpTotal:
		return fmt.Sprintf("price %s (%d digits, %s)", s.Amount, s.Digits, strings.ReplaceAll(s.Mode.String(), "_", " "))
	case OpPay:
		if s.Amount.Sign() < 0 {
			return fmt.Sprintf("%s %s given back to bucket %s", s.Amount.Neg(), s.Unit, s.Bucket)
		}
		return fmt.Sprintf("%s %s paid from bucket %s", s.Amount, s.Unit, s.Bucket)
	}
	return string(s.Op)
}

func (s Step) useText() string {
	text := fmt.Sprintf("%s at %s per %s", amountOf(s.Units, s.Unit), s.Price, s.Per)
	if s.At > 0 {
		text += fmt.Sprintf(", from %s on (rule %s)", amountOf(s.At, s.Unit), s.Rule)
	}
	const shown = 12
	cost, err := s.Price.MulDiv(money.NewDecimal(s.Units), money.NewDecimal(s.Per.Base()), shown, money.HalfAwayFromZero)
	if err != nil {
		return text
	}
	sign := "="
	if !cost.Mul(money.NewDecimal(s.Per.Base())).Equal(s.Price.Mul(money.NewDecimal(s.Units))) {
		sign = "≈"
	}
	return fmt.Sprintf("%s %s %s", text, sign, cost)
}

func amountOf(n int64, unit money.Unit) string {
	if n == 1 {
		return fmt.Sprintf("1 %s", unit)
	}
	return fmt.Sprintf("%d %ss", n, unit)
}

var _ json.Marshaler = Explanation{}
