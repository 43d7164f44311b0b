package stripe_test

import (
	"errors"
	"testing"

	"tollhouse/billing/money"
	"tollhouse/billing/payment"
	"tollhouse/infra/stripe"
)

func amount(t testing.TB, text, currency string) money.Amount {
	t.Helper()
	a, err := money.Parse(text, money.MustCurrency(currency))
	if err != nil {
		t.Fatal(err)
	}
	return a
}

func TestToMinor_followsStripesTable(t *testing.T) {
	for _, c := range []struct {
		text, currency string
		want           int64
	}{
		{"45.00", "EUR", 4500},
		{"0.01", "USD", 1},
		{"150000", "IDR", 15000000}, // hundredths, although documents have none
		{"5000", "JPY", 5000},
		{"5000", "MGA", 5000}, // ISO says two digits
		{"5.120", "KWD", 5120},
		{"5", "ISK", 500}, // ISO says none
		{"7", "UGX", 700},
		{"10.45", "HUF", 1045},
	} {
		t.Run(c.text+" "+c.currency, func(t *testing.T) {
			a := amount(t, c.text, c.currency)
			got, err := stripe.ToMinor(a)
			if err != nil || got != c.want {
				t.Fatalf("ToMinor = %d, %v, want %d", got, err, c.want)
			}
			back, err := stripe.FromMinor(got, a.Currency())
			if err != nil || !back.Decimal().Equal(a.Decimal()) {
				t.Fatalf("FromMinor = %s, %v, want %s", back, err, a)
			}
		})
	}
}

func TestToMinor_refusesWhatIsNotExact(t *testing.T) {
	for _, c := range [][2]string{
		{"0.001", "EUR"}, {"10.5", "JPY"}, {"5.124", "KWD"}, {"5.50", "ISK"}, {"7.10", "UGX"}, {"1.5", "MGA"},
		{"1.000", "IQD"}, // three digits, not in Stripe's table
	} {
		if n, err := stripe.ToMinor(amount(t, c[0], c[1])); !errors.Is(err, payment.ErrProviderAmount) {
			t.Errorf("ToMinor(%s %s) = %d, %v, want ErrProviderAmount", c[0], c[1], n, err)
		}
	}
}
