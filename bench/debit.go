package bench

import (
	"context"
	_ "embed"
	"fmt"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5"

	"tollhouse/bench/baseline"
	"tollhouse/billing"
	"tollhouse/billing/charging"
	"tollhouse/billing/money"
	"tollhouse/billing/usage"
)

//go:embed offers/debit.yaml
var debitOffer []byte

// debitCase is one way of asking for durable online debits.
type debitCase struct {
	flight  int           // requests under way at any time
	stacks  int           // operators among whom they are spread
	hot     bool          // all on one account
	goal    float64       // least ratio to the raw transaction
	p99     time.Duration // most, of one answer; 0: not judged
	through func(ctx context.Context, d *debitHouse) (debit, error)
}

// debit charges one event of a subscriber.
type debit func(ctx context.Context, stack, subscriber int, key string, at time.Time) error

// debits measures what is answered after its commit: bucket, ledger, charge
// and usage of each event. The raw transaction is measured in turns with it, in
// the same cluster.
func debits(c debitCase) func(ctx context.Context, s scale, say reporter) (Result, error) {
	return func(ctx context.Context, s scale, say reporter) (Result, error) {
		d, err := openDebitHouse(ctx, c, s, say)
		if err != nil {
			return Result{}, err
		}
		defer d.close()
		return d.measure(ctx, c, s, say)
	}
}

func (d *debitHouse) measure(ctx context.Context, c debitCase, s scale, say reporter) (Result, error) {
	charge, err := c.through(ctx, d)
	if err != nil {
		return Result{}, err
	}
	if _, err := d.storm(ctx, c, charge, s.debitTime/4); err != nil { // caches and connections
		return Result{}, err
	}
	width, err := d.width(ctx)
	if err != nil {
		return Result{}, err
	}
	schema := "raw_transaction"
	raw, err := baseline.NewRaw(ctx, d.admin, d.server.AdminURL(hostDatabase), d.stacks[0].stack.Ref.Slot.Schema(), schema, s.debitAccounts, width)
	if err != nil {
		return Result{}, err
	}
	defer raw.Close(ctx)
	var ours, raws, ratios rounds
	var latencies []time.Duration
	var own, database, rawOwn, rawDatabase float64
	for n := range s.debitRounds {
		if err := settle(ctx, d.admin); err != nil {
			return Result{}, err
		}
		var storm storm
		if own, database, err = costOf(func() (float64, error) {
			storm, err = d.storm(ctx, c, charge, s.debitTime)
			return float64(len(storm.latencies)), err
		}); err != nil {
			return Result{}, err
		}
		if err := settle(ctx, d.admin); err != nil {
			return Result{}, err
		}
		var one float64
		if rawOwn, rawDatabase, err = costOf(func() (float64, error) {
			one, err = raw.Run(ctx, schema, s.debitTime)
			return one * s.debitTime.Seconds(), err
		}); err != nil {
			return Result{}, err
		}
		ours, raws, ratios = append(ours, storm.perSecond), append(raws, one), append(ratios, storm.perSecond/one)
		latencies = append(latencies, storm.latencies...)
		say("round %d: %.0f debits/s, raw transaction %.0f/s, ratio %.2f; %.0f to a transaction; processor time of one: %.0f + %.0f us, of a raw one %.0f + %.0f us",
			n+1, storm.perSecond, one, storm.perSecond/one, storm.together, own, database, rawOwn, rawDatabase)
	}
	p50, p99 := quantile(latencies, 50), quantile(latencies, 99)
	r := Result{Value: ours.median(), Unit: "debits/s", Goal: fmt.Sprintf("ratio >= %g", c.goal)}
	r.beside(raws.median())
	ratio := ratios.median()
	r.Ratio, r.OK = &ratio, ratio >= c.goal && (c.p99 == 0 || p99 < c.p99)
	if c.p99 > 0 {
		r.Goal += fmt.Sprintf(", p99 < %s", c.p99)
	}
	r.Note = fmt.Sprintf("%d in flight over %d accounts of %d operators; answers p50 %.1f ms, p99 %.1f ms; rows of a debit are %d bytes wide; processor time of one in the last round %.0f us here and %.0f us in the database, of a raw one %.0f us and %.0f us; medians of %d rounds of %s in turns: ours %s, raw transaction %s, ratio %s",
		c.flight, d.accounts(), len(d.stacks), millis(p50), millis(p99), width, own, database, rawOwn, rawDatabase, s.debitRounds, s.debitTime, ours.spread(), raws.spread(), ratios.spread())
	return r, d.check(ctx)
}

func millis(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }

// storm is what came of a time of debits.
type storm struct {
	perSecond float64
	together  float64 // debits of one transaction
	latencies []time.Duration
}

