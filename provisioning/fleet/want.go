package fleet

import (
	"fmt"
	"maps"
	"slices"
	"time"

	"tollhouse/billing/money"
	"tollhouse/billing/tenant"
	"tollhouse/provisioning"
)

// Want is a site as staff ask for it.
type Want struct {
	Operator  tenant.ID      `json:"-"`
	Cloud     string         `json:"-"`
	Size      string         `json:"size"`
	AddOns    map[string]int `json:"add_ons,omitempty"` // how many of each
	Schedules []Schedule     `json:"schedules,omitempty"`
	Scaling   *Scaling       `json:"scaling,omitempty"`
}

// Schedule gives a site another size's machines on some days of each month, in
// the operator's zone. Volumes stay.
type Schedule struct {
	Size string `json:"size"`
	From int    `json:"from"` // day of the month
	To   int    `json:"to"`   // inclusive; beyond a month's end it means its last day
}

// Scaling adds and takes charging workers by measured load.
type Scaling struct {
	Min             int    `json:"min"` // beside those of the size and the add-ons
	Max             int    `json:"max"`
	Rules           []Rule `json:"rules"`
	CooldownMinutes int    `json:"cooldown_minutes"`
}

// Rule compares one figure of the load. One rule above is enough for a worker
// more; all have to be below for one less.
type Rule struct {
	Measure provisioning.Measure `json:"measure"`
	Above   int64                `json:"above"`
	Below   int64                `json:"below"`
}

// measures are those that rules may name.
var measures = []provisioning.Measure{provisioning.ChargesPerSecond, provisioning.P99Millis, provisioning.CPUPercent, provisioning.MemoryPercent, provisioning.DiskPercent}

// Bounds of what is wanted.
const (
	maxAddOns     = 20
	maxSchedules  = 12
	maxRules      = 8
	maxScaled     = 32
	minCooldown   = 1
	maxCooldown   = 24 * 60
	daysOfAPrice  = 30 // a month, for what a schedule costs
	longestMonth  = 31
	measuresNamed = "charges_per_second, p99_ms, cpu_percent, memory_percent or disk_percent"
)

// book is all sizes and add-ons by name.
type book map[string]Offer

func bookOf(offers []Offer) book {
	b := book{}
	for _, o := range offers {
		b[o.Name] = o
	}
	return b
}

// check refuses what can't be made. kept are the offers that the site has
// already: those may be retired.
func (w Want) check(b book, kept Want) error {
	var f faults
	b.mustSell(&f, "size", w.Size, Size, kept.Size == w.Size)
	f.unless(len(w.AddOns) <= maxAddOns, "add_ons", fmt.Sprintf("at most %d", maxAddOns))
	for _, name := range slices.Sorted(maps.Keys(w.AddOns)) {
		field := "add_ons." + name
		b.mustSell(&f, field, name, AddOn, kept.AddOns[name] >= w.AddOns[name])
		f.unless(w.AddOns[name] >= 1 && w.AddOns[name] <= maxWorkers, field, fmt.Sprintf("1 to %d", maxWorkers))
	}
	f.unless(len(w.Schedules) <= maxSchedules, "schedules", fmt.Sprintf("at most %d", maxSchedules))
	for i, s := range w.Schedules {
		field := fmt.Sprintf("schedules[%d]", i)
		b.mustSell(&f, field+".size", s.Size, Size, slices.ContainsFunc(kept.Schedules, func(k Schedule) bool { return k.Size == s.Size }))
		f.unless(s.From >= 1 && s.From <= longestMonth, field+".from", "a day of the month, 1 to 31")
		f.unless(s.To >= s.From && s.To <= longestMonth, field+".to", "a day of the month, not before from, up to 31")
		for j, other := range w.Schedules[:i] {
			f.unless(s.To < other.From || s.From > other.To, field, fmt.Sprintf("days that schedules[%d] does not have", j))
		}
	}
	if s := w.Scaling; s != nil {
		s.check(&f, b, kept.Scaling != nil)
	}
	return f.err()
}

func (b book) mustSell(f *faults, field, name string, kind OfferKind, has bool) {
	o, known := b[name]
	what := map[OfferKind]string{Size: "a size that is sold", AddOn: "an add-on that is sold"}[kind]
	f.unless(known && o.Kind == kind && (o.RetiredAt == nil || has), field, what)
}

func (s Scaling) check(f *faults, b book, has bool) {
	b.mustSell(f, "scaling", WorkerAddOn, AddOn, has)
	f.unless(s.Min >= 0 && s.Min <= maxScaled, "scaling.min", fmt.Sprintf("0 to %d", maxScaled))
	f.unless(s.Max > s.Min && s.Max <= maxScaled, "scaling.max", fmt.Sprintf("more than min, up to %d", maxScaled))
	f.unless(s.CooldownMinutes >= minCooldown && s.CooldownMinutes <= maxCooldown, "scaling.cooldown_minutes", fmt.Sprintf("%d to %d", minCooldown, maxCooldown))
	f.unless(len(s.Rules) >= 1 && len(s.Rules) <= maxRules, "scaling.rules", fmt.Sprintf("1 to %d rules", maxRules))
	for i, r := range s.Rules {
		field := fmt.Sprintf("scaling.rules[%d]", i)
		f.unless(slices.Contains(measures, r.Measure), field+".measure", measuresNamed)
		f.unless(r.Above > 0, field+".above", "more than zero")
		f.unless(r.Below >= 0 && r.Below < r.Above, field+".below", "zero or more, and less than above")
	}
}

