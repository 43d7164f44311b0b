package tenants_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"tollhouse/billing/identity"
	"tollhouse/billing/tenant"
	"tollhouse/infra/postgres"
	"tollhouse/infra/postgres/pgtest"
	"tollhouse/tenants"
)

func TestMain(m *testing.M) { pgtest.Main(m) }

var databases atomic.Int64

// control is a control plane of one test, with a clock that it can move.
type control struct {
	*tenants.DB
	pool      *pgxpool.Pool
	passwords *identity.Passwords
	staff     *tenants.Staff
	at        atomic.Int64
}

func newControl(t *testing.T) *control {
	t.Helper()
	ctx := context.Background()
	server := pgtest.Server(t)
	name := fmt.Sprintf("control_%d", databases.Add(1))
	if err := server.MigrateControl(ctx, name); err != nil {
		t.Fatal(err)
	}
	pool, err := server.Pool(ctx, postgres.RoleControl, name, 10)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(pool.Close)
	c := &control{pool: pool}
	c.at.Store(time.Date(2026, 5, 1, 12, 0, 0, 0, time.UTC).UnixMicro())
	c.DB = tenants.Open(pool, c.now)
	if c.passwords, err = identity.NewPasswords(); err != nil {
		t.Fatal(err)
	}
	c.staff = tenants.NewStaff(c.DB, c.passwords, sealer{}, c.now)
	return c
}

func (c *control) now() time.Time          { return time.UnixMicro(c.at.Load()).UTC() }
func (c *control) pass(wait time.Duration) { c.at.Add(wait.Microseconds()) }

func (c *control) write(t *testing.T, fn func(ctx context.Context, tx tenants.Tx) error) {
	t.Helper()
	if err := c.Write(context.Background(), fn); err != nil {
		t.Fatal(err)
	}
}

func (c *control) count(t *testing.T, query string, args ...any) (n int) {
	t.Helper()
	if err := c.pool.QueryRow(context.Background(), query, args...).Scan(&n); err != nil {
		t.Fatalf("%s: %v", query, err)
	}
	return n
}

// sealer turns every bit and binds the context: enough to show what is stored
// in clear and what is opened elsewhere.
type sealer struct{}

func (sealer) Seal(context string, plain []byte) ([]byte, error) {
	sealed := []byte(context + "\x00")
	for _, b := range plain {
		sealed = append(sealed, ^b)
	}
	return sealed, nil
}

func (sealer) Open(context string, sealed []byte) ([]byte, error) {
	rest, ours := bytes.CutPrefix(sealed, []byte(context+"\x00"))
	if !ours {
		return nil, errors.New("sealed elsewhere")
	}
	plain := make([]byte, len(rest))
	for i, b := range rest {
		plain[i] = ^b
	}
	return plain, nil
}

// stacks records what it was asked for.
type stacks struct {
	mu        sync.Mutex
	requested []tenant.ID
	standing  []int64
	woken     int
	err       error
}

func (s *stacks) Request(_ context.Context, _ pgx.Tx, id tenant.ID, _ tenants.Placement, _ time.Time) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.requested = append(s.requested, id)
	return s.err
}

func (s *stacks) Stand(_ context.Context, _ pgx.Tx, _ tenant.ID, no int64, _ time.Time) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.standing = append(s.standing, no)
	return s.err
}

func (s *stacks) Wake() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.woken++
}

func application(name string) tenants.Application {
	return tenants.Application{
		Name: name, DisplayName: "Nordnetz", LegalName: "Nordnetz Telekom GmbH", Country: "DE", Zone: "Europe/Berlin",
		Currency: "EUR", Language: "en", PricesIncludeTax: true, OwnerEmail: "owner@nordnetz.example",
		LegalEntity: tenants.LegalEntity{
			Address: tenants.Address{Street: "Hafenstraße 5", Postcode: "20457", City: "Hamburg"},
			TaxID:   "DE123456789", BankName: "Hanse Bank", BankIBAN: "DE89 3704 0044 0532 0130 00", BankBIC: "COBADEFFXXX"},
		TaxRates: []tenants.RateText{{Category: "standard", Name: "USt. 19 %", Percent: "19", ValidFrom: "2021-01-01"}},
		Sandbox:  true,
	}
}

