package provisioning_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"tollhouse/billing/identity"
	"tollhouse/billing/tenant"
	"tollhouse/provisioning"
	"tollhouse/tenants"
)

func registryOf(t *testing.T, r *provisioning.Reconciler) *tenants.Registry {
	t.Helper()
	passwords, err := identity.NewPasswords()
	if err != nil {
		t.Fatal(err)
	}
	return tenants.NewRegistry(r, passwords, func(string) bool { return true }, time.Now)
}

func suspend(t *testing.T, db *tenants.DB, r *provisioning.Reconciler, id tenant.ID) tenants.Operator {
	t.Helper()
	var o tenants.Operator
	err := db.Write(context.Background(), func(ctx context.Context, tx tenants.Tx) (err error) {
		o, err = registryOf(t, r).Suspend(ctx, tx, tenants.System, id, "unpaid since March")
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return o
}

func carried(t *testing.T, db *tenants.DB, c *cloud, id tenant.ID, want tenants.State) {
	t.Helper()
	for deadline := time.Now().Add(15 * time.Second); ; time.Sleep(5 * time.Millisecond) {
		stood := c.stood()
		if len(stood) > 0 && stood[len(stood)-1].State == want && get(t, db, id).StandingCarried() {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("the stack heard %+v, want %s", stood, want)
		}
	}
}

func TestStanding_isCarriedAndComesBack(t *testing.T) {
	t.Parallel()
	db, c := newControl(t), newCloud(nil)
	r := provisioning.New(db, c, provisioning.Config{Poll: 20 * time.Millisecond}, quiet())
	start(t, r)
	id := create(t, db, r, "nordnetz")
	await(t, db, id, provisioning.Ready)
	o := suspend(t, db, r, id)
	carried(t, db, c, id, tenants.Suspended)
	if got := c.stood()[0]; got.No != 1 || !got.ServiceUntil().Equal(o.Standing.SuspendedAt.AddDate(0, 0, 14)) {
		t.Errorf("carried %+v, until %s", got, got.ServiceUntil())
	}
	err := db.Write(context.Background(), func(ctx context.Context, tx tenants.Tx) error {
		if _, err := registryOf(t, r).Suspend(ctx, tx, tenants.System, id, "again"); !errors.Is(err, tenants.ErrOperatorState) {
			t.Errorf("suspended twice: %v", err)
		}
		_, err := registryOf(t, r).Resume(ctx, tx, tenants.System, id)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	carried(t, db, c, id, tenants.Active)
}

// A standing asked for while the stack is being made, by a control plane that
// is killed in the middle of carrying it, arrives all the same.
func TestStanding_outlivesItsCarrier(t *testing.T) {
	t.Parallel()
	db := newControl(t)
	deaf := newCloud(func(context.Context, int) error { return errors.New("no machine") })
	first := provisioning.New(db, deaf, provisioning.Config{}, quiet())
	id := create(t, db, first, "nordnetz")
	suspend(t, db, first, id) // not ready yet: it waits

	dying := newCloud(nil)
	stopped := make(chan struct{})
	dying.stand = func(int) error { <-stopped; return errors.New("killed") }
	second := provisioning.New(db, dying, provisioning.Config{Workers: 1, Poll: 20 * time.Millisecond, Lease: 50 * time.Millisecond, Grace: time.Millisecond}, quiet())
	second.Start(context.Background())
	await(t, db, id, provisioning.Ready)
	for len(dying.stood()) == 0 {
		time.Sleep(5 * time.Millisecond)
	}
	close(stopped)
	second.Stop()

	heir := newCloud(nil)
	start(t, provisioning.New(db, heir, provisioning.Config{Poll: 20 * time.Millisecond}, quiet()))
	carried(t, db, heir, id, tenants.Suspended)
}
