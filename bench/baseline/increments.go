package baseline

import "math/big"

// Slot is a price from a second of a call on.
type Slot struct {
	From, Increment, PerSeconds int64
	PriceMillionths             int64
}

// Increments prices a call the obvious way: one increment after the other,
// each as an exact fraction that is added to the sum. It knows no windows and
// no buckets, rounds nothing and explains nothing.
func Increments(slots []Slot, fee *big.Rat, seconds int64) *big.Rat {
	sum := new(big.Rat).Set(fee)
	position := int64(0)
	for position < seconds {
		slot := &slots[0]
		for i := range slots {
			if slots[i].From <= position {
				slot = &slots[i]
			}
		}
		step := big.NewRat(slot.PriceMillionths*slot.Increment, 1_000_000*slot.PerSeconds)
		sum.Add(sum, step)
		position += slot.Increment
	}
	return sum
}
