package catalog

import (
	"fmt"

	"tollhouse/billing/money"
)

// ruleCheck checks one rule by itself.
type ruleCheck struct {
	*checker
	path string
	unit money.Unit
}

func (c ruleCheck) windows(windows []Window) {
	for i, w := range windows {
		if from, to := w.Span(); to <= from {
			c.add(fmt.Sprintf("%s.windows[%d].to", c.path, i),
				"%s is not later than %s; write a window over midnight as two, %s to 24:00 and 00:00 to %s", to, from, from, to)
		}
	}
}

// pricing checks that the rule has one way to a price and that it is whole.
func (c ruleCheck) pricing(r Rule) {
	ways := 0
	if r.Price != nil || r.Per != nil {
		ways++
		c.plain(r)
	}
	if r.Steps != nil {
		ways++
		c.steps(r.Steps)
	}
	if r.Tiers != nil {
		ways++
		c.tiers(*r.Tiers)
	}
	if ways != 1 {
		c.add(c.path, "must have exactly one of price with per, steps, tiers")
	}
	if r.Increments != nil {
		if r.Steps != nil {
			c.add(c.path+".increments", "steps have increments of their own")
		}
		c.quantity(r.Increments.First, c.path+".increments.first")
		c.quantity(r.Increments.Next, c.path+".increments.next")
	}
	if r.Minimum != nil && r.Cap != nil && r.Minimum.Cmp(r.Cap.Amount) > 0 {
		c.add(c.path+".cap", "is less than the minimum of %s", r.Minimum)
	}
	if r.Tiers != nil && r.Tiers.Kind == Volume && (r.Minimum != nil || r.Cap != nil) {
		c.add(c.path+".tiers.kind", "volume prices the period as a whole, so an event has no minimum or cap of its own")
	}
}

func (c ruleCheck) plain(r Rule) {
	if r.Price == nil {
		c.add(c.path+".price", "is missing")
	}
	if r.Per == nil {
		c.add(c.path+".per", "is missing")
		return
	}
	c.quantity(*r.Per, c.path+".per")
}

// quantity checks a divisor or step: of the usage's unit and not zero.
func (c ruleCheck) quantity(q Quantity, path string) {
	c.sameUnit(q, path)
	if q.Base() == 0 {
		c.add(path, "must be more than nothing")
	}
}

func (c ruleCheck) sameUnit(q Quantity, path string) {
	if q.Unit() != c.unit && q.Base() != 0 {
		c.add(path, "%q counts %ss; this usage is counted in %ss", q, q.Unit(), c.unit)
	}
}

func (c ruleCheck) steps(steps []PriceStep) {
	for i, s := range steps {
		path := fmt.Sprintf("%s.steps[%d]", c.path, i)
		c.sameUnit(s.From, path+".from")
		c.quantity(s.Per, path+".per")
		c.quantity(s.Increment, path+".increment")
		switch {
		case i == 0 && s.From.Base() != 0:
			c.add(path+".from", "leaves a gap: the first step must begin at 0")
		case i > 0 && s.From.Base() <= steps[i-1].From.Base():
			c.add(path+".from", "%s is not after %s, so the step before it is never reached", s.From, steps[i-1].From)
		}
	}
}

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
	}
	var last int64
	for i, b := range t.Bands {
		at := fmt.Sprintf("%s.bands[%d]", path, i)
		if b.Per != nil {
			c.quantity(*b.Per, at+".per")
		}
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

func (c ruleCheck) packages(t Tiers, path string) {
	if len(t.Bands) > 0 {
		c.add(path+".bands", "packages have free, size and price, and no bands")
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
func (c ruleCheck) counter(r Rule, counters map[string]TierKind) {
	code := r.CounterCode()
	if code == "" {
		return
	}
	if kind, known := counters[code]; known && kind != r.Tiers.Kind {
		c.add(c.path+".tiers.kind", "counter %q is already used by %s tiers", code, kind)
	}
	counters[code] = r.Tiers.Kind
}
