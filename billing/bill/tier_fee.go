package bill

import (
	"context"

	"tollhouse/billing/calendar"
	"tollhouse/billing/catalog"
	"tollhouse/billing/money"
	"tollhouse/billing/tenant"
)

// addTierFees adds what the offering's tiers ask of the closing cycle at zero
// usage, whoever pays the subscription's other fees: its usage was priced as
// what it costs beyond that. It is a part of the usage's price, so it is asked
// whole and no discount is on it.
func (f *frame) addTierFees(c *closing, s subscription, o catalog.Offering, there span) error {
	if !there.from.Before(c.Cycle.To) {
		return nil // it took another's place and begins with the next cycle
	}
	for _, asked := range o.PeriodFees() {
		price, err := asked.In(c.Currency, f.exchange, later(there.from, c.Cycle.From))
		if err != nil {
			return err
		}
		c.add(feeEarned, Line{
			Kind: Recurring, Code: asked.Code, Description: asked.Names.In(c.Language), Subscription: s.ID,
			Period:   calendar.Period{From: c.Cycle.From, To: c.Cycle.To},
			Quantity: money.NewDecimal(1), Unit: UnitFee, Category: category(asked.TaxCategory, o), Price: money.New(price, c.Currency),
		})
	}
	return nil
}

// loadExchange reads the exchange rates if tiers ask a fee in another currency
// than their offering's.
func (f *frame) loadExchange(ctx context.Context, tx tenant.Tx) (err error) {
	var currencies []money.Currency
	for _, o := range f.offerings {
		for _, asked := range o.PeriodFees() {
			if asked.Currency != o.Currency {
				currencies = append(currencies, o.Currency, asked.Currency)
			}
		}
	}
	if len(currencies) > 0 {
		f.exchange, err = catalog.LoadRates(ctx, tx, currencies)
	}
	return err
}
