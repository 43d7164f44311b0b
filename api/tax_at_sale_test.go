package api

import (
	"context"
	"encoding/csv"
	"strings"
	"testing"

	"github.com/google/uuid"

	"tollhouse/billing/identity"
	"tollhouse/billing/tenant"
)

// owedTax is what stands on the account of tax.
func (w *world) owedTax() (amount string) {
	w.t.Helper()
	w.db.Read(w.t, func(ctx context.Context, tx tenant.Tx) error {
		return tx.QueryRow(ctx, `select coalesce(trim_scale(sum(case when credit = 'tax' then amount else -amount end))::text, '0')
			from ledger_transfer where 'tax' in (debit, credit) and unit = 'EUR'`).Scan(&amount)
	})
	return amount
}

// An operator that taxes top-ups at sale owes the tax at once, of a voucher for
// one purpose too; a refusal says which choices there are.
func TestTaxAtSale_ofTopUpsAndVouchers(t *testing.T) {
	w := newWorld(t)
	owner := w.user(w.db, identity.Owner, nil)
	w.publish(owner, prepaid)
	settings := w.path("/tax-settings")
	if fields, err := w.put(owner, settings, map[string]any{"rounding": "line", "strict_vat": false, "top_ups": "later"}).want(t, 400).faults(); err != nil || len(fields) != 1 || fields[0] != "top_ups" {
		t.Errorf("a third moment: %v (%v)", fields, err)
	}
	at, mine := w.prepaidAt(owner, 1, "11.90")
	if got := w.owedTax(); got != "0" {
		t.Errorf("taxed when it is used, %s are owed at sale", got)
	}
	w.put(owner, settings, map[string]any{"rounding": "line", "strict_vat": false, "top_ups": "sale"}).want(t, 200)
	if got := w.get(owner, settings).want(t, 200); got.text("top_ups") != "sale" {
		t.Errorf("settings: %s", got.raw)
	}
	top := request{method: "POST", path: at + "/top-ups", token: owner, key: uuid.NewString(), body: map[string]any{"amount": euros("23.80"), "method": "cash"}}
	for range 2 { // a repeat taxes nothing more
		w.send(top).want(t, 201)
	}
	if got := w.owedTax(); got != "3.8" {
		t.Errorf("of 23.80 sold %s are owed", got)
	}
	batch := map[string]any{"code": "ONE", "value": euros("11.90"), "price": euros("11.90"), "count": 2, "valid_through": "2027-12-31", "single_purpose": true}
	made := w.post(owner, w.path("/voucher-batches"), batch).want(t, 201)
	if made.at("single_purpose") != true {
		t.Errorf("the batch: %s", made.raw)
	}
	one := w.path("/voucher-batches/" + made.text("id"))
	list := w.post(owner, one+"/pins", nil).want(t, 200)
	rows, err := csv.NewReader(strings.NewReader(string(list.raw))).ReadAll()
	if err != nil || len(rows) != 3 {
		t.Fatalf("PINs: %v %s", err, list.raw)
	}
	w.post(owner, one+"/sell", map[string]any{"first": 1, "last": 2, "method": "bank"}).want(t, 200)
	if got := w.owedTax(); got != "7.6" {
		t.Errorf("after two vouchers of 11.90 %s are owed", got)
	}
	w.post(mine, at+"/vouchers", map[string]string{"pin": rows[1][1]}).want(t, 201)
	if got := w.owedTax(); got != "7.6" {
		t.Errorf("a redeemed voucher is taxed again: %s", got)
	}
	w.wantSums(owner)
}
