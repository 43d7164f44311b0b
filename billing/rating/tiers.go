package rating

import (
	"math"

	"tollhouse/billing/catalog"
)

// tiers turn a counter's total into a price: an event costs the price of the
// total after it less the price of the total before. So the period's sum
// depends on its total alone, whatever the order of events.
type tiers struct {
	kind    catalog.TierKind
	counter int // index in usage.counters
	bands   []band
	free    int64
	size    int64
	price   int64 // numerator of one package
	zero    wide  // price of a period without usage: a fee that is asked anyway
}

// band ends at to, inclusive.
type band struct {
	to        int64
	numerator int64
	fee       wide
}

func (u *usage) compileTiers(source *catalog.Rule, counter string) (*tiers, error) {
	t := &tiers{kind: source.Tiers.Kind, counter: u.counterIndex(counter)}
	var err error
	if t.kind == catalog.Package {
		if source.Tiers.Free != nil {
			t.free = source.Tiers.Free.Base()
		}
		t.size = source.Tiers.Size.Base()
		t.price, err = u.unitNumerator(*source.Tiers.Price, 1)
		return t, err
	}
	for _, b := range source.Tiers.Bands {
		compiled := band{to: math.MaxInt64}
		if b.To != nil {
			compiled.to = b.To.Base()
		}
		if b.Price != nil && b.Per != nil {
			if compiled.numerator, err = u.unitNumerator(*b.Price, b.Per.Base()); err != nil {
				return nil, err
			}
		}
		if compiled.fee, err = u.wideNumerator(b.Fee); err != nil {
			return nil, err
		}
		t.bands = append(t.bands, compiled)
	}
	if source.Tiers.AtZero {
		t.zero = t.bands[0].fee
	}
	return t, nil
}

func (u *usage) counterIndex(code string) int {
	for i, have := range u.counters {
		if have == code {
			return i
		}
	}
	u.counters = append(u.counters, code)
	return len(u.counters) - 1
}

// value returns the price of a period's total, as a numerator. A total below
// zero is that of a session which began in an earlier period; its usage there
// has its price already.
func (t *tiers) value(total int64) (wide, bool) {
	if total <= 0 {
		return t.zero, true
	}
	switch t.kind {
	case catalog.Package:
		if total <= t.free {
			return wide{}, true
		}
		return wideProduct((total-t.free-1)/t.size+1, t.price), true
	case catalog.Volume, catalog.Stair:
		for i := range t.bands {
			if b := &t.bands[i]; total <= b.to {
				return b.fee.add(wideProduct(total, b.numerator))
			}
		}
	}
	return t.graduated(total)
}

func (t *tiers) graduated(total int64) (sum wide, ok bool) {
	var from int64
	for i := range t.bands {
		b := &t.bands[i]
		if sum, ok = sum.add(b.fee); !ok {
			return wide{}, false
		}
		if sum, ok = sum.add(wideProduct(min(total, b.to)-from, b.numerator)); !ok {
			return wide{}, false
		}
		if total <= b.to {
			break
		}
		from = b.to
	}
	return sum, true
}
