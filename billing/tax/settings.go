package tax

import "errors"

// Rounding says what of a document is rounded.
type Rounding string

// The two ways. The zero value is PerGroup.
const (
	PerGroup Rounding = "group" // once per rate, the rest spread over the lines
	PerLine  Rounding = "line"  // each line alone
)

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
}

// Check refuses what is neither of the roundings.
func (s Settings) Check() error {
	if s.Rounding != "" && s.Rounding != PerGroup && s.Rounding != PerLine {
		return ErrRounding
	}
	return nil
}
