package local_test

import (
	"context"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"tollhouse/billing/audit"
	"tollhouse/billing/tenant"
	"tollhouse/infra/local"
	"tollhouse/infra/pgbackrest"
	"tollhouse/infra/postgres"
	"tollhouse/infra/secrets"
	"tollhouse/provisioning"
	"tollhouse/provisioning/backup"
	"tollhouse/tenants"
)

// backed is a server of its own with backups, and a stack in it.
type backed struct {
	archive *local.Archive
	server  *postgres.Server
	at      provisioning.Placed
	dir     string
}

func newBacked(t *testing.T) *backed {
	t.Helper()
	return newBackedWith(t, func(*pgbackrest.Config) {}, nil)
}

// newBackedWith is one whose archive is configured otherwise; key is its master
// key, nil: it is in a file.
func newBackedWith(t *testing.T, other func(*pgbackrest.Config), master []byte) *backed {
	t.Helper()
	ctx := context.Background()
	dir, err := os.MkdirTemp("", "tollhouse-backed-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	key := filepath.Join(dir, "master.key")
	box, err := secrets.Load(key)
	if master != nil {
		box, err = secrets.New(master)
	}
	if err != nil {
		t.Fatal(err)
	}
	config := pgbackrest.Config{Data: dir, Repo: filepath.Join(dir, "backup"), Escrow: filepath.Join(dir, "escrow"), MasterKey: key}
	other(&config)
	rest, err := pgbackrest.New(config)
	if err != nil {
		t.Fatal(err)
	}
	cluster, err := postgres.StartCluster(ctx, dir, postgres.ClusterOptions{Settings: rest.Settings()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(cluster.Stop)
	server := postgres.NewServer(cluster.AdminURL("postgres"), box.Derive)
	if err := server.Prepare(ctx); err != nil {
		t.Fatal(err)
	}
	if err := server.MigrateHost(ctx, "h"); err != nil {
		t.Fatal(err)
	}
	slot, err := server.CreateSlot(ctx, "h")
	if err != nil {
		t.Fatal(err)
	}
	b := &backed{server: server, dir: dir, at: provisioning.Placed{Operator: tenants.Operator{ID: tenant.NewID(), Name: "nordnetz"}, Place: provisioning.Place{Host: "h", Slot: slot}, Epoch: 1}}
	b.sql(t, `insert into host.placement (tenant, name, slot, epoch, sandbox, state, placed_at) values ($1, 'nordnetz', $2, 1, false, 'ready', now())`, b.at.Operator.ID, slot.String())
	b.sql(t, `insert into `+slot.Schema()+`.operator (id, name, country, zone, currency, language, prices_include_tax, created_at) values (1, 'Nordnetz', 'DE', 'Europe/Berlin', 'EUR', 'en', false, now())`)
	b.archive = &local.Archive{Name: "test", Key: master != nil, Rest: rest, Admin: server.AdminURL, Hosts: func(context.Context) ([]string, error) { return []string{"h"}, nil },
		Side: dir, Vault: local.NewVault(filepath.Join(dir, "take-outs"), box), Now: time.Now,
		Anchors: func(context.Context, tenant.ID) ([]audit.Anchor, error) { return nil, nil },
		Slots:   func(host string) (*postgres.Server, string) { return server, host }}
	return b
}

func (b *backed) sql(t *testing.T, statement string, args ...any) {
	t.Helper()
	ctx := context.Background()
	conn, err := pgx.Connect(ctx, b.server.AdminURL("h"))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close(ctx) }()
	if _, err := conn.Exec(ctx, statement, args...); err != nil {
		t.Fatalf("%s: %v", statement, err)
	}
}

// A server is backed up, a drill restores it from the repository and the
// escrowed kit alone, and one operator comes back as it was at an instant.
func TestArchive_drillAndRestore(t *testing.T) {
	t.Parallel()
	b := newBacked(t)
	ctx := context.Background()
	steps := func(step string) error { t.Log(time.Now().Format("15:04:05.0"), step); return nil }
	if _, err := b.archive.Report(ctx); err != nil {
		t.Fatal(err)
	}
	if _, err := b.archive.Backup(ctx, true); err != nil {
		t.Fatal(err)
	}
	// What is written after the backup is in the archive of the log only.
	b.sql(t, `update `+b.at.Place.Slot.Schema()+`.operator set name = 'As it was'`)
	time.Sleep(1100 * time.Millisecond)
	then := time.Now()
	time.Sleep(1100 * time.Millisecond)
	b.sql(t, `update `+b.at.Place.Slot.Schema()+`.operator set name = 'Broken by mistake'`)
	b.sql(t, `select pg_switch_wal()`)
	report, err := b.archive.Report(ctx)
	if err != nil || report.LastFull == nil || !report.Encrypted || report.Earliest == nil {
		t.Fatalf("%+v, %v", report, err)
	}
	b.sql(t, `select pg_switch_wal()`)
	b.archived(t)
	drill, err := b.archive.Drill(ctx, steps)
	if err != nil || drill["stacks"] != 1 {
		t.Fatalf("drill: %v, %v", drill, err)
	}
	if loss, _ := drill["loss_seconds"].(int64); time.Duration(loss)*time.Second > backup.MaxLoss {
		t.Errorf("%d seconds would have been lost", loss)
	}
	if ms, _ := drill["restored_ms"].(int64); time.Duration(ms)*time.Millisecond > backup.MaxRestore {
		t.Errorf("the restore took %d ms", ms)
	}
	t.Logf("drill: %v", drill)
	result, err := b.archive.Restore(ctx, backup.Run{ID: uuid.Must(uuid.NewV7()), At: &then}, b.at, steps)
	if err != nil {
		t.Fatal(err)
	}
	slot, err := tenant.ParseSlot(result["slot"].(string))
	if err != nil {
		t.Fatal(err)
	}
	for place, want := range map[tenant.Slot]string{slot: "As it was", b.at.Place.Slot: "Broken by mistake"} {
		var name string
		err := b.server.Look(ctx, "h", place, b.at.Operator.ID, func(ctx context.Context, tx tenant.Tx) error {
			return tx.QueryRow(ctx, `select name from operator where id = 1`).Scan(&name)
		})
		if err != nil || name != want {
			t.Errorf("%s: %q, %v; want %q", place, name, err, want)
		}
	}
	for _, left := range []string{"drill", "restore"} {
		if _, err := os.Stat(filepath.Join(b.dir, left)); !os.IsNotExist(err) {
			t.Errorf("the side cluster of %s is still there", left)
		}
	}
	// Without the kit nothing can be read: it is not beside the backups.
	if err := os.Rename(filepath.Join(b.dir, "escrow"), filepath.Join(b.dir, "lost")); err != nil {
		t.Fatal(err)
	}
	if _, err := b.archive.Drill(ctx, steps); err == nil {
		t.Error("a drill went well without the escrowed kit")
	}
}

// archived waits until the archiver has nothing left to do.
func (b *backed) archived(t *testing.T) {
	t.Helper()
	eventually(t, "the archive", func() bool {
		ctx := context.Background()
		conn, err := pgx.Connect(ctx, b.server.AdminURL("postgres"))
		if err != nil {
			return false
		}
		defer func() { _ = conn.Close(ctx) }()
		var done bool
		err = conn.QueryRow(ctx, `select not exists (select from pg_ls_archive_statusdir() where name like '%.ready')`).Scan(&done)
		return err == nil && done
	})
}
