package provisioning_test

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"tollhouse/billing/identity"
	"tollhouse/billing/tenant"
	"tollhouse/infra/postgres"
	"tollhouse/infra/postgres/pgtest"
	"tollhouse/provisioning"
	"tollhouse/tenants"
)

func TestMain(m *testing.M) { pgtest.Main(m) }

var databases atomic.Int64

func newControl(t *testing.T) *tenants.DB {
	t.Helper()
	ctx, server := context.Background(), pgtest.Server(t)
	name := fmt.Sprintf("control_%d", databases.Add(1))
	if err := server.MigrateControl(ctx, name); err != nil {
		t.Fatal(err)
	}
	pool, err := server.Pool(ctx, postgres.RoleControl, name, 10)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(pool.Close)
	return tenants.Open(pool, time.Now)
}

// cloud is an outside system that does as a test says.
type cloud struct {
	mu     sync.Mutex
	chosen int
	made   map[tenant.ID][]provisioning.Place
	hashes map[tenant.ID]identity.PasswordHash
	ensure func(ctx context.Context, attempt int) error // attempt of this stack, from 1
	provisioning.Doors
	provisioning.Inspector
	provisioning.Copier
	stands  []tenants.Standing
	stand   func(n int) error // n-th call, from 1
	reuse   int               // so many choices name a place that was named before
	entered chan struct{}
}

func newCloud(ensure func(ctx context.Context, attempt int) error) *cloud {
	return &cloud{made: map[tenant.ID][]provisioning.Place{}, hashes: map[tenant.ID]identity.PasswordHash{}, ensure: ensure, entered: make(chan struct{}, 100)}
}

func (c *cloud) Choose(_ context.Context, host string) (provisioning.Place, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.reuse > 0 && c.chosen > 0 {
		c.reuse--
	} else {
		c.chosen++
	}
	slot, err := tenant.ParseSlot(fmt.Sprintf("slot%d", c.chosen))
	return provisioning.Place{Host: cmp.Or(host, "host"), Slot: slot}, err
}

func (c *cloud) Ensure(ctx context.Context, want provisioning.Wanted) error {
	c.mu.Lock()
	id := want.Operator.ID
	c.made[id] = append(c.made[id], want.Place)
	c.hashes[id] = want.OwnerPasswordHash
	attempt := len(c.made[id])
	c.mu.Unlock()
	c.entered <- struct{}{}
	if c.ensure == nil {
		return nil
	}
	return c.ensure(ctx, attempt)
}

func (c *cloud) Stand(_ context.Context, _ provisioning.Placed, s tenants.Standing) error {
	c.mu.Lock()
	c.stands = append(c.stands, s)
	n := len(c.stands)
	c.mu.Unlock()
	if c.stand == nil {
		return nil
	}
	return c.stand(n)
}

func (c *cloud) Asking(context.Context, int) ([]tenant.ID, error) { return nil, nil }

// stood are the standings that were carried here.
func (c *cloud) stood() []tenants.Standing {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.Clone(c.stands)
}

// places are where a stack was made, once for each attempt.
func (c *cloud) places(id tenant.ID) []provisioning.Place {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.made[id]
}

func create(t *testing.T, db *tenants.DB, r *provisioning.Reconciler, name string) tenant.ID {
	t.Helper()
	id, err := ask(t, db, r, name, tenants.Placement{})
	if err != nil {
		t.Fatal(err)
	}
	return id
}

