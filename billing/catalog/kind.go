package catalog

import "tollhouse/billing/money"

// Kind says what sort of offering one is.
type Kind string

const (
	// Simple is a plan of its own.
	Simple Kind = "simple"
	// BundleKind is several offerings sold as one.
	BundleKind Kind = "bundle"
	// OptionKind is bought on top of a subscription.
	OptionKind Kind = "option"
	// ThirdPartyKind is a partner's service; the partner has a share.
	ThirdPartyKind Kind = "third_party"
)

// Sort is the offering's kind; one that names none is simple.
func (o Offering) Sort() Kind {
	if o.Kind == "" {
		return Simple
	}
	return o.Kind
}

// OnTop says whether the offering is bought on top of a subscription: an
// option, or a third party's service that has an option's terms.
func (o Offering) OnTop() bool { return o.Option != nil }

// Bundle is several offerings sold as one: each becomes a subscription of its
// own that lives as long as the bundle's.
type Bundle struct {
	Pricing Pricing `json:"pricing"`
	// Discount is off the components' recurring prices, under ByComponents.
	Discount   *Reduction  `json:"discount,omitempty"`
	Components []Component `json:"components"`
	// AtLeast is how many components have to be taken; the required ones always.
	AtLeast int `json:"at_least,omitempty"`
}

// Pricing says which prices of a bundle are charged.
type Pricing string

const (
	// AsOne charges the bundle's own prices; its components' fees are part of them.
	AsOne Pricing = "one"
	// ByComponents charges each component's fees, less the bundle's discount.
	ByComponents Pricing = "components"
)

// Component is an offering within a bundle, by its code: the version on sale
// when the bundle is sold.
type Component struct {
	Offering string `json:"offering"`
	// Optional components are left out unless they are asked for.
	Optional bool `json:"optional,omitempty"`
}

// Reduction is a share or an amount off; exactly one of them.
type Reduction struct {
	Percent *money.Decimal `json:"percent,omitempty"`
	Amount  *money.Decimal `json:"amount,omitempty"`
}

// Option says on top of what an offering can be had, and for how long.
type Option struct {
	// For lists the offerings that it is for; none: any with the same billing.
	For []string `json:"for,omitempty"`
	// Requires are options that the same subscription must have already, and
	// Excludes those that it must not have.
	Requires []string `json:"requires,omitempty"`
	Excludes []string `json:"excludes,omitempty"`
	// AtMost is how many of it a subscription may have at once; 0 is one.
	AtMost int `json:"at_most,omitempty"`
	// Lasts ends it by itself; nil: it goes on until it is cancelled.
	Lasts *Lasts `json:"lasts,omitempty"`
	// Priority orders the prices of usage of a subscription's options: 1 goes
	// first. Of two with the same the one that was bought last does. All go
	// before the plan's own.
	Priority int `json:"priority,omitempty"`
}

// PriorityOr returns the option's priority.
func (o Option) PriorityOr() int {
	if o.Priority == 0 {
		return DefaultPriority
	}
	return o.Priority
}

// Most is how many of an option a subscription may have at once.
func (o Option) Most() int { return max(1, o.AtMost) }

// Lasts is a number of the account's cycles, the one under way counted, or of
// days; exactly one of them.
type Lasts struct {
	Cycles int `json:"cycles,omitempty"`
	Days   int `json:"days,omitempty"`
}

// ThirdParty says whose service it is and what the partner gets.
type ThirdParty struct {
	Partner string    `json:"partner"`
	Share   Reduction `json:"share"`
	Per     SharePer  `json:"per"`
}

// SharePer says of what a partner has a share.
type SharePer string

const (
	// PerCharge shares every charge: fees and usage.
	PerCharge SharePer = "charge"
	// PerPeriod shares recurring prices only, once a period.
	PerPeriod SharePer = "period"
)
