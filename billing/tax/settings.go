package tax

import "errors"

// Rounding says what of a document is rounded.
type Rounding string

// The two ways. The zero value is PerGroup.
const (
	PerGroup Rounding = "group" // once per rate, the rest spread over the lines
	PerLine  Rounding = "line"  // each line alone
)

// Moment says when money that is paid ahead is taxed.
type Moment string

// The two moments. The zero value is AtUse.
const (
	AtUse  Moment = "use"  // it may be used for what is taxed in several ways
	AtSale Moment = "sale" // for one purpose: its tax is known
)

// ErrMoment is returned for a moment that is neither.
var ErrMoment = errors.New("bought balance is taxed at use or at sale")

// ErrRounding is returned for a rounding that is neither.
var ErrRounding = errors.New("rounding is per group or per line")

// Settings are how an operator's documents are taxed.
type Settings struct {
	Rounding Rounding `json:"rounding,omitempty"`
	// Strict reckons tax from the net even where prices include it, as a strict
	// reading of EN 16931 has it; what the promised price differs by is a rounding
	// amount of the document (BT-114), so that the same is paid.
	Strict bool `json:"strict_vat,omitempty"`
	// Engine names the outside engine whose word holds for bills; empty: the
	// operator's own rates. PutEngine sets it.
	Engine string `json:"engine,omitempty"`
	// TopUps says when bought balance is taxed.
	TopUps Moment `json:"top_ups,omitempty"`
}

// Check refuses what is neither of the roundings.
func (s Settings) Check() error {
	if s.Rounding != "" && s.Rounding != PerGroup && s.Rounding != PerLine {
		return ErrRounding
	}
	if s.TopUps != "" && s.TopUps != AtUse && s.TopUps != AtSale {
		return ErrMoment
	}
	return nil
}
