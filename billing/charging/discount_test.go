package charging_test

import (
	"context"
	"testing"

	"tollhouse/billing/account"
	"tollhouse/billing/money"
	"tollhouse/billing/tenant"
)

// A prepaid fee of 5.95 with tax inside, a tenth off for two renewals: the
// waiting in between counts nothing, and the charges' tax is the ledger's.
func TestRenew_discountCountsRenewalsThatWerePaid(t *testing.T) {
	t.Parallel()
	w := newWorld(t, prepaidPlan)
	a := w.customers("prepaid", account.Prepaid, 1, 1)[0]
	percent, cycles := money.NewDecimal(10), 2
	var given account.Discount
	w.write(func(ctx context.Context, tx tenant.Tx) error {
		held, err := account.Subscriptions(ctx, tx, a.ID)
		if err != nil {
			return err
		}
		made, err := account.GiveDiscounts(ctx, tx, []account.Discount{{
			SubscriptionID: held[0].ID, Reason: "Welcome", Percent: &percent, CyclesLeft: &cycles, ValidFrom: a.Cycle.From,
		}})
		given = made[0]
		return err
	})
	for n, month := range []struct {
		topUp, main string
		left        int
		waits       bool
	}{
		{"5.35", "0", 1, false}, // 5.95 - 0.60
		{"5.34", "5.34", 1, true},
		{"0.01", "0", 0, false},
		{"5.95", "0", 0, false},
	} {
		w.topUp(a, month.topUp)
		if got := w.renew(a); (len(got.Waiting) == 1) != month.waits {
			t.Fatalf("with %s: %+v", month.topUp, got)
		}
		w.Read(t, func(ctx context.Context, tx tenant.Tx) error {
			known, err := account.Discounts(ctx, tx, given.SubscriptionID)
			if err != nil {
				return err
			}
			if left := *known[given.SubscriptionID][0].CyclesLeft; left != month.left {
				t.Errorf("%d cycles left, want %d", left, month.left)
			}
			var main, charged, undocumented money.Decimal
			err = tx.QueryRow(ctx, `select b.value, (select sum(tax) from charge where account_id = $1), a.undocumented_tax
				from bucket b join billing_account a on a.id = b.account_id where a.id = $1 and b.origin = 'main'`, a.ID).Scan(&main, &charged, &undocumented)
			if main.String() != month.main || !charged.Equal(undocumented) {
				t.Errorf("main %s, want %s; tax of charges %s, of the ledger %s", main, month.main, charged, undocumented)
			}
			return err
		})
		w.SetClock(t, w.june1().AddDate(0, n, 1))
	}
	w.sums()
}
