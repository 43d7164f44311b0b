package local_test

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"time"

	"tollhouse/billing/account"
	"tollhouse/billing/identity"
	"tollhouse/billing/tenant"
	"tollhouse/infra/local"
	"tollhouse/provisioning"
	"tollhouse/tenants"
)

// owner signs in with the first password and reads what was set up.
func owner(ctx context.Context, h *house, ref tenant.Ref, made tenants.Created) error {
	in, err := h.authority.SignIn(ctx, h.db, ref, identity.Credentials{Email: made.OwnerEmail, Password: made.OwnerPassword})
	if err != nil {
		return err
	}
	return h.db.Read(ctx, ref, func(ctx context.Context, tx tenant.Tx) error {
		who, err := h.authority.Authenticate(ctx, tx, in.Token)
		if err != nil {
			return err
		}
		profile, err := account.GetProfile(ctx, tx)
		if err != nil {
			return err
		}
		if who.Role != identity.Owner || profile.Name != "Nordnetz" || profile.Zone.String() != "Europe/Berlin" || !tx.At.Equal(*made.Settings.ClockAt) {
			return fmt.Errorf("stack of %s is set up wrongly: %+v, %+v at %s", made.Name, who, profile, tx.At)
		}
		return nil
	})
}

func TestEnsure_ownerCanSignIn(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	r := h.reconciler(t, h.cloud, provisioning.Config{})
	made := h.create(t, r, "nordnetz")
	h.await(t, made.ID)
	if err := h.signIn(made); err != nil {
		t.Fatal(err)
	}
	h.wholeness(t, h.stock(), 1)
}

func TestEnsure_otherStacksAreOutOfReach(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	r := h.reconciler(t, h.cloud, provisioning.Config{})
	first, second := h.create(t, r, "one-net"), h.create(t, r, "two-net")
	h.await(t, first.ID)
	h.await(t, second.ID)
	ctx := context.Background()
	one, err := h.db.ByName(ctx, first.Name)
	if err != nil {
		t.Fatal(err)
	}
	two, err := h.db.ByName(ctx, second.Name)
	if err != nil {
		t.Fatal(err)
	}
	in, err := h.authority.SignIn(ctx, h.db, one, identity.Credentials{Email: first.OwnerEmail, Password: first.OwnerPassword})
	if err != nil {
		t.Fatal(err)
	}
	err = h.db.Read(ctx, two, func(ctx context.Context, tx tenant.Tx) error {
		_, err := h.authority.Authenticate(ctx, tx, in.Token)
		return err
	})
	if err == nil {
		t.Error("a token of one stack is good in another")
	}
	if _, err := h.authority.SignIn(ctx, h.db, two, identity.Credentials{Email: first.OwnerEmail, Password: first.OwnerPassword}); err == nil {
		t.Error("a password of one stack is good in another")
	}
}

// The process dies at each statement in turn, a new one takes over: whatever
// was half done becomes one whole stack, and no slot is lost.
func TestEnsure_killedAnywhere(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	for n := int64(1); ; n++ {
		made := h.create(t, provisioning.New(h.working, h.cloud, provisioning.Config{}, h.log()), fmt.Sprintf("net-%d", n))
		survived := h.killAt(t, made.ID, n)
		r := h.reconciler(t, h.openCloud(t), provisioning.Config{Poll: 10 * time.Millisecond})
		h.await(t, made.ID)
		if err := h.signIn(made); err != nil {
			t.Errorf("killed at statement %d: %v", n, err)
		}
		r.Stop()
		h.wholeness(t, max(h.stock(), int(n)), int(n)) // what the stock lacked was made
		if t.Failed() {
			t.Fatalf("killed at statement %d", n)
		}
		if survived {
			t.Logf("%d statements were cut off, each once", n-1)
			return
		}
	}
}

// killAt runs a reconciler that dies at its n-th statement and says whether it
// had no n-th.
func (h *house) killAt(t *testing.T, id tenant.ID, n int64) (survived bool) {
	t.Helper()
	r := provisioning.New(h.working, h.openCloud(t), provisioning.Config{Workers: 1, Poll: time.Hour, Lease: busyLease}, h.log())
	h.trip.arm(n)
	r.Start(context.Background())
	r.Wake()
	for deadline := time.Now().Add(2 * busyLease); !h.trip.fell() && h.get(t, id).State != provisioning.Ready; time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("neither dead at statement %d nor ready", n)
		}
	}
	r.Stop()
	survived = !h.trip.fell()
	h.trip.arm(0)
	h.leaseRunsOut(t, id)
	return survived
}

