package fleet_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"

	"tollhouse/billing/identity"
	"tollhouse/billing/tenant"
	"tollhouse/infra/postgres"
	"tollhouse/infra/postgres/pgtest"
	"tollhouse/provisioning"
	"tollhouse/provisioning/fleet"
	"tollhouse/provisioning/sitetest"
	"tollhouse/tenants"
)

func TestMain(m *testing.M) { pgtest.Main(m) }

// clear leaves what is sealed in clear: sealing is shown elsewhere.
type clear struct{}

func (clear) Seal(_ string, plain []byte) ([]byte, error)  { return plain, nil }
func (clear) Open(_ string, sealed []byte) ([]byte, error) { return sealed, nil }

// backups are final ones that a test makes.
type backups struct {
	mu   sync.Mutex
	done bool
	err  error
}

func (b *backups) finish() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.done = true
}

func (b *backups) Final(_ context.Context, site provisioning.Site, _ time.Time) (provisioning.FinalBackup, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if !b.done {
		return provisioning.FinalBackup{Reason: "It is at table 3 of 90."}, b.err
	}
	return provisioning.FinalBackup{Done: true, Ref: "backup/" + site.Name, At: time.Now()}, nil
}

// world is a control plane with a cloud in memory. Its clock is moved by hand.
type world struct {
	t       *testing.T
	db      *tenants.DB
	cloud   *sitetest.Memory
	hosts   *sitetest.Hosts
	backups *backups
	fleet   *fleet.Fleet
	ahead   atomic.Int64 // of wall time
	by      tenants.Actor
}

// logTo has the log beside a failing test.
type logTo struct{ t *testing.T }

func (l logTo) Write(p []byte) (int, error) {
	l.t.Log(strings.TrimSpace(string(p)))
	return len(p), nil
}

var databases atomic.Int64

func newWorld(t *testing.T) *world {
	t.Helper()
	ctx, server := context.Background(), pgtest.Server(t)
	name := fmt.Sprintf("fleet_%d", databases.Add(1))
	if err := server.MigrateControl(ctx, name); err != nil {
		t.Fatal(err)
	}
	pool, err := server.Pool(ctx, postgres.RoleControl, name, 10)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(pool.Close)
	w := &world{t: t, cloud: sitetest.NewMemory(), hosts: sitetest.NewHosts(), backups: &backups{}}
	w.db = tenants.Open(pool, w.now)
	w.hosts.At = w.now
	w.fleet = fleet.NewFleet(w.db, w.clouds(), nil)
	return w
}

func (w *world) now() time.Time { return time.Now().Add(time.Duration(w.ahead.Load())) }

func (w *world) pass(d time.Duration) { w.ahead.Add(int64(d)) }

func (w *world) clouds() fleet.Clouds {
	return fleet.Clouds{"memory": {Sites: w.cloud, Place: "Hamburg"}}
}

// quick is a reconciler that waits for nothing long.
var quick = fleet.Config{Poll: 5 * time.Millisecond, Watch: 5 * time.Millisecond, Keep: 20 * time.Millisecond, Pause: 5 * time.Millisecond, Lease: 2 * time.Second,
	CloudLook: 20 * time.Millisecond}

// reconcile sets another control plane to work, until stop.
func (w *world) reconcile(config fleet.Config) (stop func()) {
	w.t.Helper()
	r := fleet.New(fleet.Parts{DB: w.db, Clouds: w.clouds(), Hosts: w.hosts, Backups: w.backups, Seal: clear{}, Log: slog.New(slog.NewTextHandler(logTo{w.t}, &slog.HandlerOptions{Level: slog.LevelError}))}, config)
	r.Start(context.Background())
	w.t.Cleanup(r.Stop)
	return r.Stop
}

func (w *world) operator(name string) tenant.ID {
	w.t.Helper()
	passwords, err := identity.NewPasswords()
	if err != nil {
		w.t.Fatal(err)
	}
	stacks := provisioning.New(w.db, nil, provisioning.Config{}, slog.New(slog.DiscardHandler))
	registry := tenants.NewRegistry(stacks, passwords, func(string) bool { return true }, time.Now)
	admission, err := registry.Admit(context.Background(), tenants.Application{
		Name: name, LegalName: "Nordnetz GmbH", Country: "DE", Zone: "Europe/Berlin", Currency: "EUR", Language: "en", OwnerEmail: "o@example.net",
		LegalEntity: tenants.LegalEntity{Address: tenants.Address{Street: "Hafenstraße 5", City: "Hamburg"}}})
	if err != nil {
		w.t.Fatal(err)
	}
	var made tenants.Created
	w.write(func(ctx context.Context, tx tenants.Tx) (err error) {
		made, err = registry.Create(ctx, tx, tenants.System, admission)
		return err
	})
	return made.ID
}

func (w *world) try(fn func(ctx context.Context, tx tenants.Tx) error) error {
	return w.db.Write(context.Background(), fn)
}

func (w *world) write(fn func(ctx context.Context, tx tenants.Tx) error) {
	w.t.Helper()
	if err := w.try(fn); err != nil {
		w.t.Fatal(err)
	}
}

func newID() provisioning.SiteID { return provisioning.SiteID(uuid.Must(uuid.NewV7())) }

func (w *world) put(id provisioning.SiteID, want fleet.Want) fleet.Site {
	w.t.Helper()
	var s fleet.Site
	w.write(func(ctx context.Context, tx tenants.Tx) (err error) {
		s, _, err = w.fleet.Put(ctx, tx, w.by, id, want, 0)
		return err
	})
	return s
}

func (w *world) get(id provisioning.SiteID) (s fleet.Site) {
	w.t.Helper()
	err := w.db.Read(context.Background(), func(ctx context.Context, tx tenants.Tx) (err error) {
		s, err = fleet.Get(ctx, tx, id)
		return err
	})
	if err != nil {
		w.t.Fatal(err)
	}
	return s
}

// until waits for a site to be as a test wants it.
func (w *world) until(id provisioning.SiteID, what string, is func(s fleet.Site) bool) fleet.Site {
	w.t.Helper()
	late := time.Now().Add(20 * time.Second)
	for {
		s := w.get(id)
		if is(s) {
			return s
		}
		if time.Now().After(late) {
			w.t.Fatalf("not %s: %+v", what, s)
		}
		time.Sleep(3 * time.Millisecond)
	}
}

func (w *world) untilState(id provisioning.SiteID, state fleet.State) fleet.Site {
	w.t.Helper()
	return w.until(id, string(state), func(s fleet.Site) bool { return s.State == state })
}

// ready is a site that serves.
func (w *world) ready(want fleet.Want) fleet.Site {
	w.t.Helper()
	id := newID()
	w.hosts.Come(id)
	w.put(id, want)
	return w.untilState(id, fleet.Ready)
}

func refused(t *testing.T, err error, field string) {
	t.Helper()
	var invalid *tenants.InvalidError
	if !errors.As(err, &invalid) {
		t.Fatalf("%v does not name a field", err)
	}
	for _, f := range invalid.Fields {
		if f.Field == field {
			return
		}
	}
	t.Errorf("%v does not name %s", err, field)
}

func (w *world) events(id provisioning.SiteID) (kinds []string) {
	w.t.Helper()
	err := w.db.Read(context.Background(), func(ctx context.Context, tx tenants.Tx) error {
		events, err := fleet.Events(ctx, tx, id, uuid.Nil, 100)
		for i := len(events) - 1; i >= 0; i-- {
			kinds = append(kinds, events[i].Kind)
		}
		return err
	})
	if err != nil {
		w.t.Fatal(err)
	}
	return kinds
}
