package charging_test

import (
	"testing"

	"tollhouse/billing/account"
)

// zeroPlan asks 5.00 of a cycle at zero usage, and 12.00 beyond 10 messages.
const zeroPlan = `
code: zero
names: {en: Zero}
billing: prepaid
services: [mobile]
currency: EUR
tax: {category: standard, included: true}
prices: {recurring: [{code: fee, names: {en: Fee}, amount: "1.00", every: day, timing: advance, prorate: none}]}
usage:
  - code: messages
    names: {en: Messages}
    kind: message
    rules:
      - {code: any, destinations: ["*"], tiers: {kind: stair, at_zero: true, bands: [{to: "10", fee: "5.00"}, {fee: "12.00"}]}}
`

// Price, B: tiers. A flat fee at zero usage is paid with the cycle's first
// renewal, and with no other of the cycle.
func TestRenew_takesTierFeeOncePerCycle(t *testing.T) {
	t.Parallel()
	w := newWorld(t, zeroPlan)
	w.SetClock(t, w.noon(1))
	a := w.customers("zero", account.Prepaid, 1, 1)[0]
	w.topUp(a, "100.00")
	w.renew(a)
	w.wantSums(map[string]string{"prepaid EUR": "-94"}) // 5.00 and the first day
	w.renew(a)
	w.wantSums(map[string]string{"prepaid EUR": "-94"})
	for i, want := range []string{"0", "7"} {
		r := w.data([]string{"ten", "eleventh"}[i], 1, w.noon(2), []int64{10, 1}[i])
		r.Kind, r.Unit, r.Destination = "message", "event", "+4930123"
		if got := w.ingest(r)[0]; got.Price.String() != want {
			t.Errorf("%s: %s, want %s (%v)", r.Key, got.Price, want, got.Problem)
		}
	}
	w.SetClock(t, w.noon(12))
	w.renew(a)
	w.wantSums(map[string]string{"prepaid EUR": "-86"}) // 7.00 of use and one more day
	w.SetClock(t, w.noon(32))
	w.renew(a)
	w.wantSums(map[string]string{"prepaid EUR": "-80"}) // June: 5.00 and a day
}
