package rating

import (
	"math/big"

	"tollhouse/billing/calendar"
	"tollhouse/billing/money"
)

// total returns the rounded price of a session that is billed up to a
// position, of which unit buckets have given what takes says. So that no
// rounding is ever left between pieces, a piece costs the total after it less
// the total before it.
//
// The connect fee, minimum and cap are those of the first window. Usage that
// unit buckets cover wholly costs no more than those buckets ask.
func (m *meter) total(takes []Take, billed int64, why *Explanation) (money.Decimal, *Error) {
	w := m.work
	w.sums = cleared(w.sums, len(m.usage.currencies))
	w.running = append(w.running[:0], w.counts...)
	priced := billed == 0
	ownFee := len(takes) > 0 && takes[0].From == 0 && takes[0].Price != nil
	for i := range w.pieces {
		p := &w.pieces[i]
		to := min(p.to, billed)
		for at, next := p.from, 0; at < to; {
			for next < len(takes) && takes[next].To <= at {
				next++
			}
			until := to
			if next < len(takes) {
				if takes[next].From <= at {
					at = takes[next].To
					continue
				}
				until = min(until, takes[next].From)
			}
			if !priced {
				priced = true
				m.fees(ownFee, why)
			}
			if !m.part(p, at, until-at, why) {
				return money.Decimal{}, tooLarge()
			}
			at = until
		}
	}
	if billed == 0 {
		m.fees(ownFee, why)
	}
	return m.finish(takes, priced, billed, why)
}

// fees adds what is asked once for an event. A bucket that covers its begin
// and has a price of its own asks its own connect fee.
func (m *meter) fees(ownFee bool, why *Explanation) {
	sum := &m.work.sums[m.first.currency]
	if fee := m.first.source.ConnectFee; fee != nil && !ownFee && !fee.IsZero() {
		*sum, _ = sum.add(m.first.fee)
		if step := why.next(OpFee); step != nil {
			step.Rule, step.Currency, step.Amount = m.first.code, m.foreign(m.first), *fee
		}
	}
	if price := m.first.source.EventPrice; price != nil {
		*sum, _ = sum.add(m.first.event)
		why.add(Step{Op: OpEvent, Rule: m.first.code, Currency: m.foreign(m.first), Amount: *price})
	}
}

// foreign returns the currency of a rule's amounts if it is not the tariff's.
func (m *meter) foreign(r *rule) money.Unit {
	if r.currency == 0 {
		return ""
	}
	return m.usage.currencies[r.currency].Unit()
}

// part prices units of one piece and moves its counter.
func (m *meter) part(p *piece, at, units int64, why *Explanation) bool {
	sum := &m.work.sums[p.rule.currency]
	var ok bool
	if p.rule.tiers == nil {
		s := &p.rule.slots[p.slot]
		if s.numerator == 0 && p.rule.source.Price == nil && p.rule.source.Steps == nil {
			return true // priced by event, or by its amount
		}
		if step := why.next(OpUse); step != nil {
			step.Rule, step.Option, step.At, step.Unit, step.Units = p.rule.code, m.option(p.rule), at, m.usage.unit, units
			step.Price, step.Per, step.Currency = s.price, s.per, m.foreign(p.rule)
		}
		*sum, ok = sum.add(wideProduct(units, s.numerator))
		return ok
	}
	t := p.rule.tiers
	from := m.work.running[t.counter]
	if from > from+units {
		return false
	}
	m.work.running[t.counter] = from + units
	low, ok1 := t.value(from)
	high, ok2 := t.value(from + units)
	part, ok3 := high.sub(low)
	if !ok1 || !ok2 || !ok3 {
		return false
	}
	if why != nil {
		amount, fits := m.layer().total.round(part)
		why.add(Step{Op: OpTier, Rule: p.rule.code, Option: m.option(p.rule), Unit: m.usage.unit, Units: units, Counter: m.usage.counters[t.counter], CounterFrom: from, Amount: amount, Currency: m.foreign(p.rule)})
		if !fits {
			return false
		}
	}
	*sum, ok = sum.add(part)
	return ok
}

// finish bounds and rounds the sums.
func (m *meter) finish(takes []Take, priced bool, billed int64, why *Explanation) (money.Decimal, *Error) {
	bounded := priced && (billed > 0 || m.first.source.Percent != nil)
	if len(m.work.sums) == 1 && (m.first.source.Percent == nil || !priced) && !asksOwn(takes) {
		sum := m.work.sums[0]
		if bounded {
			var err *Error
			if sum, err = m.bounded(sum, why); err != nil {
				return money.Decimal{}, err
			}
		}
		d, ok := m.layer().total.round(sum)
		if !ok {
			return d, tooLarge()
		}
		return d, nil
	}
	sum, err := m.exact(priced, why)
	if err == nil && bounded {
		err = m.boundedExact(sum, why)
	}
	if err != nil {
		return money.Decimal{}, err
	}
	addOwn(takes, sum, m.usage.unit, why)
	return money.RoundRat(sum, m.layer().total.digits, m.layer().total.mode), nil
}

