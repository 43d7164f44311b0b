package rating

import (
	"math"
	"time"

	"tollhouse/billing/money"
)

// payer takes an event's usage and price from buckets.
type payer struct {
	tariff      *Tariff
	event       *Event
	destination string
	own         bool
	buckets     []Bucket
	result      *Result
	why         *Explanation
}

// sort puts the buckets that may be used in order: priority 1 first, then the
// earliest to expire, then the oldest, then by id so that no order is left to
// chance.
func (p *payer) sort() {
	w := &p.result.work
	w.order, w.used = w.order[:0], cleared(w.used, len(p.buckets))
	for i := range p.buckets {
		if !p.tariff.admits(&p.buckets[i].Filter, p.event, p.destination, p.own) {
			continue
		}
		j := len(w.order)
		w.order = append(w.order, i)
		for ; j > 0 && p.buckets[i].before(&p.buckets[w.order[j-1]]); j-- {
			w.order[j] = w.order[j-1]
		}
		w.order[j] = i
	}
}

// instant is when usage at a position happens, as far as the event tells.
func (p *payer) instant(position int64) time.Time {
	if p.event.Kind.Unit() == money.Second {
		return p.event.Start.Add(time.Duration(position) * time.Second)
	}
	if !p.event.At.IsZero() {
		return p.event.At
	}
	return p.event.Start
}

func (b *Bucket) before(c *Bucket) bool {
	switch {
	case b.Priority != c.Priority:
		return b.Priority < c.Priority
	case (b.ExpiresAt == nil) != (c.ExpiresAt == nil):
		return b.ExpiresAt != nil
	case b.ExpiresAt != nil && !b.ExpiresAt.Equal(*c.ExpiresAt):
		return b.ExpiresAt.Before(*c.ExpiresAt)
	case !b.CreatedAt.Equal(c.CreatedAt):
		return b.CreatedAt.Before(c.CreatedAt)
	}
	return string(b.ID[:]) < string(c.ID[:])
}

// open says whether a bucket may be used at an instant, and until when that
// stays so; zero: for good.
func (p *payer) open(b *Bucket, at time.Time) (open bool, until time.Time) {
	if b.ExpiresAt != nil {
		if !at.Before(*b.ExpiresAt) {
			return false, time.Time{}
		}
		until = *b.ExpiresAt
	}
	if len(b.Filter.Windows) == 0 {
		return true, until
	}
	open, change := b.Filter.openAt(p.tariff.clockOf(&b.Filter).moment(at))
	if until.IsZero() || change.Before(until) {
		until = change
	}
	return open, until
}

// coverUnits takes usage from a position up to another from unit buckets. A
// bucket gives its last unit even where that splits a step: else the rest of
// "100 GB" in steps of 1 MiB could never be used.
//
// A call takes from the buckets that are open at each of its moments. Bytes
// and events have no moments of their own: what buckets cover of them is laid
// at the session's beginning.
func (p *payer) coverUnits(unit money.Unit, from, to int64) {
	from = max(from, p.result.takenTo())
	for position := from; position < to; {
		chosen, have, until := p.choose(unit, position)
		limit := to
		if unit == money.Second && !until.IsZero() {
			limit = min(to, positionOf(p.event.Start, until))
		}
		if chosen < 0 {
			position = max(limit, position+1)
			continue
		}
		step := p.buckets[chosen].Terms.step()
		n := limit - position
		if over := n % step; over > 0 && n <= math.MaxInt64-step {
			n += step - over
		}
		n = min(n, have)
		lay := position
		if unit != money.Second {
			lay = p.result.takenTo()
		}
		p.take(chosen, unit, lay, n)
		position += n
	}
}

