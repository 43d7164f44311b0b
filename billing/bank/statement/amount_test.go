package statement

import (
	"testing"

	"tollhouse/billing/money"
)

// An amount is read with the mark that was declared, or refused: never a
// hundred times what it is.
func TestForm_amountByItsMark(t *testing.T) {
	t.Parallel()
	eur := money.MustCurrency("EUR")
	point, comma := Form{Currency: eur}, Form{Currency: eur, Comma: true}
	for _, row := range []struct {
		form       Form
		text, want string // empty: refused
	}{
		{point, "12.50", "12.5"}, {point, "-1,234.50", "-1234.5"}, {point, "+1 234 567.89", "1234567.89"}, {point, "1'234.50", "1234.5"}, {point, "12,34,567.00", "1234567"},
		{point, "12,50", ""}, {point, "1.234,50", ""}, {point, "1,2345", ""}, {point, ",500", ""}, {point, "12.5.0", ""},
		{comma, "12,50", "12.5"}, {comma, "-1.234,50", "-1234.5"}, {comma, "1 234,50", "1234.5"}, {comma, "1234", "1234"},
		{comma, "12.50", ""}, {comma, "1,234.50", ""}, {comma, "1234.5", ""}, {comma, "abc", ""},
	} {
		got, err := row.form.amount(row.text)
		switch {
		case row.want == "" && err == nil:
			t.Errorf("%q is taken as %s", row.text, got)
		case row.want != "" && (err != nil || got.String() != row.want):
			t.Errorf("%q is %s, want %s (%v)", row.text, got, row.want, err)
		}
	}
}