func tooLarge() *Error { return fail(TooLarge, "the price has too many digits") }

func (m *meter) bounded(sum wide, why *Explanation) (wide, *Error) {
	if least := m.first.minimum; least != nil && sum.cmp(*least) < 0 {
		why.add(Step{Op: OpMinimum, Amount: *m.first.source.Minimum})
		return *least, nil
	}
	if most := m.first.cap; most != nil && sum.cmp(*most) > 0 {
		if m.first.ends() {
			return wide{}, m.ended()
		}
		why.add(Step{Op: OpCap, Amount: m.first.source.Cap.Amount})
		return *most, nil
	}
	return sum, nil
}

func (m *meter) ended() *Error {
	return fail(SessionEnded, "by rule %s the session ends where its price reaches %s", m.first.code, m.first.source.Cap.Amount)
}

// exact is the sum in the tariff's currency of prices that fractions are
// needed for: those of other currencies, and parts of the event's amount.
func (m *meter) exact(priced bool, why *Explanation) (*big.Rat, *Error) {
	sum := new(big.Rat)
	for i, part := range m.work.sums {
		if part == (wide{}) {
			continue
		}
		amount := new(big.Rat).SetFrac(part.big(), new(big.Int).SetUint64(m.usage.denominator))
		if err := m.convert(i, amount, why); err != nil {
			return nil, err
		}
		sum.Add(sum, amount)
	}
	if percent := m.first.source.Percent; percent != nil && priced {
		part := percent.BigRat()
		part.Mul(part, m.amount.BigRat()).Quo(part, big.NewRat(100, 1))
		why.add(Step{Op: OpPercent, Rule: m.first.code, Price: *m.amount, Percent: *percent, Amount: shown(part)})
		sum.Add(sum, part)
	}
	return sum, nil
}

// shown is a part of a price as the explanation has it.
func shown(r *big.Rat) money.Decimal { return money.RoundRat(r, money.Scale, money.HalfAwayFromZero) }

// convert turns an amount of one of the usage's currencies into the tariff's
// by the rate of the local day on which the event began.
func (m *meter) convert(currency int, amount *big.Rat, why *Explanation) *Error {
	if currency == 0 {
		return nil
	}
	from := m.usage.currencies[currency]
	rate, err := m.tariff.rates.Rate(from, m.tariff.own, calendar.DateOf(m.start, m.tariff.clock.loc))
	if err != nil {
		return fail(NoRate, "%v", err)
	}
	before := shown(amount)
	amount.Mul(amount, rate.Num.BigRat()).Quo(amount, rate.Den.BigRat())
	why.add(Step{Op: OpConvert, Currency: from.Unit(), Price: before, Rate: rate.Rate.Value, RateFrom: rate.Rate.From.Unit(), RateDay: rate.Rate.Day, Amount: shown(amount)})
	return nil
}

func (m *meter) boundedExact(sum *big.Rat, why *Explanation) *Error {
	bound := func(d money.Decimal) (*big.Rat, *Error) {
		r := d.BigRat()
		return r, m.convert(m.first.currency, r, nil)
	}
	if least := m.first.source.Minimum; least != nil {
		r, err := bound(*least)
		if err != nil {
			return err
		}
		if sum.Cmp(r) < 0 {
			sum.Set(r)
			why.add(Step{Op: OpMinimum, Amount: shown(r)})
			return nil
		}
	}
	if most := m.first.source.Cap; most != nil {
		r, err := bound(most.Amount)
		if err != nil {
			return err
		}
		if sum.Cmp(r) > 0 {
			if m.first.ends() {
				return m.ended()
			}
			sum.Set(r)
			why.add(Step{Op: OpCap, Amount: shown(r)})
		}
	}
	return nil
}

// asksOwn says whether buckets ask a price of their own.
func asksOwn(takes []Take) bool {
	for i := range takes {
		if p := takes[i].Price; p != nil && (!p.Price.IsZero() || takes[i].From == 0 && !p.ConnectFee.IsZero()) {
			return true
		}
	}
	return false
}

// addOwn adds the prices that buckets ask for what they cover.
func addOwn(takes []Take, sum *big.Rat, unit money.Unit, why *Explanation) {
	for i := range takes {
		t := &takes[i]
		if t.Price == nil {
			continue
		}
		if t.From == 0 && !t.Price.ConnectFee.IsZero() {
			sum.Add(sum, t.Price.ConnectFee.BigRat())
			why.add(Step{Op: OpOwnFee, Bucket: t.Bucket, Amount: t.Price.ConnectFee})
		}
		if t.Price.Price.IsZero() {
			continue
		}
		per := t.Price.per()
		sum.Add(sum, new(big.Rat).Mul(rate(t.Price.Price, per.Base()), new(big.Rat).SetInt64(t.To-t.From)))
		why.add(Step{Op: OpOwnUse, Bucket: t.Bucket, Unit: unit, Units: t.To - t.From, Price: t.Price.Price, Per: per})
	}
}
