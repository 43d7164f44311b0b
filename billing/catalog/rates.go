package catalog

import (
	"errors"
	"fmt"
	"slices"

	"tollhouse/billing/calendar"
	"tollhouse/billing/money"
)

// ErrNoRate says that the table has no exchange rate for a day.
var ErrNoRate = errors.New("no exchange rate")

// ExchangeRate says that one unit of From is Value units of To from a day on,
// until the next rate of the two.
type ExchangeRate struct {
	From  money.Currency `json:"from"`
	To    money.Currency `json:"to"`
	Day   calendar.Date  `json:"day"`
	Value money.Decimal  `json:"value"`
	// BothWays lets the rate be used from To into From as well.
	BothWays bool `json:"both_ways,omitempty"`
}

// Rates is the table of exchange rates, made ready for look-ups. It never
// changes. The zero value has no rate.
type Rates struct {
	byPair map[currencyPair][]ExchangeRate // by day
}

type currencyPair struct{ from, to money.Currency }

// NewRates makes a table of rates in any order.
func NewRates(rates []ExchangeRate) *Rates {
	r := &Rates{map[currencyPair][]ExchangeRate{}}
	for _, rate := range rates {
		pair := currencyPair{rate.From, rate.To}
		r.byPair[pair] = append(r.byPair[pair], rate)
	}
	for _, list := range r.byPair {
		slices.SortFunc(list, func(a, b ExchangeRate) int { return a.Day.Compare(b.Day) })
	}
	return r
}

// Conversion is how an amount becomes one of another currency: exactly
// amount × Num ÷ Den, to be rounded once, where it is used.
type Conversion struct {
	From, To money.Currency
	Num, Den money.Decimal
	// Rate is the entry of the table; its currencies are the other way round
	// where the inverse is used. It is zero between equal currencies.
	Rate ExchangeRate
}

// Rate returns how from becomes to on a day: by the rate of the two or, where
// there is none and an entry of the other direction says both ways, by its
// inverse. ErrNoRate, with the pair and the day.
func (r *Rates) Rate(from, to money.Currency, day calendar.Date) (Conversion, error) {
	one := money.NewDecimal(1)
	if from == to {
		return Conversion{From: from, To: to, Num: one, Den: one}, nil
	}
	if rate, found := r.at(from, to, day); found {
		return Conversion{from, to, rate.Value, one, rate}, nil
	}
	if rate, found := r.at(to, from, day); found && rate.BothWays {
		return Conversion{from, to, one, rate.Value, rate}, nil
	}
	return Conversion{}, fmt.Errorf("%w from %s to %s on %s", ErrNoRate, from, to, day)
}

// at returns the last rate of a pair that began on or before a day.
func (r *Rates) at(from, to money.Currency, day calendar.Date) (ExchangeRate, bool) {
	if r == nil {
		return ExchangeRate{}, false
	}
	list := r.byPair[currencyPair{from, to}]
	after, _ := slices.BinarySearchFunc(list, day, func(rate ExchangeRate, day calendar.Date) int {
		if rate.Day.After(day) {
			return 1
		}
		return -1
	})
	if after == 0 {
		return ExchangeRate{}, false
	}
	return list[after-1], true
}

// Convert returns amount in the other currency, rounded once.
func (c Conversion) Convert(amount money.Amount, scale int32, rounding money.Rounding) (money.Amount, error) {
	if amount.Currency() != c.From {
		return money.Amount{}, fmt.Errorf("%w: %s is converted from %s", money.ErrCurrencyMismatch, amount, c.From)
	}
	d, err := amount.Decimal().MulDiv(c.Num, c.Den, scale, rounding)
	if err != nil {
		return money.Amount{}, err
	}
	return money.New(d, c.To), nil
}
