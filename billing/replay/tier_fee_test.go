package replay_test

import (
	"context"
	"fmt"
	"testing"

	"tollhouse/billing/account"
	"tollhouse/billing/bill"
	"tollhouse/billing/replay"
	"tollhouse/billing/tenant"
)

// stair asks 5.00 of a month even if nothing is used, 12.00 beyond 10 messages.
const stair = `
code: stair
names: {en: Stair}
billing: postpaid
services: [mobile]
currency: EUR
tax: {category: standard, included: true}
usage:
  - code: messages
    names: {en: Messages}
    kind: message
    rules:
      - {code: any, destinations: ["*"], tiers: {kind: stair, %s bands: [{to: "10", fee: "5.00"}, {fee: "12.00"}]}}
`

// Price, B: tiers. A tier's flat fee at zero usage is an explicit attribute:
// with it each month's bill has the fee, used or not, and usage what is beyond.
func TestTiers_feeAtZeroIsBilledOncePerCycle(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	zero := w.publish(fmt.Sprintf(stair, "at_zero: true,"))
	used := []int64{0, 1, 10, 11}
	var accounts []account.Account
	for n, quantity := range used {
		accounts = append(accounts, w.customer(zero, account.Postpaid, n+1))
		if quantity > 0 {
			w.ingest(w.messages(n+1, w.may(5), quantity))
		}
	}
	if s := w.try(zero, may, replay.Segment{Offering: "stair"}).Sums; !s.Total.Difference().IsZero() || s.Total.Old.Round(2, 0).String() != "22.69" {
		t.Errorf("on trial, as it is: %+v", s.Total) // 27.00 less tax
	}
	if s := w.try(w.draft(fmt.Sprintf(stair, "")), may, replay.Segment{Offering: "stair"}).Sums; s.Total.Difference().Round(2, 0).String() != "-4.2" {
		t.Errorf("on trial, without the fee at zero: %+v", s.Total) // 5.00 of the one that used nothing
	}
	w.closeCycle(may)
	w.closeCycle(june)
	for n, want := range []string{"5.00", "5.00", "5.00", "12.00"} {
		w.Read(t, func(ctx context.Context, tx tenant.Tx) error {
			page, err := bill.List(ctx, tx, accounts[n].ID, bill.Cursor{}, 10)
			if err != nil {
				return err
			}
			var totals []string
			for _, b := range page.Bills {
				totals = append(totals, b.Total.Text())
			}
			if len(totals) != 2 || totals[1] != want || totals[0] != "5.00" {
				t.Errorf("%d messages: bills of June and May %v, want 5.00 and %s", used[n], totals, want)
			}
			return nil
		})
	}
	w.sums()
}
