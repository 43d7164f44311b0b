package bench

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"tollhouse/billing/charging"
	"tollhouse/billing/tenant"
)

// guarantees measures what a neighbour's flood costs an operator that is
// guaranteed charges, with the guarantee and without, in turns on one host
// database.
func guarantees(ctx context.Context, s scale, say reporter) (Result, error) {
	const inFlight, rate, bound = 512, 100, 250 * time.Millisecond
	c := debitCase{stacks: 2}
	d, err := openDebitHouse(ctx, c, s, say)
	if err != nil {
		return Result{}, err
	}
	defer d.close()
	charge, err := direct(ctx, d)
	if err != nil {
		return Result{}, err
	}
	online := d.host.Online()
	share := tenant.Share{Tenant: d.stacks[0].stack.Ref.ID, Weight: tenant.DefaultWeight, Rate: rate * 5 / 4, P99: bound}
	var with, without, ratios rounds
	var floods [2]rounds
	for n := range s.debitRounds {
		var p99s [2]time.Duration
		for i, shares := range [][]tenant.Share{{}, {share}} {
			if err := settle(ctx, d.admin); err != nil {
				return Result{}, err
			}
			online.Share(shares)
			took, flooded, err := d.besideAFlood(ctx, charge, inFlight, rate, s.debitTime)
			if err != nil {
				return Result{}, err
			}
			p99s[i] = quantile(took, 99)
			floods[i] = append(floods[i], flooded)
		}
		without, with = append(without, millis(p99s[0])), append(with, millis(p99s[1]))
		ratios = append(ratios, millis(p99s[1])/millis(p99s[0]))
		say("round %d: p99 %.1f ms without the guarantee, %.1f ms with it; the flood had %.0f and %.0f a second", n+1, millis(p99s[0]), millis(p99s[1]), floods[0][n], floods[1][n])
	}
	online.Share(nil)
	r := Result{Value: with.median(), Unit: "ms p99", Goal: fmt.Sprintf("p99 <= %s, ratio < 1", bound)}
	r.beside(without.median())
	ratio := ratios.median()
	r.Ratio, r.OK = &ratio, ratio < 1 && with.median() <= millis(bound)
	r.Note = fmt.Sprintf("one operator asks for %d debits a second, whether or not those before are answered, while a neighbour keeps %d in flight; p99 with the guarantee of %d a second within %s: %s ms, without %s ms; the neighbour had %.0f a second beside it, %.0f without; medians of %d rounds of %s in turns",
		rate, inFlight, share.Rate, bound, with.spread(), without.spread(), floods[1].median(), floods[0].median(), s.debitRounds, s.debitTime)
	return r, d.check(ctx)
}

// besideAFlood asks for so many debits a second of the first operator while so
// many of the second one's are in flight, and gives how long each of the first's
// took and how many a second the second had. The flood begins a quarter of the
// time earlier.
func (d *debitHouse) besideAFlood(ctx context.Context, charge debit, inFlight, rate int, length time.Duration) ([]time.Duration, float64, error) {
	flooding, stop := context.WithCancel(ctx)
	defer stop()
	one := func(stack int) error {
		number := d.number.Add(1)
		at := d.month.from.Add(240*time.Hour + time.Duration(number)*time.Millisecond).UTC()
		return charge(ctx, stack, int(number)%d.stacks[stack].subscribers, fmt.Sprintf("event-%d", number), at)
	}
	var flood sync.WaitGroup
	var flooded atomic.Int64
	faults := make(chan error, inFlight+1)
	began := time.Now()
	for range inFlight {
		flood.Go(func() {
			for flooding.Err() == nil {
				switch err := one(1); {
				case errors.Is(err, charging.ErrBusy):
					time.Sleep(100 * time.Millisecond)
				case err != nil:
					faults <- err
					return
				default:
					flooded.Add(1)
				}
			}
		})
	}
	time.Sleep(length / 4)
	tick := time.NewTicker(time.Second / time.Duration(rate))
	defer tick.Stop()
	took := make([]time.Duration, max(int(length.Seconds()*float64(rate)), 1))
	errs := make([]error, len(took))
	var asking sync.WaitGroup
	for n := range took {
		<-tick.C
		asking.Go(func() {
			asked := time.Now()
			errs[n] = one(0)
			took[n] = time.Since(asked)
		})
	}
	asking.Wait()
	perSecond := perSecond(int(flooded.Load()), time.Since(began))
	stop()
	flood.Wait()
	close(faults)
	d.charged += len(took) + int(flooded.Load())
	return took, perSecond, errors.Join(append(errs, <-faults)...)
}
