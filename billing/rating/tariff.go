package rating

import (
	"errors"
	"math"
	"slices"

	"tollhouse/billing/catalog"
	"tollhouse/billing/money"
)

// ErrTooFine says that an offering's prices have no common denominator of 62
// bits. Real price lists need about 30.
var ErrTooFine = errors.New("prices are too fine to be summed exactly")

// Tariff is an offering made ready for pricing in one zone. It never changes
// and may be used by any number of goroutines.
type Tariff struct {
	own       money.Currency
	currency  money.Unit
	clock     clock
	calendars map[string]clock // of buckets' windows
	decks     map[string]*catalog.Deck
	rates     *catalog.Rates
	usages    [5]*usage
}

// kinds is the order of Tariff.usages.
var kinds = [...]catalog.UsageKind{
	catalog.VoiceUsage, catalog.DataUsage, catalog.MessageUsage, catalog.ContentUsage, catalog.TransactionUsage,
}

// usage is all that prices one kind of usage: the catalog.UsagePrice of the
// offering, under those of options.
type usage struct {
	kind        catalog.UsageKind
	unit        money.Unit
	denominator uint64
	layers      []layer // in the order in which they are asked; the offering's own is the last
	rules       []rule  // of all layers
	counters    []string
	currencies  []money.Currency // of rules' amounts; the first is the offering's
}

// rule is a compiled catalog.Rule. Numerators are over usage.denominator.
type rule struct {
	layer        int // index in usage.layers
	code         string
	lineCode     string
	lineNames    catalog.Names
	currency     int // index in usage.currencies
	slots        []slot
	tiers        *tiers
	fee, event   wide
	minimum, cap *wide
	source       *catalog.Rule
}

// slot is a price from a position of the event on.
type slot struct {
	from      int64
	increment int64
	numerator int64 // price of one second, byte or event
	price     money.Decimal
	per       catalog.Quantity
}

// ends says whether a session ends where its price reaches the cap.
func (r *rule) ends() bool { return r.source.Cap.Then == catalog.ThenEnd }

// end returns the position at which slot i of r ends.
func (r *rule) end(i int) int64 {
	if i+1 < len(r.slots) {
		return r.slots[i+1].from
	}
	return math.MaxInt64
}

// slotAt returns the index of the slot that holds at position.
func (r *rule) slotAt(position int64) int {
	i := 0
	for r.end(i) <= position {
		i++
	}
	return i
}

// Currency returns the currency of the tariff's prices.
func (t *Tariff) Currency() money.Unit { return t.currency }

func (t *Tariff) usageOf(kind catalog.UsageKind) *usage {
	for i := range kinds {
		if kinds[i] == kind {
			return t.usages[i]
		}
	}
	return nil
}

// AsksNetwork says whether the price of a kind of usage depends on
// Event.OwnNetwork.
func (t *Tariff) AsksNetwork(kind catalog.UsageKind) bool {
	u := t.usageOf(kind)
	return u != nil && slices.ContainsFunc(u.layers, func(l layer) bool { return l.places.networks })
}

// Counts says whether some price depends on the period's counters.
func (t *Tariff) Counts() bool {
	for _, u := range t.usages {
		if u != nil && len(u.counters) > 0 {
			return true
		}
	}
	return false
}
