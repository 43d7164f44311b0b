package charging_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"

	"tollhouse/billing/account"
	"tollhouse/billing/charging"
	"tollhouse/billing/usage"
)

func (w *world) online(configs ...charging.OnlineConfig) *charging.Online {
	config := charging.OnlineConfig{}
	if len(configs) > 0 {
		config = configs[0]
	}
	config.DB, config.Engine = w.DB, w.engine
	o := charging.NewOnline(config)
	w.t.Cleanup(func() { _ = o.Stop(context.Background()) })
	return o
}

func TestOnline_onceAndNeverBelowZero(t *testing.T) {
	t.Parallel()
	w := newWorld(t, prepaidPlan)
	o := w.online()
	a := w.customers("prepaid", account.Prepaid, 1, 1)[0]
	w.topUp(a, "2.00")
	gb := w.data("one", 1, w.noon(2), 1e9)
	for _, repeat := range []bool{false, true} {
		got, err := o.Debit(t.Context(), w.Ref, w.feed.ID, gb)
		if err != nil || got.Repeat != repeat || got.Price.String() != "1.19" || got.Net.String() != "1" || got.Paid.String() != "1.19" {
			t.Fatalf("%+v, %v", got, err)
		}
	}
	other := gb
	other.Quantity++
	stranger := w.data("three", 9, w.noon(2), 1)
	for _, c := range []struct {
		record usage.Record
		want   error
	}{
		{other, charging.ErrConflict},
		{w.data("two", 1, w.noon(2), 1e9), charging.ErrInsufficient},
		{w.call("call", 1, w.noon(2), 60), charging.ErrNotChargeable},
		{stranger, charging.ErrNotChargeable},
	} {
		if _, err := o.Debit(t.Context(), w.Ref, w.feed.ID, c.record); !errors.Is(err, c.want) {
			t.Errorf("%s: %v, want %v", c.record.Key, err, c.want)
		}
	}
	w.wantSums(map[string]string{"prepaid EUR": "-0.81"})
	w.topUp(a, "1.00") // what was refused took no key
	if _, err := o.Debit(t.Context(), w.Ref, w.feed.ID, w.data("two", 1, w.noon(2), 1e9)); err != nil {
		t.Error(err)
	}
	w.wantSums(map[string]string{"prepaid EUR": "-0.62"})
}

func TestOnline_manyAtOnceTakeWhatThereIs(t *testing.T) {
	t.Parallel()
	w := newWorld(t, prepaidPlan)
	o := w.online()
	w.topUp(w.customers("prepaid", account.Prepaid, 1, 1)[0], "11.90")
	var running sync.WaitGroup
	results := make(chan error, 20)
	for i := range 20 {
		running.Go(func() {
			_, err := o.Debit(t.Context(), w.Ref, w.feed.ID, w.data(fmt.Sprint("d", i), 1, w.noon(2), 1e9))
			results <- err
		})
	}
	running.Wait()
	close(results)
	taken := 0
	for err := range results {
		if err == nil {
			taken++
		} else if !errors.Is(err, charging.ErrInsufficient) {
			t.Error(err)
		}
	}
	// the first takes the fee of 5.95; 10 GB are free, 5 at 1.19 are paid
	if taken != 15 {
		t.Errorf("%d debits went through, want 15", taken)
	}
	w.wantSums(map[string]string{"prepaid EUR": "0"})
}
