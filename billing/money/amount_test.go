package money

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

var eur, idr, jpy, kwd = MustCurrency("EUR"), MustCurrency("IDR"), MustCurrency("JPY"), MustCurrency("KWD")

func mustParse(tb testing.TB, s string, c Currency) Amount {
	tb.Helper()
	a, err := Parse(s, c)
	if err != nil {
		tb.Fatal(err)
	}
	return a
}

func TestCurrency_digits(t *testing.T) {
	for _, row := range []struct {
		c             Currency
		iso, document int32
	}{{eur, 2, 2}, {idr, 2, 0}, {jpy, 0, 0}, {kwd, 3, 3}} {
		if row.c.Digits() != row.iso || row.c.DocumentDigits() != row.document {
			t.Errorf("%s: %d and %d digits", row.c, row.c.Digits(), row.c.DocumentDigits())
		}
	}
	for _, text := range []string{"", "eur", "EURO", "XXX", "ZZZ"} {
		if _, err := ParseCurrency(text); !errors.Is(err, ErrUnknownCurrency) {
			t.Errorf("ParseCurrency(%q): %v", text, err)
		}
	}
}

func TestAmount_minorUnits(t *testing.T) {
	for _, row := range []struct {
		text string
		c    Currency
		want int64
	}{{"12.34", eur, 1234}, {"-0.01", eur, -1}, {"500", jpy, 500}, {"1.234", kwd, 1234}, {"250000", idr, 25000000}} {
		a := mustParse(t, row.text, row.c)
		if n, err := a.Minor(); err != nil || n != row.want {
			t.Errorf("%s: %d, %v", a, n, err)
		}
		if back := FromMinor(row.want, row.c); !back.d.Equal(a.d) {
			t.Errorf("FromMinor(%d, %s) = %s", row.want, row.c, back)
		}
	}
	if _, err := mustParse(t, "0.5", jpy).Minor(); !errors.Is(err, ErrInexact) {
		t.Errorf("half a yen: %v", err)
	}
}

func TestAmount_text(t *testing.T) {
	for _, row := range []struct {
		text, want string
		c          Currency
	}{
		{"12.3", "12.30 EUR", eur},
		{"0.101666667", "0.101666667 EUR", eur},
		{"1000.10", "1000.1 IDR", idr},
		{"-5", "-5 JPY", jpy},
		{"0", "0.000 KWD", kwd},
	} {
		if got := mustParse(t, row.text, row.c).String(); got != row.want {
			t.Errorf("%s: got %s, want %s", row.text, got, row.want)
		}
	}
}

func TestAmount_refusesOtherCurrencyAndOverflow(t *testing.T) {
	a, b := mustParse(t, "1", eur), mustParse(t, "1", jpy)
	if _, err := a.Add(b); !errors.Is(err, ErrCurrencyMismatch) {
		t.Errorf("add: %v", err)
	}
	if _, err := a.Sub(b); !errors.Is(err, ErrCurrencyMismatch) {
		t.Errorf("sub: %v", err)
	}
	if _, err := a.Cmp(b); !errors.Is(err, ErrCurrencyMismatch) {
		t.Errorf("cmp: %v", err)
	}
	most := mustParse(t, "99999999999999999999.999999999", eur)
	if _, err := most.Add(a); !errors.Is(err, ErrOverflow) {
		t.Errorf("add: %v", err)
	}
	if _, err := most.Mul(NewDecimal(10)); !errors.Is(err, ErrOverflow) {
		t.Errorf("mul: %v", err)
	}
	if _, err := Parse("1"+strings.Repeat("0", 20), eur); !errors.Is(err, ErrOverflow) {
		t.Errorf("parse: %v", err)
	}
}

func TestAmount_JSON(t *testing.T) {
	text, err := json.Marshal(mustParse(t, "12.3", eur))
	if want := `{"amount":"12.30","currency":"EUR"}`; err != nil || string(text) != want {
		t.Fatalf("got %s, %v", text, err)
	}
	var back Amount
	if err := json.Unmarshal(text, &back); err != nil || back.String() != "12.30 EUR" {
		t.Fatalf("got %s, %v", back, err)
	}
	if err := json.Unmarshal([]byte(`{"amount":"1","currency":"??"}`), &back); !errors.Is(err, ErrUnknownCurrency) {
		t.Errorf("unknown currency: %v", err)
	}
}

