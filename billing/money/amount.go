package money

import (
	"encoding/json"
	"errors"
	"fmt"
)

// ErrCurrencyMismatch says that two amounts of different currencies met.
var ErrCurrencyMismatch = errors.New("currencies differ")

// limit bounds the absolute value of every computed amount: 20 digits before
// the point and nine behind fill numeric(29,9).
var limit = DecimalOf(1, -20)

// Amount is a decimal number of one currency. It is immutable; the zero value
// is 0 of no currency and mixes with nothing.
type Amount struct {
	d Decimal
	c Currency
}

// New returns d in c.
func New(d Decimal, c Currency) Amount { return Amount{d, c} }

// Zero returns nothing in c.
func Zero(c Currency) Amount { return Amount{c: c} }

// Parse reads a plain decimal such as "12.34" as an amount of c. It returns
// ErrSyntax or ErrOverflow.
func Parse(s string, c Currency) (Amount, error) {
	d, err := ParseDecimal(s)
	if err != nil {
		return Amount{}, err
	}
	return bounded(d, c)
}

// FromMinor returns n ISO 4217 minor units of c: 1234 of EUR is 12.34.
func FromMinor(n int64, c Currency) Amount { return Amount{DecimalOf(n, c.Digits()), c} }

// Minor returns a in ISO 4217 minor units, or ErrInexact or ErrOverflow.
func (a Amount) Minor() (int64, error) { return a.d.Unscaled(a.c.Digits()) }

// Decimal returns the number.
func (a Amount) Decimal() Decimal { return a.d }

// Currency returns the currency.
func (a Amount) Currency() Currency { return a.c }

// Add returns a + b, or ErrCurrencyMismatch or ErrOverflow.
func (a Amount) Add(b Amount) (Amount, error) {
	if a.c != b.c {
		return Amount{}, mismatch(a, b)
	}
	return bounded(a.d.Add(b.d), a.c)
}

// Sub returns a - b, or ErrCurrencyMismatch or ErrOverflow.
func (a Amount) Sub(b Amount) (Amount, error) {
	if a.c != b.c {
		return Amount{}, mismatch(a, b)
	}
	return bounded(a.d.Sub(b.d), a.c)
}

// Neg returns -a.
func (a Amount) Neg() Amount { return Amount{a.d.Neg(), a.c} }

// Abs returns a without its sign.
func (a Amount) Abs() Amount { return Amount{a.d.Abs(), a.c} }

// Cmp returns -1, 0 or 1 as a is less than, equal to or greater than b, or
// ErrCurrencyMismatch.
func (a Amount) Cmp(b Amount) (int, error) {
	if a.c != b.c {
		return 0, mismatch(a, b)
	}
	return a.d.Cmp(b.d), nil
}

// Sign returns -1, 0 or 1.
func (a Amount) Sign() int { return a.d.Sign() }

// IsZero reports whether the number is 0, whatever the currency.
func (a Amount) IsZero() bool { return a.d.IsZero() }

// Mul returns a × d exactly, or ErrOverflow.
func (a Amount) Mul(d Decimal) (Amount, error) { return bounded(a.d.Mul(d), a.c) }

// MulDiv returns a × num / den at scale decimals, rounded once; or
// ErrDivisionByZero or ErrOverflow.
func (a Amount) MulDiv(num, den Decimal, scale int32, r Rounding) (Amount, error) {
	d, err := a.d.MulDiv(num, den, scale, r)
	if err != nil {
		return Amount{}, err
	}
	return bounded(d, a.c)
}

// Round returns a at no more than scale decimals.
func (a Amount) Round(scale int32, r Rounding) Amount { return Amount{a.d.Round(scale, r), a.c} }

// RoundToDocument returns a in the default document unit of its currency,
// halves away from zero.
func (a Amount) RoundToDocument() Amount {
	return a.Round(a.c.DocumentDigits(), HalfAwayFromZero)
}

// Text returns the number with the digits of a document and, where it has
// more, all of them: "12.30", "0.101666667".
func (a Amount) Text() string { return a.d.Fixed(a.c.DocumentDigits()) }

// String returns the number and its currency: "12.30 EUR".
func (a Amount) String() string { return a.Text() + " " + a.c.code }

type amountJSON struct {
	Amount   string   `json:"amount"`
	Currency Currency `json:"currency"`
}

// MarshalJSON writes {"amount":"12.34","currency":"EUR"}.
func (a Amount) MarshalJSON() ([]byte, error) {
	return json.Marshal(amountJSON{a.Text(), a.c})
}

// UnmarshalJSON reads what MarshalJSON writes.
func (a *Amount) UnmarshalJSON(text []byte) error {
	var raw amountJSON
	if err := json.Unmarshal(text, &raw); err != nil {
		return fmt.Errorf("amount: %w", err)
	}
	parsed, err := Parse(raw.Amount, raw.Currency)
	if err != nil {
		return fmt.Errorf("amount: %w", err)
	}
	*a = parsed
	return nil
}

func bounded(d Decimal, c Currency) (Amount, error) {
	if d.wide != nil && d.Abs().Cmp(limit) >= 0 { // 64 bits hold nothing that large
		return Amount{}, fmt.Errorf("%w: %s %s", ErrOverflow, d, c)
	}
	return Amount{d, c}, nil
}

func mismatch(a, b Amount) error {
	return fmt.Errorf("%w: %q and %q", ErrCurrencyMismatch, a.c.code, b.c.code)
}
