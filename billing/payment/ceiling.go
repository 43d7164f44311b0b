package payment

import (
	"errors"
	"fmt"

	"tollhouse/billing/money"
)

// ErrCeiling is wrapped by CeilingError.
var ErrCeiling = errors.New("more than one payment may be")

// CeilingError refuses a payment that is too large to be meant: a slip of the
// finger, or somebody's trial of a stolen card.
type CeilingError struct{ Asked, Most money.Amount }

func (e *CeilingError) Error() string {
	return fmt.Sprintf("%v: %s asked, at most %s", ErrCeiling, e.Asked, e.Most)
}

func (e *CeilingError) Unwrap() error { return ErrCeiling }

// ceilings are the most that may be paid at once beyond what is owed, in whole
// units: about five thousand euros, as round a figure as each currency has.
var ceilings = map[string]int64{
	"EUR": 5_000, "USD": 5_000, "GBP": 5_000, "CHF": 5_000,
	"IDR": 100_000_000, "RUB": 500_000, "KZT": 2_500_000, "TRY": 250_000, "INR": 500_000, "THB": 200_000, "PHP": 300_000,
	"MYR": 25_000, "SGD": 7_500, "AUD": 10_000, "PLN": 25_000, "CZK": 150_000, "SEK": 60_000, "NOK": 60_000, "DKK": 40_000,
	"UAH": 250_000, "BRL": 30_000, "MXN": 100_000, "ZAR": 100_000, "AED": 20_000, "SAR": 20_000, "KES": 750_000, "NGN": 8_000_000,
}

// Of currencies that are not listed: those without minor units are worth little
// a unit, those with three digits much.
const (
	ceilingWithoutMinor = 1_000_000
	ceilingWithTwo      = 250_000
	ceilingWithThree    = 2_000
)

// Ceiling is the most that may be paid at once in a currency, beyond what is
// owed.
func Ceiling(c money.Currency) money.Amount {
	most, listed := ceilings[c.Code()]
	switch {
	case listed:
	case c.DocumentDigits() == 0:
		most = ceilingWithoutMinor
	case c.DocumentDigits() > 2:
		most = ceilingWithThree
	default:
		most = ceilingWithTwo
	}
	return money.New(money.NewDecimal(most), c)
}

// belowCeiling refuses an amount that is neither owed nor below the ceiling.
func belowCeiling(a, owed money.Amount) error {
	most := Ceiling(a.Currency())
	if a.Decimal().Cmp(most.Decimal()) > 0 && a.Decimal().Cmp(owed.Decimal()) > 0 {
		return &CeilingError{Asked: a, Most: most}
	}
	return nil
}
