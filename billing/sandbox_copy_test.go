package billing

import (
	"context"
	"testing"

	"tollhouse/billing/ledger"
	"tollhouse/billing/tenant"
	"tollhouse/billing/voucher"
	"tollhouse/infra/postgres"
)

// A sandbox copy of a stack that has sold vouchers for a single purpose agrees
// with its own books: the vouchers come along, and nobody has their PINs.
func TestSandboxCopy_soldVouchersKeepTheSums(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.write(func(ctx context.Context, tx tenant.Tx) error {
		b, err := w.Vouchers().Make(ctx, tx, voucher.NewBatch{ID: id7(), Code: "SINGLE", Value: euro("11.90"), Price: euro("11.90"), Count: 2, SinglePurpose: true,
			ValidThrough: mustDay("2026-05-31"), By: "user:owner"})
		if err == nil {
			_, err = voucher.Sell(ctx, tx, voucher.Sale{ID: id7(), BatchID: b.ID, PaidTo: ledger.Bank})
		}
		return err
	})
	w.mustSums()
	copied := tenant.Ref{ID: tenant.NewID(), Name: "copy", Slot: w.Slots[1], Epoch: 1, Sandbox: true}
	err := w.Server.CopySlot(t.Context(), postgres.SlotCopy{Database: w.Database, From: w.TenantDB.Ref.Slot, To: copied.Slot})
	if err == nil {
		_, err = w.Admin.Exec(t.Context(), `insert into host.placement (tenant, name, slot, epoch, sandbox, state, placed_at) values ($1, $2, $3, 1, true, 'ready', now())`,
			copied.ID, copied.Name, copied.Slot.String())
	}
	if err != nil {
		t.Fatal(err)
	}
	hashes := func(ref tenant.Ref) (list []string) {
		err := w.DB.Read(t.Context(), ref, func(ctx context.Context, tx tenant.Tx) error {
			report, err := ledger.ControlSums(ctx, tx)
			if err == nil {
				err = report.Check()
			}
			if err != nil {
				t.Errorf("%s: %v", ref.Name, err)
			}
			return tx.QueryRow(ctx, `select array_agg(encode(pin_hash, 'hex') order by serial) from voucher where state = 'active' and tax = 1.9`).Scan(&list)
		})
		if err != nil {
			t.Fatal(err)
		}
		return list
	}
	original, copies := hashes(w.TenantDB.Ref), hashes(copied)
	if len(copies) != 2 || copies[0] == original[0] || copies[1] == original[1] {
		t.Errorf("PINs of the copy %v, of the original %v", copies, original)
	}
}
