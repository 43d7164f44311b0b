package rating

import (
	"math"
	"time"

	"tollhouse/billing/money"
)

// maxSeconds bounds a call. Ten years are far beyond any real one, and keep
// both the walk through windows and time arithmetic within bounds.
const maxSeconds = 10 * 366 * 24 * 3600

// piece is a run of whole steps at one price: positions from up to to.
type piece struct {
	rule *rule
	slot int
	from int64
	to   int64
}

// meter lays an event's usage out in whole steps.
type meter struct {
	tariff *Tariff
	usage  *usage
	start  time.Time
	amount *money.Decimal // the event's own
	first  *rule          // of the window in which the event began
	work   *workspace
}

// layer is the one that the event began in.
func (m *meter) layer() *layer { return &m.usage.layers[m.first.layer] }

// walk fills the pieces of the first quantity of usage. Each round takes all
// steps up to the next change of window or slot at once; a step under way
// there is finished at its own price.
func (m *meter) walk(quantity int64) *Error {
	m.work.pieces = m.work.pieces[:0]
	rule, limit, err := m.ruleAt(0)
	if err != nil {
		return err
	}
	m.first = rule
	for position := int64(0); position < quantity; {
		if position >= limit {
			if rule, limit, err = m.ruleAt(position); err != nil {
				return err
			}
		}
		i := rule.slotAt(position)
		target := min(quantity, limit, rule.end(i))
		step := rule.slots[i].increment
		steps := (target-position-1)/step + 1
		if steps > (math.MaxInt64-position)/step {
			return fail(TooLarge, "%d in steps of %d", quantity, step)
		}
		position += m.append(piece{rule, i, position, position + steps*step})
	}
	return nil
}

// append joins p to the piece before it where nothing but midnight lies
// between them, and returns p's length.
func (m *meter) append(p piece) int64 {
	pieces := m.work.pieces
	if n := len(pieces); n > 0 && pieces[n-1].rule == p.rule && pieces[n-1].slot == p.slot {
		pieces[n-1].to = p.to
	} else {
		m.work.pieces = append(pieces, p)
	}
	return p.to - p.from
}

// ruleAt returns the rule at a position and the position up to which it
// holds. Only seconds move through windows; other units stay in that of the
// start.
func (m *meter) ruleAt(position int64) (*rule, int64, *Error) {
	at := m.start
	if m.usage.unit == money.Second {
		at = at.Add(time.Duration(position) * time.Second)
	}
	limit := int64(math.MaxInt64)
	for i := range m.work.places {
		p := &m.work.places[i]
		l := &m.usage.layers[p.layer]
		if always := p.schedule.always; always >= 0 {
			return &m.usage.rules[l.first+int(always)], limit, nil
		}
		index, until := p.schedule.rule(l.clock, at)
		if m.usage.unit == money.Second {
			limit = min(limit, positionOf(m.start, until))
		}
		if index >= 0 {
			return &m.usage.rules[l.first+int(index)], limit, nil
		}
	}
	err := fail(WindowHole, "no rule of %s applies at %s", m.lastAsked(), at.In(m.tariff.clock.loc).Format(time.RFC3339))
	err.PricedUntil = position
	return nil, 0, err
}

func (m *meter) lastAsked() string {
	return m.usage.layers[m.work.places[len(m.work.places)-1].layer].code
}

// positionOf is the first position of a call that belongs to a time. A step
// that begins before a change belongs to the old window, so a position that
// lies in a started second does too.
func positionOf(start, at time.Time) int64 {
	return int64((at.Sub(start) + time.Second - 1) / time.Second)
}

// billed returns quantity rounded up to the whole steps that the pieces have.
func (m *meter) billed(quantity int64) int64 {
	for i := range m.work.pieces {
		p := &m.work.pieces[i]
		if quantity > p.to {
			continue
		}
		if quantity <= p.from {
			return p.from
		}
		step := p.rule.slots[p.slot].increment
		return p.from + ((quantity-p.from-1)/step+1)*step
	}
	return 0
}

// workspace is memory that a Result keeps from event to event.
type workspace struct {
	places   []placed
	pieces   []piece
	order    []int
	used     []money.Decimal // from each of State.Buckets
	sums     []wide
	counts   []int64 // the period's counters when the session began
	running  []int64
	old, now []int64
	taken    []Take // before this piece
}

func cleared[T any](s []T, n int) []T {
	if cap(s) < n {
		return make([]T, n)
	}
	s = s[:n]
	clear(s)
	return s
}
