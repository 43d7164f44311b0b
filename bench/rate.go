package bench

import (
	"context"
	"fmt"
	"math"
	"math/big"
	"runtime"
	"slices"
	"time"

	"tollhouse/bench/baseline"
	"tollhouse/billing/catalog"
	"tollhouse/billing/money"
	"tollhouse/billing/rating"
)

// The call is priced by three slots: half a minute whole, then steps of ten
// seconds, then seconds. A quarter of the numbers have prices by day and by
// night, which this call stays within.
const rateOffer = `
code: bench
names: {en: Bench}
billing: prepaid
services: [mobile]
currency: EUR
tax: {category: standard, included: true}
destinations:
- {code: germany, prefixes: ['49']}
- {code: mobile, prefixes: ['4915', '4916', '4917']}
usage:
- code: calls
  names: {en: Calls}
  kind: voice
  rules:
  - {code: other, destinations: ['*'], price: 0.50, per: 1 min}
  - code: fixed
    destinations: [germany]
    connect_fee: 0.15
    steps:
    - {from: 0 s, price: 0.12, per: 1 min, increment: 30 s}
    - {from: 30 s, price: 0.09, per: 1 min, increment: 10 s}
    - {from: 60 s, price: 0.05, per: 1 min, increment: 1 s}
  - {code: day, destinations: [mobile], windows: [{from: '08:00', to: '18:00'}], price: 0.09, per: 1 min}
  - {code: night, destinations: [mobile], windows: [{to: '08:00'}, {from: '18:00'}], price: 0.05, per: 1 min}
`

var (
	rateSlots = []baseline.Slot{{From: 0, Increment: 30, PerSeconds: 60, PriceMillionths: 120_000},
		{From: 30, Increment: 10, PerSeconds: 60, PriceMillionths: 90_000}, {From: 60, Increment: 1, PerSeconds: 60, PriceMillionths: 50_000}}
	rateFee = big.NewRat(15, 100)
)

const (
	rateGoal     = 1.5 // µs
	rateHourGoal = 1.5 // of a call of 90 s
	callSeconds  = 90
	hourSeconds  = 3600
)

// rateCall is the rating kernel alone: a call of 90 s over three slots, paid
// from money and explained, in the memory of one Result.
func rateCall(_ context.Context, s scale, say reporter) (Result, error) {
	k, err := newKernel()
	if err != nil {
		return Result{}, err
	}
	say("a call of %d s", callSeconds)
	ours, allocations, err := k.measure(callSeconds, s)
	if err != nil {
		return Result{}, err
	}
	say("a loop over its increments")
	loop := medianOf(s.rateRounds, s.rateCalls, func() { baseline.Increments(rateSlots, rateFee, callSeconds) })
	r := Result{
		Value: ours, Unit: "µs", Goal: "≤ 1.5 µs, no allocation", OK: ours <= rateGoal && allocations == 0,
		Note: fmt.Sprintf("%d s over three slots with fee and money bucket, explained; %v allocations; baseline: a loop over increments", callSeconds, allocations),
	}
	r.beside(loop)
	return r, nil
}

// rateHour is the same with an hour: closed forms make it no dearer.
func rateHour(_ context.Context, s scale, say reporter) (Result, error) {
	k, err := newKernel()
	if err != nil {
		return Result{}, err
	}
	say("calls of %d s and %d s", hourSeconds, callSeconds)
	hour, allocations, err := k.measure(hourSeconds, s)
	if err != nil {
		return Result{}, err
	}
	call, _, err := k.measure(callSeconds, s)
	if err != nil {
		return Result{}, err
	}
	loop := medianOf(3, s.rateCalls/hourSeconds*callSeconds+1, func() { baseline.Increments(rateSlots, rateFee, hourSeconds) })
	r := Result{
		Value: hour, Unit: "µs", Goal: "≤ 1.5 × rate_call", OK: hour <= rateHourGoal*call && allocations == 0,
		Note: fmt.Sprintf("baseline: a call of %d s; a loop over the hour's increments takes %.0f µs", callSeconds, loop),
	}
	r.beside(call)
	return r, nil
}

type kernel struct {
	tariff *rating.Tariff
	state  rating.State
}

func newKernel() (*kernel, error) {
	o, err := catalog.Parse([]byte(rateOffer))
	if err != nil {
		return nil, err
	}
	tariff, err := rating.Compile(o, rating.Context{Zone: time.UTC})
	if err != nil {
		return nil, err
	}
	return &kernel{tariff, rating.State{Buckets: []rating.Bucket{{Unit: "EUR", Value: money.MustDecimal("1000000"), Priority: 1}}}}, nil
}

// measure returns microseconds and allocations a call. The price has to be the
// loop's.
func (k *kernel) measure(seconds int64, s scale) (micros, allocations float64, err error) {
	e := rating.Event{Kind: catalog.VoiceUsage, Destination: "+49301234567", Start: time.Date(2026, 5, 4, 10, 0, 0, 0, time.UTC), Quantity: seconds}
	var r rating.Result
	if err := k.tariff.RateInto(&e, &k.state, &r); err != nil {
		return 0, 0, err
	}
	want := money.RoundRat(baseline.Increments(rateSlots, rateFee, seconds), money.Scale, money.HalfAwayFromZero)
	if !r.Price.Equal(want) {
		return 0, 0, fmt.Errorf("%d s cost %s, by the loop %s", seconds, r.Price, want)
	}
	rate := func() { err = k.tariff.RateInto(&e, &k.state, &r) }
	allocations = allocationsOf(rate)
	return medianOf(s.rateRounds, s.rateCalls, rate), allocations, err
}

// allocationsOf returns the allocations of a run: the least of some rounds, as
// others in the process allocate as well.
func allocationsOf(run func()) float64 {
	const rounds, runs = 20, 100
	var before, after runtime.MemStats
	least := uint64(math.MaxUint64)
	for range rounds {
		runtime.ReadMemStats(&before)
		for range runs {
			run()
		}
		runtime.ReadMemStats(&after)
		least = min(least, after.Mallocs-before.Mallocs)
	}
	return float64(least / runs)
}

// medianOf returns the microseconds a run takes, the median of some rounds.
// Rounds are short, so that most of them are not interrupted by others' work.
func medianOf(rounds, runs int, run func()) float64 {
	list := make([]float64, rounds)
	for i := range list {
		began := time.Now()
		for range runs {
			run()
		}
		list[i] = float64(time.Since(began).Nanoseconds()) / float64(runs) / 1000
	}
	slices.Sort(list)
	return list[rounds/2]
}
