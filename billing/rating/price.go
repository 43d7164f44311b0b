package rating

import (
	"tollhouse/billing/money"
)

// span64 is the priced positions of a session: from what unit buckets
// covered, up to what was billed.
type span64 struct{ from, to int64 }

// price sets r.Price: the rounded price of the session after this piece less
// that before it, so that no rounding is ever left between pieces. Unit
// buckets are taken to have covered the session's first steps.
func (m *meter) price(e Event, s State, before, after span64, r *Result) *Error {
	counts, err := m.counts(s, before)
	if err != nil {
		return err
	}
	total, err := m.total(after, counts, &r.Why)
	if err != nil {
		return err
	}
	if r.Price, err = m.rounded(total); err != nil {
		return err
	}
	if e.Offset > 0 {
		charged, err := m.chargedBefore(before, counts)
		if err != nil {
			return err
		}
		r.Price = r.Price.Sub(charged)
		r.Why = append(r.Why, Step{Op: OpLess, Amount: charged})
	}
	r.Why = append(r.Why, Step{Op: OpTotal, Amount: r.Price, Digits: m.usage.total.digits, Mode: m.usage.total.mode})
	m.count(before, after, r)
	return nil
}

func (m *meter) chargedBefore(before span64, counts []int64) (money.Decimal, *Error) {
	total, err := m.total(before, counts, nil)
	if err != nil {
		return money.Decimal{}, err
	}
	return m.rounded(total)
}

func (m *meter) rounded(total wide) (money.Decimal, *Error) {
	d, ok := m.usage.total.round(total)
	if !ok {
		return d, tooLarge()
	}
	return d, nil
}

func tooLarge() *Error { return fail(TooLarge, "the price has too many digits") }

// total returns the price of a session whose positions in s are priced, as a
// numerator. The connect fee, minimum and cap are those of the first window;
// a session that unit buckets cover wholly costs nothing.
func (m *meter) total(s span64, counts []int64, why *Explanation) (wide, *Error) {
	if s.to > 0 && s.from >= s.to {
		return wide{}, nil
	}
	var spare [2]int64
	running := append(spare[:0], counts...)
	sum := m.first.fee
	if m.first.fee != (wide{}) {
		why.add(Step{Op: OpFee, Rule: m.first.code, Amount: *m.first.source.ConnectFee})
	}
	for i := range m.pieces {
		p := &m.pieces[i]
		from, to := max(p.from, s.from), min(p.to, s.to)
		if from >= to {
			continue
		}
		part, ok := m.part(p, to-from, running, why)
		if ok {
			sum, ok = sum.add(part)
		}
		if !ok {
			return wide{}, tooLarge()
		}
	}
	if s.to == 0 {
		return sum, nil
	}
	return m.bounded(sum, why), nil
}

// part prices units of one piece and moves its counter.
func (m *meter) part(p *piece, units int64, running []int64, why *Explanation) (wide, bool) {
	if p.rule.tiers == nil {
		s := &p.rule.slots[p.slot]
		why.add(Step{Op: OpUse, Rule: p.rule.code, At: p.from, Unit: m.usage.unit, Units: units, Price: s.price, Per: s.per})
		return wideProduct(units, s.numerator), true
	}
	t := p.rule.tiers
	from := running[t.counter]
	if from > from+units {
		return wide{}, false
	}
	running[t.counter] = from + units
	low, ok := t.value(from)
	high, ok2 := t.value(from + units)
	if !ok || !ok2 {
		return wide{}, false
	}
	part, ok := high.sub(low)
	if ok && why != nil {
		amount, fits := m.usage.total.round(part)
		why.add(Step{Op: OpTier, Rule: p.rule.code, Unit: m.usage.unit, Units: units, Counter: m.usage.counters[t.counter], CounterFrom: from, Amount: amount})
		ok = fits
	}
	return part, ok
}

func (m *meter) bounded(sum wide, why *Explanation) wide {
	if least := m.first.minimum; least != nil && sum.cmp(*least) < 0 {
		why.add(Step{Op: OpMinimum, Amount: *m.first.source.Minimum})
		return *least
	}
	if most := m.first.cap; most != nil && sum.cmp(*most) > 0 {
		why.add(Step{Op: OpCap, Amount: m.first.source.Cap.Amount})
		return *most
	}
	return sum
}

// counts returns what the counters were when the session began.
func (m *meter) counts(s State, before span64) ([]int64, *Error) {
	if len(m.usage.counters) == 0 {
		return nil, nil
	}
	counts := m.counted(before)
	for i, code := range m.usage.counters {
		counts[i] = s.Counters[code] - counts[i]
		if counts[i] < 0 {
			return nil, fail(Negative, "counter %s is %d, less than this session added", code, s.Counters[code])
		}
	}
	return counts, nil
}

// counted returns how much a session with s priced adds to each counter.
func (m *meter) counted(s span64) []int64 {
	counts := make([]int64, len(m.usage.counters))
	for _, p := range m.pieces {
		if t := p.rule.tiers; t != nil {
			counts[t.counter] += max(0, min(p.to, s.to)-max(p.from, s.from))
		}
	}
	return counts
}

func (m *meter) count(before, after span64, r *Result) {
	if len(m.usage.counters) == 0 {
		return
	}
	old, now := m.counted(before), m.counted(after)
	for i, code := range m.usage.counters {
		if now[i] == old[i] {
			continue
		}
		if r.Counted == nil {
			r.Counted = map[string]int64{}
		}
		r.Counted[code] = now[i] - old[i]
	}
}
