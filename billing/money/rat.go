package money

import "math/big"

// BigRat returns d as a fraction.
func (d Decimal) BigRat() *big.Rat { return d.library().Rat() }

// RoundRat returns r at scale decimals, rounded once.
func RoundRat(r *big.Rat, scale int32, mode Rounding) Decimal {
	n := new(big.Int).Mul(r.Num(), pow10(int64(scale)))
	return ofBig(roundQuotient(n, new(big.Int).Set(r.Denom()), mode), scale)
}
