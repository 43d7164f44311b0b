package enrol_test

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"tollhouse/billing/identity"
	"tollhouse/billing/tenant"
	"tollhouse/infra/postgres"
	"tollhouse/infra/postgres/pgtest"
	"tollhouse/infra/secrets"
	"tollhouse/provisioning/alarm"
	"tollhouse/provisioning/enrol"
	"tollhouse/provisioning/machine"
	"tollhouse/tenants"
)

func TestMain(m *testing.M) { pgtest.Main(m) }

var databases atomic.Int64

// world is a control plane with a clock that a test can move.
type world struct {
	*tenants.DB
	*enrol.Desk
	box      *secrets.Box
	at       atomic.Int64
	wanted   string // version of sites' machines
	registry *tenants.Registry
}

const digest = "5feceb66ffc86f38d952786c6d696c79c2dbc239dd4e91b46729d73a27fb57e9"

func newWorld(t *testing.T) *world {
	t.Helper()
	ctx, server := context.Background(), pgtest.Server(t)
	name := fmt.Sprintf("control_%d", databases.Add(1))
	if err := server.MigrateControl(ctx, name); err != nil {
		t.Fatal(err)
	}
	pool, err := server.Pool(ctx, postgres.RoleControl, name, 8)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(pool.Close)
	w := &world{}
	w.at.Store(time.Date(2026, 5, 1, 12, 0, 0, 0, time.UTC).UnixMicro())
	w.DB = tenants.Open(pool, w.now)
	if w.box, err = secrets.New(pgtest.Key("enrol")); err != nil {
		t.Fatal(err)
	}
	passwords, err := identity.NewPasswords()
	if err != nil {
		t.Fatal(err)
	}
	w.registry = tenants.NewRegistry(noStacks{}, passwords, func(string) bool { return true }, w.now)
	w.Desk = enrol.New(enrol.Config{DB: w.DB, Seal: w.box, URL: "https://control.tollhouse.example", Log: slog.New(slog.DiscardHandler),
		Binary: func() (string, error) { return digest, nil },
		Wanted: func(context.Context, tenants.Tx, uuid.UUID) (string, error) { return w.wanted, nil }})
	return w
}

func (w *world) now() time.Time          { return time.UnixMicro(w.at.Load()).UTC() }
func (w *world) pass(wait time.Duration) { w.at.Add(wait.Microseconds()) }

func (w *world) write(t *testing.T, fn func(ctx context.Context, tx tenants.Tx) error) {
	t.Helper()
	if err := w.Write(context.Background(), fn); err != nil {
		t.Fatal(err)
	}
}

// noStacks is provisioning where nobody makes stacks.
type noStacks struct{}

func (noStacks) Request(context.Context, pgx.Tx, tenant.ID, tenants.Placement, time.Time) error {
	return nil
}
func (noStacks) Stand(context.Context, pgx.Tx, tenant.ID, int64, time.Time) error { return nil }
func (noStacks) Wake()                                                            {}

func (w *world) operator(t *testing.T, name string) tenants.Operator {
	t.Helper()
	admission, err := w.registry.Admit(context.Background(), tenants.Application{
		Name: name, DisplayName: "Nordnetz", LegalName: "Nordnetz Telekom GmbH", Country: "DE", Zone: "Europe/Berlin",
		Currency: "EUR", Language: "en", PricesIncludeTax: true, OwnerEmail: "owner@nordnetz.example",
		LegalEntity: tenants.LegalEntity{
			Address: tenants.Address{Street: "Hafenstraße 5", Postcode: "20457", City: "Hamburg"},
			TaxID:   "DE123456789", BankName: "Hanse Bank", BankIBAN: "DE89 3704 0044 0532 0130 00", BankBIC: "COBADEFFXXX"}})
	if err != nil {
		t.Fatal(err)
	}
	var made tenants.Created
	w.write(t, func(ctx context.Context, tx tenants.Tx) error {
		made, err = w.registry.Create(ctx, tx, tenants.System, admission)
		return err
	})
	return made.Operator
}

func (w *world) issue(t *testing.T, n enrol.NewInvitation) enrol.Issued {
	t.Helper()
	if n.Place == "" {
		n.Place = machine.Customer
	}
	if n.Name == "" {
		n.Name = "rack 4"
	}
	var issued enrol.Issued
	w.write(t, func(ctx context.Context, tx tenants.Tx) (err error) {
		issued, err = w.Issue(ctx, tx, tenants.System, n)
		return err
	})
	return issued
}

// box is a server as it speaks for itself.
type server struct {
	w      *world
	keys   machine.Keys
	id     uuid.UUID
	number int64
}

func newServer(t *testing.T, w *world) *server {
	t.Helper()
	keys, err := machine.NewKeys()
	if err != nil {
		t.Fatal(err)
	}
	return &server{w: w, keys: keys}
}

func (s *server) apply(token, operator string, role machine.Role) (machine.Welcome, error) {
	a := machine.Application{Token: token, Operator: operator, Role: role, Facts: machine.Facts{Hostname: "box"}}
	welcome, err := s.w.Enrol(context.Background(), a.Proven(s.keys), "192.0.2.7")
	if err == nil {
		s.id = welcome.Machine
	}
	return welcome, err
}

func (s *server) signed(t *testing.T, path string, body any) machine.Signed {
	t.Helper()
	text, err := json.Marshal(body)
	if err != nil {
		t.Fatal(err)
	}
	s.number++
	return machine.Request{Method: http.MethodPost, Path: path, Machine: s.id, Time: s.w.now(), Number: s.number, Body: text}.Signed(s.keys.Sign)
}

func (s *server) report(t *testing.T, r machine.Report) (machine.Orders, error) {
	t.Helper()
	return s.w.Report(context.Background(), s.signed(t, machine.PathReport, r), r, "192.0.2.7")
}

// raised are the open alarms about a thing, by kind, with how often.
func (w *world) raised(t *testing.T, subject uuid.UUID) map[alarm.Kind]int64 {
	t.Helper()
	found := map[alarm.Kind]int64{}
	w.write(t, func(ctx context.Context, tx tenants.Tx) error {
		open, err := alarm.List(ctx, tx, alarm.Query{Open: true, Limit: 100})
		for _, a := range open {
			if a.Subject == subject {
				found[a.Kind] = a.Count
			}
		}
		return err
	})
	return found
}

// count counts rows.
func (w *world) count(t *testing.T, query string, args ...any) (n int) {
	t.Helper()
	w.write(t, func(ctx context.Context, tx tenants.Tx) error { return tx.QueryRow(ctx, query, args...).Scan(&n) })
	return n
}
