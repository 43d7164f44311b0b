package api

import (
	"context"
	"io"
	"log/slog"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"tollhouse/billing/identity"
	"tollhouse/billing/tenant"
	"tollhouse/infra/postgres"
	"tollhouse/infra/postgres/pgtest"
	"tollhouse/provisioning/backup"
	"tollhouse/provisioning/enrol"
	"tollhouse/provisioning/fleet"
	"tollhouse/provisioning/move"
	"tollhouse/provisioning/sitetest"
	"tollhouse/tenants"
)

// noPrograms has no version of the program.
type noPrograms struct{}

func (noPrograms) Open(string) (io.ReadCloser, int64, error) { return nil, 0, enrol.ErrProgram }

// controlSealer leaves what the control plane seals in clear.
type controlSealer struct{}

func (controlSealer) Seal(_ string, clear []byte) ([]byte, error)  { return clear, nil }
func (controlSealer) Open(_ string, sealed []byte) ([]byte, error) { return sealed, nil }

// wishes writes down that a stack is wanted; making it is shown elsewhere.
type wishes struct{}

func (wishes) Request(ctx context.Context, tx pgx.Tx, operator tenant.ID, where tenants.Placement, at time.Time) error {
	_, err := tx.Exec(ctx, `insert into stack (operator_id, state, epoch, next_try_at, requested_at, own, wanted_host) values ($1, 'requested', 1, $2, $2, $3, $4)`, operator, at, where.Own, where.Host)
	return err
}

func (wishes) Stand(context.Context, pgx.Tx, tenant.ID, int64, time.Time) error { return nil }
func (wishes) Wake()                                                            {}

