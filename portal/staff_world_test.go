package portal_test

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"os"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"

	"tollhouse/api"
	"tollhouse/billing"
	"tollhouse/billing/account"
	"tollhouse/billing/audit"
	"tollhouse/billing/identity"
	"tollhouse/billing/tenant"
	"tollhouse/billing/visit"
	"tollhouse/infra/local"
	"tollhouse/infra/postgres"
	"tollhouse/infra/postgres/pgtest"
	"tollhouse/infra/secrets"
	"tollhouse/portal"
	"tollhouse/portal/staff"
	"tollhouse/provisioning"
	"tollhouse/provisioning/enrol"
	"tollhouse/provisioning/sitetest"
	"tollhouse/tenants"
)

var controls atomic.Int64

// house is the control plane with a host to make stacks on, and the pages of
// both behind one server.
type house struct {
	t         *testing.T
	control   *tenants.DB
	host      *billing.Host
	passwords *identity.Passwords
	staff     *tenants.Staff
	registry  *tenants.Registry
	desk      *enrol.Desk
	server    *httptest.Server
	cloud     *sitetest.Memory
	hosts     *sitetest.Hosts
}

func newHouse(t *testing.T) *house {
	t.Helper()
	ctx, h, on := context.Background(), &house{t: t}, pgtest.NewHost(t)
	name := fmt.Sprintf("control_%d", controls.Add(1))
	if err := on.Server.MigrateControl(ctx, name); err != nil {
		t.Fatal(err)
	}
	pool, err := on.Server.Pool(ctx, postgres.RoleControl, name, 10)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(pool.Close)
	h.control = tenants.Open(pool, time.Now)
	if h.passwords, err = identity.NewPasswords(); err != nil {
		t.Fatal(err)
	}
	box, err := secrets.Load(filepath.Join(t.TempDir(), "master.key"))
	if err != nil {
		t.Fatal(err)
	}
	authority := identity.New(h.passwords, box.Tenants(), time.Now, identity.WithVisits(visit.Recognise(time.Now)))
	log := slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelError}))
	cloud, err := local.Open(ctx, local.Config{Server: on.Server, Host: on.Database, DB: on.DB, Identity: authority, Seal: box.Tenants(), Now: time.Now, Log: log})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(cloud.Close)
	reconciler := provisioning.New(h.control, cloud, provisioning.Config{Poll: 20 * time.Millisecond}, log)
	reconciler.Start(ctx)
	t.Cleanup(reconciler.Stop)
	h.staff = tenants.NewStaff(h.control, h.passwords, box, time.Now)
	h.desk = newDesk(h.control, box)
	h.registry = tenants.NewRegistry(reconciler, h.passwords, func(country string) bool { _, err := account.TaxRatesOf(country); return err == nil }, time.Now)
	h.serve(billing.Config{DB: on.DB, Identity: authority, Seal: box.Tenants(), Inbox: t.TempDir(), Now: time.Now, Log: log},
		&staff.Control{DB: h.control, Commands: tenants.NewCommands(h.control, box), Registry: h.registry, Staff: h.staff,
			Visits: provisioning.NewVisits(h.control, cloud, log), Watch: provisioning.NewWatch(cloud, time.Now), Fleet: h.keepSites(box, log), Desk: h.desk})
	return h
}

func (h *house) serve(c billing.Config, control *staff.Control) {
	h.t.Helper()
	var handler http.Handler
	h.server = httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) { handler.ServeHTTP(rw, r) }))
	h.t.Cleanup(h.server.Close)
	c.PublicURL = h.server.URL
	h.host = billing.NewHost(c)
	e, err := api.New(api.Config{Host: h.host, Authority: c.Identity, Passwords: h.passwords, Log: c.Log, Now: time.Now, PublicURL: c.PublicURL,
		Ready: func(context.Context) error { return nil }})
	if err != nil {
		h.t.Fatal(err)
	}
	portal.New(portal.Config{Host: h.host, Authority: c.Identity, Control: control, PublicURL: c.PublicURL, Now: time.Now, Log: c.Log}).Register(e)
	handler = api.ByHostName(e)
}

