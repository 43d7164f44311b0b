package rating

import (
	"math/big"
	"math/bits"

	"tollhouse/billing/money"
)

// wide is a signed 128-bit integer in two's complement. Prices are summed in
// it as numerators over one common denominator, which is exact and some
// twenty times faster than decimals; a test holds both equal. Operations
// report an overflow, and the caller turns it into TooLarge.
type wide struct {
	hi int64
	lo uint64
}

// wideProduct returns a × b for a, b ≥ 0; 126 bits always hold it.
func wideProduct(a, b int64) wide {
	hi, lo := bits.Mul64(uint64(a), uint64(b))
	return wide{int64(hi), lo}
}

func (w wide) add(v wide) (sum wide, ok bool) {
	lo, carry := bits.Add64(w.lo, v.lo, 0)
	hi := w.hi + v.hi + int64(carry)
	overflow := (w.hi < 0) == (v.hi < 0) && (hi < 0) != (w.hi < 0)
	return wide{hi, lo}, !overflow
}

func (w wide) neg() wide {
	lo, borrow := bits.Sub64(0, w.lo, 0)
	return wide{-w.hi - int64(borrow), lo}
}

func (w wide) sub(v wide) (wide, bool) { return w.add(v.neg()) }

func (w wide) cmp(v wide) int {
	switch {
	case w.hi != v.hi && w.hi < v.hi, w.hi == v.hi && w.lo < v.lo:
		return -1
	case w == v:
		return 0
	}
	return 1
}

func (w wide) big() *big.Int {
	n := new(big.Int).Lsh(big.NewInt(w.hi), 64)
	return n.Add(n, new(big.Int).SetUint64(w.lo))
}

// wideFromBig returns n, and false if it needs more than 126 bits.
func wideFromBig(n *big.Int) (wide, bool) {
	if n.BitLen() > 126 {
		return wide{}, false
	}
	var abs big.Int
	abs.Abs(n)
	lo := new(big.Int).And(&abs, new(big.Int).SetUint64(^uint64(0))).Uint64()
	w := wide{int64(abs.Rsh(&abs, 64).Uint64()), lo}
	if n.Sign() < 0 {
		w = w.neg()
	}
	return w, true
}

// scaled is a denominator with a rounding.
type scaled struct {
	denominator uint64 // below 2^63
	pow10       uint64 // 10^digits, at most 10^9
	digits      int32
	mode        money.Rounding
}

// round returns n / denominator, rounded once; false if the result needs more
// than 62 bits before the point.
func (s scaled) round(n wide) (money.Decimal, bool) {
	negative := n.hi < 0
	if negative {
		n = n.neg()
	}
	if uint64(n.hi) >= s.denominator {
		return money.Decimal{}, false
	}
	whole, rest := bits.Div64(uint64(n.hi), n.lo, s.denominator)
	hi, lo := bits.Mul64(rest, s.pow10)
	fraction, cut := bits.Div64(hi, lo, s.denominator)
	if cut != 0 {
		half := compareHalf(cut, s.denominator)
		// pow10 is even unless digits is 0, so whole's parity matters only then.
		odd := (whole*s.pow10+fraction)&1 == 1
		if s.mode.AwayFromZero(negative, odd, half) {
			fraction++
		}
	}
	return s.decimal(whole, fraction, negative)
}

func compareHalf(cut, denominator uint64) int {
	switch rest := denominator - cut; {
	case cut < rest:
		return -1
	case cut > rest:
		return 1
	}
	return 0
}

func (s scaled) decimal(whole, fraction uint64, negative bool) (money.Decimal, bool) {
	if whole>>62 != 0 {
		return money.Decimal{}, false
	}
	hi, lo := bits.Mul64(whole, s.pow10)
	lo, carry := bits.Add64(lo, fraction, 0)
	var d money.Decimal
	if hi+carry == 0 && lo>>63 == 0 {
		d = money.DecimalOf(int64(lo), s.digits)
	} else {
		d = money.NewDecimal(int64(whole)).Add(money.DecimalOf(int64(fraction), s.digits))
	}
	if negative {
		d = d.Neg()
	}
	return d, true
}
