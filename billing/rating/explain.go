package rating

import (
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/google/uuid"

	"tollhouse/billing/calendar"
	"tollhouse/billing/catalog"
	"tollhouse/billing/money"
)

// Op names what a step of an explanation did.
type Op string

// Steps in the order in which they happen.
const (
	OpRule    Op = "rule"     // Rule was found by Prefix and the time of the start
	OpRoundUp Op = "round_up" // Asked was rounded up to Units
	OpCover   Op = "cover"    // Bucket covered Units; if Amount is set, it gave that many
	OpBlock   Op = "block"    // Bucket is used up and keeps those behind it from paying
	OpFee     Op = "fee"      // Amount is the connect fee of Rule
	OpEvent   Op = "event"    // Amount is the price of an event whatever its length
	OpUse     Op = "use"      // Units from position At cost Price per Per
	OpTier    Op = "tier"     // Units moved Counter on from CounterFrom, for Amount
	OpConvert Op = "convert"  // Price in Currency is Amount, by the Rate of RateDay
	OpPercent Op = "percent"  // Percent of the event's own amount, Price, is Amount
	OpMinimum Op = "minimum"  // the price was raised to Amount
	OpCap     Op = "cap"      // the price was held at Amount
	OpOwnFee  Op = "own_fee"  // Amount is the connect fee that Bucket asks
	OpOwnUse  Op = "own_use"  // Bucket asks Price per Per for its Units
	OpLess    Op = "less"     // Amount was charged for earlier pieces of the session
	OpTotal   Op = "total"    // Amount is the price, rounded to Digits by Mode
	OpPay     Op = "pay"      // Bucket paid Amount
)

