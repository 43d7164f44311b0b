package secrets_test

import (
	"bytes"
	"context"
	"errors"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"

	"tollhouse/billing"
	"tollhouse/billing/identity"
	"tollhouse/billing/identity/idempotency"
	"tollhouse/billing/tenant"
	"tollhouse/infra/postgres"
	"tollhouse/infra/postgres/pgtest"
	"tollhouse/infra/secrets"
)

func TestMain(m *testing.M) { pgtest.Main(m) }

// clock is wall time that a test moves forward.
type clock struct{ ahead atomic.Int64 }

func (c *clock) now() time.Time       { return time.Now().Add(time.Duration(c.ahead.Load())) }
func (c *clock) pass(d time.Duration) { c.ahead.Add(int64(d)) }

// staleAfter is more than a process goes on with keys that it has looked up.
const staleAfter = 10 * time.Second

func keyring(t *testing.T, host *pgtest.Host, b *secrets.Box, now func() time.Time) *secrets.Keyring {
	t.Helper()
	pool, err := host.Server.Pool(context.Background(), postgres.RoleKeyring, host.Database, 2)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(pool.Close)
	return secrets.NewKeyring(b, pool, now)
}

func mustSeal(t *testing.T, k identity.Sealer, id tenant.ID, name, clear string) []byte {
	t.Helper()
	value, err := k.Seal(id, name, []byte(clear))
	if err != nil {
		t.Fatal(err)
	}
	return value
}

func TestKeyring_opensOnlyWhereItBelongs(t *testing.T) {
	t.Parallel()
	host, master := pgtest.NewHost(t), box(t, 1)
	k, own, other := keyring(t, host, master, time.Now), tenant.NewID(), tenant.NewID()
	value := mustSeal(t, k, own, "stripe", "sk")
	mustSeal(t, k, other, "stripe", "sk")
	if bytes.Contains(value, []byte("sk")) {
		t.Error("the secret is readable")
	}
	if got, err := keyring(t, host, master, time.Now).Open(own, "stripe", value); err != nil || string(got) != "sk" {
		t.Errorf("another process opens %q, %v", got, err)
	}
	if _, err := k.Open(other, "stripe", value); !errors.Is(err, secrets.ErrTampered) {
		t.Errorf("another tenant: %v", err)
	}
	if _, err := k.Open(own, "webhook", value); !errors.Is(err, secrets.ErrTampered) {
		t.Errorf("another name: %v", err)
	}
	if _, err := keyring(t, host, box(t, 2), time.Now).Open(own, "stripe", value); !errors.Is(err, secrets.ErrOtherKey) {
		t.Errorf("another master key: %v", err)
	}
	for i := range value {
		changed := bytes.Clone(value)
		changed[i] ^= 1
		if _, err := k.Open(own, "stripe", changed); err == nil {
			t.Errorf("byte %d changed and not noticed", i)
		}
		if _, err := k.Open(own, "stripe", value[:i]); err == nil {
			t.Errorf("cut at byte %d and not noticed", i)
		}
	}
}

func TestKeyring_opensWhatTheMasterKeySealed(t *testing.T) {
	t.Parallel()
	host, master, id := pgtest.NewHost(t), box(t, 1), tenant.NewID()
	value := mustSeal(t, master.Tenants(), id, "stripe", "sk")
	if got, err := keyring(t, host, master, time.Now).Open(id, "stripe", value); err != nil || string(got) != "sk" {
		t.Errorf("opened %q, %v", got, err)
	}
}

