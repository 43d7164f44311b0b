package charging_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"tollhouse/billing/account"
	"tollhouse/billing/calendar"
	"tollhouse/billing/ledger"
	"tollhouse/billing/tax"
	"tollhouse/billing/tenant"
)

// A prepaid customer that is exempt pays the price without the tax that it is
// written with, and none is owed to the tax office; on the day after its
// exemption it pays in full.
func TestIngest_exemptCustomerPaysTheNet(t *testing.T) {
	t.Parallel()
	w := newWorld(t, strings.Replace(prepaidPlan, `prices: {recurring: [{code: fee, names: {en: Fee}, amount: "5.95", months: 1, timing: advance, prorate: none}]}
allowances: [{code: data, names: {en: Data}, amount: 10 GB, kinds: [data], validity_months: 1, priority: 1}]
`, "", 1))
	a := w.customers("prepaid", account.Prepaid, 1, 1)[0]
	w.topUp(a, "10.00")
	w.write(func(ctx context.Context, tx tenant.Tx) error {
		_, err := tax.AddExemption(ctx, tx, a.ID, tax.Exemption{Code: tax.Exempt, Reason: tax.Reason{Text: "Embassy"},
			From: calendar.Date{Year: 2026, Month: time.May, Day: 1}, To: calendar.Date{Year: 2026, Month: time.May, Day: 3}}, "test")
		return err
	})
	w.ingest(w.data("one", 1, w.noon(2), 1_000_000_000), w.data("two", 1, w.noon(3), 1_000_000_000))
	var found string
	w.Read(t, func(ctx context.Context, tx tenant.Tx) error {
		return tx.QueryRow(ctx, `select string_agg(trim_scale(net) || '+' || trim_scale(tax), ' ' order by at) from charge where account_id = $1`, a.ID).Scan(&found)
	})
	if found != "1+0 1+0.19" {
		t.Errorf("charges %s", found)
	}
	if got := w.sums()["prepaid EUR"]; got != "-7.81" {
		t.Errorf("prepaid %s", got)
	}
	w.Read(t, func(ctx context.Context, tx tenant.Tx) error {
		report, err := ledger.ControlSums(ctx, tx)
		if err != nil {
			return err
		}
		return report.Check()
	})
}
