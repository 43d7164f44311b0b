package catalog

import (
	"fmt"

	"tollhouse/billing/calendar"
	"tollhouse/billing/money"
)

// PeriodFee is what tiers ask of a period even if nothing is used in it.
// Usage costs what is beyond it.
type PeriodFee struct {
	// Code and Names are those of the usage price it belongs to.
	Code        string
	Names       Names
	TaxCategory string // empty: the offering's
	Counter     string
	// Amount is in Currency, which may be another than the offering's.
	Amount   money.Decimal
	Currency money.Currency
}

// PeriodFees lists the fees that the offering's tiers ask at zero usage, one of
// each usage price's counters. Whoever bills a period charges each once.
func (o *Offering) PeriodFees() (fees []PeriodFee) {
	asked := map[string]bool{}
	for i := range o.Usage {
		u := &o.Usage[i]
		for n := range u.Rules {
			r := &u.Rules[n]
			if r.Tiers == nil || !r.Tiers.AtZero || len(r.Tiers.Bands) == 0 || r.Tiers.Bands[0].Fee == nil {
				continue
			}
			counter := r.Tiers.Counter
			if counter == "" {
				counter = r.Code
			}
			fee := r.Tiers.Bands[0].Fee
			if asked[u.Code+" "+counter] || fee.IsZero() {
				continue
			}
			asked[u.Code+" "+counter] = true
			fees = append(fees, PeriodFee{u.Code, u.Names, u.TaxCategory, counter, *fee, r.CurrencyOr(o.Currency)})
		}
	}
	return fees
}

// In is the fee in another currency, by the rate of the day on which its
// period begins, in document units.
func (f *PeriodFee) In(currency money.Currency, rates *Rates, day calendar.Date) (money.Decimal, error) {
	if f.Currency == currency {
		return f.Amount.Round(currency.DocumentDigits(), money.HalfAwayFromZero), nil
	}
	rate, err := rates.Rate(f.Currency, currency, day)
	if err != nil {
		return money.Decimal{}, fmt.Errorf("fee of %s: %w", f.Code, err)
	}
	amount, err := rate.Convert(money.New(f.Amount, f.Currency), currency.DocumentDigits(), money.HalfAwayFromZero)
	return amount.Decimal(), err
}

// Currencies are those of the offering's prices, its own first.
func (o *Offering) Currencies() []money.Currency {
	all := []money.Currency{o.Currency}
	known := map[money.Currency]bool{o.Currency: true}
	for i := range o.Usage {
		for n := range o.Usage[i].Rules {
			if c := o.Usage[i].Rules[n].CurrencyOr(o.Currency); !known[c] {
				known[c] = true
				all = append(all, c)
			}
		}
	}
	return all
}