// newControl is a control plane, and what signs a new staff user in there.
func newControl(t *testing.T) (control *Control, signIn func(w *world, role tenants.Role) string) {
	t.Helper()
	ctx := context.Background()
	server, name := pgtest.Server(t), "control_"+strings.ReplaceAll(uuid.NewString(), "-", "")
	if err := server.MigrateControl(ctx, name); err != nil {
		t.Fatal(err)
	}
	pool, err := server.Pool(ctx, postgres.RoleControl, name, 10)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(pool.Close)
	passwords, err := identity.NewPasswords()
	if err != nil {
		t.Fatal(err)
	}
	db := tenants.Open(pool, time.Now)
	staff := tenants.NewStaff(db, passwords, controlSealer{}, time.Now)
	control = &Control{DB: db, Commands: tenants.NewCommands(db, controlSealer{}), Staff: staff,
		Registry: tenants.NewRegistry(wishes{}, passwords, func(string) bool { return true }, time.Now),
		Fleet:    fleet.NewFleet(db, fleet.Clouds{"memory": {Sites: sitetest.NewMemory(), Place: "Hamburg"}}, nil),
		Desk: enrol.New(enrol.Config{DB: db, Seal: controlSealer{}, URL: "https://control.tollhouse.example", Log: slog.New(slog.DiscardHandler),
			Binary: func() (string, error) { return strings.Repeat("5f", 32), nil }}), Programs: noPrograms{},
		Mover: move.New(db, nil, move.Config{}, slog.New(slog.DiscardHandler)), TakeOuts: backup.NewTakeOuts(db, nil, nil), Seal: controlSealer{}}
	return control, func(w *world, role tenants.Role) string {
		email := string(role) + uuid.NewString() + "@tollhouse.example"
		added, err := staff.Admit(ctx, email, "", string(role))
		if err != nil {
			t.Fatal(err)
		}
		var first string
		err = db.Write(ctx, func(ctx context.Context, tx tenants.Tx) (err error) {
			_, first, err = staff.Create(ctx, tx, tenants.System, added)
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		in := w.send(request{method: "POST", path: "/staff/v1/sign-in", body: map[string]string{"email": email, "password": first}}).want(t, 200)
		return in.text("access_token")
	}
}

// newControlWorld is a process with a control plane and no stacks.
func newControlWorld(t *testing.T) (w *world, signIn func(role tenants.Role) string) {
	t.Helper()
	control, staffSignIn := newControl(t)
	w = controlWorld(t, control)
	return w, func(role tenants.Role) string { return staffSignIn(w, role) }
}

// controlWorld serves a control plane alone.
func controlWorld(t *testing.T, control *Control) *world {
	t.Helper()
	w := &world{t: t, log: &lockedLog{}}
	w.wall.Store(time.Now().UnixMicro())
	var err error
	w.echo, err = New(Config{Log: slog.New(slog.NewTextHandler(w.log, nil)), Now: time.Now, PublicURL: "http://tollhouse.example",
		Ready: func(context.Context) error { return nil }, Control: control})
	if err != nil {
		t.Fatal(err)
	}
	listening := httptest.NewServer(w.echo)
	t.Cleanup(listening.Close)
	w.url = listening.URL
	return w
}

func application(name string) map[string]any {
	return map[string]any{"name": name, "legal_name": "Nordnetz GmbH", "country": "DE", "zone": "Europe/Berlin", "currency": "EUR", "language": "en",
		"prices_include_tax": true, "owner_email": "owner@nordnetz.example", "sandbox": true,
		"legal_entity": map[string]any{"address": map[string]string{"street": "Hafenstrasse 1", "postcode": "20457", "city": "Hamburg"}}}
}

func TestStaff_takeOnAnOperatorOnce(t *testing.T) {
	w, signIn := newControlWorld(t)
	admin := signIn(tenants.Admin)
	r := request{method: "POST", path: "/staff/v1/operators", token: admin, key: "k", body: application("nordnetz")}
	first := w.send(r).want(t, 202)
	again := w.send(r).want(t, 202)
	if string(first.raw) != string(again.raw) || again.header.Get(replayedHeader) != "true" || first.header.Get(replayedHeader) != "" {
		t.Errorf("first %s, again %s", first.raw, again.raw)
	}
	if len(first.text("owner_password")) < 20 || first.text("operator", "stack", "state") != "requested" {
		t.Errorf("created: %s", first.raw)
	}
	r.body = application("sudnetz")
	w.send(r).want(t, 409)
	shown := w.get(admin, "/staff/v1/operators/"+first.text("operator", "id")).want(t, 200)
	if shown.text("stack", "url") != "http://tollhouse.example/t/nordnetz/v1" || strings.Contains(string(shown.raw), "password") {
		t.Errorf("shown: %s", shown.raw)
	}
	w.post(admin, "/staff/v1/operators", application("nordnetz")).want(t, 409)
	w.post(admin, "/staff/v1/operators", application("sudnetz")).want(t, 202)
	page := w.get(admin, "/staff/v1/operators?limit=1").want(t, 200)
	rest := w.get(admin, "/staff/v1/operators?limit=1&cursor="+page.text("next")).want(t, 200)
	if rest.text("items", 0, "name") == page.text("items", 0, "name") || rest.at("next") != nil {
		t.Errorf("pages %s and %s", page.raw, rest.raw)
	}
	w.get(admin, "/staff/v1/operators/"+uuid.NewString()).want(t, 404)
	w.get("", "/staff/v1/jwks").want(t, 200)
}

func TestStaff_refusedWithFields(t *testing.T) {
	w, signIn := newControlWorld(t)
	wrong := application("X")
	wrong["country"], wrong["zone"] = "XX", "Mars/Phobos"
	refused := w.post(signIn(tenants.Admin), "/staff/v1/operators", wrong).want(t, 400)
	fields, err := refused.faults()
	if err != nil || strings.Join(fields, " ") != "name country zone" {
		t.Errorf("named %v (%v): %s", fields, err, refused.raw)
	}
}

func TestStaff_eachLockAlone(t *testing.T) {
	w, signIn := newControlWorld(t)
	path := "/staff/v1/operators"
	for lock, token := range map[string]string{"no token": "", "nonsense": "x.y.z", "forged": w.forge(tenant.NewID(), nil), "unsigned": unsigned(tenant.NewID())} {
		if got := w.get(token, path); got.status != 401 {
			t.Errorf("with %s: %d", lock, got.status)
		}
	}
	viewer := signIn(tenants.Viewer)
	w.get(viewer, path).want(t, 200)
	w.post(viewer, path, application("nordnetz")).want(t, 403)
	w.get(viewer, "/t/nordnetz/v1/me").want(t, 404) // this process carries no stacks
	w.send(request{method: "POST", path: "/staff/v1/sign-out", token: viewer}).want(t, 204)
	w.get(viewer, path).want(t, 401)
	w.send(request{method: "POST", path: "/staff/v1/sign-in", body: map[string]string{"email": "a@b.example", "password": "wrong"}}).want(t, 401)
}
