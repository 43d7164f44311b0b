package money

import (
	"testing"

	"github.com/jackc/pgx/v5/pgtype"
)

func BenchmarkDecimal_binaryNumeric(b *testing.B) {
	types := pgtype.NewMap()
	d := MustDecimal("12345.678901234")
	b.Run("encode", func(b *testing.B) {
		b.ReportAllocs()
		buffer := make([]byte, 0, 64)
		for b.Loop() {
			var err error
			if buffer, err = types.Encode(pgtype.NumericOID, pgtype.BinaryFormatCode, d, buffer[:0]); err != nil {
				b.Fatal(err)
			}
		}
	})
	text, err := types.Encode(pgtype.NumericOID, pgtype.BinaryFormatCode, d, nil)
	if err != nil {
		b.Fatal(err)
	}
	b.Run("decode", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			var back Decimal
			if err := types.Scan(pgtype.NumericOID, pgtype.BinaryFormatCode, text, &back); err != nil {
				b.Fatal(err)
			}
		}
	})
}
