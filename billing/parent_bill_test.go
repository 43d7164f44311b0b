package billing

import (
	"context"
	"errors"
	"testing"

	"tollhouse/billing/account"
	"tollhouse/billing/tenant"
)

// The parent's bill has the lines of the accounts that it pays for, under their
// numbers; what they were charged is documented there and nowhere else.
func TestParent_payersBillHasTheLinesOfItsChildren(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.publish(feePlan("a", "postpaid", "20.00", ""))
	parent, child, alone := w.connect("flex"), w.connect("a"), w.connect("a")
	set := func(c customer) error {
		return w.Stack.Write(t.Context(), func(ctx context.Context, tx tenant.Tx) error {
			_, err := account.BillToParent(ctx, tx, c.ID, true)
			return err
		})
	}
	if err := set(child); !errors.Is(err, account.ErrParentCycle) {
		t.Errorf("without a parent: %v", err)
	}
	if _, err := w.Admin.Exec(t.Context(), `update `+w.TenantDB.Ref.Slot.Schema()+`.billing_account set parent_id = $1 where id = $2`, parent.ID, child.ID); err != nil {
		t.Fatal(err)
	}
	if err := set(child); err != nil {
		t.Fatal(err)
	}
	w.ingest(child.data(w.key(), w.day("2026-05-10"), 3_000_000_000), parent.call(w.key(), w.day("2026-05-11"), 600))
	w.advance(w.day("2026-06-02"))
	if got := w.bills(child); got != "" {
		t.Errorf("the child has a bill of its own: %s", got)
	}
	own := w.text(`select round(sum(total), 2)::text from bill where account_id = $1`, alone.ID)
	lines := w.text(`select string_agg(l.code || ' ' || trim_scale(l.price)::text, ', ' order by l.no) from bill_line l join bill b on b.id = l.bill_id where b.account_id = $1 and l.price <> 0`, parent.ID)
	if own != "40.00" || lines != "monthly 12.99, monthly 12.99, sim 9.95, calls 1, fee-a 20, fee-a 20, data 3" {
		t.Errorf("alone %s; the parent's bill: %s", own, lines)
	}
	if got := w.text(`select trim_scale(unbilled)::text || ' ' || trim_scale(receivable)::text || ' ' || cycle_start from billing_account where id = $1`, child.ID); got != "0 0 2026-06-01" {
		t.Errorf("the child stands at %s", got)
	}
	if err := w.sums(); err != nil {
		t.Error(err)
	}
	w.advance(w.day("2026-07-02"))
	if err := w.sums(); err != nil {
		t.Error(err)
	}
}
