package rating

// Grant is how far an account's buckets reach.
type Grant struct {
	// Quantity is how much of Event.Quantity they pay for.
	Quantity int64
	// Result is the price of that quantity and who would pay it. It is empty
	// if the quantity is 0.
	Result Result
	// Limit says why it is not all; empty if it is.
	Limit Reason
}

// What limits a Grant, beside WindowHole and SessionEnded.
const (
	// Insufficient: the buckets that may be used don't hold more.
	Insufficient Reason = "insufficient"
	// Blocked: a bucket that blocks those behind it is used up.
	Blocked Reason = "blocked"
)

// Reach returns how much of an event the buckets of s cover: all of it, or the
// most that ends in a paid step. What has no price at all is an *Error.
func (t *Tariff) Reach(e Event, s State) (Grant, error) {
	var g Grant
	err := t.ReachInto(&e, &s, &g)
	return g, err
}

// ReachInto is Reach with g's memory.
func (t *Tariff) ReachInto(e *Event, s *State, g *Grant) error {
	r := &g.Result
	g.Quantity, g.Limit = e.Quantity, ""
	err := t.rate(e, s, r, true)
	switch {
	case err == nil && r.paid():
		return nil
	case err == nil && r.Blocked:
		g.Limit = Blocked
	case err == nil:
		g.Limit = Insufficient
	case err.Reason == WindowHole || err.Reason == SessionEnded:
		g.Limit = err.Reason
	default:
		return err
	}
	asked := *e
	g.Quantity = t.most(e, s, r, e.Quantity, func(err *Error) bool { return err == nil && r.paid() })
	asked.Quantity = g.Quantity
	if g.Quantity == 0 {
		r.reset()
		return nil
	}
	if err := t.rate(&asked, s, r, true); err != nil {
		return err
	}
	return nil
}

// paid says whether buckets pay everything.
func (r *Result) paid() bool { return !r.Blocked && r.Unpaid.Sign() <= 0 }

// most returns the largest quantity below one that does not hold for which
// holds says yes of the result in r. Prices grow with the quantity, so halving
// finds it in as many looks as the quantity has bits.
func (t *Tariff) most(e *Event, s *State, r *Result, bad int64, holds func(*Error) bool) int64 {
	part := *e
	at := func(quantity int64) bool {
		part.Quantity = quantity
		return holds(t.rate(&part, s, r, false))
	}
	good := int64(0)
	// Near the end of a large quota little is left, so the first looks go up
	// from small quantities.
	for step := int64(1); good+step < bad && step > 0; step *= 4 {
		if !at(good + step) {
			bad = good + step
			break
		}
		good += step
	}
	for good+1 < bad {
		middle := good + (bad-good)/2
		if at(middle) {
			good = middle
		} else {
			bad = middle
		}
	}
	return good
}