// storm keeps so many requests under way for a while.
func (d *debitHouse) storm(ctx context.Context, c debitCase, charge debit, length time.Duration) (storm, error) {
	var asking sync.WaitGroup
	latencies, faults := make([][]time.Duration, c.flight), make([]error, c.flight)
	before, began := d.host.Online().Worked(), time.Now()
	for n := range c.flight {
		asking.Go(func() {
			random := rand.New(rand.NewPCG(uint64(n), uint64(began.UnixNano())))
			for time.Since(began) < length {
				stack := random.IntN(len(d.stacks))
				subscriber := random.IntN(d.stacks[stack].subscribers)
				if c.hot {
					subscriber = 0
				}
				number := d.number.Add(1)
				asked := time.Now()
				at := d.month.from.Add(240*time.Hour + time.Duration(number)*time.Millisecond).UTC()
				if faults[n] = charge(ctx, stack, subscriber, fmt.Sprintf("event-%d", number), at); faults[n] != nil {
					return
				}
				latencies[n] = append(latencies[n], time.Since(asked))
			}
		})
	}
	asking.Wait()
	took := time.Since(began)
	var s storm
	for n := range c.flight {
		if faults[n] != nil {
			return storm{}, faults[n]
		}
		s.latencies = append(s.latencies, latencies[n]...)
	}
	d.charged += len(s.latencies)
	if after := d.host.Online().Worked(); after.Transactions > before.Transactions {
		s.together = float64(after.Requests-before.Requests) / float64(after.Transactions-before.Transactions)
	}
	s.perSecond = perSecond(len(s.latencies), took)
	return s, nil
}

// debitHouse is a house whose subscribers have money.
type debitHouse struct {
	*house
	stacks  []debitStack
	admin   *pgx.Conn
	number  atomic.Int64
	charged int

	uncharged atomic.Int64 // requests that were answered and charge nothing
}

type debitStack struct {
	stack       *billing.Stack
	feed        usage.Feed
	subscribers int
}

func openDebitHouse(ctx context.Context, c debitCase, s scale, say reporter) (_ *debitHouse, err error) {
	h, err := openHouse(ctx)
	if err != nil {
		return nil, err
	}
	d := &debitHouse{house: h}
	defer func() {
		if err != nil {
			h.close()
		}
	}()
	h.clock.set(h.month.from)
	say("connecting %d subscribers of %d operators", s.debitAccounts, c.stacks)
	for range c.stacks {
		one, err := d.open(ctx, s.debitAccounts/c.stacks)
		if err != nil {
			return nil, err
		}
		d.stacks = append(d.stacks, one)
	}
	h.clock.set(h.month.from.Add(240 * time.Hour))
	d.admin, err = h.admin(ctx)
	return d, err
}

func (d *debitHouse) open(ctx context.Context, subscribers int) (debitStack, error) {
	stack, err := d.operator(ctx)
	if err != nil {
		return debitStack{}, err
	}
	offering, err := publish(ctx, stack, debitOffer)
	if err != nil {
		return debitStack{}, err
	}
	accounts, err := connect(ctx, stack, offering, 0, subscribers)
	if err != nil {
		return debitStack{}, err
	}
	if err := topUpBy(ctx, stack, accounts, 1_000_000_00); err != nil {
		return debitStack{}, err
	}
	feed, err := d.declare(ctx, stack, streams[0])
	return debitStack{stack, feed, subscribers}, err
}

func (d *debitHouse) accounts() (n int) {
	for _, s := range d.stacks {
		n += s.subscribers
	}
	return n
}

// direct asks the batcher without HTTP.
func direct(_ context.Context, d *debitHouse) (debit, error) {
	return func(ctx context.Context, stack, subscriber int, key string, at time.Time) error {
		s := &d.stacks[stack]
		_, err := s.stack.Online().Debit(ctx, s.stack.Ref, s.feed.ID, usage.Record{
			Key: key, Kind: usage.Content, Identity: usage.Identity{Kind: usage.MSISDN, Value: msisdn(subscriber)},
			Start: at, End: at, Quantity: 1, Unit: money.Event, Destination: "game",
		})
		return err
	}, nil
}

// width is how many bytes the rows of one debit have, without their heads.
func (d *debitHouse) width(ctx context.Context) (width int, err error) {
	schema := d.stacks[0].stack.Ref.Slot.Schema()
	err = d.admin.QueryRow(ctx, `
		select ((select avg(pg_column_size(k.*) - 24) from `+schema+`.usage_key as k)
		     + (select avg(pg_column_size(u.*) - 24) from `+schema+`.usage_record as u)
		     + (select avg(pg_column_size(c.*) - 24) from `+schema+`.charge as c where c.kind = 'usage')
		     + (select sum(pg_column_size(t.*) - 24) / count(distinct t.event_id) from `+schema+`.ledger_transfer as t where t.event = 'usage'))::int`).Scan(&width)
	if err != nil {
		err = fmt.Errorf("measure rows: %w", err)
	}
	return width, err
}

// check holds that every answered debit is there, and no other.
func (d *debitHouse) check(ctx context.Context) error {
	found := 0
	for _, s := range d.stacks {
		var n int
		schema := s.stack.Ref.Slot.Schema()
		if err := d.admin.QueryRow(ctx, `select count(*) from `+schema+`.charge where kind = $1`, charging.UsageCharge).Scan(&n); err != nil {
			return err
		}
		found += n
	}
	if answered := d.charged - int(d.uncharged.Load()); found != answered {
		return fmt.Errorf("%d debits were answered and %d are charged", answered, found)
	}
	return nil
}
