package catalog

import "tollhouse/billing/money"

// TierKind says how a counter of the period turns into a price.
type TierKind string

const (
	// Graduated prices each part of the usage by the band it falls into.
	Graduated TierKind = "graduated"
	// Volume prices all usage of the period by the band its total reaches.
	Volume TierKind = "volume"
	// Package sells whole packages once the free quantity is used up.
	Package TierKind = "package"
	// Stair asks one amount for the period, that of the band its total reaches.
	Stair TierKind = "stair"
)

// Tiers price usage by how much the period has seen of it, unit buckets left
// out. Rules that name the same Counter count together.
type Tiers struct {
	Kind TierKind `json:"kind"`
	// Counter defaults to the rule's code.
	Counter string `json:"counter,omitempty"`
	// Bands belong to all kinds but Package.
	Bands []Band `json:"bands,omitempty"`
	// AtZero asks the first band's Fee of a period without any usage too.
	AtZero bool `json:"at_zero,omitempty"`
	// Free, Size and Price belong to Package.
	Free  *Quantity      `json:"free,omitempty"`
	Size  *Quantity      `json:"size,omitempty"`
	Price *money.Decimal `json:"price,omitempty"`
}

// Band is a price up to and including To; the last one has no To.
type Band struct {
	To *Quantity `json:"to,omitempty"`
	// Price and Per are for usage; a Stair has none.
	Price *money.Decimal `json:"price,omitempty"`
	Per   *Quantity      `json:"per,omitempty"`
	// Fee is asked once: Graduated adds that of each band the total enters,
	// Volume and Stair ask that of the band it reaches.
	Fee *money.Decimal `json:"fee,omitempty"`
}
