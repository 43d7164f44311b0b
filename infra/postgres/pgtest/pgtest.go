// Package pgtest gives a test a real PostgreSQL: a server of the test run's
// own, a template migrated once, and a clone of it per test.
//
// It owns the test server and the fixture tenants; nothing outside tests uses it.
package pgtest

import (
	"context"
	"crypto/sha256"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"tollhouse/billing/tenant"
	"tollhouse/infra/postgres"
)

// templateSlots is how many tenants a cloned database can carry.
const templateSlots = 2

var (
	once     sync.Once
	server   *postgres.Server
	slots    []tenant.Slot
	startErr error
	clones   atomic.Int64
	cleanup  = func() {}
)

// Main runs a package's tests and stops the server afterwards:
//
//	func TestMain(m *testing.M) { pgtest.Main(m) }
func Main(m *testing.M) {
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, syscall.SIGINT, syscall.SIGTERM)
	go func() {
		<-signals
		cleanup()
		os.Exit(1)
	}()
	code := m.Run()
	cleanup()
	os.Exit(code)
}

// Key is the master key's stand-in: it derives role passwords.
func Key(label string) []byte {
	sum := sha256.Sum256([]byte("test key/" + label))
	return sum[:]
}

// Server is the test run's server with all roles, started on first use.
func Server(t testing.TB) *postgres.Server {
	t.Helper()
	once.Do(func() { startErr = start() })
	if startErr != nil {
		t.Fatalf("tests need a PostgreSQL server: %v", startErr)
	}
	return server
}

// memoryDisk is a folder in memory, if the machine has one with room: each test
// has a database of its own, and making it costs a hundred files that nobody
// needs after the test. Empty: the usual folder for such things.
func memoryDisk() string {
	const shm, room = "/dev/shm", 4 << 30
	var disk syscall.Statfs_t
	if err := syscall.Statfs(shm, &disk); err != nil || disk.Bavail*uint64(disk.Bsize) < room {
		return ""
	}
	return shm
}

func start() error {
	ctx := context.Background()
	dir, err := os.MkdirTemp(memoryDisk(), "tollhouse-test-")
	if err != nil {
		return err
	}
	if err := os.Chmod(dir, 0o755); err != nil {
		return err
	}
	// Autovacuum would steal a core from the tests; nothing here lives long.
	cluster, err := postgres.StartCluster(ctx, filepath.Join(dir, "pg"), postgres.ClusterOptions{
		Settings: map[string]string{"autovacuum": "off", "shared_buffers": "128MB", "max_connections": "200"}})
	if err != nil {
		return err
	}
	cleanup = func() { cluster.Stop(); _ = os.RemoveAll(dir) }
	server = postgres.NewServer(cluster.AdminURL("postgres"), Key)
	if err := server.Prepare(ctx); err != nil {
		return err
	}
	if err := server.MigrateHost(ctx, "template_host"); err != nil {
		return err
	}
	for range templateSlots {
		slot, err := server.CreateSlot(ctx, "template_host")
		if err != nil {
			return err
		}
		slots = append(slots, slot)
	}
	return nil
}

// Host is a cloned host database with a stock of empty slots.
type Host struct {
	Server   *postgres.Server
	Database string
	Slots    []tenant.Slot
	Admin    *pgxpool.Pool // as administrator: for assertions only
	App      *pgxpool.Pool
	DB       *tenant.DB
}

// NewHost clones the template for one test.
func NewHost(t testing.TB) *Host {
	t.Helper()
	s := Server(t)
	ctx := context.Background()
	name := fmt.Sprintf("test_%d", clones.Add(1))
	exec(t, s, `create database `+name+` template template_host strategy file_copy owner `+postgres.RoleOwner)
	if err := s.Harden(ctx, name); err != nil {
		t.Fatal(err)
	}
	app, err := s.Pool(ctx, postgres.RoleApp, name, 40)
	if err != nil {
		t.Fatal(err)
	}
	adminPool, err := pgxpool.New(ctx, s.AdminURL(name))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		app.Close()
		adminPool.Close()
		exec(t, s, `drop database `+name+` with (force)`)
	})
	return &Host{Server: s, Database: name, Slots: slots, Admin: adminPool, App: app, DB: tenant.Open(app, time.Now)}
}

// cloning is serial: a template being copied admits no second copy.
var cloning sync.Mutex

func exec(t testing.TB, s *postgres.Server, statement string) {
	t.Helper()
	cloning.Lock()
	defer cloning.Unlock()
	conn, err := pgx.Connect(context.Background(), s.AdminURL("postgres"))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close(context.Background()) }()
	if _, err := conn.Exec(context.Background(), statement); err != nil {
		t.Fatalf("%s: %v", statement, err)
	}
}

// Options say what kind of operator a test's tenant is.
type Options struct {
	Country, Zone, Currency, Language string
	PricesIncludeTax                  bool
	Clock                             time.Time
	Bare                              bool // no operator row: for tests of the set-up itself
}

// Tenant is one sandbox tenant in a database of its own.
type TenantDB struct {
	*Host
	Ref         tenant.Ref
	LegalEntity uuid.UUID
	Branch      uuid.UUID
	Zone        *time.Location
}

