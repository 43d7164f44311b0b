package local_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"tollhouse/billing/account"
	"tollhouse/billing/identity"
	"tollhouse/billing/tenant"
	"tollhouse/infra/local"
	"tollhouse/infra/postgres"
	"tollhouse/infra/postgres/pgtest"
	"tollhouse/infra/secrets"
	"tollhouse/provisioning"
	"tollhouse/tenants"
)

func TestMain(m *testing.M) { pgtest.Main(m) }

var databases atomic.Int64

// house is a control plane and a host database of one test.
type house struct {
	host      *pgtest.Host
	control   *tenants.DB // as tests look at it
	working   *tenants.DB // as reconcilers use it, through the trip wire
	passwords *identity.Passwords
	authority *identity.Authority
	box       *secrets.Box
	trip      *trip
	db        *tenant.DB // of the host, through the trip wire
	cloud     *local.Cloud
}

func newHouse(t *testing.T) *house {
	t.Helper()
	ctx := context.Background()
	h := &house{host: pgtest.NewHost(t), trip: &trip{}}
	name := fmt.Sprintf("control_%d", databases.Add(1))
	if err := h.host.Server.MigrateControl(ctx, name); err != nil {
		t.Fatal(err)
	}
	h.control = tenants.Open(h.pool(t, postgres.RoleControl, name, nil), time.Now)
	h.working = tenants.Open(h.pool(t, postgres.RoleControl, name, h.trip), time.Now)
	h.db = tenant.Open(h.pool(t, postgres.RoleApp, h.host.Database, h.trip), time.Now)
	var err error
	if h.passwords, err = identity.NewPasswords(); err != nil {
		t.Fatal(err)
	}
	if h.box, err = secrets.Load(filepath.Join(t.TempDir(), "master.key")); err != nil {
		t.Fatal(err)
	}
	h.authority = identity.New(h.passwords, h.box.Tenants(), time.Now)
	h.cloud = h.openCloud(t)
	return h
}

func (h *house) pool(t *testing.T, role, database string, tracer pgx.QueryTracer) *pgxpool.Pool {
	t.Helper()
	config, err := pgxpool.ParseConfig(h.host.Server.RoleURL(role, database))
	if err != nil {
		t.Fatal(err)
	}
	config.MaxConns = 10
	config.ConnConfig.Tracer = tracer
	pool, err := pgxpool.NewWithConfig(context.Background(), config)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(pool.Close)
	return pool
}

func (h *house) openCloud(t *testing.T) *local.Cloud {
	t.Helper()
	cloud, err := local.Open(context.Background(), local.Config{Server: h.host.Server, Host: h.host.Database, DB: h.db,
		Identity: h.authority, Seal: h.box.Tenants(), Now: time.Now, Log: h.log(), Tracer: h.trip})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(cloud.Close)
	return cloud
}

func (h *house) log() *slog.Logger {
	if testing.Verbose() {
		return slog.New(slog.NewTextHandler(os.Stderr, nil))
	}
	return slog.New(slog.DiscardHandler)
}

// busyLease lets an attempt make a slot by itself with the race detector, while
// all other tests run.
const busyLease = 2 * time.Minute

func (h *house) reconciler(t *testing.T, cloud provisioning.Cloud, config provisioning.Config) *provisioning.Reconciler {
	t.Helper()
	if config.Lease == 0 {
		config.Lease = busyLease
	}
	r := provisioning.New(h.working, cloud, config, h.log())
	r.Start(context.Background())
	t.Cleanup(r.Stop)
	return r
}

func knownTaxes(country string) bool {
	_, err := account.TaxRatesOf(country)
	return err == nil
}

