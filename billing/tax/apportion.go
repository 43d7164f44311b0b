package tax

import (
	"slices"

	"tollhouse/billing/money"
)

// apportion takes the fraction num/den of the sum, rounded once to digits, and
// shares it over the amounts: each gets its own fraction rounded down, and what
// is left goes one unit each to the largest remainders. It is done here and
// not by money's Split because lines may be negative (a correction beside a
// charge), and remainders are compared exactly, by whole numerators.
func apportion(amounts []money.Decimal, sum, num, den money.Decimal, digits int32) ([]money.Decimal, error) {
	left, err := sum.MulDiv(num, den, digits, money.HalfAwayFromZero)
	if err != nil {
		return nil, err
	}
	shares, remainders := make([]money.Decimal, len(amounts)), make([]money.Decimal, len(amounts))
	order := make([]int, len(amounts))
	for i, amount := range amounts {
		if shares[i], err = amount.MulDiv(num, den, digits, money.Floor); err != nil {
			return nil, err
		}
		remainders[i] = amount.Mul(num).Sub(shares[i].Mul(den))
		left = left.Sub(shares[i])
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int { return remainders[b].Cmp(remainders[a]) })
	unit := money.DecimalOf(1, digits)
	for _, i := range order {
		if left.Sign() <= 0 {
			break
		}
		shares[i], left = shares[i].Add(unit), left.Sub(unit)
	}
	return shares, nil
}
