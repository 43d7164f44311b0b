package rating

import (
	"fmt"
	"math/big"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"tollhouse/billing/calendar"
	"tollhouse/billing/catalog"
	"tollhouse/billing/money"
)

// reference rates a call the slow and obvious way: one step after the other,
// with fractions, reading the offering itself. It is what the compiled tariff
// has to equal.
type reference struct {
	offering catalog.Offering
	usage    catalog.UsagePrice
	loc      *time.Location
}

// rate returns the price of the first quantity of usage, of which covered
// units are paid otherwise, and how much is billed. Each rule's counter begins
// at counter.
func (r reference) rate(e Event, quantity, covered, counter int64) (price money.Decimal, billed int64) {
	counters := map[string]int64{"one": counter, "two": counter}
	first := r.rule(e.Start)
	sum := new(big.Rat)
	if first.ConnectFee != nil {
		sum.Add(sum, fraction(*first.ConnectFee))
	}
	for position := int64(0); position < quantity; position = billed {
		rule := r.rule(e.Start.Add(time.Duration(position) * time.Second))
		step, each := r.step(rule, position)
		billed = position + step
		for unit := position; unit < billed; unit++ {
			switch {
			case unit < covered:
			case rule.Tiers != nil:
				n := counters[rule.Code]
				counters[rule.Code]++
				sum.Add(sum, new(big.Rat).Sub(tierTotal(rule.Tiers, n+1), tierTotal(rule.Tiers, n)))
			default:
				sum.Add(sum, each)
			}
		}
	}
	if billed > 0 && covered >= billed {
		return money.Decimal{}, billed
	}
	if first.Minimum != nil && billed > 0 && sum.Cmp(fraction(*first.Minimum)) < 0 {
		sum = fraction(*first.Minimum)
	}
	if first.Cap != nil && billed > 0 && sum.Cmp(fraction(first.Cap.Amount)) > 0 {
		sum = fraction(first.Cap.Amount)
	}
	rounding := r.usage.RoundingRule()
	num, den := money.MustDecimal(sum.Num().String()), money.MustDecimal(sum.Denom().String())
	price, err := num.Div(den, rounding.Digits, rounding.Mode)
	if err != nil {
		panic(err)
	}
	return price, billed
}

func fraction(d money.Decimal) *big.Rat {
	r, _ := new(big.Rat).SetString(d.String())
	return r
}

func (r reference) rule(at time.Time) catalog.Rule {
	local := at.In(r.loc)
	day := catalog.WeekdayOf(local.Weekday())
	for _, h := range r.offering.Holidays {
		if h.String() == local.Format(time.DateOnly) {
			day = catalog.Holiday
		}
	}
	now := catalog.TimeOfDay(local.Hour()*60 + local.Minute())
	for _, rule := range r.usage.Rules {
		for _, w := range rule.Windows {
			if from, to := w.Span(); w.On(calendar.DateOf(at, r.loc), day) && from <= now && now < to {
				return rule
			}
		}
	}
	panic("no rule at " + local.String())
}

// step returns the length of the step at position and the price of a unit.
func (r reference) step(rule catalog.Rule, position int64) (int64, *big.Rat) {
	each := func(price money.Decimal, per catalog.Quantity) *big.Rat {
		return new(big.Rat).Quo(fraction(price), new(big.Rat).SetInt64(per.Base()))
	}
	for i := len(rule.Steps) - 1; i >= 0; i-- {
		if s := rule.Steps[i]; s.From.Base() <= position {
			return s.Increment.Base(), each(s.Price, s.Per)
		}
	}
	length := int64(1)
	if rule.Increments != nil {
		length = rule.Increments.Next.Base()
		if position < rule.Increments.First.Base() {
			length = rule.Increments.First.Base()
		}
	}
	if rule.Tiers != nil {
		return length, nil
	}
	return length, each(*rule.Price, *rule.Per)
}

