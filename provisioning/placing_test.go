package provisioning_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"tollhouse/billing/identity"
	"tollhouse/billing/tenant"
	"tollhouse/provisioning"
	"tollhouse/tenants"
)

// wax seals nothing: these tests read no secrets.
type wax struct{}

func (wax) Seal(string, []byte) ([]byte, error)          { return []byte("sealed"), nil }
func (wax) Open(_ string, sealed []byte) ([]byte, error) { return bytes.Clone(sealed), nil }

func putHost(t *testing.T, db *tenants.DB, name string, kind provisioning.HostKind, capacity int, open bool) {
	t.Helper()
	err := db.Write(context.Background(), func(ctx context.Context, tx tenants.Tx) error {
		_, err := provisioning.PutHostDatabase(ctx, tx, tenants.System, wax{}, provisioning.NewHostDatabase{Name: name, URL: "postgres://db.example/postgres",
			Kind: kind, Capacity: capacity, Open: open})
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

// ask takes an operator on and has its stack asked for somewhere.
func ask(t *testing.T, db *tenants.DB, r *provisioning.Reconciler, name string, where tenants.Placement) (tenant.ID, error) {
	t.Helper()
	passwords, err := identity.NewPasswords()
	if err != nil {
		t.Fatal(err)
	}
	registry := tenants.NewRegistry(r, passwords, func(string) bool { return true }, time.Now)
	admission, err := registry.Admit(context.Background(), tenants.Application{
		Name: name, LegalName: "Nordnetz GmbH", Country: "DE", Zone: "Europe/Berlin", Currency: "EUR", Language: "en", OwnerEmail: "o@example.net",
		LegalEntity: tenants.LegalEntity{Address: tenants.Address{Street: "Hafenstraße 5", City: "Hamburg"}}})
	if err != nil {
		t.Fatal(err)
	}
	id := tenant.NewID()
	return id, db.Write(context.Background(), func(ctx context.Context, tx tenants.Tx) error {
		_, err := registry.CreateAt(ctx, tx, tenants.System, id, admission, where)
		return err
	})
}

func pool(t *testing.T, db *tenants.DB) (p provisioning.Pool) {
	t.Helper()
	err := db.Read(context.Background(), func(ctx context.Context, tx tenants.Tx) (err error) {
		p, err = provisioning.PoolOf(ctx, tx)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func TestPlacing_newStacksGoWhereMostRoomIs(t *testing.T) {
	t.Parallel()
	db, c := newControl(t), newCloud(nil)
	putHost(t, db, "closed", provisioning.Pooled, 300, false)
	putHost(t, db, "one-alone", provisioning.Dedicated, 1, true)
	putHost(t, db, "old", provisioning.Pooled, 3, true)
	r := provisioning.New(db, c, provisioning.Config{Poll: 10 * time.Millisecond}, quiet())
	start(t, r)
	place := func(name string) string {
		id, err := ask(t, db, r, name, tenants.Placement{})
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		return await(t, db, id, provisioning.Ready).Place.Host
	}
	if got := place("net-1"); got != "old" {
		t.Errorf("the first went to %s, want the only open one for many", got)
	}
	putHost(t, db, "new", provisioning.Pooled, 4, true)
	for n, want := range []string{"new", "new"} { // 2 and 4 are free, then 2 and 3
		if got := place(fmt.Sprintf("net-%d", n+2)); got != want {
			t.Errorf("stack %d went to %s, want %s", n+2, got, want)
		}
	}
	for n := range 4 { // 2 and 2: either will do
		place(fmt.Sprintf("more-%d", n))
	}
	if p := pool(t, db); p.Databases != 2 || p.Has != 7 || p.Used != 7 || p.Free() != 0 || p.Buy() != 10 {
		t.Errorf("room after all have come: %+v, %d more wanted", p, p.Buy())
	}
	if _, err := ask(t, db, r, "net-8", tenants.Placement{}); !errors.Is(err, provisioning.ErrNoRoom) {
		t.Errorf("one more: %v, want no room", err)
	}
	if _, err := ask(t, db, r, "net-8", tenants.Placement{Host: "old"}); !errors.Is(err, provisioning.ErrHostFull) {
		t.Errorf("one more in a full one: %v", err)
	}
	if _, err := ask(t, db, r, "net-8", tenants.Placement{Host: "closed"}); !errors.Is(err, provisioning.ErrHostFull) {
		t.Errorf("one in a closed one: %v", err)
	}
	if _, err := ask(t, db, r, "net-8", tenants.Placement{Host: "nowhere"}); !errors.Is(err, provisioning.ErrNoHost) {
		t.Errorf("one in none: %v", err)
	}
	id, err := ask(t, db, r, "net-8", tenants.Placement{Host: "one-alone"}) // the name is free still: nothing stayed of what was refused
	if err != nil {
		t.Fatal(err)
	}
	if got := await(t, db, id, provisioning.Ready).Place.Host; got != "one-alone" {
		t.Errorf("who was to stand alone stands in %s", got)
	}
}

func TestPlacing_twoRaceForTheLastPlace(t *testing.T) {
	t.Parallel()
	db, c := newControl(t), newCloud(nil)
	putHost(t, db, "small", provisioning.Pooled, 1, true)
	r := provisioning.New(db, c, provisioning.Config{Poll: 10 * time.Millisecond}, quiet())
	start(t, r)
	type outcome struct {
		id  tenant.ID
		err error
	}
	results := make(chan outcome)
	for n := range 2 {
		go func() {
			id, err := ask(t, db, r, fmt.Sprintf("net-%d", n), tenants.Placement{})
			results <- outcome{id, err}
		}()
	}
	refused := 0
	for range 2 {
		o := <-results
		switch {
		case o.err == nil:
			await(t, db, o.id, provisioning.Ready)
		case errors.Is(o.err, provisioning.ErrNoRoom):
			refused++
		default:
			t.Error(o.err)
		}
	}
	if refused != 1 {
		t.Errorf("%d of two were refused the last place, want one", refused)
	}
}

// What was free when it was asked for may be closed since: the stack waits with
// a reason, and comes when there is room again.
func TestPlacing_waitsWhereAllWasClosedMeanwhile(t *testing.T) {
	t.Parallel()
	db, c := newControl(t), newCloud(nil)
	putHost(t, db, "only", provisioning.Pooled, 5, true)
	r := provisioning.New(db, c, provisioning.Config{Poll: 10 * time.Millisecond}, quiet())
	id, err := ask(t, db, r, "net-1", tenants.Placement{})
	if err != nil {
		t.Fatal(err)
	}
	putHost(t, db, "only", provisioning.Pooled, 5, false)
	start(t, r)
	if s := await(t, db, id, provisioning.Failed); s.Reason == "" || !s.Place.IsZero() || len(c.places(id)) != 0 {
		t.Errorf("with no open host database: %+v, made at %v", s, c.places(id))
	}
	putHost(t, db, "only", provisioning.Pooled, 5, true)
	if s := await(t, db, id, provisioning.Ready); s.Place.Host != "only" {
		t.Errorf("it stands in %s", s.Place.Host)
	}
}

// A stack on machines of the operator's own is made by them: nothing of ours
// tries, whatever it says is taken as said, and what needs our reach is refused.
func TestPlacing_ownMachinesMakeTheStackThemselves(t *testing.T) {
	t.Parallel()
	db, c := newControl(t), newCloud(nil)
	r := provisioning.New(db, c, provisioning.Config{Poll: 5 * time.Millisecond}, quiet())
	start(t, r)
	id, err := ask(t, db, r, "net-1", tenants.Placement{Own: true})
	if err != nil {
		t.Fatal(err)
	}
	pooled := create(t, db, r, "net-2")
	await(t, db, pooled, provisioning.Ready)
	if s := get(t, db, id); s.State != provisioning.Requested || !s.Own || s.Attempts != 0 || len(c.places(id)) != 0 {
		t.Errorf("nobody has come yet: %+v", s)
	}
	err = db.Write(context.Background(), func(ctx context.Context, tx tenants.Tx) error {
		if _, err := provisioning.PlacedIn(ctx, tx, id); !errors.Is(err, provisioning.ErrNotReady) {
			t.Errorf("where it stands: %v", err)
		}
		for _, operator := range []tenant.ID{id, id, pooled} {
			if err := provisioning.OwnStands(ctx, tx, operator); err != nil {
				return err
			}
		}
		if _, err := provisioning.PlacedIn(ctx, tx, id); !errors.Is(err, provisioning.ErrOwnMachines) {
			t.Errorf("where it stands now: %v", err)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if s := get(t, db, id); s.State != provisioning.Ready || s.ReadyAt == nil || !s.Place.IsZero() {
		t.Errorf("its machines say that it stands: %+v", s)
	}
	if s := get(t, db, pooled); s.Own || s.Place.IsZero() {
		t.Errorf("the one in a host database: %+v", s)
	}
}
