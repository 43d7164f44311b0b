package main

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"tollhouse/billing/identity"
	"tollhouse/billing/tenant"
	"tollhouse/infra/postgres"
	"tollhouse/infra/postgres/pgtest"
	"tollhouse/infra/secrets"
	"tollhouse/tenants"
)

func TestMain(m *testing.M) {
	if code, is := asRole(os.Args); is {
		os.Exit(code)
	}
	pgtest.Main(m)
}

var houses atomic.Int64

// house is a prepared server with one stack, and a process that runs on it.
type house struct {
	env       []string
	hostDB    string
	controlDB string
	server    *postgres.Server
	box       *secrets.Box
	ref       tenant.Ref
	keys      *secrets.Keyring
	authority *identity.Authority
	db        *tenant.DB
	staff     *tenants.Staff
}

func newHouse(t *testing.T) *house {
	t.Helper()
	ctx := context.Background()
	key := filepath.Join(t.TempDir(), "master.key")
	url := pgtest.Server(t).AdminURL("postgres")
	n := fmt.Sprint(houses.Add(1))
	h := &house{hostDB: "host_" + n, controlDB: "control_" + n}
	h.env = []string{"TOLLHOUSE_DATABASE_URL=" + url, "TOLLHOUSE_MASTER_KEY_FILE=" + key,
		"TOLLHOUSE_HOST_DATABASE=" + h.hostDB, "TOLLHOUSE_CONTROL_DATABASE=" + h.controlDB}
	h.role(t, "migrate")
	var err error
	if h.box, err = secrets.Load(key); err != nil {
		t.Fatal(err)
	}
	h.server = postgres.NewServer(url, h.box.Derive)
	slot, err := h.server.CreateSlot(ctx, h.hostDB)
	if err != nil {
		t.Fatal(err)
	}
	h.ref = tenant.Ref{ID: tenant.NewID(), Name: "nordnetz", Slot: slot, Epoch: 1}
	conn, err := pgx.Connect(ctx, h.server.AdminURL(h.hostDB))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close(ctx) }()
	if _, err := conn.Exec(ctx, `insert into host.placement (tenant, name, slot, epoch, sandbox, state, placed_at) values ($1, $2, $3, 1, false, 'ready', $4)`,
		h.ref.ID, h.ref.Name, slot.String(), time.Now()); err != nil {
		t.Fatal(err)
	}
	h.start(t)
	return h
}

// start opens what a host and a control process have open.
func (h *house) start(t *testing.T) {
	t.Helper()
	p := &plant{box: h.box}
	t.Cleanup(p.close)
	ctx := context.Background()
	passwords, err := identity.NewPasswords()
	if err != nil {
		t.Fatal(err)
	}
	p.passwords = passwords
	if err := p.openKeys(ctx, h.server, h.hostDB); err != nil {
		t.Fatal(err)
	}
	app, err := p.pool(ctx, h.server, postgres.RoleApp, h.hostDB, 4)
	if err != nil {
		t.Fatal(err)
	}
	control, err := p.pool(ctx, h.server, postgres.RoleControl, h.controlDB, 4)
	if err != nil {
		t.Fatal(err)
	}
	h.keys, h.authority, h.db = p.keys, p.authority, tenant.Open(app, time.Now)
	h.staff = tenants.NewStaff(tenants.Open(control, time.Now), passwords, h.box, time.Now)
	if _, err := h.staff.EnsureFirst(ctx, "admin@tollhouse.example"); err != nil {
		t.Fatal(err)
	}
	app.Reset()
	control.Reset()
}

func (h *house) role(t *testing.T, args ...string) string {
	t.Helper()
	var out, errs bytes.Buffer
	if code := run(context.Background(), process{args: args, env: h.env, stdout: &out, stderr: &errs}); code != 0 {
		t.Fatalf("%v ends with %d: %s%s", args, code, out.String(), errs.String())
	}
	return out.String()
}

// works opens new connections and signs with what is sealed.
func (h *house) works(t *testing.T) {
	t.Helper()
	err := h.db.Write(context.Background(), h.ref, func(ctx context.Context, tx tenant.Tx) error {
		if err := h.authority.SetUp(ctx, tx); err != nil {
			return err
		}
		return h.authority.RotateSigningKey(ctx, tx)
	})
	if err != nil {
		t.Errorf("the stack: %v", err)
	}
	if _, err := h.staff.JWKS(context.Background()); err != nil {
		t.Errorf("the control plane: %v", err)
	}
}

// A process that runs through both rotations goes on without a restart.
func TestRotateKeys_whileAProcessRuns(t *testing.T) {
	h := newHouse(t)
	h.works(t)
	value, err := h.keys.Seal(h.ref.ID, "x", []byte("y"))
	if err != nil {
		t.Fatal(err)
	}
	if out := h.role(t, "rotate-keys", "--tenant", "nordnetz"); !strings.Contains(out, "nordnetz: 2 values") {
		t.Errorf("said %q", out)
	}
	h.works(t)
	before, err := os.ReadFile(strings.TrimPrefix(h.env[1], "TOLLHOUSE_MASTER_KEY_FILE="))
	if err != nil {
		t.Fatal(err)
	}
	out := h.role(t, "rotate-keys", "--master")
	t.Log(out)
	after, err := os.ReadFile(strings.TrimPrefix(h.env[1], "TOLLHOUSE_MASTER_KEY_FILE="))
	if err != nil || len(after) != secrets.KeyBytes || bytes.Equal(after, before) {
		t.Errorf("the key file holds %d bytes, the same: %v, %v", len(after), bytes.Equal(after, before), err)
	}
	h.start(t)
	h.works(t)
	if _, err := h.keys.Open(h.ref.ID, "x", value); err == nil {
		t.Error("a key that was rotated twice still opens")
	}
}

func TestRotateKeys_refusesWhatDoesNotGoTogether(t *testing.T) {
	for _, args := range [][]string{{"--master", "--tenant", "x"}, {"now"}, {"--what"}} {
		var out bytes.Buffer
		if code := run(context.Background(), process{args: append([]string{"rotate-keys"}, args...), stdout: &out, stderr: &out}); code != 2 {
			t.Errorf("%v: code %d, %s", args, code, out.String())
		}
	}
}
