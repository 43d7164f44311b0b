package charging_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"tollhouse/billing/account"
	"tollhouse/billing/catalog"
	"tollhouse/billing/charging"
	"tollhouse/billing/money"
	"tollhouse/billing/tenant"
	"tollhouse/billing/usage"
)

// neighbour is another operator on a world's host database.
func (w *world) neighbour(n int, plan string) *world {
	w.t.Helper()
	other := &world{TenantDB: w.Place(w.t, n), t: w.t, engine: w.engine, plans: map[string]catalog.Version{}}
	mapping, err := usage.FindPreset("json-events", "Europe/Berlin")
	if err != nil {
		w.t.Fatal(err)
	}
	other.write(func(ctx context.Context, tx tenant.Tx) (err error) {
		other.feed, err = usage.CreateSource(ctx, tx, "switch", mapping)
		return err
	})
	other.publish(plan)
	return other
}

// flood keeps so many debits in flight until it is ended; it gives how many were
// answered. Who is told to ask again does so after a while.
func (w *world) flood(o *charging.Online, name string, inFlight, customers int) (end func() int64) {
	ctx, cancel := context.WithCancel(context.Background())
	var asking sync.WaitGroup
	var charged, next atomic.Int64
	for range inFlight {
		asking.Go(func() {
			for ctx.Err() == nil {
				n := int(next.Add(1))
				_, err := o.Debit(context.Background(), w.Ref, w.feed.ID, w.piece(fmt.Sprint(name, n), 1+n%customers))
				switch {
				case errors.Is(err, charging.ErrBusy):
					time.Sleep(100 * time.Millisecond)
				case err != nil:
					w.t.Error(err)
					return
				default:
					charged.Add(1)
				}
			}
		})
	}
	return func() int64 { cancel(); asking.Wait(); return charged.Load() }
}

// steady asks for so many debits a second, whether or not those before were
// answered, and gives how long each took.
func (w *world) steady(o *charging.Online, name string, perSecond, customers int, length time.Duration) []time.Duration {
	tick := time.NewTicker(time.Second / time.Duration(perSecond))
	defer tick.Stop()
	took := make([]time.Duration, int(length.Seconds()*float64(perSecond)))
	var asking sync.WaitGroup
	for n := range took {
		<-tick.C
		asking.Go(func() {
			began := time.Now()
			if _, err := o.Debit(context.Background(), w.Ref, w.feed.ID, w.piece(fmt.Sprint(name, n), 1+n%customers)); err != nil {
				w.t.Errorf("%s %d: %v", name, n, err)
			}
			took[n] = time.Since(began)
		})
	}
	asking.Wait()
	return took
}

func p99(took []time.Duration) time.Duration {
	sorted := slices.Sorted(slices.Values(took))
	return sorted[(len(sorted)*99+99)/100-1]
}

// A neighbour floods with hundreds in flight; the guaranteed operator keeps its
// rate and its p99, and is better off than without the guarantee in the same
// run. Nothing is lost of either.
func TestOnline_guaranteeHoldsWhileANeighbourFloods(t *testing.T) {
	const rate, customers, inFlight, length = 40, 200, 600, 3 * time.Second
	w := newWorld(t, piecesPlan)
	flooder := w.neighbour(1, piecesPlan)
	for _, one := range []*world{w, flooder} {
		for _, a := range one.customers("pieces", account.Prepaid, 1, customers) {
			one.topUp(a, "10000.00")
		}
	}
	o := w.online()
	promised := tenant.Share{Tenant: w.Ref.ID, Weight: tenant.DefaultWeight, Rate: rate + rate/4, P99: 200 * time.Millisecond}
	var without, with []time.Duration
	var flooded [2]int64
	for round, shares := range [][]tenant.Share{nil, {promised}} {
		o.Share(shares)
		end := flooder.flood(o, fmt.Sprint("f", round, "-"), inFlight, customers)
		w.steady(o, fmt.Sprint("warm", round, "-"), rate, customers, time.Second) // the pace is found
		took := w.steady(o, fmt.Sprint("s", round, "-"), rate, customers, length)
		if flooded[round] = end(); shares == nil {
			without = took
		} else {
			with = took
		}
	}
	t.Logf("p99 without %s, with %s; the flooder had %d and %d", p99(without), p99(with), flooded[0], flooded[1])
	if p99(with) >= p99(without) {
		t.Errorf("the guarantee's p99 is %s, %s without it", p99(with), p99(without))
	}
	if p99(with) > time.Second {
		t.Errorf("the guarantee's p99 is %s", p99(with))
	}
	if flooded[1] == 0 {
		t.Error("the neighbour got nothing")
	}
	attained := o.Attained()
	if len(attained) != 1 || attained[0].Promised != int64(rate*(1+length.Seconds())) || attained[0].Refused != 0 || attained[0].Beyond != 0 || attained[0].P99 == 0 {
		t.Errorf("attained: %+v", attained)
	}
	answered := int64(len(without)+len(with)) + 2*rate
	if charged := w.debited(); charged != answered {
		t.Errorf("%d were answered, %d are there", answered, charged)
	}
	if charged := flooder.debited(); charged != flooded[0]+flooded[1] {
		t.Errorf("the flooder had %d answers, %d are there", flooded[0]+flooded[1], charged)
	}
	paid := money.MustDecimal("0.6501").Mul(money.NewDecimal(answered)).Sub(money.NewDecimal(10000 * customers))
	w.wantSums(map[string]string{"prepaid EUR": paid.String()})
}