func get(t *testing.T, db *tenants.DB, id tenant.ID) (s provisioning.Stack) {
	t.Helper()
	err := db.Read(context.Background(), func(ctx context.Context, tx tenants.Tx) (err error) {
		s, err = provisioning.Get(ctx, tx, id)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func await(t *testing.T, db *tenants.DB, id tenant.ID, want provisioning.State) provisioning.Stack {
	t.Helper()
	for deadline := time.Now().Add(15 * time.Second); ; {
		s := get(t, db, id)
		if s.State == want {
			return s
		}
		if time.Now().After(deadline) {
			t.Fatalf("stack is %s (%s), want %s", s.State, s.Reason, want)
		}
		time.Sleep(5 * time.Millisecond)
	}
}

func quiet() *slog.Logger { return slog.New(slog.DiscardHandler) }

func start(t *testing.T, r *provisioning.Reconciler) {
	t.Helper()
	r.Start(context.Background())
	t.Cleanup(r.Stop)
}

func TestReconciler_isWokenAtOnce(t *testing.T) {
	t.Parallel()
	db, c := newControl(t), newCloud(nil)
	r := provisioning.New(db, c, provisioning.Config{Poll: time.Hour}, quiet())
	start(t, r)
	time.Sleep(50 * time.Millisecond) // all workers have looked and found nothing
	id := create(t, db, r, "nordnetz")
	s := await(t, db, id, provisioning.Ready)
	if s.Attempts != 1 || s.Place != c.places(id)[0] || s.ReadyAt == nil || s.Reason != "" {
		t.Errorf("got %+v", s)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.hashes[id] == "" {
		t.Error("the cloud was not told the owner's password hash")
	}
	err := db.Read(context.Background(), func(ctx context.Context, tx tenants.Tx) error {
		if hash, err := tenants.OwnerPasswordHash(ctx, tx, id); err != nil || hash != "" {
			t.Errorf("hash %q kept, %v; want it forgotten", hash, err)
		}
		rows, err := tenants.Audit(ctx, tx, [16]byte{}, 10)
		if len(rows) != 2 || rows[0].Action != "stack.ready" {
			t.Errorf("audit %+v", rows)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

func TestReconciler_findsByPollingWhatNobodyToldIt(t *testing.T) {
	t.Parallel()
	db, c := newControl(t), newCloud(nil)
	id := create(t, db, provisioning.New(db, c, provisioning.Config{}, quiet()), "nordnetz") // of another process
	start(t, provisioning.New(db, c, provisioning.Config{Poll: 10 * time.Millisecond}, quiet()))
	await(t, db, id, provisioning.Ready)
}

func TestReconciler_failureIsAStateWithAReasonAndANextTry(t *testing.T) {
	t.Parallel()
	db := newControl(t)
	c := newCloud(func(_ context.Context, attempt int) error {
		if attempt == 1 {
			return provisioning.Because("The host database does not answer.", errors.New("dial tcp 10.0.0.7:5432: secret detail"))
		}
		return nil
	})
	r := provisioning.New(db, c, provisioning.Config{Poll: 20 * time.Millisecond}, quiet())
	start(t, r)
	id := create(t, db, r, "nordnetz")
	s := await(t, db, id, provisioning.Failed)
	if s.Reason != "The host database does not answer." || !s.NextTryAt.After(time.Now()) {
		t.Errorf("got %+v", s)
	}
	s = await(t, db, id, provisioning.Ready)
	if s.Attempts != 2 || s.Reason != "" || c.places(id)[0] != c.places(id)[1] {
		t.Errorf("got %+v at places %v; want the second attempt at the same place", s, c.places(id))
	}
}

func TestReconciler_anUnexplainedErrorTellsNothing(t *testing.T) {
	t.Parallel()
	db := newControl(t)
	r := provisioning.New(db, newCloud(func(context.Context, int) error { return errors.New("password=hush") }), provisioning.Config{}, quiet())
	start(t, r)
	s := await(t, db, create(t, db, r, "nordnetz"), provisioning.Failed)
	if strings.Contains(s.Reason, "hush") || s.Reason == "" {
		t.Errorf("reason %q", s.Reason)
	}
}

func TestReconciler_aPlaceHoldsOneStack(t *testing.T) {
	t.Parallel()
	db, c := newControl(t), newCloud(nil)
	c.reuse = 3
	r := provisioning.New(db, c, provisioning.Config{}, quiet())
	start(t, r)
	places := map[provisioning.Place]bool{}
	for n := range 4 {
		id := create(t, db, r, fmt.Sprintf("net-%d", n))
		places[await(t, db, id, provisioning.Ready).Place] = true
	}
	if len(places) != 4 {
		t.Errorf("%d places for 4 stacks", len(places))
	}
}

// A process that is killed in the middle never comes back: another takes the
// stack up when the lease has run out. One that comes back late changes nothing.
func TestReconciler_aLeaseRunsOut(t *testing.T) {
	t.Parallel()
	db := newControl(t)
	release := make(chan struct{})
	slow := newCloud(func(context.Context, int) error { <-release; return errors.New("too late") })
	lost := provisioning.New(db, slow, provisioning.Config{Lease: 300 * time.Millisecond}, quiet())
	start(t, lost)
	id := create(t, db, lost, "nordnetz")
	<-slow.entered
	quick := newCloud(nil)
	start(t, provisioning.New(db, quick, provisioning.Config{Poll: 10 * time.Millisecond}, quiet()))
	s := await(t, db, id, provisioning.Ready)
	if s.Attempts < 2 || slow.places(id)[0] != quick.places(id)[0] {
		t.Errorf("got %+v, places %v and %v; want a later attempt at the same place", s, slow.places(id), quick.places(id))
	}
	close(release)
	lost.Stop()
	if after := get(t, db, id); after.State != provisioning.Ready || after.Attempts != s.Attempts {
		t.Errorf("the late attempt changed the stack to %+v", after)
	}
}

func TestReconciler_twoMakeOneStackEach(t *testing.T) {
	t.Parallel()
	db, c := newControl(t), newCloud(nil)
	first := provisioning.New(db, c, provisioning.Config{Poll: 5 * time.Millisecond}, quiet())
	start(t, first)
	start(t, provisioning.New(db, c, provisioning.Config{Poll: 5 * time.Millisecond}, quiet()))
	var ids []tenant.ID
	for n := range 12 {
		ids = append(ids, create(t, db, first, fmt.Sprintf("net-%d", n)))
	}
	for _, id := range ids {
		await(t, db, id, provisioning.Ready)
		if len(c.places(id)) != 1 {
			t.Errorf("stack of %s was made %d times", id, len(c.places(id)))
		}
	}
}

func TestStop_givesWorkBack(t *testing.T) {
	t.Parallel()
	db := newControl(t)
	c := newCloud(func(ctx context.Context, attempt int) error {
		if attempt > 1 {
			return nil
		}
		<-ctx.Done()
		return ctx.Err()
	})
	r := provisioning.New(db, c, provisioning.Config{Grace: 10 * time.Millisecond, Lease: time.Hour}, quiet())
	r.Stop() // before Start: harmless
	start(t, r)
	id := create(t, db, r, "nordnetz")
	<-c.entered
	r.Stop()
	r.Stop()
	if s := get(t, db, id); s.State != provisioning.Failed || s.NextTryAt.After(time.Now()) {
		t.Fatalf("got %+v, want it due at once", s)
	}
	start(t, provisioning.New(db, c, provisioning.Config{}, quiet()))
	await(t, db, id, provisioning.Ready)
}
