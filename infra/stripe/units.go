package stripe

import (
	"fmt"

	"tollhouse/billing/money"
	"tollhouse/billing/payment"
)

// unit says how Stripe counts a currency: an integer with that many digits
// after the point, always a multiple of step.
type unit struct {
	digits int32
	step   int64
}

// units are the currencies that Stripe does not count in plain hundredths,
// from https://docs.stripe.com/currencies (zero-decimal, three-decimal and
// special cases). Stripe's digits are not ISO's: MGA has 2 there and 0 here;
// ISK and UGX have 0 there and are sent as hundredths that must be whole.
// Three-decimal amounts must end in 0. HUF and TWD are special in payouts
// only, IDR is plain hundredths.
var units = map[string]unit{
	"BIF": {0, 1}, "CLP": {0, 1}, "DJF": {0, 1}, "GNF": {0, 1}, "JPY": {0, 1}, "KMF": {0, 1},
	"KRW": {0, 1}, "MGA": {0, 1}, "PYG": {0, 1}, "RWF": {0, 1}, "VND": {0, 1}, "VUV": {0, 1},
	"XAF": {0, 1}, "XOF": {0, 1}, "XPF": {0, 1},
	"ISK": {2, 100}, "UGX": {2, 100},
	"BHD": {3, 10}, "JOD": {3, 10}, "KWD": {3, 10}, "OMR": {3, 10}, "TND": {3, 10},
}

// unitOf refuses a currency of which neither Stripe's table nor ISO's two
// digits tell how it is counted: a wrong guess would be a hundredfold payment.
func unitOf(c money.Currency) (unit, error) {
	if u, special := units[c.Code()]; special {
		return u, nil
	}
	if c.IsZero() || c.Digits() != 2 {
		return unit{}, fmt.Errorf("%w: Stripe has no units for %q", payment.ErrProviderAmount, c)
	}
	return unit{digits: 2, step: 1}, nil
}

// ToMinor is the integer Stripe wants for an amount. An amount that is not
// exact in Stripe's units is refused, never rounded.
func ToMinor(a money.Amount) (int64, error) {
	u, err := unitOf(a.Currency())
	if err != nil {
		return 0, err
	}
	n, err := a.Decimal().Unscaled(u.digits)
	if err != nil || n%u.step != 0 {
		return 0, fmt.Errorf("%w: %s is not exact in Stripe's units", payment.ErrProviderAmount, a)
	}
	return n, nil
}

// FromMinor is the amount that Stripe's integer stands for.
func FromMinor(n int64, c money.Currency) (money.Amount, error) {
	u, err := unitOf(c)
	if err != nil {
		return money.Amount{}, err
	}
	return money.New(money.DecimalOf(n, u.digits), c), nil
}