// sizeAt is the size that a site has on a moment's day.
func (w Want) sizeAt(at time.Time, zone *time.Location) string {
	local := at.In(zone)
	last := local.AddDate(0, 0, 1).Month() != local.Month()
	for _, s := range w.Schedules {
		if local.Day() >= s.From && local.Day() <= s.To || last && s.From > local.Day() {
			return s.Size
		}
	}
	return w.Size
}

// shapeAt is the shape that follows from what is wanted at a moment. A
// schedule brings its size's machines only: volumes are the wanted size's, and
// never smaller than those that stand.
func (w Want) shapeAt(b book, at time.Time, zone *time.Location, scaled int, stands provisioning.Shape) provisioning.Shape {
	base, now := b[w.Size].Shape, b[w.sizeAt(at, zone)].Shape
	shape := provisioning.Shape{Flavor: now.Flavor, WorkerFlavor: now.WorkerFlavor, Workers: now.Workers, Standby: base.Standby,
		BootGB: base.BootGB, DataGB: base.DataGB}
	for name, n := range w.AddOns {
		add := b[name].Shape
		shape.Workers += n * add.Workers
		shape.DataGB += n * add.DataGB
		shape.Standby = shape.Standby || add.Standby
	}
	if w.Scaling != nil {
		shape.Workers += w.Scaling.clamp(scaled) * b[WorkerAddOn].Shape.Workers
	}
	if stands.BootGB > 0 {
		shape.BootGB = stands.BootGB // a machine is not made anew for a larger boot volume
	}
	return shape
}

func (s Scaling) clamp(n int) int { return min(max(n, s.Min), s.Max) }

// peak is the largest shape that schedules and rules may bring.
func (w Want) peak(b book, stands provisioning.Shape) provisioning.Shape {
	at := func(size string) provisioning.Shape {
		other := w
		other.Size, other.Schedules = size, nil
		scaled := 0
		if w.Scaling != nil {
			scaled = w.Scaling.Max
		}
		shape := other.shapeAt(b, time.Time{}, time.UTC, scaled, stands)
		shape.DataGB = w.shapeAt(b, time.Time{}, time.UTC, 0, stands).DataGB
		return shape
	}
	dearest := w.Size
	for _, s := range w.Schedules {
		if b[s.Size].Price.Decimal().Cmp(b[dearest].Price.Decimal()) > 0 {
			dearest = s.Size
		}
	}
	return at(dearest)
}

// cost is what a site costs a month: as it is wanted, schedules counted by
// their days, and at most, with all workers that rules may add.
func (w Want) cost(b book) (monthly, most money.Amount, err error) {
	total := b[w.Size].Price
	for _, s := range w.Schedules {
		days := int64(min(s.To, daysOfAPrice) - min(s.From, daysOfAPrice) + 1)
		more, err := b[s.Size].Price.Sub(b[w.Size].Price)
		if err != nil {
			return total, total, fmt.Errorf("price of %s: %w", s.Size, err)
		}
		part, err := more.MulDiv(money.NewDecimal(days), money.NewDecimal(daysOfAPrice), 9, money.HalfEven)
		if err != nil {
			return total, total, err
		}
		if total, err = total.Add(part); err != nil {
			return total, total, err
		}
	}
	for name, n := range w.AddOns {
		if total, err = addMany(total, b[name].Price, n); err != nil {
			return total, total, fmt.Errorf("price of %s: %w", name, err)
		}
	}
	most = total
	if s := w.Scaling; s != nil {
		if total, err = addMany(total, b[WorkerAddOn].Price, s.Min); err == nil {
			most, err = addMany(most, b[WorkerAddOn].Price, s.Max)
		}
	}
	return total.RoundToDocument(), most.RoundToDocument(), err
}

func addMany(total, price money.Amount, n int) (money.Amount, error) {
	all, err := price.Mul(money.NewDecimal(int64(n)))
	if err != nil {
		return total, err
	}
	return total.Add(all)
}

// same says whether two wants ask for the same.
func (w Want) same(other Want) bool {
	scaling := w.Scaling == nil && other.Scaling == nil
	if w.Scaling != nil && other.Scaling != nil {
		a, b := *w.Scaling, *other.Scaling
		scaling = a.Min == b.Min && a.Max == b.Max && a.CooldownMinutes == b.CooldownMinutes && slices.Equal(a.Rules, b.Rules)
	}
	return scaling && w.Operator == other.Operator && w.Cloud == other.Cloud && w.Size == other.Size &&
		maps.Equal(w.AddOns, other.AddOns) && slices.Equal(w.Schedules, other.Schedules)
}

// Measures are those that rules may name, in the order in which they are shown.
func Measures() []provisioning.Measure { return slices.Clone(measures) }
