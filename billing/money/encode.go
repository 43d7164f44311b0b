package money

import (
	"bytes"
	"errors"
	"fmt"
	"math/big"

	"github.com/jackc/pgx/v5/pgtype"
)

// ErrNull says that a database NULL met a value that cannot be absent; scan
// into a pointer where NULL has a meaning.
var ErrNull = errors.New("NULL is no value")

// MarshalText writes the shortest plain text.
func (d Decimal) MarshalText() ([]byte, error) { return []byte(d.String()), nil }

// UnmarshalText reads what ParseDecimal accepts.
func (d *Decimal) UnmarshalText(text []byte) (err error) {
	*d, err = ParseDecimal(string(text))
	return err
}

// MarshalJSON writes a string: many readers turn JSON numbers into floats.
func (d Decimal) MarshalJSON() ([]byte, error) {
	return []byte(`"` + d.String() + `"`), nil
}

// UnmarshalJSON reads a string or, digit by digit and so without a float in
// between, a number.
func (d *Decimal) UnmarshalJSON(text []byte) error {
	if len(text) >= 2 && text[0] == '"' {
		text = bytes.TrimSuffix(text[1:], []byte{'"'})
	}
	return d.UnmarshalText(text)
}

// NumericValue implements pgtype.NumericValuer.
func (d Decimal) NumericValue() (pgtype.Numeric, error) {
	return pgtype.Numeric{Int: d.coefficient(), Exp: -d.scale, Valid: true}, nil
}

// ScanNumeric implements pgtype.NumericScanner. NULL, NaN and infinities are
// refused.
func (d *Decimal) ScanNumeric(v pgtype.Numeric) error {
	if !v.Valid {
		return fmt.Errorf("scan numeric: %w", ErrNull)
	}
	if v.NaN || v.InfinityModifier != pgtype.Finite {
		return fmt.Errorf("scan numeric: %w: not finite", ErrSyntax)
	}
	*d = ofBig(new(big.Int).Set(v.Int), -v.Exp)
	return nil
}
