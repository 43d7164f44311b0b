package rating

import (
	"tollhouse/billing/money"
)

// Rate prices e and says who pays. The error is an *Error.
func (t *Tariff) Rate(e Event, s State) (Result, error) {
	r, err := t.rate(e, s)
	if err != nil {
		return Result{}, err
	}
	return r, nil
}

func (t *Tariff) rate(e Event, s State) (Result, *Error) {
	u, err := t.check(e)
	if err != nil {
		return Result{}, err
	}
	destination := normalDestination(e.Destination)
	prefix, schedule := u.prefixes.find(destination)
	if schedule == nil {
		return Result{}, fail(NoDestination, "%s to %.40q", e.Kind, e.Destination)
	}
	var buffer [4]piece
	m := meter{tariff: t, usage: u, schedule: schedule, start: e.Start, pieces: buffer[:0]}
	if err := m.walk(e.Offset + e.Quantity); err != nil {
		return Result{}, err
	}
	before := span64{e.Covered, m.billed(e.Offset)}
	after := span64{e.Covered, m.billed(e.Offset + e.Quantity)}
	if before.to < before.from {
		return Result{}, fail(Negative, "%d of %d covered", e.Covered, before.to)
	}
	r := Result{
		Billed: after.to - before.to, RuleCode: m.first.code, TaxCategory: u.tax,
		LineCode: m.first.lineCode, LineNames: m.first.lineNames,
	}
	r.Why = make(Explanation, 0, len(m.pieces)+4)
	r.Why = append(r.Why, Step{Op: OpRule, Rule: m.first.code, Prefix: prefix})
	if r.Billed != e.Quantity {
		r.Why = append(r.Why, Step{Op: OpRoundUp, Unit: u.unit, Units: r.Billed, Asked: e.Quantity})
	}
	payer := payer{tariff: t, event: e, destination: destination, buckets: s.Buckets, result: &r}
	payer.sort()
	r.Covered = payer.coverUnits(u.unit)
	after.from += r.Covered
	if err := m.price(e, s, before, after, &r); err != nil {
		return Result{}, err
	}
	payer.payMoney()
	return r, nil
}

// check returns the usage that prices e.
func (t *Tariff) check(e Event) (*usage, *Error) {
	u := t.usageOf(e.Kind)
	switch {
	case u == nil:
		return nil, fail(NoRule, "the offering has no price for %.20q usage", e.Kind)
	case e.Quantity < 0 || e.Offset < 0 || e.Covered < 0:
		return nil, fail(Negative, "quantity %d, offset %d, covered %d", e.Quantity, e.Offset, e.Covered)
	case e.Offset+e.Quantity < 0:
		return nil, fail(TooLarge, "offset %d and quantity %d", e.Offset, e.Quantity)
	case u.unit == money.Second && e.Offset+e.Quantity > maxSeconds:
		return nil, fail(TooLong, "%d seconds", e.Offset+e.Quantity)
	}
	return u, nil
}