func TestSplit_largestRemainder(t *testing.T) {
	for _, row := range []struct{ name, whole, weights, want string }{
		{"hundred in three", "100.00", "1 1 1", "33.34 33.33 33.33"},
		{"coupon over three lines", "10.00", "19.99 5.01 74.99", "2.00 0.50 7.50"},
		{"hundred in seven", "100.00", "1 1 1 1 1 1 1", "14.29 14.29 14.29 14.29 14.28 14.28 14.28"},
		{"coupon over lines of another order", "10.00", "74.99 19.99 5.01", "7.50 2.00 0.50"},
		{"credit in three", "-100.00", "1 1 1", "-33.34 -33.33 -33.33"},
		{"a zero weight gets nothing", "0.05", "0 1 0 1", "0.00 0.03 0.00 0.02"},
		{"nothing to split", "0", "1 2", "0.00 0.00"},
	} {
		t.Run(row.name, func(t *testing.T) {
			var weights []Decimal
			for _, w := range strings.Fields(row.weights) {
				weights = append(weights, MustDecimal(w))
			}
			parts, err := mustParse(t, row.whole, eur).Split(weights, 2)
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for _, p := range parts {
				got = append(got, p.Text())
			}
			if strings.Join(got, " ") != row.want {
				t.Errorf("got %v, want %s", got, row.want)
			}
		})
	}
}

func TestSplit_refusals(t *testing.T) {
	one := mustParse(t, "1", eur)
	for _, weights := range [][]Decimal{nil, {NewDecimal(0)}, {NewDecimal(2), NewDecimal(-1)}} {
		if _, err := one.Split(weights, 2); !errors.Is(err, ErrNoWeight) {
			t.Errorf("%v: %v", weights, err)
		}
	}
	if _, err := mustParse(t, "0.001", eur).Split([]Decimal{NewDecimal(1)}, 2); !errors.Is(err, ErrInexact) {
		t.Errorf("tenth of a cent: %v", err)
	}
}

func TestSplit_partsSumToTheWhole(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		scale := int32(rapid.IntRange(0, 9).Draw(t, "scale"))
		whole := New(DecimalOf(rapid.Int64().Draw(t, "whole"), scale), eur)
		var weights []Decimal
		weightless := true
		for _, w := range rapid.SliceOfN(rapid.Int64Range(0, 1e12), 1, 20).Draw(t, "weights") {
			weights = append(weights, DecimalOf(w, 4))
			weightless = weightless && w == 0
		}
		parts, err := whole.Split(weights, scale)
		if weightless != errors.Is(err, ErrNoWeight) {
			t.Fatalf("weights %v: %v", weights, err)
		}
		if weightless {
			return
		}
		if err != nil {
			t.Fatal(err)
		}
		sum := Zero(eur)
		for i, p := range parts {
			if sum, err = sum.Add(p); err != nil {
				t.Fatal(err)
			}
			if p.Sign()*whole.Sign() < 0 || weights[i].IsZero() && !p.IsZero() {
				t.Fatalf("part %d is %s of %s", i, p, whole)
			}
		}
		if !sum.d.Equal(whole.d) {
			t.Fatalf("parts sum to %s, not %s", sum, whole)
		}
	})
}

func TestUnit(t *testing.T) {
	for _, text := range []string{"second", "byte", "event", "point", "EUR", "IDR"} {
		if _, err := ParseUnit(text); err != nil {
			t.Errorf("%s: %v", text, err)
		}
	}
	for _, text := range []string{"", "seconds", "eur", "GB"} {
		if _, err := ParseUnit(text); !errors.Is(err, ErrUnknownUnit) {
			t.Errorf("%q: %v", text, err)
		}
	}
	if Second.IsCurrency() || !eur.Unit().IsCurrency() {
		t.Error("only currencies are money")
	}
}