// Step is one step from usage to price. Which fields it has is told by its Op.
type Step struct {
	Op          Op               `json:"op"`
	Rule        string           `json:"rule,omitempty"`
	Option      string           `json:"option,omitempty"` // the code of the option whose Rule it is, if not the offering's
	Prefix      string           `json:"prefix,omitempty"`
	Zone        string           `json:"zone,omitempty"` // of a deck, that Prefix belongs to
	Unit        money.Unit       `json:"unit,omitempty"`
	Units       int64            `json:"units,omitempty"`
	Asked       int64            `json:"asked,omitempty"`
	At          int64            `json:"at,omitempty"`
	Price       money.Decimal    `json:"price,omitzero"`
	Per         catalog.Quantity `json:"per,omitzero"`
	Counter     string           `json:"counter,omitempty"`
	CounterFrom int64            `json:"counter_from,omitempty"`
	Amount      money.Decimal    `json:"amount,omitzero"`
	Percent     money.Decimal    `json:"percent,omitzero"`
	Currency    money.Unit       `json:"currency,omitempty"` // of the step's amounts, if not the tariff's
	Rate        money.Decimal    `json:"rate,omitzero"`      // what one RateFrom is in the other currency
	RateFrom    money.Unit       `json:"rate_from,omitempty"`
	RateDay     calendar.Date    `json:"rate_day,omitzero"`
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

// next adds an empty step and returns it to be filled in, or nil where nothing
// is explained: copying steps took a third of the time of a price.
func (e *Explanation) next(op Op) *Step {
	if e == nil {
		return nil
	}
	n := len(*e)
	if n == cap(*e) {
		*e = slices.Grow(*e, 8)
	}
	*e = (*e)[:n+1]
	s := &(*e)[n]
	*s = Step{Op: op}
	return s
}

// insert is add before step i.
func (e *Explanation) insert(i int, s Step) {
	if e != nil {
		*e = slices.Insert(*e, i, s)
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
	b = appendText(b, "option", s.Option)
	b = appendText(b, "prefix", s.Prefix)
	if s.Zone != "" {
		text, _ := json.Marshal(s.Zone) // free text
		b = append(appendKey(b, "zone"), text...)
	}
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
	b = appendDecimal(b, "percent", s.Percent)
	b = appendText(b, "currency", string(s.Currency))
	b = appendDecimal(b, "rate", s.Rate)
	b = appendText(b, "rate_from", string(s.RateFrom))
	if !s.RateDay.IsZero() {
		b = appendText(b, "rate_day", s.RateDay.String())
	}
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
	b, _ = d.AppendText(append(appendKey(b, key), '"')) // it never fails
	return append(b, '"')
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
			return fmt.Sprintf("rule %s applies at the start (any destination)", s.rule())
		}
		if s.Zone != "" {
			return fmt.Sprintf("rule %s applies at the start (destination begins with %s, zone %s)", s.rule(), s.Prefix, s.Zone)
		}
		return fmt.Sprintf("rule %s applies at the start (destination begins with %s)", s.rule(), s.Prefix)
	case OpRoundUp:
		return fmt.Sprintf("%s counted in whole steps as %s", amountOf(s.Asked, s.Unit), amountOf(s.Units, s.Unit))
	case OpCover:
		if !s.Amount.IsZero() {
			return fmt.Sprintf("%s taken from bucket %s, which gives %s for them", amountOf(s.Units, s.Unit), s.Bucket, s.Amount)
		}
		return fmt.Sprintf("%s taken from bucket %s", amountOf(s.Units, s.Unit), s.Bucket)
	case OpFee:
		return fmt.Sprintf("connect fee %s", s.in(s.Amount))
	case OpBlock:
		return fmt.Sprintf("bucket %s is used up, and nothing behind it may be used", s.Bucket)
	case OpEvent:
		return fmt.Sprintf("price of an event, whatever its length: %s", s.in(s.Amount))
	case OpConvert:
		return fmt.Sprintf("%s is %s (1 %s = %s on %s)", s.in(s.Price), s.Amount, s.RateFrom, s.Rate, s.RateDay)
	case OpPercent:
		return fmt.Sprintf("%s %% of the amount of %s = %s", s.Percent, s.Price, s.Amount)
	case OpOwnFee:
		return fmt.Sprintf("connect fee of bucket %s: %s", s.Bucket, s.Amount)
	case OpOwnUse:
		return fmt.Sprintf("%s of bucket %s at %s per %s%s", amountOf(s.Units, s.Unit), s.Bucket, s.Price, s.Per, s.cost())
	case OpUse:
		return s.useText()
	case OpTier:
		return fmt.Sprintf("%s by tiers of rule %s, counter %s from %d to %d: %s",
			amountOf(s.Units, s.Unit), s.rule(), s.Counter, s.CounterFrom, s.CounterFrom+s.Units, s.in(s.Amount))
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
	text := fmt.Sprintf("%s at %s per %s", amountOf(s.Units, s.Unit), s.in(s.Price), s.Per)
	if s.At > 0 {
		text += fmt.Sprintf(", from %s on (rule %s)", amountOf(s.At, s.Unit), s.rule())
	}
	return text + s.cost()
}

// rule tells the step's rule, and whose it is if not the offering's own.
func (s Step) rule() string {
	if s.Option == "" {
		return s.Rule
	}
	return s.Rule + " of option " + s.Option
}

// in tells an amount with its currency if that is not the tariff's.
func (s Step) in(d money.Decimal) string {
	if s.Currency == "" {
		return d.String()
	}
	return fmt.Sprintf("%s %s", d, s.Currency)
}

// cost tells what Units cost, with at most twelve digits.
func (s Step) cost() string {
	const most = 12
	cost, err := s.Price.MulDiv(money.NewDecimal(s.Units), money.NewDecimal(s.Per.Base()), most, money.HalfAwayFromZero)
	if err != nil {
		return ""
	}
	sign := "="
	if !cost.Mul(money.NewDecimal(s.Per.Base())).Equal(s.Price.Mul(money.NewDecimal(s.Units))) {
		sign = "≈"
	}
	return fmt.Sprintf(" %s %s", sign, s.in(cost))
}

func amountOf(n int64, unit money.Unit) string {
	if n == 1 {
		return fmt.Sprintf("1 %s", unit)
	}
	return fmt.Sprintf("%d %ss", n, unit)
}

var _ json.Marshaler = Explanation{}