// leaseRunsOut lets the time pass for which the dead had claimed the stack.
func (h *house) leaseRunsOut(t *testing.T, id tenant.ID) {
	t.Helper()
	err := h.control.Write(context.Background(), func(ctx context.Context, tx tenants.Tx) error {
		_, err := tx.Exec(ctx, `update stack set next_try_at = requested_at where operator_id = $1`, id)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

func TestEnsure_twoAtOnceMakeOne(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	made := h.create(t, provisioning.New(h.working, h.cloud, provisioning.Config{}, h.log()), "nordnetz")
	ctx := context.Background()
	place, err := h.cloud.Choose(ctx, "")
	if err != nil {
		t.Fatal(err)
	}
	hash, err := h.passwords.Hash(ctx, made.OwnerPassword)
	if err != nil {
		t.Fatal(err)
	}
	want := provisioning.Wanted{Operator: made.Operator, OwnerPasswordHash: hash, Epoch: 1, Place: place}
	done := make(chan error)
	const attempts = 6
	for range attempts {
		cloud := h.openCloud(t)
		go func() { done <- cloud.Ensure(ctx, want) }()
	}
	for range attempts {
		if err := <-done; err != nil {
			t.Error(err)
		}
	}
	if err := h.signIn(made); err != nil {
		t.Error(err)
	}
	h.wholeness(t, h.stock(), 1)
	want.Place, err = h.cloud.Choose(ctx, "")
	if err != nil {
		t.Fatal(err)
	}
	if err := h.cloud.Ensure(ctx, want); err == nil {
		t.Error("the stack was made a second time elsewhere")
	}
	h.wholeness(t, h.stock(), 1)
}

func TestStockKeeper_keepsTheStock(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	keeper := local.NewStockKeeper(h.cloud, 4, 10*time.Millisecond)
	keeper.Stop() // before Start: harmless
	keeper.Start(context.Background())
	r := h.reconciler(t, h.cloud, provisioning.Config{})
	h.await(t, h.create(t, r, "nordnetz").ID)
	for deadline := time.Now().Add(30 * time.Second); h.count(t, `select count(*) from host.slot where state = 'stock'`) < 4; {
		if time.Now().After(deadline) {
			t.Fatal("the stock is not filled")
		}
		time.Sleep(20 * time.Millisecond)
	}
	keeper.Stop()
	keeper.Stop()
	h.wholeness(t, 5, 1)
}

// Twenty operators at once, each with a slot in the stock, and each one whole.
func TestReconciler_burst(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	const burst, stock = 20, 20
	if err := local.NewStockKeeper(h.cloud, stock, time.Hour).Fill(context.Background(), nil); err != nil {
		t.Fatal(err)
	}
	r := h.reconciler(t, h.cloud, provisioning.Config{})
	took, ready := make(chan time.Duration, burst), make(chan time.Duration, burst)
	for n := range burst {
		go func() {
			accepted := time.Now()
			made := h.create(t, r, fmt.Sprintf("net-%d", n))
			for h.signIn(made) != nil && time.Since(accepted) < time.Minute {
				time.Sleep(20 * time.Millisecond)
			}
			took <- time.Since(accepted)
			s := h.await(t, made.ID)
			ready <- s.ReadyAt.Sub(s.RequestedAt)
		}()
	}
	t.Logf("from accepted to the owner's first sign-in: %s", spread(took, burst))
	t.Logf("of that from requested to ready: %s", spread(ready, burst))
	h.wholeness(t, stock, burst)
}

func spread(times <-chan time.Duration, n int) string {
	var all []time.Duration
	for range n {
		all = append(all, <-times)
	}
	slices.Sort(all)
	return fmt.Sprintf("p50 %s, last %s", all[n/2], all[n-1])
}

// An empty stock is no failure: a slot is made there and then.
func TestChoose_makesASlotWhenTheStockIsEmpty(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	r := h.reconciler(t, h.cloud, provisioning.Config{})
	for n := range 4 {
		made := h.create(t, r, fmt.Sprintf("net-%d", n))
		h.await(t, made.ID)
	}
	h.wholeness(t, 4, 4)
}
