package money

import (
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5/pgtype"
)

// ErrUnknownCurrency says that a text is no current ISO 4217 code.
var ErrUnknownCurrency = errors.New("unknown currency")

// Currency is an ISO 4217 currency. It is comparable; the zero value is no
// currency at all.
type Currency struct{ code string }

// ParseCurrency reads a three-letter upper-case code of a current currency.
func ParseCurrency(code string) (Currency, error) {
	if _, known := minorDigits[code]; !known {
		return Currency{}, fmt.Errorf("%w: %.20q", ErrUnknownCurrency, code)
	}
	return Currency{code}, nil
}

// MustCurrency is ParseCurrency for constants; it panics on bad text.
func MustCurrency(code string) Currency {
	c, err := ParseCurrency(code)
	if err != nil {
		panic(err)
	}
	return c
}

// Code returns the three letters, or "" for the zero value.
func (c Currency) Code() string { return c.code }

// String is Code.
func (c Currency) String() string { return c.code }

// IsZero reports whether c is no currency.
func (c Currency) IsZero() bool { return c.code == "" }

// Unit returns the unit that counts c.
func (c Currency) Unit() Unit { return Unit(c.code) }

// Digits returns the digits of the ISO 4217 minor unit: EUR 2, JPY 0, KWD 3.
func (c Currency) Digits() int32 { return int32(minorDigits[c.code]) }

// DocumentDigits returns the digits that documents and payments carry unless
// a tenant says otherwise. It differs from Digits where the minor unit is out
// of use: ISO 4217 gives the rupiah two digits, bills in Indonesia show none.
func (c Currency) DocumentDigits() int32 {
	if digits, ok := documentDigits[c.code]; ok {
		return int32(digits)
	}
	return c.Digits()
}

// MarshalText writes the code.
func (c Currency) MarshalText() ([]byte, error) { return []byte(c.code), nil }

// UnmarshalText reads a code.
func (c *Currency) UnmarshalText(text []byte) (err error) {
	*c, err = ParseCurrency(string(text))
	return err
}

// TextValue implements pgtype.TextValuer; the zero value is refused.
func (c Currency) TextValue() (pgtype.Text, error) {
	if c.IsZero() {
		return pgtype.Text{}, fmt.Errorf("store currency: %w: none", ErrUnknownCurrency)
	}
	return pgtype.Text{String: c.code, Valid: true}, nil
}

// ScanText implements pgtype.TextScanner; NULL is refused.
func (c *Currency) ScanText(v pgtype.Text) error {
	if !v.Valid {
		return fmt.Errorf("scan currency: %w", ErrNull)
	}
	return c.UnmarshalText([]byte(v.String))
}