// create takes on an operator; r is told.
func (h *house) create(t *testing.T, r tenants.Stacks, name string) tenants.Created {
	t.Helper()
	ctx := context.Background()
	registry := tenants.NewRegistry(r, h.passwords, knownTaxes, time.Now)
	clock := time.Date(2026, 5, 1, 0, 0, 0, 0, time.UTC)
	admission, err := registry.Admit(ctx, tenants.Application{
		Name: name, DisplayName: "Nordnetz", LegalName: "Nordnetz GmbH", Country: "DE", Zone: "Europe/Berlin", Currency: "EUR", Language: "en",
		OwnerEmail: "owner@nordnetz.example", Sandbox: true, ClockAt: &clock,
		LegalEntity: tenants.LegalEntity{Address: tenants.Address{Street: "Hafenstraße 5", Postcode: "20457", City: "Hamburg"}, TaxID: "DE123456789"}})
	if err != nil {
		t.Fatal(err)
	}
	var made tenants.Created
	err = h.control.Write(ctx, func(ctx context.Context, tx tenants.Tx) error {
		made, err = registry.Create(ctx, tx, tenants.System, admission)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return made
}

func (h *house) await(t *testing.T, id tenant.ID) provisioning.Stack {
	t.Helper()
	for deadline := time.Now().Add(60 * time.Second); ; time.Sleep(2 * time.Millisecond) {
		s := h.get(t, id)
		if s.State == provisioning.Ready {
			return s
		}
		if time.Now().After(deadline) {
			t.Fatalf("stack is %s (%s)", s.State, s.Reason)
		}
	}
}

func (h *house) get(t *testing.T, id tenant.ID) (s provisioning.Stack) {
	t.Helper()
	err := h.control.Read(context.Background(), func(ctx context.Context, tx tenants.Tx) (err error) {
		s, err = provisioning.Get(ctx, tx, id)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// signIn does what an operator's owner does first, on the stack as placed.
func (h *house) signIn(made tenants.Created) error {
	ctx := context.Background()
	ref, err := h.db.ByName(ctx, made.Name)
	if err != nil {
		return err
	}
	return owner(ctx, h, ref, made)
}

// stock is how many slots the host had at first.
func (h *house) stock() int { return len(h.host.Slots) }

func (h *house) count(t *testing.T, query string, args ...any) (n int) {
	t.Helper()
	if err := h.host.Admin.QueryRow(context.Background(), query, args...).Scan(&n); err != nil {
		t.Fatalf("%s: %v", query, err)
	}
	return n
}

// wholeness checks what must hold whatever happened before: one placement per
// ready stack, every slot in the stock or under a placement, and each placed
// schema with one of everything.
func (h *house) wholeness(t *testing.T, slots, placements int) {
	t.Helper()
	if n := h.count(t, `select count(*) from host.placement where state = 'ready'`); n != placements {
		t.Errorf("%d placements, want %d", n, placements)
	}
	if n := h.count(t, `select count(*) from host.slot`); n != slots {
		t.Errorf("%d slots, want %d", n, slots)
	}
	if n := h.count(t, `select count(*) from host.slot s where state <> 'stock' and not exists (select from host.placement p where p.slot = s.name)`); n != 0 {
		t.Errorf("%d slots are lost", n)
	}
	rows, err := h.host.Admin.Query(context.Background(), `select s.name, s.state = 'placed' from host.slot s`)
	if err != nil {
		t.Fatal(err)
	}
	var slot string
	var placed bool
	each := map[string]bool{}
	if _, err := pgx.ForEachRow(rows, []any{&slot, &placed}, func() error { each["t_"+slot] = placed; return nil }); err != nil {
		t.Fatal(err)
	}
	for schema, placed := range each {
		want := map[bool]int{true: 1, false: 0}[placed]
		for table, n := range h.rows(t, schema) {
			if n != want {
				t.Errorf("%s.%s has %d rows, want %d", schema, table, n, want)
			}
		}
	}
}

// rows counts what a set-up writes one row of.
func (h *house) rows(t *testing.T, schema string) map[string]int {
	t.Helper()
	var counts []string
	for _, table := range []string{"operator", "clock", "legal_entity", "branch", "signing_key", "secret", "app_user", "catalog_epoch", "account_epoch", "audit"} {
		counts = append(counts, `select '`+table+`', count(*) from `+schema+`.`+table)
	}
	rows, err := h.host.Admin.Query(context.Background(), strings.Join(counts, ` union all `))
	if err != nil {
		t.Fatal(err)
	}
	var table string
	var n int
	found := map[string]int{}
	if _, err := pgx.ForEachRow(rows, []any{&table, &n}, func() error { found[table] = n; return nil }); err != nil {
		t.Fatal(err)
	}
	return found
}

// trip is a wire over which every statement from the n-th on falls: as if the
// process had been killed there. Statements count over all pools of a house.
type trip struct {
	count atomic.Int64
	at    atomic.Int64 // 0: not armed
}

func (w *trip) fell() bool { return w.count.Load() >= w.at.Load() }

var errTripped = errors.New("tripped")

func (w *trip) TraceQueryStart(ctx context.Context, _ *pgx.Conn, _ pgx.TraceQueryStartData) context.Context {
	return w.step(ctx)
}
func (w *trip) TraceQueryEnd(context.Context, *pgx.Conn, pgx.TraceQueryEndData) {}
func (w *trip) TraceBatchStart(ctx context.Context, _ *pgx.Conn, _ pgx.TraceBatchStartData) context.Context {
	return w.step(ctx)
}
func (w *trip) TraceBatchQuery(context.Context, *pgx.Conn, pgx.TraceBatchQueryData) {}
func (w *trip) TraceBatchEnd(context.Context, *pgx.Conn, pgx.TraceBatchEndData)     {}

func (w *trip) step(ctx context.Context) context.Context {
	if n, at := w.count.Add(1), w.at.Load(); at == 0 || n < at {
		return ctx
	}
	ctx, cancel := context.WithCancelCause(ctx)
	cancel(errTripped)
	return ctx
}

func (w *trip) arm(n int64) {
	w.count.Store(0)
	w.at.Store(n)
}