// Tenant gives a fresh sandbox: EUR, Europe/Berlin, prices with 19 % tax
// inside, its clock at 2026-05-01 00:00 local, unless options say otherwise.
func Tenant(t testing.TB, options ...Options) *TenantDB {
	t.Helper()
	return NewHost(t).Place(t, 0, options...)
}

// Place puts a sandbox tenant into the host's n-th slot.
func (h *Host) Place(t testing.TB, n int, options ...Options) *TenantDB {
	t.Helper()
	o := Options{Country: "DE", Zone: "Europe/Berlin", Currency: "EUR", Language: "en", PricesIncludeTax: true}
	if len(options) > 0 {
		o = options[0].over(o)
	}
	zone, err := time.LoadLocation(o.Zone)
	if err != nil {
		t.Fatal(err)
	}
	if o.Clock.IsZero() {
		o.Clock = time.Date(2026, 5, 1, 0, 0, 0, 0, zone)
	}
	id := tenant.NewID()
	d := &TenantDB{Host: h, Zone: zone, LegalEntity: uuid.Must(uuid.NewV7()), Branch: uuid.Must(uuid.NewV7()),
		Ref: tenant.Ref{ID: id, Name: fmt.Sprintf("test-%d", n+1), Slot: h.Slots[n], Epoch: 1, Sandbox: true}}
	d.admin(t, `insert into host.placement (tenant, name, slot, epoch, sandbox, state, placed_at) values ($1, $2, $3, 1, true, 'ready', $4)`,
		id, d.Ref.Name, d.Ref.Slot.String(), o.Clock)
	d.admin(t, `update host.slot set state = 'placed' where name = $1`, d.Ref.Slot.String())
	schema := d.Ref.Slot.Schema()
	d.admin(t, `insert into `+schema+`.clock (id, at) values (1, $1)`, o.Clock)
	if !o.Bare {
		d.setUp(t, schema, o)
	}
	return d
}

func (o Options) over(base Options) Options {
	if o.Country != "" {
		base.Country = o.Country
	}
	if o.Zone != "" {
		base.Zone = o.Zone
	}
	if o.Currency != "" {
		base.Currency, base.PricesIncludeTax = o.Currency, o.PricesIncludeTax
	}
	if o.Language != "" {
		base.Language = o.Language
	}
	base.Clock, base.Bare = o.Clock, o.Bare
	return base
}

func (d *TenantDB) setUp(t testing.TB, schema string, o Options) {
	t.Helper()
	d.admin(t, `insert into `+schema+`.operator (id, name, country, zone, currency, language, prices_include_tax, created_at)
		values (1, 'Test Operator', $1, $2, $3, $4, $5, $6)`, o.Country, o.Zone, o.Currency, o.Language, o.PricesIncludeTax, o.Clock)
	d.admin(t, `insert into `+schema+`.legal_entity (id, name, address, country, tax_id, is_default, created_at)
		values ($1, 'Test Operator Ltd', '{"street":"Main Street 1","postcode":"10115","city":"Berlin"}', $2, 'DE123456789', true, $3)`, d.LegalEntity, o.Country, o.Clock)
	d.admin(t, `insert into `+schema+`.branch (id, legal_entity, name, is_default, created_at) values ($1, $2, 'Head office', true, $3)`, d.Branch, d.LegalEntity, o.Clock)
	percent := map[string]string{"DE": "19", "ID": "11"}[o.Country]
	if percent == "" {
		percent = "20"
	}
	d.admin(t, `insert into `+schema+`.tax_rate (id, category, name, percent, valid_from) values ($1, 'standard', 'VAT', $2::text::numeric, '2000-01-01')`, uuid.Must(uuid.NewV7()), percent)
	d.admin(t, `insert into `+schema+`.catalog_epoch (id, epoch) values (1, 1)`)
	d.admin(t, `insert into `+schema+`.account_epoch (id, epoch) values (1, 1)`)
}

func (d *TenantDB) admin(t testing.TB, sql string, args ...any) {
	t.Helper()
	if _, err := d.Admin.Exec(context.Background(), sql, args...); err != nil {
		t.Fatalf("%s: %v", sql, err)
	}
}

// Write runs fn in a tenant transaction and fails the test on an error.
func (d *TenantDB) Write(t testing.TB, fn func(ctx context.Context, tx tenant.Tx) error) {
	t.Helper()
	if err := d.DB.Write(context.Background(), d.Ref, fn); err != nil {
		t.Fatal(err)
	}
}

// Read runs fn in a read-only tenant transaction and fails the test on an error.
func (d *TenantDB) Read(t testing.TB, fn func(ctx context.Context, tx tenant.Tx) error) {
	t.Helper()
	if err := d.DB.Read(context.Background(), d.Ref, fn); err != nil {
		t.Fatal(err)
	}
}

// SetClock sets the sandbox's business time without running what falls due.
func (d *TenantDB) SetClock(t testing.TB, at time.Time) {
	t.Helper()
	d.admin(t, `update `+d.Ref.Slot.Schema()+`.clock set at = $1`, at)
}