func (h *house) browser() *browser {
	h.t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		h.t.Fatal(err)
	}
	return &browser{t: h.t, base: h.server.URL, head: http.Header{}, http: &http.Client{Jar: jar,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}}
}

// employ takes somebody on, and gives the first password.
func (h *house) employ(email string, role tenants.Role) (tenants.Actor, string) {
	h.t.Helper()
	n, err := h.staff.Admit(context.Background(), email, "", string(role))
	if err != nil {
		h.t.Fatal(err)
	}
	var user tenants.StaffUser
	var first string
	h.write(func(ctx context.Context, tx tenants.Tx) (err error) {
		user, first, err = h.staff.Create(ctx, tx, tenants.System, n)
		return err
	})
	return tenants.Actor{ID: user.ID, Email: user.Email, Role: user.Role}, first
}

// works takes somebody on and signs them in.
func (h *house) works(email string, role tenants.Role) *browser {
	h.t.Helper()
	_, first := h.employ(email, role)
	b := h.browser()
	in := b.post("/staff/sign-in", b.get("/staff/sign-in"), "email", email, "password", first)
	if in.status != http.StatusSeeOther || in.header.Get("Location") != "/staff/" {
		h.t.Fatalf("%s signs in: %d %s", email, in.status, in.words())
	}
	return b
}

func (h *house) write(fn func(ctx context.Context, tx tenants.Tx) error) {
	h.t.Helper()
	if err := h.control.Write(context.Background(), fn); err != nil {
		h.t.Fatal(err)
	}
}

// operator takes one on and waits for its stack.
func (h *house) operator(name string) tenants.Created {
	h.t.Helper()
	admission, err := h.registry.Admit(context.Background(), tenants.Application{Name: name, DisplayName: "Nordnetz", LegalName: "Nordnetz GmbH",
		Country: "DE", Zone: "Europe/Berlin", Currency: "EUR", Language: "en", OwnerEmail: "owner@nordnetz.example",
		LegalEntity: tenants.LegalEntity{Address: tenants.Address{Street: "Hafenstraße 5", Postcode: "20457", City: "Hamburg"}, TaxID: "DE123456789"}})
	if err != nil {
		h.t.Fatal(err)
	}
	var made tenants.Created
	h.write(func(ctx context.Context, tx tenants.Tx) error {
		made, err = h.registry.Create(ctx, tx, tenants.System, admission)
		return err
	})
	h.await(made.ID)
	return made
}

func (h *house) await(id tenant.ID) {
	h.t.Helper()
	h.eventually("the stack", func() bool {
		var s provisioning.Stack
		err := h.control.Read(context.Background(), func(ctx context.Context, tx tenants.Tx) (err error) {
			s, err = provisioning.Get(ctx, tx, id)
			return err
		})
		return err == nil && s.State == provisioning.Ready
	})
}

func (h *house) eventually(what string, done func() bool) {
	h.t.Helper()
	for deadline := time.Now().Add(60 * time.Second); !done(); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(deadline) {
			h.t.Fatalf("%s did not come to be", what)
		}
	}
}

// consents lets the operator agree to visits.
func (h *house) consents(name string, mayChange bool) {
	h.t.Helper()
	stack, err := h.host.Resolve(context.Background(), name)
	if err != nil {
		h.t.Fatal(err)
	}
	err = stack.Write(context.Background(), func(ctx context.Context, tx tenant.Tx) error {
		by := audit.Caller{Actor: "user:" + uuid.NewString(), Trace: "test", WallAt: time.Now()}
		_, err := visit.Give(ctx, tx, by, visit.NewConsent{Reason: "look at the March bills", For: time.Hour, MayChange: mayChange})
		return err
	})
	if err != nil {
		h.t.Fatal(err)
	}
}

// person signs in at the operator's console.
func (h *house) person(made tenants.Created) *browser {
	h.t.Helper()
	b := h.browser()
	door := "/t/" + made.Name + "/console/sign-in"
	in := b.post(door, b.get(door), "email", made.OwnerEmail, "password", made.OwnerPassword)
	if in.status != http.StatusSeeOther {
		h.t.Fatalf("the owner signs in: %d %s", in.status, in.words())
	}
	return b
}
