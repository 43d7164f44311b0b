package charging_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"pgregory.net/rapid"

	"tollhouse/billing/account"
	"tollhouse/billing/tenant"
	"tollhouse/billing/usage"
)

// Any order, repetition and chunking of the same records gives the same
// totals, as long as no tier or bucket depends on the order; the control sums
// hold throughout. Each example has a customer of its own.
func TestIngest_orderDoesNotMatter(t *testing.T) {
	t.Parallel()
	w := newWorld(t, postpaidPlan)
	const examples = 30
	w.customers("talk", account.Postpaid, 0, 2*examples)
	example := 0
	rapid.Check(t, func(rt *rapid.T) {
		if example == examples {
			return
		}
		first := 2 * example
		example++
		n := rapid.IntRange(1, 12).Draw(rt, "records")
		seconds := rapid.SliceOfN(rapid.Int64Range(0, 7200), n, n).Draw(rt, "seconds")
		order := rapid.Permutation(indexes(2*n)).Draw(rt, "order")
		plain, mixed := make([]usage.Record, n), make([]usage.Record, 2*n)
		for i := range n {
			at := w.noon(2).Add(time.Duration(i) * time.Hour)
			plain[i] = w.call(fmt.Sprintf("p%d-%d", example, i), first, at, seconds[i])
			same := w.call(fmt.Sprintf("m%d-%d", example, i), first+1, at, seconds[i])
			mixed[order[i]], mixed[order[n+i]] = same, same
		}
		w.ingest(plain...)
		for len(mixed) > 0 {
			size := rapid.IntRange(1, len(mixed)).Draw(rt, "chunk")
			w.ingest(mixed[:size]...)
			mixed = mixed[size:]
		}
		if a, b := w.charged(first), w.charged(first+1); a != b {
			rt.Fatalf("in order %s, mixed %s", a, b)
		}
	})
	w.sums()
}

func indexes(n int) []int {
	all := make([]int, n)
	for i := range all {
		all[i] = i
	}
	return all
}

// charged is the sum and number of a customer's charges.
func (w *world) charged(customer int) (sum string) {
	w.t.Helper()
	w.Read(w.t, func(ctx context.Context, tx tenant.Tx) error {
		return tx.QueryRow(ctx, `
			select count(*) || ' of ' || coalesce(sum(c.net), 0) from charge as c
			join service_identity as i on i.service_id = c.service_id and i.value = $1`, msisdn(customer)).Scan(&sum)
	})
	return sum
}
