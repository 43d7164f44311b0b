package catalog

import (
	"bytes"
	"errors"
	"fmt"
	"strings"

	"tollhouse/billing/money"
)

// Allowance is what an offering includes. Each refill gives a new bucket with
// the amount; what is left of it at its end rolls over or expires.
type Allowance struct {
	Code   string   `json:"code"`
	Names  Names    `json:"names"`
	Amount Contents `json:"amount"`

	// What it may be used for. Money without Kinds pays anything.
	Kinds        []UsageKind `json:"kinds,omitempty"`
	Destinations []string    `json:"destinations,omitempty"`
	Windows      []Window    `json:"windows,omitempty"`
	Qualities    []string    `json:"qualities,omitempty"`

	// How it gives what it holds.
	Price *AllowancePrice `json:"price,omitempty"`
	// Factors are the units taken for one unit of usage, by quality; "*" is any
	// other quality.
	Factors map[string]money.Decimal `json:"factors,omitempty"`
	// Blocks keeps everything behind the bucket from paying for its usage, also
	// when it is empty.
	Blocks   bool `json:"blocks,omitempty"`
	Priority int  `json:"priority"`

	// How long a bucket lasts: one of these.
	ValidityMonths int      `json:"validity_months,omitempty"`
	ValidityDays   int      `json:"validity_days,omitempty"`
	Validity       Validity `json:"validity,omitempty"`

	Rollover *Rollover `json:"rollover,omitempty"`
	Shared   *Shared   `json:"shared,omitempty"`
	Refill   *Refill   `json:"refill,omitempty"` // nil: on each cycle
	Midway   Midway    `json:"midway,omitempty"` // what a subscription gets that begins within a period
}

// AllowancePrice is paid, from money, for usage that the allowance covers.
type AllowancePrice struct {
	ConnectFee *money.Decimal `json:"connect_fee,omitempty"`
	Price      *money.Decimal `json:"price,omitempty"`
	Per        *Quantity      `json:"per,omitempty"`
	// Increment is the step in which the allowance is used.
	Increment *Quantity `json:"increment,omitempty"`
}

// Validity is an end that is no number of months or days.
type Validity string

// UntilCycle lasts until the end of the account's cycle.
const UntilCycle Validity = "cycle"

// AnyQuality stands in Factors for every quality that is not named.
const AnyQuality = "*"

// Rollover says what of a bucket lives on when its period is over. Without
// Share and Amount that is all of it; with both the lesser.
type Rollover struct {
	Share   *money.Decimal `json:"share,omitempty"` // of a hundred
	Amount  *Contents      `json:"amount,omitempty"`
	Periods int            `json:"periods"` // that what rolled lasts
	Use     Turn           `json:"use,omitempty"`
}

// Turn says whether what rolled over is used before or after the new bucket.
type Turn string

// Turns.
const (
	UseFirst Turn = "first" // also if none is named
	UseLast  Turn = "last"
)

// Shared lets the members of the account's group use the bucket.
type Shared struct {
	// Limit is what each member may use in a cycle, unless the owner says
	// otherwise; nil: all there is.
	Limit *Contents `json:"limit,omitempty"`
}

// Refill says when a new bucket is given.
type Refill struct {
	On RefillOn `json:"on"`
	// Minimum is the least top-up, or payment of a bill, that counts.
	Minimum *money.Decimal `json:"minimum,omitempty"`
	// Event is ActivationEvent, BirthdayEvent or one that the API tells of.
	Event string `json:"event,omitempty"`
	// Times is how often a subscription gets it in all; zero: each time.
	Times int `json:"times,omitempty"`
}

// RefillOn is what a refill waits for.
type RefillOn string

// What refills wait for.
const (
	OnCycle   RefillOn = "cycle"
	OnPayment RefillOn = "payment" // a top-up of prepaid accounts, a paid bill of others
	OnEvent   RefillOn = "event"
)

// Events that come by themselves.
const (
	ActivationEvent = "activation"
	BirthdayEvent   = "birthday"
)

// RefillsOn says what gives a new bucket.
func (a Allowance) RefillsOn() RefillOn {
	if a.Refill == nil {
		return OnCycle
	}
	return a.Refill.On
}

// RefillsAt says whether an event of this name gives a new bucket.
func (a Allowance) RefillsAt(event string) bool {
	return a.RefillsOn() == OnEvent && a.Refill.Event == event
}

// Contents is what an allowance holds, as an offer writes it: a quantity of
// usage such as "100 GB", "500 points" or money such as "5.00 EUR".
type Contents struct {
	text   string
	number money.Decimal // in Unit
	unit   money.Unit
}

// ErrContents says that a text is no amount of anything.
var ErrContents = errors.New("not an amount such as 100 GB, 200 min, 50, 500 points or 5.00 EUR")

// ParseContents reads a quantity of usage, a number of points or money.
func ParseContents(text string) (Contents, error) {
	if q, err := ParseQuantity(text); err == nil {
		return Contents{q.String(), money.NewDecimal(q.Base()), q.Unit()}, nil
	}
	number, symbol, _ := strings.Cut(text, " ")
	d, err := money.ParseDecimal(number)
	if err != nil || d.Sign() < 0 {
		return Contents{}, fmt.Errorf("%w: %.40q", ErrContents, text)
	}
	if symbol == "points" {
		if !d.Floor().Equal(d) {
			return Contents{}, fmt.Errorf("%w: %.40q: points are whole", ErrContents, text)
		}
		return Contents{d.String() + " points", d, money.Point}, nil
	}
	currency, err := money.ParseCurrency(symbol)
	if err != nil {
		return Contents{}, fmt.Errorf("%w: %.40q", ErrContents, text)
	}
	return Contents{d.String() + " " + symbol, d, currency.Unit()}, nil
}

// MustContents is ParseContents for constants; it panics on bad text.
func MustContents(text string) Contents {
	c, err := ParseContents(text)
	if err != nil {
		panic(err)
	}
	return c
}

// Decimal is the amount in Unit: seconds, bytes, events, points or money.
func (c Contents) Decimal() money.Decimal { return c.number }

// Unit returns what Decimal counts.
func (c Contents) Unit() money.Unit { return c.unit }

// String returns the amount as it was written.
func (c Contents) String() string { return c.text }

// MarshalText writes String.
func (c Contents) MarshalText() ([]byte, error) { return []byte(c.text), nil }

// UnmarshalJSON reads a text such as "100 GB" or a bare number of events.
func (c *Contents) UnmarshalJSON(text []byte) (err error) {
	*c, err = ParseContents(string(bytes.Trim(text, `"`)))
	return err
}

// Midway says what a subscription gets of an allowance if it begins within the
// allowance's period, as after a change of plan: all of it unless it says a
// share by local days.
type Midway string

// What may be said.
const (
	MidwayWhole    Midway = "whole"
	MidwayProrated Midway = "prorated"
)
