package charging

import (
	"time"

	"tollhouse/billing/tenant"
)

// guard is whose turn it is among tenants of one host database. Online.mu guards
// it.
//
// A guarantee of N charges a second at p99 <= X is held in three ways. Requests
// within N (a bucket of tokens, one second deep) are taken before all others,
// and one committer is kept for them. Whoever is over N, and everybody without a
// guarantee, stands in turn by what was taken of them for their weight. And as
// a neighbour's transactions still use the same processor and disk, the others'
// pace is cut as soon as promised requests take longer than half of X, and let
// grow while they do not: more comes than goes, so the others wait in their
// queues, which are short then, and are told to ask again.
//
// Its floats are rates of requests over wall time, which decide who waits. No
// amount and no usage goes through them.
type guard struct {
	weights  map[tenant.ID]int
	promises map[tenant.ID]*promise
	pass     float64 // of the lane that was taken last

	pace    float64 // requests a second of all others; 0: as they come
	tokens  float64 // of the pace
	filled  time.Time
	since   time.Time // the interval of control began
	served  int       // of the others, in the interval
	prompt  int       // promised requests that were answered in the interval,
	slow    int       // and those that were slower than half of their bound
	lastUse time.Time // of a promise
	waking  bool      // a timer will stir
}

// promise is one tenant's guarantee and what became of it.
type promise struct {
	share  tenant.Share
	tokens float64
	filled time.Time
	meter  meter
}

// Bounds of control.
const (
	controlEvery = 250 * time.Millisecond
	// A promise that nobody uses holds back nobody.
	promiseIdle = 2 * time.Second
	// leastPace is what the others are always left, in requests a second.
	leastPace = 50
	paceCut   = 0.6
	paceGrow  = 1.1
	// slowShare: one in so many may be slow before the pace is cut.
	slowShare = 50
	// heldFor is how much of the others' pace may wait for its turn.
	heldFor = 2 * time.Second
	// paceStep is how much of a pace is given out at once, at most.
	paceStep = 50 * time.Millisecond
)

func newGuard(now time.Time) guard {
	return guard{weights: map[tenant.ID]int{}, promises: map[tenant.ID]*promise{}, filled: now, since: now}
}

// Share sets what is whose, of all tenants at once; who is not named has the
// usual weight and no guarantee.
func (o *Online) Share(shares []tenant.Share) {
	o.mu.Lock()
	defer o.mu.Unlock()
	now := time.Now()
	weights, promises := map[tenant.ID]int{}, map[tenant.ID]*promise{}
	for _, s := range shares {
		weights[s.Tenant] = s.Weight
		if s.Rate <= 0 || s.P99 <= 0 {
			continue
		}
		p := o.guard.promises[s.Tenant]
		if p == nil {
			p = &promise{tokens: float64(s.Rate), filled: now, meter: newMeter(now)}
		}
		p.share = s
		promises[s.Tenant] = p
	}
	o.guard.weights, o.guard.promises = weights, promises
	for id, l := range o.lanes {
		l.weight = o.guard.weight(id)
	}
	o.guard.control(now)
	o.stir()
}

func (g *guard) weight(id tenant.ID) int {
	if w := g.weights[id]; w > 0 {
		return w
	}
	return tenant.DefaultWeight
}

// arrives says whether a request is within its tenant's guarantee.
func (g *guard) arrives(id tenant.ID, now time.Time) bool {
	p := g.promises[id]
	if p == nil {
		return false
	}
	g.lastUse = now
	rate := float64(p.share.Rate)
	p.tokens, p.filled = min(p.tokens+now.Sub(p.filled).Seconds()*rate, rate), now
	if p.tokens < 1 {
		p.meter.at(now).beyond++
		return false
	}
	p.tokens--
	return true
}

// refused notes what was turned away.
func (g *guard) refused(id tenant.ID, r *request) {
	if r.promised {
		g.promises[id].meter.at(r.asked).refused++
	}
}

// guarding says whether a promise is in use.
func (g *guard) guarding(now time.Time) bool {
	return len(g.promises) > 0 && now.Sub(g.lastUse) < promiseIdle
}

