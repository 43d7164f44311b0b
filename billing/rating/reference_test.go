package rating

import (
	"math/big"
	"slices"
	"sort"
	"time"

	"tollhouse/billing/calendar"
	"tollhouse/billing/catalog"
	"tollhouse/billing/money"
)

// reference rates a call the slow and obvious way: second after second, with
// fractions, reading the offering itself. It is what the compiled tariff has
// to equal.
type reference struct {
	offering catalog.Offering
	usage    catalog.UsagePrice
	loc      *time.Location
	rates    *catalog.Rates
}

// priced is what the reference finds.
type priced struct {
	price   money.Decimal
	billed  int64
	covered int64
	left    []money.Decimal // in the buckets given
	hole    bool
	ended   bool
	counted map[string]int64
}

// rate prices a whole call; each counter stands at counter when it begins.
func (r *reference) rate(e Event, buckets []Bucket, counter int64) (p priced) {
	p.counted = map[string]int64{}
	for _, b := range buckets {
		p.left = append(p.left, b.Value)
	}
	order := r.order(buckets)
	first := r.rule(e, e.Start)
	if first == nil {
		p.hole = true
		return p
	}
	sums := map[money.Currency]*big.Rat{}
	sum := func(rule *catalog.Rule) *big.Rat {
		c := rule.CurrencyOr(r.offering.Currency)
		if sums[c] == nil {
			sums[c] = new(big.Rat)
		}
		return sums[c]
	}
	own := new(big.Rat)
	used := map[string]int64{}   // uncovered units by tiered rule
	paid := map[*big.Rat]int64{} // uncovered units by price of one
	prices := map[int]*big.Rat{} // by rule and slot
	takenTo, ownBegin := int64(0), false
	for position := int64(0); position < e.Quantity; position = p.billed {
		at := e.Start.Add(time.Duration(position) * time.Second)
		rule := r.rule(e, at)
		if rule == nil {
			p.hole = true
			return p
		}
		step, slot := stepOf(rule, position)
		p.billed = position + step
		for second := position; second < p.billed; second++ {
			if second >= takenTo {
				n := r.take(e, second, buckets, order, &p, own, &ownBegin)
				takenTo = second + n
				p.covered += n
			}
			switch {
			case second < takenTo:
			case rule.Tiers != nil:
				used[rule.Code]++
			default:
				key := slices.IndexFunc(r.usage.Rules, func(o catalog.Rule) bool { return o.Code == rule.Code })*100 + slot
				if prices[key] == nil {
					prices[key] = priceOf(rule, slot)
				}
				paid[prices[key]]++
			}
		}
	}
	uncovered := p.billed == 0
	for key, each := range prices {
		uncovered = true
		s := sum(&r.usage.Rules[key/100])
		s.Add(s, new(big.Rat).Mul(each, new(big.Rat).SetInt64(paid[each])))
	}
	for i := range r.usage.Rules {
		rule := &r.usage.Rules[i]
		if n := used[rule.Code]; n > 0 {
			uncovered = true
			s := sum(rule)
			s.Add(s, tierTotal(rule.Tiers, counter+n)).Sub(s, tierTotal(rule.Tiers, counter))
			p.counted[rule.Code] = n
		}
	}
	if uncovered {
		if first.ConnectFee != nil && !ownBegin {
			sum(first).Add(sum(first), first.ConnectFee.BigRat())
		}
		if first.EventPrice != nil {
			sum(first).Add(sum(first), first.EventPrice.BigRat())
		}
	}
	total := new(big.Rat)
	for c, s := range sums {
		total.Add(total, r.convert(c, s, e.Start))
	}
	if uncovered && p.billed > 0 {
		if first.Minimum != nil {
			if least := r.convert(first.CurrencyOr(r.offering.Currency), first.Minimum.BigRat(), e.Start); total.Cmp(least) < 0 {
				total = least
			}
		}
		if first.Cap != nil {
			if most := r.convert(first.CurrencyOr(r.offering.Currency), first.Cap.Amount.BigRat(), e.Start); total.Cmp(most) > 0 {
				total, p.ended = most, first.Cap.Then == catalog.ThenEnd
			}
		}
	}
	p.billed = max(p.billed, takenTo)
	rounding := r.usage.RoundingRule()
	p.price = money.RoundRat(total.Add(total, own), rounding.Digits, rounding.Mode)
	return p
}

func (r *reference) convert(c money.Currency, amount *big.Rat, at time.Time) *big.Rat {
	rate, err := r.rates.Rate(c, r.offering.Currency, calendar.DateOf(at, r.loc))
	if err != nil {
		panic(err)
	}
	converted := new(big.Rat).Mul(amount, rate.Num.BigRat())
	return converted.Quo(converted, rate.Den.BigRat())
}

func (r *reference) order(buckets []Bucket) []int {
	order := make([]int, len(buckets))
	for i := range order {
		order[i] = i
	}
	sort.SliceStable(order, func(i, j int) bool { return buckets[order[i]].before(&buckets[order[j]]) })
	return order
}