func tierTotal(t *catalog.Tiers, n int64) *big.Rat {
	total := new(big.Rat)
	if t.Kind == catalog.Package {
		packages := int64(0)
		for have := t.Free.Base(); have < n; have += t.Size.Base() {
			packages++
		}
		return total.Mul(fraction(*t.Price), new(big.Rat).SetInt64(packages))
	}
	var from int64
	for _, b := range t.Bands {
		each := new(big.Rat).Quo(fraction(*b.Price), new(big.Rat).SetInt64(b.Per.Base()))
		to := n
		if b.To != nil {
			to = min(n, b.To.Base())
		}
		if t.Kind == catalog.Volume {
			if b.To == nil || n <= b.To.Base() {
				return each.Mul(each, new(big.Rat).SetInt64(n))
			}
			continue
		}
		if to > from {
			total.Add(total, new(big.Rat).Mul(each, new(big.Rat).SetInt64(to-from)))
			from = to
		}
	}
	return total
}

// randomOffer draws a voice offering of two rules that share the week.
func randomOffer(t *rapid.T) string {
	amount := func(name string) string {
		return money.DecimalOf(rapid.Int64Range(0, 20000).Draw(t, name), int32(rapid.IntRange(0, 5).Draw(t, name+" digits"))).String()
	}
	seconds := func(name string) string {
		return fmt.Sprintf("%d s", rapid.SampledFrom([]int{1, 6, 7, 30, 60, 61, 90, 3600}).Draw(t, name))
	}
	volume := false
	pricing := func(kinds int) string {
		switch rapid.IntRange(0, kinds).Draw(t, "pricing") {
		case 0:
			return fmt.Sprintf("price: %q, per: %s", amount("price"), seconds("per"))
		case 1:
			return fmt.Sprintf("price: %q, per: %s, increments: {first: %s, next: %s}", amount("price"), seconds("per"), seconds("first"), seconds("next"))
		case 2:
			return fmt.Sprintf("steps: [{from: 0 s, price: %q, per: %s, increment: %s}, {from: 60 s, price: %q, per: %s, increment: %s}, {from: 90 s, price: %q, per: %s, increment: %s}]",
				amount("price"), seconds("per"), seconds("increment"), amount("price"), seconds("per"), seconds("increment"), amount("price"), seconds("per"), seconds("increment"))
		case 3:
			return fmt.Sprintf("increments: {first: %s, next: %s}, tiers: {kind: package, free: %s, size: %s, price: %q}", seconds("first"), seconds("next"), seconds("free"), seconds("size"), amount("price"))
		}
		kind := rapid.SampledFrom([]string{"graduated", "volume"}).Draw(t, "tier kind")
		volume = volume || kind == "volume"
		return fmt.Sprintf("tiers: {kind: %s, bands: [{to: 100 s, price: %q, per: %s}, {to: 900 s, price: %q, per: %s}, {price: %q, per: %s}]}", kind,
			amount("price"), seconds("per"), amount("price"), seconds("per"), amount("price"), seconds("per"))
	}
	extras := func() string {
		text := ""
		if rapid.Bool().Draw(t, "fee") {
			text += fmt.Sprintf(", connect_fee: %q", amount("fee"))
		}
		if !volume && rapid.Bool().Draw(t, "bounds") {
			text += `, minimum: "0.5", cap: "40.25"`
		}
		return text
	}
	from := rapid.SampledFrom([]string{"00:01", "02:00", "08:00", "18:00", "23:59"}).Draw(t, "from")
	one := pricing(4) + extras()
	volume = false
	two := pricing(3) + extras()
	return fmt.Sprintf(`holidays: ["2026-10-25"]
usage:
- code: calls
  names: {en: Calls}
  kind: voice
  rounding: {digits: %d, mode: %s}
  rules:
  - {code: one, destinations: ["*"], windows: [{from: %q}, {days: [holiday], to: %q}], %s}
  - {code: two, destinations: ["*"], windows: [{days: [mon, tue, wed, thu, fri, sat, sun], to: %q}], %s}
`, rapid.IntRange(0, 9).Draw(t, "digits"), rapid.SampledFrom([]string{"half_away_from_zero", "half_even", "up", "down", "ceiling", "floor"}).Draw(t, "mode"),
		from, from, one, from, two)
}

