package money

import (
	"errors"
	"fmt"
	"math"
	"math/big"

	"github.com/shopspring/decimal"
)

// Scale is the number of decimals that charges, buckets and the ledger carry.
const Scale = 9

// maxDigits bounds parsed text. The ledger column is numeric(29,9); the rest
// is head room for prices per very large quantities. It also keeps hostile
// input from costing more than its own length.
const maxDigits = 60

var (
	// ErrSyntax says that a text is no plain decimal such as "-12.34".
	ErrSyntax = errors.New("not a decimal number")
	// ErrDivisionByZero says that a divisor was zero.
	ErrDivisionByZero = errors.New("division by zero")
	// ErrInexact says that a value would have to be rounded and no rule was named.
	ErrInexact = errors.New("value has more digits than fit")
	// ErrOverflow says that a value is too large for the target.
	ErrOverflow = errors.New("value too large")
)

// Decimal is an exact, immutable decimal number. The zero value is 0. Compare
// with Equal or Cmp: == compares representations, not numbers.
type Decimal struct{ d decimal.Decimal }

// ParseDecimal reads an optional sign, digits and an optional fraction.
// Exponents, spaces and bare points are refused (ErrSyntax): "1e9" in a price
// list is a slip far more often than a wish.
func ParseDecimal(s string) (Decimal, error) {
	if !plainDecimal(s) {
		return Decimal{}, fmt.Errorf("%w: %.40q", ErrSyntax, s)
	}
	d, err := decimal.NewFromString(s)
	if err != nil {
		return Decimal{}, fmt.Errorf("%w: %.40q", ErrSyntax, s)
	}
	return Decimal{d}, nil
}

func plainDecimal(s string) bool {
	if s != "" && (s[0] == '-' || s[0] == '+') {
		s = s[1:]
	}
	if s == "" || len(s) > maxDigits || s[0] == '.' || s[len(s)-1] == '.' {
		return false
	}
	points := 0
	for i := range len(s) {
		switch c := s[i]; {
		case c == '.':
			points++
		case c < '0' || c > '9':
			return false
		}
	}
	return points <= 1
}

// MustDecimal is ParseDecimal for constants; it panics on bad text.
func MustDecimal(s string) Decimal {
	d, err := ParseDecimal(s)
	if err != nil {
		panic(err)
	}
	return d
}

// NewDecimal returns the whole number n.
func NewDecimal(n int64) Decimal { return Decimal{decimal.New(n, 0)} }

// DecimalOf returns unscaled × 10^-scale: DecimalOf(1234, 2) is 12.34.
func DecimalOf(unscaled int64, scale int32) Decimal {
	return Decimal{decimal.New(unscaled, -scale)}
}

// Add returns d + e, exactly.
func (d Decimal) Add(e Decimal) Decimal { return Decimal{d.d.Add(e.d)} }

// Sub returns d - e, exactly.
func (d Decimal) Sub(e Decimal) Decimal { return Decimal{d.d.Sub(e.d)} }

// Mul returns d × e, exactly.
func (d Decimal) Mul(e Decimal) Decimal { return Decimal{d.d.Mul(e.d)} }

// Neg returns -d.
func (d Decimal) Neg() Decimal { return Decimal{d.d.Neg()} }

// Abs returns d without its sign.
func (d Decimal) Abs() Decimal {
	if d.Sign() < 0 {
		return d.Neg()
	}
	return d
}

// Cmp returns -1, 0 or 1 as d is less than, equal to or greater than e.
func (d Decimal) Cmp(e Decimal) int { return d.d.Cmp(e.d) }

// Equal reports whether d and e are the same number; 1.50 equals 1.5.
func (d Decimal) Equal(e Decimal) bool { return d.d.Cmp(e.d) == 0 }

// Sign returns -1, 0 or 1.
func (d Decimal) Sign() int { return d.d.Sign() }

// IsZero reports whether d is 0.
func (d Decimal) IsZero() bool { return d.d.Sign() == 0 }

// String returns the shortest plain text: no exponent, no trailing zeros.
func (d Decimal) String() string { return d.d.String() }

// Fixed returns d with at least digits decimals; digits it has are never cut.
func (d Decimal) Fixed(digits int32) string {
	if short := d.normal(); -short.Exponent() > digits {
		return short.String()
	}
	return d.d.StringFixed(digits)
}

// Digits returns the number of decimals d needs: 2 for 12.340.
func (d Decimal) Digits() int32 { return max(0, -d.normal().Exponent()) }

// normal drops trailing zeros after the point.
func (d Decimal) normal() decimal.Decimal {
	if d.d.Exponent() >= 0 {
		return d.d
	}
	coefficient, exponent := d.d.Coefficient(), d.d.Exponent()
	if coefficient.Sign() == 0 {
		return decimal.Decimal{}
	}
	var quotient, remainder big.Int
	for exponent < 0 {
		quotient.QuoRem(coefficient, big.NewInt(10), &remainder)
		if remainder.Sign() != 0 {
			break
		}
		coefficient.Set(&quotient)
		exponent++
	}
	return decimal.NewFromBigInt(coefficient, exponent)
}

// Int64 returns d as a whole number, or ErrInexact or ErrOverflow.
func (d Decimal) Int64() (int64, error) {
	if !d.d.IsInteger() {
		return 0, fmt.Errorf("%w: %s is not whole", ErrInexact, d)
	}
	if n := d.d.BigInt(); n.IsInt64() {
		return n.Int64(), nil
	}
	return 0, fmt.Errorf("%w: %s", ErrOverflow, d)
}

// Unscaled returns n with d = n × 10^-scale, or ErrInexact when d has more
// than scale decimals, or ErrOverflow when n needs more than 64 bits.
func (d Decimal) Unscaled(scale int32) (int64, error) {
	n := d.d.Coefficient()
	shift := int64(scale) + int64(d.d.Exponent())
	if shift >= 0 {
		n.Mul(n, pow10(shift))
	} else {
		var remainder big.Int
		n.QuoRem(n, pow10(-shift), &remainder)
		if remainder.Sign() != 0 {
			return 0, fmt.Errorf("%w: %s at %d decimals", ErrInexact, d, scale)
		}
	}
	if !n.IsInt64() {
		return 0, fmt.Errorf("%w: %s", ErrOverflow, d)
	}
	return n.Int64(), nil
}

// Rat returns d as a fraction of 64-bit integers in lowest terms, or
// ErrOverflow.
func (d Decimal) Rat() (num, den int64, err error) {
	r := d.d.Rat()
	if !r.Num().IsInt64() || !r.Denom().IsInt64() {
		return 0, 0, fmt.Errorf("%w: %s", ErrOverflow, d)
	}
	return r.Num().Int64(), r.Denom().Int64(), nil
}

func pow10(n int64) *big.Int {
	if n < 0 || n > math.MaxInt32 {
		panic(fmt.Sprintf("money: power of ten %d", n))
	}
	return new(big.Int).Exp(big.NewInt(10), big.NewInt(n), nil)
}