// take lets the first bucket that may cover a second do so, for one of its
// steps, and returns how many seconds that is.
func (r *reference) take(e Event, second int64, buckets []Bucket, order []int, p *priced, own *big.Rat, ownBegin *bool) int64 {
	at := e.Start.Add(time.Duration(second) * time.Second)
	for _, i := range order {
		b := &buckets[i]
		if b.Unit != money.Second || b.ExpiresAt != nil && !at.Before(*b.ExpiresAt) || !r.open(b.Filter.Windows, at) {
			continue
		}
		if len(b.Filter.Qualities) > 0 && !slices.Contains(b.Filter.Qualities, e.Quality) {
			continue
		}
		factor := big.NewRat(1, 1)
		if f, named := b.Terms.Factors[e.Quality]; named {
			factor = f.BigRat()
		}
		n := int64(0)
		for n < b.Terms.step() && new(big.Rat).Mul(factor, big.NewRat(n+1, 1)).Cmp(p.left[i].BigRat()) <= 0 {
			n++
		}
		if n == 0 {
			if b.Terms.Blocks {
				return 0
			}
			continue
		}
		p.left[i] = p.left[i].Sub(money.RoundRat(new(big.Rat).Mul(factor, big.NewRat(n, 1)), 9, money.Down))
		if price := b.Terms.Price; price != nil {
			if second == 0 {
				own.Add(own, price.ConnectFee.BigRat())
				*ownBegin = true
			}
			own.Add(own, new(big.Rat).Mul(rate(price.Price, price.per().Base()), big.NewRat(n, 1)))
		}
		return n
	}
	return 0
}

func (r *reference) open(windows []catalog.Window, at time.Time) bool {
	local := at.In(r.loc)
	now := catalog.TimeOfDay(local.Hour()*60 + local.Minute())
	for i := range windows {
		if from, to := windows[i].Span(); windows[i].On(calendar.DateOf(at, r.loc), r.day(local)) && from <= now && now < to {
			return true
		}
	}
	return len(windows) == 0
}

func (r *reference) day(local time.Time) catalog.Day {
	for _, h := range r.offering.Holidays {
		if h.String() == local.Format(time.DateOnly) {
			return catalog.Holiday
		}
	}
	return catalog.WeekdayOf(local.Weekday())
}

// rule is the one of lowest priority number that fits; nil: none does.
func (r *reference) rule(e Event, at time.Time) (found *catalog.Rule) {
	for i := range r.usage.Rules {
		rule := &r.usage.Rules[i]
		switch {
		case rule.Network == catalog.OwnNetwork && !e.OwnNetwork, rule.Network == catalog.OtherNetwork && e.OwnNetwork:
		case len(rule.Qualities) > 0 && !slices.Contains(rule.Qualities, e.Quality):
		case !r.open(rule.Windows, at):
		case found == nil || rule.PriorityOr() < found.PriorityOr():
			found = rule
		}
	}
	return found
}

// stepOf returns the length of the step at a position, and its slot.
func stepOf(rule *catalog.Rule, position int64) (length int64, slot int) {
	for i := len(rule.Steps) - 1; i >= 0; i-- {
		if s := rule.Steps[i]; s.From.Base() <= position {
			return s.Increment.Base(), i
		}
	}
	switch {
	case rule.Increments == nil:
		return 1, 0
	case position < rule.Increments.First.Base():
		return rule.Increments.First.Base(), 0
	}
	return rule.Increments.Next.Base(), 0
}

// priceOf is the price of one second in a slot of a rule.
func priceOf(rule *catalog.Rule, slot int) *big.Rat {
	switch {
	case rule.Steps != nil:
		return rate(rule.Steps[slot].Price, rule.Steps[slot].Per.Base())
	case rule.Price != nil:
		return rate(*rule.Price, rule.Per.Base())
	}
	return new(big.Rat)
}

// tierTotal is the price of a period's total.
func tierTotal(t *catalog.Tiers, n int64) *big.Rat {
	total := new(big.Rat)
	fee := func(b *catalog.Band) *big.Rat {
		if b.Fee == nil {
			return new(big.Rat)
		}
		return b.Fee.BigRat()
	}
	if n == 0 && t.AtZero {
		return fee(&t.Bands[0])
	}
	if t.Kind == catalog.Package {
		packages := int64(0)
		for have := t.Free.Base(); have < n; have += t.Size.Base() {
			packages++
		}
		return total.Mul(t.Price.BigRat(), new(big.Rat).SetInt64(packages))
	}
	var from int64
	for i := range t.Bands {
		b := &t.Bands[i]
		to := n
		if b.To != nil {
			to = min(n, b.To.Base())
		}
		reached := b.To == nil || n <= b.To.Base()
		each := new(big.Rat)
		if b.Price != nil {
			each = rate(*b.Price, b.Per.Base())
		}
		switch {
		case n == 0:
			return total
		case t.Kind == catalog.Graduated && to > from:
			total.Add(total, fee(b)).Add(total, each.Mul(each, new(big.Rat).SetInt64(to-from)))
		case t.Kind != catalog.Graduated && reached:
			return total.Add(fee(b), each.Mul(each, new(big.Rat).SetInt64(n)))
		}
		from = to
	}
	return total
}
