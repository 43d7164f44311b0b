package catalog

import (
	"context"
	"fmt"
	"slices"

	"tollhouse/billing/money"
	"tollhouse/billing/tenant"
)

// decks wants each deck that destinations name, with the zones, in the version
// that is live on the first day of sale.
func (r *reviewer) decks(ctx context.Context, tx tenant.Tx) error {
	for i, set := range r.offering.Destinations {
		if set.Deck == "" {
			continue
		}
		switches, err := deckSwitches(ctx, tx, []string{set.Deck})
		if err != nil {
			return err
		}
		if len(switches) == 0 {
			r.fault(fmt.Sprintf("destinations[%d].deck", i), "the code of a deck with a live version", "there is no live deck %q", set.Deck)
			continue
		}
		live := versionsSince(switches, r.from)[0]
		for n, zone := range set.Zones {
			if !slices.Contains(live.Zones, zone) {
				r.fault(fmt.Sprintf("destinations[%d].zones[%d]", i, n), "a zone of the deck", "deck %s, version %d, has no zone %q", set.Deck, live.Number, zone)
			}
		}
	}
	return nil
}

// calendars wants the one that the offering goes by.
func (r *reviewer) calendars(ctx context.Context, tx tenant.Tx) error {
	if r.offering.Calendar == "" {
		return nil
	}
	missing, err := r.unknown(ctx, tx, []string{r.offering.Calendar}, `select code from holiday_calendar where code = any ($1)`)
	if len(missing) > 0 {
		r.fault("calendar", "the code of a holiday calendar", "there is no holiday calendar %q", r.offering.Calendar)
	}
	return err
}

// exchange wants a rate for each other currency on the first day of sale.
func (r *reviewer) exchange(ctx context.Context, tx tenant.Tx) error {
	at := map[money.Currency]string{}
	currencies := []money.Currency{r.offering.Currency}
	for i := range r.offering.Usage {
		for n := range r.offering.Usage[i].Rules {
			c := r.offering.Usage[i].Rules[n].CurrencyOr(r.offering.Currency)
			if !slices.Contains(currencies, c) {
				currencies = append(currencies, c)
				at[c] = fmt.Sprintf("usage[%d].rules[%d].currency", i, n)
			}
		}
	}
	if len(at) == 0 {
		return nil
	}
	rates, err := LoadRates(ctx, tx, currencies)
	if err != nil {
		return err
	}
	for _, c := range currencies[1:] {
		if _, err := rates.Rate(c, r.offering.Currency, r.day); err != nil {
			r.fault(at[c], "a currency with an exchange rate then", "%v", err)
		}
	}
	return nil
}
