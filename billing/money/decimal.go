package money

import (
	"errors"
	"fmt"
	"math"
	"math/big"
	"math/bits"
	"strconv"
	"strings"

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
//
// Nearly every amount fits 64 bits; those are added, compared and rounded
// without touching memory. Tests hold both ways equal.
type Decimal struct {
	n     int64    // the number is n × 10^-scale, if wide is nil
	scale int32    // 0 to 18 if wide is nil
	wide  *big.Int // never changed; the number is wide × 10^-scale
}

// maxScale is the greatest power of ten that 64 bits hold.
const maxScale = 18

var tens = [maxScale + 1]int64{1, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18}

// library returns d as the decimal library has it.
func (d Decimal) library() decimal.Decimal {
	if d.wide == nil {
		return decimal.New(d.n, -d.scale)
	}
	return decimal.NewFromBigInt(d.wide, -d.scale)
}

func ofLibrary(d decimal.Decimal) Decimal { return ofBig(d.Coefficient(), -d.Exponent()) }

// ofBig returns n × 10^-scale. It keeps n.
func ofBig(n *big.Int, scale int32) Decimal {
	if n.IsInt64() {
		if scale >= 0 && scale <= maxScale {
			return Decimal{n: n.Int64(), scale: scale}
		}
		if scale < 0 && scale >= -maxScale {
			if whole, ok := times(n.Int64(), tens[-scale]); ok {
				return Decimal{n: whole}
			}
		}
	}
	return Decimal{scale: scale, wide: n}
}

// coefficient returns a number the caller may change.
func (d Decimal) coefficient() *big.Int {
	if d.wide == nil {
		return big.NewInt(d.n)
	}
	return new(big.Int).Set(d.wide)
}

// times returns a × b for b > 0, and false if it does not fit.
func times(a, b int64) (int64, bool) {
	abs := uint64(a)
	if a < 0 {
		abs = -abs
	}
	hi, lo := bits.Mul64(abs, uint64(b))
	if hi != 0 || lo > math.MaxInt64 {
		return 0, false
	}
	if a < 0 {
		return -int64(lo), true
	}
	return int64(lo), true
}

// aligned returns both numbers at the larger of their scales, and false if
// that does not fit 64 bits.
func aligned(d, e Decimal) (a, b int64, scale int32, ok bool) {
	if d.wide != nil || e.wide != nil {
		return 0, 0, 0, false
	}
	switch {
	case d.scale == e.scale:
		return d.n, e.n, d.scale, true
	case d.scale < e.scale:
		a, ok = times(d.n, tens[e.scale-d.scale])
		return a, e.n, e.scale, ok
	}
	b, ok = times(e.n, tens[d.scale-e.scale])
	return d.n, b, d.scale, ok
}

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
	return ofLibrary(d), nil
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
func NewDecimal(n int64) Decimal { return Decimal{n: n} }

// DecimalOf returns unscaled × 10^-scale: DecimalOf(1234, 2) is 12.34.
func DecimalOf(unscaled int64, scale int32) Decimal {
	if scale >= 0 && scale <= maxScale {
		return Decimal{n: unscaled, scale: scale}
	}
	return ofBig(big.NewInt(unscaled), scale)
}

// Add returns d + e, exactly.
func (d Decimal) Add(e Decimal) Decimal {
	if a, b, scale, ok := aligned(d, e); ok {
		if sum := a + b; (sum > a) == (b > 0) {
			return Decimal{n: sum, scale: scale}
		}
	}
	return ofLibrary(d.library().Add(e.library()))
}

// Sub returns d - e, exactly.
func (d Decimal) Sub(e Decimal) Decimal {
	if a, b, scale, ok := aligned(d, e); ok {
		if difference := a - b; (difference < a) == (b > 0) {
			return Decimal{n: difference, scale: scale}
		}
	}
	return ofLibrary(d.library().Sub(e.library()))
}

// Mul returns d × e, exactly.
func (d Decimal) Mul(e Decimal) Decimal {
	if d.wide == nil && e.wide == nil && d.scale+e.scale <= maxScale && e.n != math.MinInt64 {
		n, by := d.n, e.n
		if by < 0 {
			n, by = -n, -by
		}
		if product, ok := times(n, by); ok && d.n != math.MinInt64 {
			return Decimal{n: product, scale: d.scale + e.scale}
		}
	}
	return ofLibrary(d.library().Mul(e.library()))
}

// Neg returns -d.
func (d Decimal) Neg() Decimal {
	if d.wide == nil && d.n != math.MinInt64 {
		return Decimal{n: -d.n, scale: d.scale}
	}
	return ofLibrary(d.library().Neg())
}

// Abs returns d without its sign.
func (d Decimal) Abs() Decimal {
	if d.Sign() < 0 {
		return d.Neg()
	}
	return d
}

// Cmp returns -1, 0 or 1 as d is less than, equal to or greater than e.
func (d Decimal) Cmp(e Decimal) int {
	a, b, _, ok := aligned(d, e)
	switch {
	case !ok:
		return d.library().Cmp(e.library())
	case a < b:
		return -1
	case a > b:
		return 1
	}
	return 0
}

// Equal reports whether d and e are the same number; 1.50 equals 1.5.
func (d Decimal) Equal(e Decimal) bool { return d.Cmp(e) == 0 }

// Sign returns -1, 0 or 1.
func (d Decimal) Sign() int {
	switch {
	case d.wide != nil:
		return d.wide.Sign()
	case d.n < 0:
		return -1
	case d.n > 0:
		return 1
	}
	return 0
}

// IsZero reports whether d is 0.
func (d Decimal) IsZero() bool { return d.Sign() == 0 }

// String returns the shortest plain text: no exponent, no trailing zeros.
func (d Decimal) String() string {
	if d.wide != nil {
		return d.library().String()
	}
	if d.scale == 0 {
		return strconv.FormatInt(d.n, 10)
	}
	var buffer [32]byte
	return string(d.appendSmall(buffer[:0]))
}

// AppendText appends String.
func (d Decimal) AppendText(to []byte) ([]byte, error) {
	if d.wide != nil {
		return append(to, d.library().String()...), nil
	}
	return d.appendSmall(to), nil
}

func (d Decimal) appendSmall(to []byte) []byte {
	n, scale := d.trimmed()
	abs := uint64(n)
	if n < 0 {
		to, abs = append(to, '-'), -abs
	}
	if scale == 0 {
		return strconv.AppendUint(to, abs, 10)
	}
	ten := uint64(tens[scale])
	to = append(strconv.AppendUint(to, abs/ten, 10), '.')
	fraction := abs % ten
	for ten /= 10; ten > 1 && fraction < ten; ten /= 10 {
		to = append(to, '0')
	}
	return strconv.AppendUint(to, fraction, 10)
}

// trimmed drops trailing zeros after the point. wide is nil.
func (d Decimal) trimmed() (n int64, scale int32) {
	n, scale = d.n, d.scale
	if n == 0 {
		return 0, 0
	}
	for scale > 0 && n%10 == 0 {
		n, scale = n/10, scale-1
	}
	return n, scale
}

// Fixed returns d with at least digits decimals; digits it has are never cut.
func (d Decimal) Fixed(digits int32) string {
	text := d.String()
	_, fraction, pointed := strings.Cut(text, ".")
	missing := int(digits) - len(fraction)
	if missing <= 0 {
		return text
	}
	if !pointed {
		text += "."
	}
	return text + strings.Repeat("0", missing)
}

// Digits returns the number of decimals d needs: 2 for 12.340.
func (d Decimal) Digits() int32 {
	if d.wide == nil {
		_, scale := d.trimmed()
		return scale
	}
	_, fraction, _ := strings.Cut(d.String(), ".")
	return int32(len(fraction))
}

// Int64 returns d as a whole number, or ErrInexact or ErrOverflow.
func (d Decimal) Int64() (int64, error) {
	if d.wide == nil {
		if whole := d.n / tens[d.scale]; whole*tens[d.scale] == d.n {
			return whole, nil
		}
		return 0, fmt.Errorf("%w: %s is not whole", ErrInexact, d)
	}
	wide := d.library()
	if !wide.IsInteger() {
		return 0, fmt.Errorf("%w: %s is not whole", ErrInexact, d)
	}
	if n := wide.BigInt(); n.IsInt64() {
		return n.Int64(), nil
	}
	return 0, fmt.Errorf("%w: %s", ErrOverflow, d)
}

// Unscaled returns n with d = n × 10^-scale, or ErrInexact when d has more
// than scale decimals, or ErrOverflow when n needs more than 64 bits.
func (d Decimal) Unscaled(scale int32) (int64, error) {
	if d.wide == nil && scale >= d.scale && scale-d.scale <= maxScale {
		if n, ok := times(d.n, tens[scale-d.scale]); ok {
			return n, nil
		}
	}
	n := d.coefficient()
	shift := int64(scale) - int64(d.scale)
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
	r := d.BigRat()
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
