package money

import (
	"math/big"
	"testing"

	"github.com/jackc/pgx/v5/pgtype"
	"pgregory.net/rapid"
)

func TestAppendNumeric_isReadAsTheSameNumber(t *testing.T) {
	types := pgtype.NewMap()
	rapid.Check(t, func(t *rapid.T) {
		coefficient := big.NewInt(rapid.Int64().Draw(t, "coefficient"))
		if rapid.Bool().Draw(t, "large") {
			coefficient.Mul(coefficient, big.NewInt(rapid.Int64().Draw(t, "factor")))
		}
		d := ofBig(coefficient, -rapid.Int32Range(-12, 12).Draw(t, "exponent"))
		var back Decimal
		if err := types.Scan(pgtype.NumericOID, pgtype.BinaryFormatCode, d.AppendNumeric(nil), &back); err != nil || !back.Equal(d) {
			t.Fatalf("%s came back as %s, %v", d, back, err)
		}
	})
}

func TestAppendNumeric_smallOnesNeedNoMemory(t *testing.T) {
	d, buf := MustDecimal("12345.678901234"), make([]byte, 0, 64)
	if n := testing.AllocsPerRun(100, func() { buf = d.AppendNumeric(buf[:0]) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}
