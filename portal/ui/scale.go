package ui

import "tollhouse/billing/money"

// NiceStep is the least of 1, 1.5, 2, 2.5, 3, 4, 5, 6, 8 times a power of ten,
// from a hundredth on, of which three units hold the most.
func NiceStep(most, unit money.Decimal) money.Decimal {
	for scale := money.DecimalOf(1, 2); ; scale = scale.Mul(money.NewDecimal(10)) {
		for _, n := range []string{"1", "1.5", "2", "2.5", "3", "4", "5", "6", "8"} {
			step := scale.Mul(money.MustDecimal(n))
			if step.Mul(unit).Mul(money.NewDecimal(3)).Cmp(most) >= 0 {
				return step
			}
		}
	}
}
