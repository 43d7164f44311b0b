package money

import (
	"errors"
	"fmt"
	"math/big"
)

// ErrUnknownRounding says that a text names no rounding rule.
var ErrUnknownRounding = errors.New("unknown rounding rule")

// Rounding names how a value that lies between two representable ones goes to
// one of them.
type Rounding uint8

const (
	// HalfAwayFromZero is the house rule: 0.5 → 1, -0.5 → -1.
	HalfAwayFromZero Rounding = iota
	// HalfEven takes ties to the even neighbour.
	HalfEven
	// Up goes away from zero.
	Up
	// Down goes towards zero.
	Down
	// Ceiling goes towards +∞.
	Ceiling
	// Floor goes towards -∞.
	Floor
)

var roundingNames = [...]string{"half_away_from_zero", "half_even", "up", "down", "ceiling", "floor"}

// ParseRounding reads a rule's name, such as "half_even".
func ParseRounding(s string) (Rounding, error) {
	for i, name := range roundingNames {
		if s == name {
			return Rounding(i), nil
		}
	}
	return 0, fmt.Errorf("%w: %.40q", ErrUnknownRounding, s)
}

// String returns the rule's name.
func (r Rounding) String() string {
	if int(r) < len(roundingNames) {
		return roundingNames[r]
	}
	return fmt.Sprintf("rounding(%d)", uint8(r))
}

// MarshalText writes the rule's name.
func (r Rounding) MarshalText() ([]byte, error) {
	if int(r) >= len(roundingNames) {
		return nil, fmt.Errorf("%w: %d", ErrUnknownRounding, uint8(r))
	}
	return []byte(roundingNames[r]), nil
}

// UnmarshalText reads the rule's name.
func (r *Rounding) UnmarshalText(text []byte) (err error) {
	*r, err = ParseRounding(string(text))
	return err
}

// AwayFromZero reports whether a value that was cut towards zero has to move
// one step away from it. The cut-off part is compared with half a step by
// half (-1, 0, 1) and is not zero; odd is the parity of the cut value.
func (r Rounding) AwayFromZero(negative, odd bool, half int) bool {
	switch r {
	case HalfAwayFromZero:
		return half >= 0
	case HalfEven:
		return half > 0 || half == 0 && odd
	case Up:
		return true
	case Ceiling:
		return !negative
	case Floor:
		return negative
	default:
		return false
	}
}

// Round returns d at no more than scale decimals. A negative scale rounds to
// tens, hundreds and so on.
func (d Decimal) Round(scale int32, r Rounding) Decimal {
	if d.scale <= scale {
		return d
	}
	if d.wide == nil && scale >= 0 {
		return Decimal{n: roundSmall(d.n, tens[d.scale-scale], r), scale: scale}
	}
	den := pow10(int64(d.scale) - int64(scale))
	return ofBig(roundQuotient(d.coefficient(), den, r), scale)
}

// roundSmall returns n / den rounded by r; den is a power of ten above 1.
func roundSmall(n, den int64, r Rounding) int64 {
	quotient, rest := n/den, n%den
	if rest == 0 {
		return quotient
	}
	step := int64(1)
	if n < 0 {
		step, rest = -1, -rest
	}
	half := 0
	switch other := den - rest; {
	case rest < other:
		half = -1
	case rest > other:
		half = 1
	}
	if r.AwayFromZero(n < 0, quotient&1 == 1, half) {
		quotient += step
	}
	return quotient
}

// Ceil returns the least whole number not below d.
func (d Decimal) Ceil() Decimal { return d.Round(0, Ceiling) }

// Floor returns the greatest whole number not above d.
func (d Decimal) Floor() Decimal { return d.Round(0, Floor) }

// Div returns d / den at scale decimals, rounded once.
func (d Decimal) Div(den Decimal, scale int32, r Rounding) (Decimal, error) {
	return d.MulDiv(NewDecimal(1), den, scale, r)
}

// MulDiv returns d × num / den at scale decimals, rounded once.
func (d Decimal) MulDiv(num, den Decimal, scale int32, r Rounding) (Decimal, error) {
	if den.IsZero() {
		return Decimal{}, fmt.Errorf("divide %s by %s: %w", d, den, ErrDivisionByZero)
	}
	if small, ok := mulDivSmall(d, num, den, scale, r); ok {
		return small, nil
	}
	n := d.coefficient()
	n.Mul(n, num.coefficient())
	m := den.coefficient()
	shift := int64(den.scale) - int64(d.scale) - int64(num.scale) + int64(scale)
	if shift >= 0 {
		n.Mul(n, pow10(shift))
	} else {
		m.Mul(m, pow10(-shift))
	}
	return ofBig(roundQuotient(n, m, r), scale), nil
}

// DivInt returns the whole number of times den goes into d, and what is left:
// d = quotient × den + remainder, the quotient rounded to -∞.
func (d Decimal) DivInt(den Decimal) (quotient, remainder Decimal, err error) {
	quotient, err = d.Div(den, 0, Floor)
	if err != nil {
		return Decimal{}, Decimal{}, err
	}
	return quotient, d.Sub(quotient.Mul(den)), nil
}

// roundQuotient returns n / m rounded by r. It may use its arguments as
// scratch space; m is not zero.
func roundQuotient(n, m *big.Int, r Rounding) *big.Int {
	var quotient, remainder big.Int
	quotient.QuoRem(n, m, &remainder)
	if remainder.Sign() == 0 {
		return &quotient
	}
	negative := n.Sign()*m.Sign() < 0
	half := remainder.Lsh(&remainder, 1).CmpAbs(m)
	if !r.AwayFromZero(negative, quotient.Bit(0) == 1, half) {
		return &quotient
	}
	step := int64(1)
	if negative {
		step = -1
	}
	return quotient.Add(&quotient, big.NewInt(step))
}