func TestKeyring_destroyedKeysOpenNothing(t *testing.T) {
	t.Parallel()
	host, master, passing := pgtest.NewHost(t), box(t, 1), &clock{}
	id, never := tenant.NewID(), tenant.NewID()
	one, two := keyring(t, host, master, passing.now), keyring(t, host, master, passing.now)
	values := [][]byte{mustSeal(t, one, id, "stripe", "sk"), mustSeal(t, master.Tenants(), id, "stripe", "sk")}
	if _, err := two.Open(id, "stripe", values[0]); err != nil {
		t.Fatal(err)
	}
	for _, gone := range []tenant.ID{id, never} {
		if err := one.Destroy(context.Background(), gone); err != nil {
			t.Fatal(err)
		}
	}
	passing.pass(staleAfter) // the other process looks again
	for _, k := range []*secrets.Keyring{one, two} {
		for _, value := range values {
			if _, err := k.Open(id, "stripe", value); !errors.Is(err, secrets.ErrDestroyed) {
				t.Errorf("opened after its key was destroyed: %v", err)
			}
		}
		for _, gone := range []tenant.ID{id, never} {
			if _, err := k.Seal(gone, "stripe", []byte("sk")); !errors.Is(err, secrets.ErrDestroyed) {
				t.Errorf("sealed after its key was destroyed: %v", err)
			}
		}
	}
	var left int
	if err := host.Admin.QueryRow(context.Background(), `select count(*) from host.data_key where wrapped is not null`).Scan(&left); err != nil || left != 0 {
		t.Errorf("%d keys left, %v", left, err)
	}
}

// A tenant's schema has no key in it, and its role reads none.
func TestKeyring_tenantsDoNotReachKeys(t *testing.T) {
	t.Parallel()
	db := pgtest.Tenant(t)
	err := db.DB.Read(context.Background(), db.Ref, func(ctx context.Context, tx tenant.Tx) error {
		_, err := tx.Exec(ctx, `select wrapped from host.data_key`)
		return err
	})
	if err == nil {
		t.Error("a tenant's role reads data keys")
	}
}

// stack is a tenant with one value in each sealed place but orders.
func fill(t *testing.T, db *pgtest.TenantDB, seal identity.Sealer) {
	t.Helper()
	authority := identity.New(nil, seal, time.Now)
	db.Write(t, func(ctx context.Context, tx tenant.Tx) error {
		if err := authority.SetUp(ctx, tx); err != nil {
			return err
		}
		_, err := tx.Exec(ctx, `insert into secret (name, sealed, created_at) values ($1, $2, $3)`, billing.UsageHashKey, mustSeal(t, seal, tx.Tenant, billing.UsageHashKey, "hash key"), tx.At)
		return err
	})
	answer(t, db, seal)
}

// answer stores a sealed answer, as every command does.
func answer(t *testing.T, db *pgtest.TenantDB, seal identity.Sealer) {
	t.Helper()
	request := idempotency.Request{Actor: "user:1", Operation: "putThing", Key: uuid.NewString(), BodyHash: []byte{1}, WallAt: time.Now()}
	err := db.DB.Write(context.Background(), db.Ref, func(ctx context.Context, tx tenant.Tx) error {
		if _, err := idempotency.Begin(ctx, tx, request); err != nil {
			return err
		}
		body, err := seal.Seal(tx.Tenant, billing.StoredAnswer, []byte("answer"))
		if err != nil {
			return err
		}
		return idempotency.Finish(ctx, tx, request, idempotency.Answer{Status: 200, Body: body})
	})
	if err != nil {
		t.Error(err)
	}
}

// everything opens all that is sealed in a stack.
func everything(t *testing.T, db *pgtest.TenantDB, seal identity.Sealer) (values int) {
	t.Helper()
	_, err := billing.Reseal(context.Background(), db.DB, db.Ref, func(name string, value []byte) ([]byte, error) {
		values++
		_, err := seal.Open(db.Ref.ID, name, value)
		return nil, err
	})
	if err != nil {
		t.Error(err)
	}
	return values
}

