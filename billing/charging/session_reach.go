package charging

import (
	"errors"

	"tollhouse/billing/charging/session"
	"tollhouse/billing/money"
	"tollhouse/billing/rating"
	"tollhouse/billing/usage"
)

// quote is what some more use of a service would cost, and take.
type quote struct {
	gross money.Decimal
	held  []session.Hold
	ok    bool // the balance covers it

	end    int64          // the position up to which there is a price; 0: all of it has one
	limit  *usage.Problem // why there is none from end on
	capped bool           // there the price reaches the cap that ends the session
}

// reach says how much of what is wanted the payer's balances cover, and what of
// them is to be held back for that. u is a use of the service from where it
// stands; its quantity is changed. A fault says that what is wanted has no
// price at all.
//
// Whatever the tariff, more use never costs less but under volume tiers, where
// the whole is asked for first; so the largest amount that is covered is found
// by halving.
func (t *till) reach(u *use, wanted int64) (session.Reach, *usage.Problem) {
	whole, fault := t.quote(u, wanted)
	ended, capped := whole.end > 0, whole.capped
	if ended {
		if wanted = min(wanted, whole.end-u.offset); wanted <= 0 {
			return session.Reach{Capped: capped}, nil
		}
		whole, fault = t.quote(u, wanted)
	}
	if fault != nil {
		return session.Reach{}, fault
	}
	if whole.ok {
		more := false
		if !ended {
			next, fault := t.quote(u, wanted+1)
			more = fault == nil && next.ok
		}
		return session.Reach{Units: wanted, Held: whole.held, More: more, Capped: capped}, nil
	}
	covered, over := int64(0), wanted
	var best quote
	for over-covered > 1 {
		middle := covered + (over-covered)/2
		one, fault := t.quote(u, middle)
		if fault != nil {
			return session.Reach{}, fault
		}
		if one.ok {
			covered, best = middle, one
		} else {
			over = middle
		}
	}
	return session.Reach{Units: covered, Held: best.held}, nil
}

// quote prices a number of units.
func (t *till) quote(u *use, units int64) (q quote, fault *usage.Problem) {
	u.record.Quantity = units
	event := t.event(u)
	own := u.payer.ownCycle(u.record.End, t.scene.zone)
	result, err := u.tariff.Rate(event, t.state(u, &event, own))
	if err != nil {
		fault := ratingFault(err)
		if ends, is := errors.AsType[*rating.Error](err); is && (ends.Reason == rating.SessionEnded || ends.Reason == rating.WindowHole && ends.PricedUntil > u.offset) {
			return quote{end: max(ends.PricedUntil, 1), limit: fault, capped: ends.Reason == rating.SessionEnded}, nil
		}
		return quote{}, fault
	}
	result.Price = t.included(u, &event, result.Price)
	given := t.shares
	cost, _, err := t.cost(u, &result)
	if err != nil {
		return quote{}, &usage.Problem{Code: usage.RatingFailed, Reason: err.Error(), Want: "a price that can be booked"}
	}
	if u.fault != nil {
		fault, u.fault = u.fault, nil
		return quote{}, fault
	}
	q.gross = cost.net.Add(cost.tax)
	for i := range result.Debits {
		q.held = append(q.held, session.Hold{Bucket: t.purses[result.Debits[i].Bucket].ID, Amount: result.Debits[i].Amount})
	}
	for _, s := range given {
		q.held = append(q.held, session.Hold{Bucket: s.purse.ID, Amount: s.taken})
	}
	if t.cover(u, &event, &q); result.Blocked {
		q.ok = false
	}
	return q, nil
}

// cover sees whether the payer's money, or credit, reaches for a quote, and
// what of it is to be held back.
func (t *till) cover(u *use, event *rating.Event, q *quote) {
	left := q.gross
	if q.ok = left.Sign() <= 0; q.ok {
		return
	}
	if !u.payer.prepaid {
		limit, limited := u.payer.creditRoom()
		q.ok = !limited || limit.Cmp(left) >= 0
		if limited {
			q.held = append(q.held, session.Hold{Bucket: u.payer.id, Amount: left})
		}
		return
	}
	usable := t.usable(u, event)
	for _, one := range t.money(u, event) {
		free := one.free()
		if one == u.payer.main {
			free = free.Add(u.payer.debt(u.tariff))
		}
		if free.Sign() <= 0 || !usable(one) {
			continue
		}
		if free.Cmp(left) > 0 {
			free = left
		}
		q.held = append(q.held, session.Hold{Bucket: one.ID, Amount: free})
		if left = left.Sub(free); left.IsZero() {
			q.ok = true
			return
		}
	}
}