// drawn is a random tariff with its reference and a random start.
func drawn(t *rapid.T) (*Tariff, reference, time.Time) {
	zone := rapid.SampledFrom([]string{"UTC", "Europe/Berlin", "Asia/Jakarta", "America/New_York"}).Draw(t, "zone")
	loc, err := time.LoadLocation(zone)
	if err != nil {
		t.Fatal(err)
	}
	o := offer(t, randomOffer(t))
	compiled, err := Compile(o, Context{Zone: loc})
	if err != nil {
		t.Fatal(err)
	}
	around := rapid.SampledFrom([]string{"2026-03-29T00:30:00Z", "2026-10-25T00:30:00Z", "2026-05-04T15:59:30Z"}).Draw(t, "around")
	start := at(t, around).Add(time.Duration(rapid.IntRange(-5000, 5000).Draw(t, "seconds"))*time.Second +
		time.Duration(rapid.IntRange(0, 999999).Draw(t, "microseconds"))*time.Microsecond)
	return compiled, reference{o, o.Usage[0], loc}, start
}

func TestRate_equalsTheStepByStepReference(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		tariff, reference, start := drawn(t)
		e := Event{Kind: catalog.VoiceUsage, Start: start, Quantity: rapid.Int64Range(0, 7000).Draw(t, "quantity")}
		counter := rapid.Int64Range(0, 2000).Draw(t, "counter")
		have := rapid.Int64Range(0, 4000).Draw(t, "bucket")
		state := State{Counters: map[string]int64{"one": counter, "two": counter}}
		if have > 0 {
			state.Buckets = []Bucket{bucket(1, money.Second, fmt.Sprint(have), 1)}
		}
		got, err := tariff.Rate(e, state)
		if err != nil {
			t.Fatal(err)
		}
		_, billed := reference.rate(e, e.Quantity, 0, 0)
		covered := min(have, billed)
		want, _ := reference.rate(e, e.Quantity, covered, counter)
		if got.Billed != billed || got.Covered != covered || !got.Price.Equal(want) {
			t.Fatalf("billed %d, covered %d, price %s; want %d, %d, %s\n%s", got.Billed, got.Covered, got.Price, billed, covered, want,
				strings.Join(got.Why.Lines(), "\n"))
		}
	})
}

func TestRate_piecesSumToTheWhole(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		tariff, _, start := drawn(t)
		pieces := rapid.SliceOfN(rapid.Int64Range(1, 2000), 1, 6).Draw(t, "pieces")
		have := rapid.Int64Range(0, 4000).Draw(t, "bucket")
		counter := rapid.Int64Range(0, 2000).Draw(t, "counter")
		fresh := func() State {
			return State{
				Buckets:  []Bucket{bucket(1, money.Second, fmt.Sprint(have), 1)},
				Counters: map[string]int64{"one": counter, "two": counter},
			}
		}
		var total int64
		for _, p := range pieces {
			total += p
		}
		whole, err := tariff.Rate(Event{Kind: catalog.VoiceUsage, Start: start, Quantity: total}, fresh())
		if err != nil {
			t.Fatal(err)
		}
		state, e := fresh(), Event{Kind: catalog.VoiceUsage, Start: start}
		var price money.Decimal
		var billed int64
		for _, e.Quantity = range pieces {
			r, err := tariff.Rate(e, state)
			if err != nil {
				t.Fatal(err)
			}
			price, billed = price.Add(r.Price), billed+r.Billed
			e.Offset, e.Covered = e.Offset+e.Quantity, e.Covered+r.Covered
			for code, n := range r.Counted {
				state.Counters[code] += n
			}
			for _, d := range r.Debits {
				state.Buckets[d.Bucket].Value = state.Buckets[d.Bucket].Value.Sub(d.Amount)
			}
		}
		if !price.Equal(whole.Price) || billed != whole.Billed || e.Covered != whole.Covered {
			t.Fatalf("pieces: %s, %d billed, %d covered; whole: %s, %d, %d", price, billed, e.Covered, whole.Price, whole.Billed, whole.Covered)
		}
	})
}
