package tax

import (
	"math/big"

	"tollhouse/billing/money"
)

// fraction is a part of a price, exact: 12 % of 11/12 is 132/1200.
type fraction struct{ num, den money.Decimal }

var (
	one     = money.NewDecimal(1)
	hundred = money.NewDecimal(100)
)

// within is what of a price that holds the fraction is net: den / (den + num).
func (f fraction) within() fraction { return fraction{f.den, f.den.Add(f.num)} }

// percent is the fraction in per cent, to six decimals, for people.
func (f fraction) percent() money.Decimal {
	p, err := f.num.MulDiv(hundred, f.den, 6, money.HalfAwayFromZero)
	if err != nil {
		return money.Decimal{}
	}
	return trimmed(p)
}

func (f fraction) rat() *big.Rat { return new(big.Rat).Quo(f.num.BigRat(), f.den.BigRat()) }

func fractionOf(r *big.Rat) fraction {
	num, err := money.ParseDecimal(r.Num().String())
	den, err2 := money.ParseDecimal(r.Denom().String())
	if err != nil || err2 != nil { // more digits than any law has: what a document can show of it
		return fraction{money.RoundRat(r, 12, money.HalfAwayFromZero), one}
	}
	return fraction{num, den}
}

// trimmed takes the zeros off a decimal's end.
func trimmed(d money.Decimal) money.Decimal {
	if short, err := money.ParseDecimal(d.String()); err == nil {
		return short
	}
	return d
}
