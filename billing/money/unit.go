package money

import (
	"errors"
	"fmt"
)

// ErrUnknownUnit says that a text is neither a currency nor a unit of usage.
var ErrUnknownUnit = errors.New("unknown unit")

// Unit is what a bucket counts: an ISO 4217 code, or one of the units below.
type Unit string

// Units of usage. Each is a commodity of its own in the ledger.
const (
	Second Unit = "second"
	Byte   Unit = "byte"
	Event  Unit = "event"
	Point  Unit = "point"
)

// ParseUnit reads a currency code or a unit of usage.
func ParseUnit(s string) (Unit, error) {
	if u := Unit(s); u.Valid() {
		return u, nil
	}
	return "", fmt.Errorf("%w: %.20q", ErrUnknownUnit, s)
}

// Valid reports whether u is a known unit.
func (u Unit) Valid() bool {
	switch u {
	case Second, Byte, Event, Point:
		return true
	default:
		return u.IsCurrency()
	}
}

// IsCurrency reports whether u counts money.
func (u Unit) IsCurrency() bool {
	_, known := minorDigits[string(u)]
	return known
}

// Currency returns the currency that u counts, or ErrUnknownCurrency.
func (u Unit) Currency() (Currency, error) { return ParseCurrency(string(u)) }
