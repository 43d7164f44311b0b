package ratecmd

import (
	"errors"

	"github.com/google/uuid"

	"tollhouse/billing/catalog"
	"tollhouse/billing/money"
	"tollhouse/billing/rating"
)

// book prices events one after the other and keeps what they leave: buckets,
// counters, and how far each session has come.
type book struct {
	offering catalog.Offering
	tariff   *rating.Tariff
	state    rating.State
	names    []string // of the buckets
	opened   []money.Decimal
	sessions map[string]progress
	lines    []lineTotal
	unpaid   money.Decimal
	priced   int
	unpriced int
}

// progress is how much of a session was used so far, and what unit buckets
// have given of it.
type progress struct {
	used  int64
	taken []rating.Take
}

// lineTotal is the sum of what one line of a bill would show.
type lineTotal struct {
	code   string
	name   string
	unit   money.Unit
	events int
	billed int64
	price  money.Decimal
}

// charge is a priced event, or one without a price and the reason.
type charge struct {
	line   usageLine
	result rating.Result
	moves  []move
	failed *rating.Error
}

// move is what a charge did to a bucket.
type move struct {
	code          string
	unit          money.Unit
	before, after money.Decimal
}

func newBook(o catalog.Offering, t *rating.Tariff, a account) *book {
	b := &book{offering: o, tariff: t, sessions: map[string]progress{}}
	b.state.Counters = map[string]int64{}
	for code, n := range a.counters {
		b.state.Counters[code] = n
	}
	for _, balance := range a.balances {
		b.names = append(b.names, balance.code)
		b.opened = append(b.opened, balance.bucket.Value)
		b.state.Buckets = append(b.state.Buckets, balance.bucket)
	}
	return b
}

// charge prices one line and books it.
func (b *book) charge(line usageLine) charge {
	so := b.sessions[line.session]
	event := rating.Event{Kind: line.kind, Destination: line.destination, Start: line.start, Quantity: line.quantity,
		Quality: line.quality, Amount: line.amount, OwnNetwork: line.ownNetwork, Offset: so.used, Taken: so.taken}
	result, err := b.tariff.Rate(event, b.state)
	if failed := (*rating.Error)(nil); errors.As(err, &failed) {
		b.unpriced++
		return charge{line: line, failed: failed}
	}
	if line.session != "" {
		b.sessions[line.session] = progress{so.used + line.quantity, result.Taken}
	}
	for code, n := range result.Counted {
		b.state.Counters[code] += n
	}
	c := charge{line: line, result: result}
	for _, d := range result.Debits {
		bucket := &b.state.Buckets[d.Bucket]
		before := bucket.Value
		bucket.Value = before.Sub(d.Amount)
		c.moves = append(c.moves, move{b.names[d.Bucket], d.Unit, before, bucket.Value})
	}
	b.sum(line, result)
	return c
}

func (b *book) sum(line usageLine, r rating.Result) {
	b.priced++
	b.unpaid = b.unpaid.Add(r.Unpaid)
	for i := range b.lines {
		if b.lines[i].code == r.LineCode {
			b.lines[i].add(r)
			return
		}
	}
	total := lineTotal{code: r.LineCode, name: r.LineNames.In("en"), unit: line.kind.Unit()}
	total.add(r)
	b.lines = append(b.lines, total)
}

func (t *lineTotal) add(r rating.Result) {
	t.events++
	t.billed += r.Billed
	t.price = t.price.Add(r.Price)
}

// total returns the sum of all prices.
func (b *book) total() money.Decimal {
	var sum money.Decimal
	for _, l := range b.lines {
		sum = sum.Add(l.price)
	}
	return sum
}

// nameOf returns what the account file calls a bucket.
func (b *book) nameOf(id uuid.UUID) string {
	for i := range b.state.Buckets {
		if b.state.Buckets[i].ID == id {
			return b.names[i]
		}
	}
	return id.String()
}
