package rating

import (
	"time"

	"tollhouse/billing/money"
)

// payer takes an event's usage and price from buckets.
type payer struct {
	tariff      *Tariff
	event       Event
	destination string
	buckets     []Bucket
	order       []int // indexes of usable buckets, in order of use
	result      *Result
}

// sort puts the buckets that may be used in order: priority 1 first, then the
// earliest to expire, then the oldest, then by id so that no order is left to
// chance.
func (p *payer) sort() {
	if len(p.buckets) == 0 {
		return
	}
	p.order = make([]int, 0, len(p.buckets))
	at := p.instant()
	for i := range p.buckets {
		if !p.usable(&p.buckets[i], at) {
			continue
		}
		j := len(p.order)
		p.order = append(p.order, i)
		for ; j > 0 && p.buckets[i].before(&p.buckets[p.order[j-1]]); j-- {
			p.order[j] = p.order[j-1]
		}
		p.order[j] = i
	}
}

// instant is when this piece's usage begins, as far as the event tells.
func (p *payer) instant() time.Time {
	if p.event.Kind.Unit() == money.Second {
		return p.event.Start.Add(time.Duration(p.event.Offset) * time.Second)
	}
	return p.event.Start
}

func (p *payer) usable(b *Bucket, at time.Time) bool {
	if b.ExpiresAt != nil && !at.Before(*b.ExpiresAt) {
		return false
	}
	return b.Filter.Admits(p.event.Kind, p.destination)
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

// coverUnits takes what was billed from unit buckets and returns how much
// they covered. A bucket gives its last unit even where that splits a step:
// else the rest of "100 GB" in steps of 1 MiB could never be used.
func (p *payer) coverUnits(unit money.Unit) int64 {
	left := p.result.Billed
	for _, i := range p.order {
		b := &p.buckets[i]
		if b.Unit != unit || left == 0 {
			continue
		}
		have, err := b.Value.Floor().Int64()
		if err != nil || have <= 0 {
			continue
		}
		take := min(have, left)
		left -= take
		amount := money.NewDecimal(take)
		p.debit(i, amount)
		p.result.Why = append(p.result.Why, Step{Op: OpCover, Bucket: b.ID, Unit: unit, Units: take})
	}
	return p.result.Billed - left
}

// payMoney takes the price from money buckets of the tariff's currency. A
// price below zero goes to the first of them.
func (p *payer) payMoney() {
	left := p.result.Price
	for _, i := range p.order {
		b := &p.buckets[i]
		if b.Unit != p.tariff.currency || left.IsZero() {
			continue
		}
		take := left
		if left.Sign() > 0 {
			have := b.Value.Sub(b.Floor)
			if have.Sign() <= 0 {
				continue
			}
			if have.Cmp(left) < 0 {
				take = have
			}
		}
		left = left.Sub(take)
		p.debit(i, take)
		p.result.Why = append(p.result.Why, Step{Op: OpPay, Bucket: b.ID, Unit: b.Unit, Amount: take})
	}
	p.result.Unpaid = left
}

func (p *payer) debit(i int, amount money.Decimal) {
	b := &p.buckets[i]
	p.result.Debits = append(p.result.Debits, Debit{i, b.ID, b.Unit, amount})
}
