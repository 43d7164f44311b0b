package money

import (
	"encoding/json"
	"errors"
	"math"
	"math/big"
	"testing"

	"pgregory.net/rapid"
)

func TestParseDecimal_plainNumbersOnly(t *testing.T) {
	for text, want := range map[string]string{
		"0": "0", "-0": "0", "12.340": "12.34", "+7": "7", "-0.000000001": "-0.000000001",
		"00012": "12", "9223372036854775808": "9223372036854775808",
	} {
		d, err := ParseDecimal(text)
		if err != nil || d.String() != want {
			t.Errorf("ParseDecimal(%q) = %s, %v; want %s", text, d, err, want)
		}
	}
	for _, text := range []string{"", "-", ".", ".5", "5.", "1e9", "1,5", " 1", "1 ", "0x1", "NaN", "1.2.3", "--1", "١"} {
		if d, err := ParseDecimal(text); !errors.Is(err, ErrSyntax) {
			t.Errorf("ParseDecimal(%q) = %s, %v; want ErrSyntax", text, d, err)
		}
	}
}

func FuzzParseDecimal(f *testing.F) {
	for _, seed := range []string{"0", "-12.34", "1e9", "999999999999999999999.999999999"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		d, err := ParseDecimal(text)
		if err != nil {
			return
		}
		again, err := ParseDecimal(d.String())
		if err != nil || !again.Equal(d) {
			t.Fatalf("%q → %s → %s, %v", text, d, again, err)
		}
	})
}

func TestDecimal_Round(t *testing.T) {
	rules := []Rounding{HalfAwayFromZero, HalfEven, Up, Down, Ceiling, Floor}
	for _, row := range []struct {
		value string
		scale int32
		want  [6]string
	}{
		{"2.5", 0, [6]string{"3", "2", "3", "2", "3", "2"}},
		{"-2.5", 0, [6]string{"-3", "-2", "-3", "-2", "-2", "-3"}},
		{"3.5", 0, [6]string{"4", "4", "4", "3", "4", "3"}},
		{"0.101666666666", 4, [6]string{"0.1017", "0.1017", "0.1017", "0.1016", "0.1017", "0.1016"}},
		{"-0.0001", 3, [6]string{"0", "0", "-0.001", "0", "0", "-0.001"}},
		{"1234", -2, [6]string{"1200", "1200", "1300", "1200", "1300", "1200"}},
		{"7.1", 4, [6]string{"7.1", "7.1", "7.1", "7.1", "7.1", "7.1"}},
	} {
		for i, rule := range rules {
			if got := MustDecimal(row.value).Round(row.scale, rule).String(); got != row.want[i] {
				t.Errorf("%s at %d digits %s = %s, want %s", row.value, row.scale, rule, got, row.want[i])
			}
		}
	}
}

func TestDecimal_MulDiv_roundsOnce(t *testing.T) {
	// 61 s at 0.10 a minute.
	got, err := MustDecimal("0.10").MulDiv(NewDecimal(61), NewDecimal(60), 9, HalfAwayFromZero)
	if err != nil || got.String() != "0.101666667" {
		t.Fatalf("got %s, %v", got, err)
	}
	if _, err := NewDecimal(1).Div(Decimal{}, 2, Up); !errors.Is(err, ErrDivisionByZero) {
		t.Fatalf("got %v, want ErrDivisionByZero", err)
	}
}

func TestDecimal_MulDiv_equalsFractions(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		number := func(name string) Decimal {
			return DecimalOf(rapid.Int64().Draw(t, name), int32(rapid.IntRange(-3, 12).Draw(t, name+" scale")))
		}
		a, b, c := number("a"), number("b"), number("c")
		scale := int32(rapid.IntRange(0, 9).Draw(t, "digits"))
		got, err := a.MulDiv(b, c, scale, Floor)
		if c.IsZero() {
			if !errors.Is(err, ErrDivisionByZero) {
				t.Fatalf("%s × %s / 0: %v, want ErrDivisionByZero", a, b, err)
			}
			return
		}
		if err != nil {
			t.Fatal(err)
		}
		exact := new(big.Rat).Quo(new(big.Rat).Mul(a.BigRat(), b.BigRat()), c.BigRat())
		gap := new(big.Rat).Sub(exact, got.BigRat())
		step := DecimalOf(1, scale).BigRat()
		if gap.Sign() < 0 || gap.Cmp(step) >= 0 {
			t.Fatalf("floor(%s × %s / %s) = %s is off by %s", a, b, c, got, gap.FloatString(20))
		}
	})
}

// By whichever way it is reckoned, a quotient is the exact one, rounded once.
func TestDecimal_MulDiv_isTheRoundedFraction(t *testing.T) {
	edges := []int64{0, 1, -1, 2, 3, 5, 10, math.MaxInt64, math.MinInt64, math.MaxInt64 - 1, 1e18, -1e18}
	rapid.Check(t, func(t *rapid.T) {
		number := func(name string) Decimal {
			n := rapid.OneOf(rapid.Int64(), rapid.Int64Range(-1_000_000, 1_000_000), rapid.SampledFrom(edges)).Draw(t, name)
			return DecimalOf(n, int32(rapid.IntRange(0, 18).Draw(t, name+" scale")))
		}
		a, b, c := number("a"), number("b"), number("c")
		if c.IsZero() {
			return
		}
		scale := int32(rapid.IntRange(0, 18).Draw(t, "digits"))
		exact := new(big.Rat).Quo(new(big.Rat).Mul(a.BigRat(), b.BigRat()), c.BigRat())
		for _, rule := range []Rounding{HalfAwayFromZero, HalfEven, Up, Down, Ceiling, Floor} {
			got, err := a.MulDiv(b, c, scale, rule)
			if want := RoundRat(exact, scale, rule); err != nil || !got.Equal(want) {
				t.Fatalf("%s × %s / %s at %d digits, %s: %s, want %s (%v)", a, b, c, scale, rule, got, want, err)
			}
		}
	})
}

