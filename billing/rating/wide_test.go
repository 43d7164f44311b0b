package rating

import (
	"math/big"
	"testing"

	"pgregory.net/rapid"

	"tollhouse/billing/money"
)

func TestWide_equalsBigIntegers(t *testing.T) {
	bound := new(big.Int).Lsh(big.NewInt(1), 127)
	rapid.Check(t, func(t *rapid.T) {
		draw := func(name string) wide {
			return wide{rapid.Int64().Draw(t, name+" high"), rapid.Uint64().Draw(t, name+" low")}
		}
		a, b := draw("a"), draw("b")
		want := new(big.Int).Add(a.big(), b.big())
		fits := want.Cmp(bound) < 0 && want.Cmp(new(big.Int).Neg(bound)) >= 0
		if sum, ok := a.add(b); ok != fits || ok && sum.big().Cmp(want) != 0 {
			t.Fatalf("%s + %s = %s, %t", a.big(), b.big(), sum.big(), ok)
		}
		if a.cmp(b) != a.big().Cmp(b.big()) {
			t.Fatalf("%s against %s: %d", a.big(), b.big(), a.cmp(b))
		}
		x, y := rapid.Int64Range(0, 1<<62).Draw(t, "x"), rapid.Int64Range(0, 1<<62).Draw(t, "y")
		if p := wideProduct(x, y).big(); p.Cmp(new(big.Int).Mul(big.NewInt(x), big.NewInt(y))) != 0 {
			t.Fatalf("%d × %d = %s", x, y, p)
		}
	})
}

func TestScaled_roundsAsDecimals(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := wide{rapid.Int64Range(-1<<40, 1<<40).Draw(t, "high"), rapid.Uint64().Draw(t, "low")}
		digits := int32(rapid.IntRange(0, 9).Draw(t, "digits"))
		s := scaled{
			denominator: rapid.Uint64Range(1, 1<<62).Draw(t, "denominator"),
			pow10:       pow10(digits),
			digits:      digits,
			mode:        money.Rounding(rapid.IntRange(0, 5).Draw(t, "mode")),
		}
		got, ok := s.round(n)
		if !ok {
			return
		}
		want, err := money.MustDecimal(n.big().String()).Div(money.NewDecimal(int64(s.denominator)), digits, s.mode)
		if err != nil || !got.Equal(want) {
			t.Fatalf("%s / %d at %d %s = %s, want %s, %v", n.big(), s.denominator, digits, s.mode, got, want, err)
		}
	})
}
