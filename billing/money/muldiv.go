package money

import (
	"math"
	"math/bits"
)

// mulDivSmall is MulDiv where all of it fits into 128 bits, which is nearly
// always; it says false where it may not.
func mulDivSmall(d, num, den Decimal, scale int32, r Rounding) (Decimal, bool) {
	if d.wide != nil || num.wide != nil || den.wide != nil || scale < 0 || scale > maxScale {
		return Decimal{}, false
	}
	a, negative, ok := magnitude(d.n, false)
	b, negative, okB := magnitude(num.n, negative)
	m, negative, okM := magnitude(den.n, negative)
	if !ok || !okB || !okM {
		return Decimal{}, false
	}
	high, low := bits.Mul64(a, b)
	shift := int64(den.scale) - int64(d.scale) - int64(num.scale) + int64(scale)
	switch {
	case shift < -maxScale || shift > maxScale:
		return Decimal{}, false
	case shift >= 0:
		if high != 0 {
			return Decimal{}, false
		}
		high, low = bits.Mul64(low, uint64(tens[shift]))
	default:
		var over uint64
		if over, m = bits.Mul64(m, uint64(tens[-shift])); over != 0 {
			return Decimal{}, false
		}
	}
	if high >= m { // the quotient would not fit
		return Decimal{}, false
	}
	quotient, rest := bits.Div64(high, low, m)
	if quotient >= math.MaxInt64 { // one step more may not fit
		return Decimal{}, false
	}
	if rest != 0 {
		half := 0
		switch other := m - rest; {
		case rest < other:
			half = -1
		case rest > other:
			half = 1
		}
		if r.AwayFromZero(negative, quotient&1 == 1, half) {
			quotient++
		}
	}
	n := int64(quotient)
	if negative {
		n = -n
	}
	return Decimal{n: n, scale: scale}, true
}

// magnitude is the absolute value of n, and whether a product with it is
// negative, if it was before; false for the one that has none in 64 bits.
func magnitude(n int64, negative bool) (uint64, bool, bool) {
	if n == math.MinInt64 {
		return 0, negative, false
	}
	if n < 0 {
		return uint64(-n), !negative, true
	}
	return uint64(n), negative, true
}
