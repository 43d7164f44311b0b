package account

import (
	_ "embed" // the rates of countries we know
	"encoding/json"
	"fmt"

	"tollhouse/billing/calendar"
	"tollhouse/billing/money"
)

//go:embed tax_rates.json
var countryTaxRates []byte

// TaxRatesOf gives the tax rates that a stack of a country starts with; each
// has its source in tax_rates.json. For a country we do not know it returns a
// *FieldError: the operator then names its rates itself.
func TaxRatesOf(country string) ([]TaxRate, error) {
	var rows []struct {
		Country  string         `json:"country"`
		Category string         `json:"category"`
		Name     string         `json:"name"`
		Percent  money.Decimal  `json:"percent"`
		From     calendar.Date  `json:"from"`
		To       *calendar.Date `json:"to"`
	}
	if err := json.Unmarshal(countryTaxRates, &rows); err != nil {
		return nil, fmt.Errorf("read tax rates of countries: %w", err)
	}
	var rates []TaxRate
	for _, r := range rows {
		if r.Country == country {
			rates = append(rates, TaxRate{Category: r.Category, Name: r.Name, Percent: r.Percent, ValidFrom: r.From, ValidTo: r.To})
		}
	}
	if len(rates) == 0 {
		return nil, &FieldError{"tax_rates", "the tax rates of " + country + ", which are not known here,"}
	}
	return rates, nil
}
