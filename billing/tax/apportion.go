package tax

import (
	"slices"

	"tollhouse/billing/money"
)

// apportion shares a sum, already rounded to digits, over amounts in proportion
// to the fraction num/den of each: each gets its own fraction rounded down, and
// what is left goes one unit each to the largest remainders (or is taken from
// the smallest). It is done here and not by money's Split because lines may be
// negative (a correction beside a charge), and remainders are compared exactly,
// by whole numerators.
func apportion(amounts []money.Decimal, sum money.Decimal, f fraction, digits int32) ([]money.Decimal, error) {
	shares, remainders := make([]money.Decimal, len(amounts)), make([]money.Decimal, len(amounts))
	order := make([]int, len(amounts))
	left := sum
	var err error
	for i, amount := range amounts {
		if shares[i], err = amount.MulDiv(f.num, f.den, digits, money.Floor); err != nil {
			return nil, err
		}
		remainders[i] = amount.Mul(f.num).Sub(shares[i].Mul(f.den))
		left = left.Sub(shares[i])
		order[i] = i
	}
	if left.Sign() == 0 || len(amounts) == 0 {
		return shares, nil
	}
	unit := money.DecimalOf(1, digits)
	slices.SortStableFunc(order, func(a, b int) int { return remainders[b].Cmp(remainders[a]) })
	if left.Sign() < 0 {
		slices.Reverse(order)
		unit = unit.Neg()
	}
	for n := 0; left.Sign() != 0; n++ {
		i := order[n%len(order)]
		shares[i], left = shares[i].Add(unit), left.Sub(unit)
	}
	return shares, nil
}
