package catalog

import (
	"tollhouse/billing/money"
)

// UsageKind is a kind of usage.
type UsageKind string

// Kinds of usage. Each is counted in one unit.
const (
	VoiceUsage       UsageKind = "voice"       // seconds
	DataUsage        UsageKind = "data"        // bytes
	MessageUsage     UsageKind = "message"     // events
	ContentUsage     UsageKind = "content"     // events
	TransactionUsage UsageKind = "transaction" // events with an amount of their own
)

// Unit returns what k is counted in; "" for an unknown kind.
func (k UsageKind) Unit() money.Unit {
	switch k {
	case VoiceUsage:
		return money.Second
	case DataUsage:
		return money.Byte
	case MessageUsage, ContentUsage, TransactionUsage:
		return money.Event
	}
	return ""
}

// UsagePrice prices one kind of usage. The longest prefix decides first; of the
// rules for it, those that fit network, quality and window; of these the one
// with the lowest Priority.
type UsagePrice struct {
	Code        string    `json:"code"`
	Names       Names     `json:"names"`
	Kind        UsageKind `json:"kind"`
	TaxCategory string    `json:"tax_category,omitempty"`
	Rounding    *Rounding `json:"rounding,omitempty"`
	Rules       []Rule    `json:"rules"`
}

// Rounding is applied once, to the total of an event.
type Rounding struct {
	Digits int32          `json:"digits"`
	Mode   money.Rounding `json:"mode"`
}

// DefaultRounding is the ledger's scale, halves away from zero.
var DefaultRounding = Rounding{money.Scale, money.HalfAwayFromZero}

// RoundingRule returns the rounding of an event's total.
func (u UsagePrice) RoundingRule() Rounding {
	if u.Rounding == nil {
		return DefaultRounding
	}
	return *u.Rounding
}

// Rule prices usage to some destinations in some windows. It has exactly one of
// Price with Per, EventPrice, Percent, Steps and Tiers.
type Rule struct {
	Code string `json:"code"`
	// Names make the rule a line of its own on the bill; without them its
	// usage is told under the UsagePrice.
	Names        Names    `json:"names,omitempty"`
	Destinations []string `json:"destinations"`
	// Network and Qualities narrow the rule; empty is any.
	Network   Network  `json:"network,omitempty"`
	Qualities []string `json:"qualities,omitempty"`
	// Windows is empty where the rule always applies.
	Windows []Window `json:"windows,omitempty"`
	// Priority decides where several rules fit: 1 goes first. Two of equal
	// priority that fit at the same time are an overlap.
	Priority int `json:"priority,omitempty"`
	// Currency is that of the rule's amounts; by default the offering's.
	Currency   *money.Currency `json:"currency,omitempty"`
	ConnectFee *money.Decimal  `json:"connect_fee,omitempty"`
	Price      *money.Decimal  `json:"price,omitempty"`
	Per        *Quantity       `json:"per,omitempty"`
	// EventPrice is for a whole event, whatever its length.
	EventPrice *money.Decimal `json:"event_price,omitempty"`
	// Percent is of the event's own amount.
	Percent    *money.Decimal `json:"percent,omitempty"`
	Increments *Increments    `json:"increments,omitempty"`
	Steps      []PriceStep    `json:"steps,omitempty"`
	Tiers      *Tiers         `json:"tiers,omitempty"`
	// Minimum and Cap bound an event's price before rounding.
	Minimum *money.Decimal `json:"minimum,omitempty"`
	Cap     *Cap           `json:"cap,omitempty"`
	// Cost is what the usage costs the operator, in the rule's currency. It
	// changes no price; the check compares it.
	Cost *Cost `json:"cost,omitempty"`
}

// DefaultPriority is that of a rule that names none.
const DefaultPriority = 100

// PriorityOr returns the rule's priority.
func (r *Rule) PriorityOr() int {
	if r.Priority == 0 {
		return DefaultPriority
	}
	return r.Priority
}

// CurrencyOr returns the currency of r's amounts in an offering of one.
func (r *Rule) CurrencyOr(own money.Currency) money.Currency {
	if r.Currency == nil {
		return own
	}
	return *r.Currency
}

// Network says whose network the other side of an event is in.
type Network string

// Networks. The zero value is any.
const (
	OwnNetwork   Network = "own"
	OtherNetwork Network = "other"
)

// Increments round usage up to whole steps: one of First, then of Next.
type Increments struct {
	First Quantity `json:"first"`
	Next  Quantity `json:"next"`
}

// PriceStep is a price from a position within the event on. A step under way
// when the next PriceStep begins is finished at its own price.
type PriceStep struct {
	From      Quantity      `json:"from"`
	Price     money.Decimal `json:"price"`
	Per       Quantity      `json:"per"`
	Increment Quantity      `json:"increment"`
}

// Cost is what a unit of usage, or without Per an event, costs to buy.
type Cost struct {
	Price money.Decimal `json:"price"`
	Per   *Quantity     `json:"per,omitempty"`
}

// CounterCode returns the code of the period counter of r's tiers, or "".
func (r Rule) CounterCode() string {
	switch {
	case r.Tiers == nil:
		return ""
	case r.Tiers.Counter != "":
		return r.Tiers.Counter
	}
	return r.Code
}

// Counters are the codes of the offering's period counters, with what each
// counts.
func (o Offering) Counters() map[string]money.Unit {
	counters := map[string]money.Unit{}
	for i := range o.Usage {
		for _, r := range o.Usage[i].Rules {
			if code := r.CounterCode(); code != "" {
				counters[code] = o.Usage[i].Kind.Unit()
			}
		}
	}
	return counters
}