// Two processes seal and open all the time while a third rotates: nothing is
// lost, and the old key is gone in the end.
func TestRotation_whileStacksRun(t *testing.T) {
	t.Parallel()
	db, master := pgtest.Tenant(t), box(t, 1)
	fill(t, db, master.Tenants()) // as before there were data keys
	stop, stopped := make(chan struct{}), make(chan struct{}, 2)
	for range cap(stopped) {
		running := keyring(t, db.Host, master, time.Now)
		go func() {
			defer func() { stopped <- struct{}{} }()
			for {
				select {
				case <-stop:
					return
				default:
					answer(t, db, running)
				}
			}
		}()
	}
	rotating := keyring(t, db.Host, master, time.Now)
	rotation := secrets.Rotation{Keys: rotating, DB: db.DB, Reseal: billing.Reseal}
	if err := rotation.Run(context.Background(), []tenant.Ref{db.Ref}); err != nil {
		t.Error(err)
	}
	if err := rotating.Renew(context.Background(), db.Ref.ID); err != nil { // a rotation that is cut off here
		t.Error(err)
	}
	if err := rotation.Run(context.Background(), []tenant.Ref{db.Ref}); err != nil {
		t.Error(err)
	}
	close(stop)
	for range cap(stopped) {
		<-stopped
	}
	t.Logf("%d values", everything(t, db, keyring(t, db.Host, master, time.Now)))
	var states string
	if err := db.Admin.QueryRow(context.Background(), `select string_agg(state, ' ' order by version) from host.data_key`).Scan(&states); err != nil || states != "destroyed current" && states != "destroyed destroyed current" {
		t.Errorf("keys are %s, %v", states, err)
	}
}

// The master key is rotated under running processes, which follow the key file.
func TestBeginRotation_processesFollow(t *testing.T) {
	t.Parallel()
	host, id, path := pgtest.NewHost(t), tenant.NewID(), filepath.Join(t.TempDir(), "master.key")
	load := func() *secrets.Box {
		b, err := secrets.Load(path)
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	running, before := load(), load().Derive("postgres/role")
	k, passing := keyring(t, host, running, time.Now), &clock{}
	value := mustSeal(t, k, id, "stripe", "sk")
	direct, err := running.Seal("control/x", []byte("y"))
	if err != nil {
		t.Fatal(err)
	}
	for n, want := range []bool{true, false} {
		if begun, err := secrets.BeginRotation(path); err != nil || begun != want {
			t.Fatalf("rotation %d begun: %v, %v", n, begun, err)
		}
	}
	if bytes.Equal(running.Derive("postgres/role"), before) {
		t.Error("a running process keeps the old derived keys")
	}
	again, err := running.Reseal("control/x", direct)
	if err != nil || again == nil {
		t.Fatalf("resealed %v, %v", again, err)
	}
	rotating := keyring(t, host, load(), time.Now)
	if n, err := rotating.Rewrap(context.Background()); err != nil || n != 1 {
		t.Errorf("wrapped %d anew, %v", n, err)
	}
	if err := secrets.EndRotation(path); err != nil {
		t.Fatal(err)
	}
	for _, b := range []*secrets.Box{running, load()} {
		if got, err := keyring(t, host, b, passing.now).Open(id, "stripe", value); err != nil || string(got) != "sk" {
			t.Errorf("after the rotation %q, %v", got, err)
		}
		if _, err := b.Open("control/x", direct); !errors.Is(err, secrets.ErrOtherKey) {
			t.Errorf("what the old master key sealed: %v", err)
		}
		if got, err := b.Open("control/x", again); err != nil || string(got) != "y" {
			t.Errorf("sealed anew: %q, %v", got, err)
		}
	}
}

// A value that does not open keeps its tenant's old key.
func TestRotation_keepsTheKeyOfWhatDoesNotOpen(t *testing.T) {
	t.Parallel()
	db, master := pgtest.Tenant(t), box(t, 1)
	k := keyring(t, db.Host, master, time.Now)
	fill(t, db, k)
	schema := db.Ref.Slot.Schema()
	if _, err := db.Admin.Exec(context.Background(), `update `+schema+`.secret set sealed = set_byte(sealed, 40, get_byte(sealed, 40) # 1)`); err != nil {
		t.Fatal(err)
	}
	err := secrets.Rotation{Keys: k, DB: db.DB, Reseal: billing.Reseal}.Run(context.Background(), []tenant.Ref{db.Ref})
	if !errors.Is(err, secrets.ErrTampered) {
		t.Errorf("rotated: %v", err)
	}
	var left int
	if err := db.Admin.QueryRow(context.Background(), `select count(*) from host.data_key where wrapped is not null`).Scan(&left); err != nil || left != 2 {
		t.Errorf("%d keys left, %v", left, err)
	}
}