// answered notes how long a batch took, and sets the others' pace by it.
func (g *guard) answered(t haul, now time.Time) {
	if !t.promised {
		g.served += len(t.batch)
	} else if p := g.promises[t.ref.ID]; p != nil {
		window := p.meter.at(now)
		for _, r := range t.batch {
			took := now.Sub(r.asked)
			window.add(took, p.share.P99)
			g.prompt++
			if took > p.share.P99/2 {
				g.slow++
			}
		}
	}
	g.control(now)
}

// control sets the others' pace anew once an interval is over.
func (g *guard) control(now time.Time) {
	took := now.Sub(g.since)
	if !g.guarding(now) {
		g.pace = 0
	}
	if took < controlEvery {
		return
	}
	rate := float64(g.served) / took.Seconds()
	switch {
	case g.slow*slowShare > g.prompt:
		if g.pace == 0 || rate < g.pace {
			g.pace = rate
		}
		g.setPace(max(g.pace*paceCut, leastPace), now)
	case g.pace > 0 && rate*2 < g.pace:
		g.pace = 0 // it binds nobody
	case g.pace > 0:
		g.setPace(g.pace*paceGrow, now)
	}
	g.since, g.served, g.prompt, g.slow = now, 0, 0, 0
}

func (g *guard) setPace(pace float64, now time.Time) {
	g.fill(now)
	g.pace = pace
	g.tokens = min(g.tokens, g.step())
}

// step is the most of a pace that is given out at once.
func (g *guard) step() float64 { return max(g.pace*paceStep.Seconds(), 1) }

func (g *guard) fill(now time.Time) {
	g.tokens, g.filled = min(g.tokens+now.Sub(g.filled).Seconds()*g.pace, g.step()), now
}

// open says whether the others may have a turn now.
func (g *guard) open(now time.Time) bool {
	if g.control(now); g.pace == 0 {
		return true
	}
	g.fill(now)
	return g.tokens >= 1
}

// queueOf is how many of its tenant may wait with a request. Under a pace it is
// what the tenant gets of it in a while.
func (o *Online) queueOf(r *request) int {
	if r.promised || o.guard.pace == 0 {
		return o.config.Queue
	}
	fair := o.guard.pace * heldFor.Seconds() / float64(len(o.lanes))
	return min(max(int(fair), company), o.config.Queue)
}

// pick is the lane whose turn it is, by its place in ready; -1 if nobody's.
func (o *Online) pick(now time.Time) int {
	found, others := -1, o.stopped || o.room(now) && o.guard.open(now)
	for i, l := range o.ready {
		if l.promised == 0 && !others {
			continue
		}
		if found < 0 || before(l, o.ready[found]) {
			found = i
		}
	}
	return found
}

// before says whether a lane's turn is earlier than another's that was there
// first.
func before(l, other *lane) bool {
	if first := l.promised > 0; first != (other.promised > 0) {
		return first
	}
	return l.pass < other.pass
}

// room says whether a committer may work for the others: one is kept while
// something is promised.
func (o *Online) room(now time.Time) bool {
	return o.config.Committers == 1 || !o.guard.guarding(now) || o.others < o.config.Committers-1
}

// most is how many requests a batch may have.
func (o *Online) most(promised bool) int {
	if promised || o.guard.pace == 0 || o.stopped {
		return o.config.Batch
	}
	return min(o.config.Batch, max(int(o.guard.tokens), 1))
}

// taken notes a turn.
func (o *Online) taken(t haul) {
	l := t.lane
	if !t.promised {
		o.others++
		o.guard.tokens -= float64(len(t.batch))
		o.guard.pass = max(l.pass, o.guard.pass)
		l.pass = o.guard.pass + float64(len(t.batch))/float64(l.weight)
	}
}

// stir sees that there is a committer for what may be taken now. o.mu is held.
func (o *Online) stir() {
	if o.running < o.config.Committers && o.pick(time.Now()) >= 0 {
		o.running++
		go o.commitAll()
		return
	}
	o.rest()
}

// rest sees that somebody stirs when the pace goes on. o.mu is held.
func (o *Online) rest() {
	if o.guard.waking || o.guard.pace == 0 || len(o.ready) == 0 {
		return
	}
	o.guard.waking = true
	wait := time.Duration((1 - o.guard.tokens) / o.guard.pace * float64(time.Second))
	time.AfterFunc(min(max(wait, time.Millisecond), paceStep), func() {
		o.mu.Lock()
		defer o.mu.Unlock()
		o.guard.waking = false
		o.stir()
	})
}
