package tax

import (
	"errors"
	"fmt"

	"tollhouse/billing/money"
)

// ErrWithholding is returned for a withholding that is no part of the price.
var ErrWithholding = errors.New("a withheld tax is between 0 and 100 per cent of the net")

// Withholding is tax that a buyer keeps back from what it pays and pays to the
// tax office itself: Indonesia's PPh 23 is 2 % of the net.
type Withholding struct {
	Name    string        `json:"name"`
	Percent money.Decimal `json:"percent"`
}

// Withheld is what a buyer keeps back of one document.
type Withheld struct {
	Withholding
	Base   money.Amount `json:"base"`
	Amount money.Amount `json:"amount"`
}

// Check refuses what is no part of a price.
func (w Withholding) Check() error {
	if w.Name == "" || w.Percent.Sign() <= 0 || w.Percent.Cmp(hundred) >= 0 {
		return fmt.Errorf("%s %s: %w", w.Name, w.Percent, ErrWithholding)
	}
	return nil
}

// Of is what is kept back of a net amount, half away from zero.
func (w Withholding) Of(net money.Amount, digits int32) (Withheld, error) {
	amount, err := net.MulDiv(w.Percent, hundred, digits, money.HalfAwayFromZero)
	return Withheld{w, net, amount}, err
}
