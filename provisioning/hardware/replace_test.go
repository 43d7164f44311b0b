package hardware_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/google/uuid"

	"tollhouse/billing/tenant"
	"tollhouse/provisioning/hardware"
	"tollhouse/tenants"
)

// replaced has a piece fail and a spare take its place, and gives both.
func (r *register) replaced(t *testing.T, id, spare uuid.UUID) (failed, fresh hardware.Piece, err error) {
	t.Helper()
	r.do(t, func(ctx context.Context, tx tenants.Tx) error {
		_, err := hardware.Fail(ctx, tx, tenants.System, id, tx.At, "no light")
		return err
	})
	err = r.Write(context.Background(), func(ctx context.Context, tx tenants.Tx) error {
		_, err := hardware.Replace(ctx, tx, tenants.System, id, spare)
		return err
	})
	r.do(t, func(ctx context.Context, tx tenants.Tx) (err error) {
		if failed, err = hardware.Get(ctx, tx, id); err == nil {
			fresh, err = hardware.Get(ctx, tx, spare)
		}
		return err
	})
	return failed, fresh, err
}

// passed makes what the operator leased its own.
func (r *register) passed(t *testing.T) (pieces []hardware.Piece) {
	t.Helper()
	r.do(t, func(ctx context.Context, tx tenants.Tx) (err error) {
		pieces, err = hardware.Pass(ctx, tx, tenants.System, r.operator, date("2026-05-01"))
		return err
	})
	return pieces
}

// A spare of ours that takes the place of an operator's own piece becomes its
// own from that day on, and what has failed is ours to repair.
func TestReplace_theSpareBecomesTheOperatorsOwn(t *testing.T) {
	t.Parallel()
	r := newRegister(t)
	own := r.must(t, hardware.Wanted{Serial: "A1", State: hardware.InUse, Operator: r.operator})
	spare := r.must(t, hardware.Wanted{Serial: "A2", State: hardware.Spare})
	if got := r.passed(t); len(got) != 1 || got[0].ID != own.ID {
		t.Fatalf("passed: %+v", got)
	}
	r.pass(48 * time.Hour)
	failed, fresh, err := r.replaced(t, own.ID, spare.ID)
	if err != nil {
		t.Fatal(err)
	}
	if fresh.Owner != r.operator || fresh.OwnerSince != date("2026-05-03") || fresh.State != hardware.InUse {
		t.Errorf("the spare: %+v", fresh)
	}
	if failed.Owner != (tenant.ID{}) || failed.State != hardware.Replaced {
		t.Errorf("what has failed: %+v", failed)
	}
}

// A spare in the place of what is leased stays ours, and passes with the lease.
func TestReplace_whatIsLeasedPassesLater(t *testing.T) {
	t.Parallel()
	r := newRegister(t)
	leased := r.must(t, hardware.Wanted{Serial: "A1", State: hardware.InUse, Operator: r.operator})
	spare := r.must(t, hardware.Wanted{Serial: "A2", State: hardware.Spare})
	failed, fresh, err := r.replaced(t, leased.ID, spare.ID)
	if err != nil || fresh.Owner != (tenant.ID{}) || failed.Owner != (tenant.ID{}) {
		t.Fatalf("a leased one: %+v for %+v, %v", fresh, failed, err)
	}
	if got := r.passed(t); len(got) != 1 || got[0].ID != spare.ID {
		t.Errorf("with the lease passed: %+v", got)
	}
}

// What is an operator's own does not stand in for what another one uses.
func TestReplace_notByAnothersOwn(t *testing.T) {
	t.Parallel()
	r := newRegister(t)
	own := r.must(t, hardware.Wanted{Serial: "A1", State: hardware.InUse, Operator: r.operator})
	r.passed(t)
	own = r.must(t, hardware.Wanted{ID: own.ID, Serial: "A1", State: hardware.Spare})
	disk := r.must(t, hardware.Wanted{Serial: "A2", State: hardware.InUse, Operator: r.operator})
	if _, fresh, err := r.replaced(t, disk.ID, own.ID); err != nil || fresh.Owner != r.operator {
		t.Errorf("by a spare of its own: %+v, %v", fresh, err)
	}
	theirs := r.must(t, hardware.Wanted{Serial: "A3", Kind: hardware.Part, State: hardware.InUse})
	mine := r.must(t, hardware.Wanted{Serial: "A4", Kind: hardware.Part, State: hardware.InUse, Operator: r.operator})
	r.passed(t)
	mine = r.must(t, hardware.Wanted{ID: mine.ID, Serial: "A4", Kind: hardware.Part, State: hardware.Spare})
	if _, _, err := r.replaced(t, theirs.ID, mine.ID); !errors.Is(err, hardware.ErrNoSpare) {
		t.Errorf("by another's own: %v", err)
	}
}