func knownTaxes(country string) bool { return country == "DE" }

func (c *control) registry(s *stacks) *tenants.Registry {
	return tenants.NewRegistry(s, c.passwords, knownTaxes, c.now)
}

func (c *control) create(r *tenants.Registry, a tenants.Application) (made tenants.Created, err error) {
	ctx := context.Background()
	admission, err := r.Admit(ctx, a)
	if err != nil {
		return made, err
	}
	err = c.Write(ctx, func(ctx context.Context, tx tenants.Tx) error {
		made, err = r.Create(ctx, tx, tenants.System, admission)
		return err
	})
	return made, err
}

func TestCreate_takesOnAndRequestsTogether(t *testing.T) {
	t.Parallel()
	c, s := newControl(t), &stacks{}
	made, err := c.create(c.registry(s), application("nordnetz"))
	if err != nil {
		t.Fatal(err)
	}
	if len(s.requested) != 1 || s.requested[0] != made.ID || s.woken != 1 {
		t.Errorf("requested %v, woken %d times; want once each", s.requested, s.woken)
	}
	c.write(t, func(ctx context.Context, tx tenants.Tx) error {
		read, err := tenants.OperatorByName(ctx, tx, "nordnetz")
		if err != nil {
			return err
		}
		if read.ID != made.ID || read.Settings.LegalEntity != made.Settings.LegalEntity || !read.Settings.ClockAt.Equal(c.now()) ||
			read.Settings.TaxRates[0].Percent.String() != "19" || read.Settings.Currency.Code() != "EUR" {
			t.Errorf("read %+v, made %+v", read, made.Operator)
		}
		hash, err := tenants.OwnerPasswordHash(ctx, tx, made.ID)
		if err != nil {
			return err
		}
		right, err := c.passwords.Check(ctx, hash, made.OwnerPassword)
		if !right || strings.Contains(string(hash), made.OwnerPassword) {
			t.Errorf("the kept hash is not one of the password that was told")
		}
		return err
	})
	if n := c.count(t, `select count(*) from audit where action = 'operator.create' and object_id = $1`, made.ID); n != 1 {
		t.Errorf("%d audit rows, want 1", n)
	}
}

func TestCreate_leavesNothingIfTheStackIsRefused(t *testing.T) {
	t.Parallel()
	c, s := newControl(t), &stacks{err: errors.New("no")}
	if _, err := c.create(c.registry(s), application("nordnetz")); !errors.Is(err, s.err) {
		t.Fatalf("got %v, want %v", err, s.err)
	}
	if n := c.count(t, `select (select count(*) from operator) + (select count(*) from audit)`); n != 0 || s.woken != 0 {
		t.Errorf("%d rows left, woken %d times; want nothing", n, s.woken)
	}
}

func TestCreate_nameIsTakenOnce(t *testing.T) {
	t.Parallel()
	c, s := newControl(t), &stacks{}
	if _, err := c.create(c.registry(s), application("nordnetz")); err != nil {
		t.Fatal(err)
	}
	if _, err := c.create(c.registry(s), application("nordnetz")); !errors.Is(err, tenants.ErrNameTaken) {
		t.Errorf("got %v, want ErrNameTaken", err)
	}
}

func TestListOperators_goesOnAfterTheCursor(t *testing.T) {
	t.Parallel()
	c, s := newControl(t), &stacks{}
	for _, name := range []string{"one-net", "two-net", "six-net"} {
		if _, err := c.create(c.registry(s), application(name)); err != nil {
			t.Fatal(err)
		}
	}
	c.write(t, func(ctx context.Context, tx tenants.Tx) error {
		first, err := tenants.ListOperators(ctx, tx, tenant.ID{}, 2)
		if err != nil {
			return err
		}
		rest, err := tenants.ListOperators(ctx, tx, first[len(first)-1].ID, 2)
		if len(first) != 2 || len(rest) != 1 || rest[0].Name != "six-net" {
			t.Errorf("pages %v, %v", first, rest)
		}
		return err
	})
}
