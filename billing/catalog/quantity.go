package catalog

import (
	"bytes"
	"errors"
	"fmt"
	"strings"

	"tollhouse/billing/money"
)

// ErrQuantity says that a text is no quantity such as "100 GB".
var ErrQuantity = errors.New("not a quantity such as 60 s, 1 min, 100 GB, 1 GiB or 1")

// Quantity is an amount of usage as an offer writes it: "100 GB", "200 min",
// "1". The zero value is no quantity.
type Quantity struct {
	number money.Decimal
	symbol string
	base   int64
}

type measure struct {
	unit money.Unit
	size int64
}

// measures lists the symbols of an offer. GB is 10⁹ bytes and GiB is 2³⁰, as
// IEC 80000-13 has them; nothing guesses which one was meant.
var measures = map[string]measure{
	"":    {money.Event, 1},
	"s":   {money.Second, 1},
	"min": {money.Second, 60},
	"h":   {money.Second, 3600},
	"B":   {money.Byte, 1},
	"kB":  {money.Byte, 1e3},
	"MB":  {money.Byte, 1e6},
	"GB":  {money.Byte, 1e9},
	"TB":  {money.Byte, 1e12},
	"KiB": {money.Byte, 1 << 10},
	"MiB": {money.Byte, 1 << 20},
	"GiB": {money.Byte, 1 << 30},
	"TiB": {money.Byte, 1 << 40},
}

// ParseQuantity reads a number, a space and a symbol. The whole must be a
// whole number of seconds, bytes or events of at most 63 bits.
func ParseQuantity(text string) (Quantity, error) {
	number, symbol, _ := strings.Cut(text, " ")
	m, known := measures[symbol]
	d, err := money.ParseDecimal(number)
	if err != nil || !known || d.Sign() < 0 {
		return Quantity{}, fmt.Errorf("%w: %.40q", ErrQuantity, text)
	}
	base, err := d.Mul(money.NewDecimal(m.size)).Int64()
	if err != nil {
		return Quantity{}, fmt.Errorf("%w: %.40q: %w", ErrQuantity, text, err)
	}
	return Quantity{d, symbol, base}, nil
}

// MustQuantity is ParseQuantity for constants; it panics on bad text.
func MustQuantity(text string) Quantity {
	q, err := ParseQuantity(text)
	if err != nil {
		panic(err)
	}
	return q
}

// Base returns q in seconds, bytes or events.
func (q Quantity) Base() int64 { return q.base }

// Unit returns what Base counts.
func (q Quantity) Unit() money.Unit { return measures[q.symbol].unit }

// String returns the quantity as it was written.
func (q Quantity) String() string {
	if q.symbol == "" {
		return q.number.String()
	}
	return q.number.String() + " " + q.symbol
}

// MarshalText writes String.
func (q Quantity) MarshalText() ([]byte, error) { return []byte(q.String()), nil }

// UnmarshalJSON reads a text such as "100 GB" or a bare number of events.
func (q *Quantity) UnmarshalJSON(text []byte) (err error) {
	*q, err = ParseQuantity(string(bytes.Trim(text, `"`)))
	return err
}
