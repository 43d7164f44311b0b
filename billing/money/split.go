package money

import (
	"errors"
	"fmt"
	"sort"
)

// ErrNoWeight says that a split has no weights, a negative one, or only zeros.
var ErrNoWeight = errors.New("no weight to split by")

// Split divides a in proportion to weights into parts of scale decimals that
// sum to a. Each part is cut towards zero, then the units left over go one
// each to the largest fractions cut off; equal fractions in the order of the
// weights. ErrInexact: a itself has more decimals than scale. A part of
// weight zero is zero.
func (a Amount) Split(weights []Decimal, scale int32) ([]Amount, error) {
	total, err := sumWeights(weights)
	if err != nil {
		return nil, err
	}
	if a.d.Digits() > scale {
		return nil, fmt.Errorf("split %s: %w: %d decimals", a, ErrInexact, scale)
	}
	unit := DecimalOf(1, scale)
	if a.Sign() < 0 {
		unit = unit.Neg()
	}
	parts := make([]Amount, len(weights))
	cut := make([]Decimal, len(weights)) // fraction cut off, times total
	left := a.d
	for i, w := range weights {
		part, err := a.d.MulDiv(w, total, scale, Down)
		if err != nil {
			return nil, err
		}
		parts[i] = Amount{part, a.c}
		cut[i] = a.d.Mul(w).Sub(part.Mul(total)).Abs()
		left = left.Sub(part)
	}
	for _, i := range byFraction(cut) {
		if left.IsZero() {
			break
		}
		parts[i].d = parts[i].d.Add(unit)
		left = left.Sub(unit)
	}
	return parts, nil
}

func sumWeights(weights []Decimal) (Decimal, error) {
	var total Decimal
	for _, w := range weights {
		if w.Sign() < 0 {
			return Decimal{}, fmt.Errorf("%w: %s is negative", ErrNoWeight, w)
		}
		total = total.Add(w)
	}
	if total.IsZero() {
		return Decimal{}, ErrNoWeight
	}
	return total, nil
}

func byFraction(cut []Decimal) []int {
	order := make([]int, len(cut))
	for i := range order {
		order[i] = i
	}
	sort.SliceStable(order, func(i, j int) bool { return cut[order[i]].Cmp(cut[order[j]]) > 0 })
	return order
}
