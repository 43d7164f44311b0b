package rating

import (
	"tollhouse/billing/money"
)

// Rate prices e and says who pays. The error is an *Error.
func (t *Tariff) Rate(e Event, s State) (Result, error) {
	var r Result
	if err := t.RateInto(&e, &s, &r); err != nil {
		return Result{}, err
	}
	return r, nil
}

// RateInto is Rate with r's memory: what r held before is lost, and nothing
// new is allocated once its lists have grown. The error is an *Error.
func (t *Tariff) RateInto(e *Event, s *State, r *Result) error {
	err := t.rate(e, s, r, true)
	if err == nil {
		return nil
	}
	if err.Reason == SessionEnded {
		err.PricedUntil = e.Offset + t.most(e, s, r, e.Quantity, func(err *Error) bool { return err == nil })
	}
	return err
}

func (t *Tariff) rate(e *Event, s *State, r *Result, explain bool) *Error {
	u, err := t.check(e)
	if err != nil {
		return err
	}
	r.reset()
	why := &r.Why
	if !explain {
		why = nil
	}
	destination := normalDestination(e.Destination)
	own := t.isOwn(e, destination)
	m := meter{tariff: t, usage: u, start: e.Start, amount: e.Amount, work: &r.work}
	if !m.place(destination, own, e.Quality) {
		return fail(NoDestination, "%s to %.40q", e.Kind, e.Destination)
	}
	if err := m.walk(e.Offset + e.Quantity); err != nil {
		return err
	}
	if m.first.source.Percent != nil && (e.Amount == nil || e.Offset > 0) {
		return fail(NoAmount, "rule %s asks a part of the amount of a whole event, and this one has none", m.first.code)
	}
	l := m.layer()
	r.RuleCode, r.TaxCategory, r.Option = m.first.code, l.tax, l.number
	r.LineCode, r.LineNames = m.first.lineCode, m.first.lineNames
	if step := why.next(OpRule); step != nil {
		at := m.began()
		step.Rule, step.Option, step.Prefix, step.Zone = m.first.code, l.option, at.prefix, at.zone
	}

	before := t.before(e, r, &m)
	charged, err := m.sessionBefore(e, s, before)
	if err != nil {
		return err
	}
	payer := payer{tariff: t, event: e, destination: destination, own: own, buckets: s.Buckets, result: r, why: why}
	payer.sort()
	after := m.billed(e.Offset + e.Quantity)
	payer.coverUnits(u.unit, before, after)
	r.Billed = max(after, r.takenTo()) - before
	if r.Billed != e.Quantity {
		why.insert(1, Step{Op: OpRoundUp, Unit: u.unit, Units: r.Billed, Asked: e.Quantity})
	}
	total, err := m.total(r.Taken, after, why)
	if err != nil {
		return err
	}
	r.Price = total
	if e.Offset > 0 {
		r.Price = total.Sub(charged)
		why.add(Step{Op: OpLess, Amount: charged})
	}
	if step := why.next(OpTotal); step != nil {
		step.Amount, step.Digits, step.Mode = r.Price, l.total.digits, l.total.mode
	}
	m.count(r, after)
	payer.payMoney(s.OnTop)
	return nil
}

// isOwn says whether the destination is a number of ours: by the event, or by
// a deck that marks our own numbers.
func (t *Tariff) isOwn(e *Event, destination string) bool {
	if e.OwnNetwork {
		return true
	}
	for _, d := range t.decks {
		if d.Own(destination) {
			return true
		}
	}
	return false
}

// before fills in what was taken for the session's earlier pieces, and returns
// the position up to which it is billed.
func (t *Tariff) before(e *Event, r *Result, m *meter) int64 {
	switch {
	case len(e.Taken) > 0:
		r.Taken = append(r.Taken[:0], e.Taken...)
	case e.Covered > 0:
		r.Taken = append(r.Taken[:0], Take{To: e.Covered})
	default:
		r.Taken = r.Taken[:0]
	}
	r.work.taken = append(r.work.taken[:0], r.Taken...)
	if e.Offset == 0 {
		return 0
	}
	return max(m.billed(e.Offset), r.takenTo())
}

// sessionBefore returns what the session cost before this piece, and sets the
// counters to what they were when it began.
func (m *meter) sessionBefore(e *Event, s *State, before int64) (money.Decimal, *Error) {
	w := m.work
	w.counts = cleared(w.counts, len(m.usage.counters))
	if len(w.counts) > 0 {
		w.old = m.counted(w.old, w.taken, m.billed(e.Offset))
		for i, code := range m.usage.counters {
			w.counts[i] = s.Counters[code] - w.old[i]
		}
	}
	if e.Offset == 0 {
		return money.Decimal{}, nil
	}
	return m.total(w.taken, m.billed(e.Offset), nil)
}

// check returns the usage that prices e.
func (t *Tariff) check(e *Event) (*usage, *Error) {
	u := t.usageOf(e.Kind)
	switch {
	case u == nil:
		return nil, fail(NoRule, "the offering has no price for %.20q usage", e.Kind)
	case e.Quantity < 0 || e.Offset < 0 || e.Covered < 0:
		return nil, fail(Negative, "quantity %d, offset %d, covered %d", e.Quantity, e.Offset, e.Covered)
	case e.Offset == 0 && (e.Covered > 0 || len(e.Taken) > 0):
		return nil, fail(Negative, "%d covered before anything was used", e.Covered)
	case e.Amount != nil && e.Amount.Sign() < 0:
		return nil, fail(Negative, "amount %s", e.Amount)
	case e.Offset+e.Quantity < 0:
		return nil, fail(TooLarge, "offset %d and quantity %d", e.Offset, e.Quantity)
	case u.unit == money.Second && e.Offset+e.Quantity > maxSeconds:
		return nil, fail(TooLong, "%d seconds", e.Offset+e.Quantity)
	}
	last := int64(0)
	for i := range e.Taken {
		if take := &e.Taken[i]; take.From < last || take.To <= take.From {
			return nil, fail(Negative, "taken from %d to %d after %d", take.From, take.To, last)
		}
		last = e.Taken[i].To
	}
	return u, nil
}
