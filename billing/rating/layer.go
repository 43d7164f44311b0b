package rating

import (
	"tollhouse/billing/catalog"
)

// layer is one offering's price of a kind of usage within a tariff. An event
// has, at each moment, the price of the first layer that has one for it then.
// What is asked once for an event (connect fee, minimum, cap, rounding, tax) is
// that of the layer in which it begins.
type layer struct {
	number int    // 0: the offering's own; n: that of the nth option
	option string // the option's code, or empty
	code   string
	names  catalog.Names
	tax    string
	total  scaled
	first  int // index in usage.rules of the first of its rules
	places placeTable
	clock  clock
}

// layered is a price that becomes a layer.
type layered struct {
	number   int
	offering *catalog.Offering
	price    *catalog.UsagePrice
}

// pricesOf lists who prices a kind of usage: options in their order, then the
// offering itself.
func pricesOf(kind catalog.UsageKind, o catalog.Offering, options []catalog.Offering) (list []layered) {
	add := func(number int, from *catalog.Offering) {
		for i := range from.Usage {
			if from.Usage[i].Kind == kind {
				list = append(list, layered{number, from, &from.Usage[i]})
			}
		}
	}
	for i := range options {
		add(i+1, &options[i])
	}
	add(0, &o)
	return list
}

func newLayer(u *usage, p *layered, c Context) layer {
	rounding := p.price.RoundingRule()
	l := layer{
		number: p.number, code: p.price.Code, names: p.price.Names, tax: p.offering.Tax.CategoryOr(p.price.TaxCategory), first: len(u.rules),
		total:  scaled{denominator: u.denominator, pow10: pow10(rounding.Digits), digits: rounding.Digits, mode: rounding.Mode},
		places: compilePlaces(*p.offering, p.price, c.Decks),
		clock:  newClock(c.Zone, p.offering.Holidays, c.Calendars[p.offering.Calendar]),
	}
	if p.number > 0 {
		l.option = p.offering.Code
	}
	return l
}

// counter is the period counter of a rule's tiers. Those of an option are told
// from the plan's by its code.
func (l *layer) counter(r *catalog.Rule) string {
	if l.option == "" {
		return r.CounterCode()
	}
	return l.option + "/" + r.CounterCode()
}

// placed is where an event's destination lies in a layer.
type placed struct {
	layer        int // index in usage.layers
	prefix, zone string
	schedule     *schedule
}

// place finds the destination in all layers; false if none knows it.
func (m *meter) place(destination string, own bool, quality string) bool {
	w := m.work
	w.places = w.places[:0]
	for i := range m.usage.layers {
		prefix, zone, place := m.usage.layers[i].places.find(destination)
		if place != nil {
			w.places = append(w.places, placed{i, prefix, zone, place.schedule(own, quality)})
		}
	}
	return len(w.places) > 0
}

// began is where the destination lies in the layer that the event began in.
func (m *meter) began() *placed {
	i := 0
	for m.work.places[i].layer != m.first.layer {
		i++
	}
	return &m.work.places[i]
}

// option is the code of the option whose rule it is, or empty.
func (m *meter) option(r *rule) string { return m.usage.layers[r.layer].option }