// choose returns the bucket that gives the unit at a position, or -1, how much
// of the usage it can cover, and until when it would be chosen.
func (p *payer) choose(unit money.Unit, position int64) (chosen int, have int64, until time.Time) {
	at := p.instant(position)
	for _, i := range p.result.work.order {
		b := &p.buckets[i]
		if b.Unit != unit {
			continue
		}
		open, change := p.open(b, at)
		if !change.IsZero() && (until.IsZero() || change.Before(until)) {
			until = change
		}
		if !open {
			continue
		}
		if have := p.covers(i); have > 0 {
			return i, have, until
		}
		if b.Terms.Blocks {
			p.block(b)
			return -1, 0, until
		}
	}
	return -1, 0, until
}

// covers returns how much usage a bucket still covers.
func (p *payer) covers(i int) int64 {
	b := &p.buckets[i]
	left := b.Value.Sub(p.result.work.used[i])
	if left.Sign() <= 0 {
		return 0
	}
	factor, has := b.Terms.factor(p.event.Quality)
	if has {
		if factor.Sign() <= 0 {
			return math.MaxInt64 // this quality takes nothing
		}
		var err error
		if left, err = left.Div(factor, 0, money.Floor); err != nil {
			return 0
		}
	}
	whole := left.Floor()
	n, err := whole.Int64()
	if err != nil {
		return math.MaxInt64
	}
	return n
}

func (p *payer) take(i int, unit money.Unit, from, n int64) {
	b, r := &p.buckets[i], p.result
	amount := money.NewDecimal(n)
	step := Step{Op: OpCover, Bucket: b.ID, Unit: unit, Units: n}
	if factor, has := b.Terms.factor(p.event.Quality); has {
		amount = amount.Mul(factor)
		step.Amount = amount
	}
	r.work.used[i] = r.work.used[i].Add(amount)
	r.Covered += n
	last := len(r.Taken) - 1
	if last >= 0 && r.Taken[last].Bucket == b.ID && r.Taken[last].To == from && r.Taken[last].Price.same(b.Terms.Price) {
		r.Taken[last].To += n
	} else {
		r.Taken = append(r.Taken, Take{b.ID, from, from + n, b.Terms.Price})
	}
	p.debit(i, amount)
	p.why.add(step)
}

func (p *payer) block(b *Bucket) {
	if p.result.Blocked {
		return
	}
	p.result.Blocked = true
	p.why.add(Step{Op: OpBlock, Bucket: b.ID})
}

// payMoney takes the price, and the tax on top of it, from money buckets of
// the tariff's currency. A price below zero goes to the first of them.
func (p *payer) payMoney(onTop money.Decimal) {
	left := p.result.Price
	if !onTop.IsZero() {
		if tax, err := left.MulDiv(onTop, hundred, money.Scale, money.HalfAwayFromZero); err == nil {
			left = left.Add(tax)
		}
	}
	at := p.instant(p.event.Offset)
	for _, i := range p.result.work.order {
		if left.IsZero() || p.result.Blocked && left.Sign() > 0 {
			break
		}
		b := &p.buckets[i]
		if b.Unit != p.tariff.currency {
			continue
		}
		if open, _ := p.open(b, at); !open {
			continue
		}
		take := left
		if have := b.Value.Sub(b.Floor); left.Sign() > 0 && have.Cmp(left) < 0 {
			take = have
		}
		if take.Sign() > 0 || left.Sign() < 0 {
			left = left.Sub(take)
			p.debit(i, take)
			if step := p.why.next(OpPay); step != nil {
				step.Bucket, step.Unit, step.Amount = b.ID, b.Unit, take
			}
		}
		if b.Terms.Blocks && left.Sign() > 0 {
			p.block(b)
		}
	}
	p.result.Unpaid = left
}

var hundred = money.NewDecimal(100)

func (p *payer) debit(i int, amount money.Decimal) {
	b := &p.buckets[i]
	if n := len(p.result.Debits); n > 0 && p.result.Debits[n-1].Bucket == i {
		p.result.Debits[n-1].Amount = p.result.Debits[n-1].Amount.Add(amount)
		return
	}
	p.result.Debits = append(p.result.Debits, Debit{i, b.ID, b.Unit, amount})
}