func TestDecimal_DivInt_floors(t *testing.T) {
	for _, row := range [][4]string{
		{"61", "60", "1", "1"}, {"-61", "60", "-2", "59"}, {"0.9", "0.3", "3", "0"}, {"5", "0.7", "7", "0.1"},
	} {
		q, r, err := MustDecimal(row[0]).DivInt(MustDecimal(row[1]))
		if err != nil || q.String() != row[2] || r.String() != row[3] {
			t.Errorf("%s / %s = %s rest %s, %v", row[0], row[1], q, r, err)
		}
	}
}

func TestDecimal_Int64_exactOrError(t *testing.T) {
	if n, err := MustDecimal("12.00").Int64(); n != 12 || err != nil {
		t.Errorf("12.00: %d, %v", n, err)
	}
	if _, err := MustDecimal("12.5").Int64(); !errors.Is(err, ErrInexact) {
		t.Errorf("12.5: %v", err)
	}
	if _, err := MustDecimal("9223372036854775808").Int64(); !errors.Is(err, ErrOverflow) {
		t.Errorf("2^63: %v", err)
	}
}

func TestDecimal_JSON_keepsEveryDigit(t *testing.T) {
	var row struct{ A, B Decimal }
	if err := json.Unmarshal([]byte(`{"A":"0.000000001","B":100000000000000000000.000000001}`), &row); err != nil {
		t.Fatal(err)
	}
	text, err := json.Marshal(row)
	if want := `{"A":"0.000000001","B":"100000000000000000000.000000001"}`; err != nil || string(text) != want {
		t.Fatalf("got %s, %v", text, err)
	}
	for _, bad := range []string{`{"A":"1e3"}`, `{"A":1e3}`, `{"A":""}`, `{"A":true}`, `{"A":{}}`} {
		if err := json.Unmarshal([]byte(bad), &row); err == nil {
			t.Errorf("%s was accepted", bad)
		}
	}
}

func TestDecimal_numeric_roundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		d := DecimalOf(rapid.Int64().Draw(t, "n"), int32(rapid.IntRange(-5, 12).Draw(t, "scale")))
		v, err := d.NumericValue()
		if err != nil {
			t.Fatal(err)
		}
		var back Decimal
		if err := back.ScanNumeric(v); err != nil || !back.Equal(d) {
			t.Fatalf("%s came back as %s, %v", d, back, err)
		}
	})
}

func TestDecimal_smallEqualsWide(t *testing.T) {
	wide := func(d Decimal) Decimal { return Decimal{scale: d.scale, wide: d.coefficient()} }
	rapid.Check(t, func(t *rapid.T) {
		draw := func(name string) Decimal {
			n := rapid.OneOf(rapid.Int64(), rapid.Int64Range(-1_000_000, 1_000_000), rapid.SampledFrom([]int64{-1 << 63, 1<<63 - 1, 0})).Draw(t, name)
			return DecimalOf(n, int32(rapid.IntRange(0, 18).Draw(t, name+" scale")))
		}
		a, b := draw("a"), draw("b")
		x, y := wide(a), wide(b)
		scale, rule := int32(rapid.IntRange(-3, 18).Draw(t, "scale")), Rounding(rapid.IntRange(0, 5).Draw(t, "rule"))
		for name, pair := range map[string][2]Decimal{
			"add": {a.Add(b), x.Add(y)}, "sub": {a.Sub(b), x.Sub(y)}, "mul": {a.Mul(b), x.Mul(y)}, "neg": {a.Neg(), x.Neg()},
			"round": {a.Round(scale, rule), x.Round(scale, rule)},
		} {
			if pair[0].String() != pair[1].String() || pair[0].library().Cmp(pair[1].library()) != 0 {
				t.Fatalf("%s of %s and %s: %s, wide %s", name, a, b, pair[0], pair[1])
			}
		}
		if a.Cmp(b) != x.library().Cmp(y.library()) || a.Sign() != x.Sign() || a.String() != x.library().String() || a.Fixed(4) != x.Fixed(4) || a.Digits() != x.Digits() {
			t.Fatalf("%s against %s", a, b)
		}
		n, err := a.Int64()
		m, wideErr := x.Int64()
		if n != m || (err == nil) != (wideErr == nil) {
			t.Fatalf("%s whole: %d, %v; wide %d, %v", a, n, err, m, wideErr)
		}
		n, err = a.Unscaled(9)
		m, wideErr = x.Unscaled(9)
		if n != m || (err == nil) != (wideErr == nil) {
			t.Fatalf("%s at 9: %d, %v; wide %d, %v", a, n, err, m, wideErr)
		}
	})
}
