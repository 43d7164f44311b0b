package catalog

import (
	"tollhouse/billing/money"
)

// UsageKind is a kind of usage.
type UsageKind string

// Kinds of usage. Each is counted in one unit.
const (
	VoiceUsage   UsageKind = "voice"   // seconds
	DataUsage    UsageKind = "data"    // bytes
	MessageUsage UsageKind = "message" // events
	ContentUsage UsageKind = "content" // events
)

// Unit returns what k is counted in; "" for an unknown kind.
func (k UsageKind) Unit() money.Unit {
	switch k {
	case VoiceUsage:
		return money.Second
	case DataUsage:
		return money.Byte
	case MessageUsage, ContentUsage:
		return money.Event
	}
	return ""
}

// UsagePrice prices one kind of usage. The longest prefix decides first, then
// the window in which the usage happens.
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

// Rule prices usage to some destinations in some windows. It has either Price
// and Per, or Steps, or Tiers.
type Rule struct {
	Code string `json:"code"`
	// Names make the rule a line of its own on the bill; without them its
	// usage is told under the UsagePrice.
	Names        Names    `json:"names,omitempty"`
	Destinations []string `json:"destinations"`
	// Windows is empty where the rule always applies.
	Windows    []Window       `json:"windows,omitempty"`
	ConnectFee *money.Decimal `json:"connect_fee,omitempty"`
	Price      *money.Decimal `json:"price,omitempty"`
	Per        *Quantity      `json:"per,omitempty"`
	Increments *Increments    `json:"increments,omitempty"`
	Steps      []PriceStep    `json:"steps,omitempty"`
	Tiers      *Tiers         `json:"tiers,omitempty"`
	// Minimum and Cap bound an event's price before rounding.
	Minimum *money.Decimal `json:"minimum,omitempty"`
	Cap     *money.Decimal `json:"cap,omitempty"`
}

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

// TierKind says how a counter of the period turns into a price.
type TierKind string

const (
	// Graduated prices each part of the usage by the band it falls into.
	Graduated TierKind = "graduated"
	// Volume prices all usage of the period by the band its total reaches.
	Volume TierKind = "volume"
	// Package sells whole packages once the free quantity is used up.
	Package TierKind = "package"
)

// Tiers price usage by how much the period has seen of it, unit buckets left
// out. Rules that name the same Counter count together.
type Tiers struct {
	Kind TierKind `json:"kind"`
	// Counter defaults to the rule's code.
	Counter string `json:"counter,omitempty"`
	// Bands belong to Graduated and Volume.
	Bands []Band `json:"bands,omitempty"`
	// Free, Size and Price belong to Package.
	Free  *Quantity      `json:"free,omitempty"`
	Size  *Quantity      `json:"size,omitempty"`
	Price *money.Decimal `json:"price,omitempty"`
}

// Band is a price up to and including To; the last one has no To.
type Band struct {
	To    *Quantity     `json:"to,omitempty"`
	Price money.Decimal `json:"price"`
	Per   Quantity      `json:"per"`
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
