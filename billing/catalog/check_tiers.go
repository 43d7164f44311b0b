package catalog

import "fmt"

func (c ruleCheck) tiers(t Tiers) {
	path := c.path + ".tiers"
	if t.Kind == Package {
		c.packages(t, path)
		return
	}
	if t.Free != nil || t.Size != nil || t.Price != nil {
		c.add(path, "free, size and price belong to packages; %s tiers have bands", t.Kind)
	}
	if len(t.Bands) == 0 {
		c.add(path+".bands", "is missing")
		return
	}
	if t.AtZero && t.Bands[0].Fee == nil {
		c.add(path+".at_zero", "asks the first band's fee without any usage, and it has none; add bands[0].fee or leave at_zero out")
	}
	var last int64
	for i, b := range t.Bands {
		at := fmt.Sprintf("%s.bands[%d]", path, i)
		c.band(t.Kind, b, at)
		switch isLast := i == len(t.Bands)-1; {
		case b.To == nil && !isLast:
			c.add(at+".to", "is missing, so the bands after it are never reached")
		case b.To != nil && isLast:
			c.add(at+".to", "leaves a gap: the last band must have no end")
		}
		if b.To == nil {
			continue
		}
		c.sameUnit(*b.To, at+".to")
		if b.To.Base() <= last {
			c.add(at+".to", "%s is not above the band before it, so this band is never reached", b.To)
		}
		last = b.To.Base()
	}
}

// band checks that a band has the price or fee that its kind needs.
func (c ruleCheck) band(kind TierKind, b Band, path string) {
	switch {
	case kind == Stair && b.Price != nil:
		c.add(path+".price", "a stair asks one fee for the whole period; write fee in place of price and per")
	case kind == Stair && b.Fee == nil:
		c.add(path+".fee", "is missing: a stair asks the fee of the band that the total reaches")
	case kind != Stair && b.Price == nil && b.Fee == nil:
		c.add(path+".price", "is missing; where the usage costs no more than a fee, write fee")
	}
	if b.Per != nil {
		c.quantity(*b.Per, path+".per")
	}
}

func (c ruleCheck) packages(t Tiers, path string) {
	if len(t.Bands) > 0 {
		c.add(path+".bands", "packages have free, size and price, and no bands")
	}
	if t.AtZero {
		c.add(path+".at_zero", "packages have no fee; only bands have")
	}
	if t.Price == nil {
		c.add(path+".price", "is missing")
	}
	if t.Free != nil {
		c.sameUnit(*t.Free, path+".free")
	}
	if t.Size == nil {
		c.add(path+".size", "is missing")
		return
	}
	c.quantity(*t.Size, path+".size")
}

// counter checks that rules which count together are tiered the same way:
// else one total would stand for two different prices.
func (c ruleCheck) counter(r *Rule, counters map[string]TierKind) {
	code := r.CounterCode()
	if code == "" {
		return
	}
	if kind, known := counters[code]; known && kind != r.Tiers.Kind {
		c.add(c.path+".tiers.kind", "counter %q is already used by %s tiers", code, kind)
	}
	counters[code] = r.Tiers.Kind
}
