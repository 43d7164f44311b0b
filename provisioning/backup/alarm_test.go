package backup_test

import (
	"context"
	"sync/atomic"
	"testing"
	"time"

	"tollhouse/infra/postgres"
	"tollhouse/infra/postgres/pgtest"
	"tollhouse/provisioning/alarm"
	"tollhouse/provisioning/backup"
	"tollhouse/tenants"
)

func TestMain(m *testing.M) { pgtest.Main(m) }

// What is wrong with a server's backups stands among the alarms, once, until it
// is over; a keeper that falls silent does too, though it tells nobody.
func TestLook_raisesAndClears(t *testing.T) {
	t.Parallel()
	ctx, server := context.Background(), pgtest.Server(t)
	if err := server.MigrateControl(ctx, "control_backup"); err != nil {
		t.Fatal(err)
	}
	pool, err := server.Pool(ctx, postgres.RoleControl, "control_backup", 4)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(pool.Close)
	var clock atomic.Int64
	clock.Store(time.Date(2026, 5, 1, 12, 0, 0, 0, time.UTC).UnixMicro())
	now := func() time.Time { return time.UnixMicro(clock.Load()).UTC() }
	pass := func(wait time.Duration) { clock.Add(wait.Microseconds()) }
	db := tenants.Open(pool, now)
	report := func(r backup.Report) {
		t.Helper()
		r.Server = "db-1"
		if err := db.Write(ctx, func(ctx context.Context, tx tenants.Tx) error { return backup.Note(ctx, tx, r) }); err != nil {
			t.Fatal(err)
		}
	}
	open := func() map[alarm.Kind]alarm.Alarm {
		t.Helper()
		if err := backup.Look(ctx, db); err != nil {
			t.Fatal(err)
		}
		found := map[alarm.Kind]alarm.Alarm{}
		err := db.Read(ctx, func(ctx context.Context, tx tenants.Tx) error {
			list, err := alarm.List(ctx, tx, alarm.Query{Open: true, Limit: 10})
			for _, a := range list {
				found[a.Kind] = a
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		return found
	}
	ago := func(d time.Duration) *time.Time { at := now().Add(-d); return &at }

	report(backup.Report{})
	if got := open(); len(got) != 0 {
		t.Errorf("a new server has time for its first backup: %+v", got)
	}
	pass(20 * time.Minute)
	report(backup.Report{})
	if got := open()[alarm.BackupOld]; got.Detail["faults"] != "never" {
		t.Errorf("without a backup: %+v", got)
	}
	good := func() backup.Report {
		return backup.Report{LastBackup: ago(time.Hour), LastFull: ago(time.Hour), LastArchived: ago(time.Minute), Earliest: ago(time.Hour), Encrypted: true}
	}
	report(good())
	if got := open(); len(got) != 0 {
		t.Errorf("all is well: %+v", got)
	}
	behind := good()
	behind.LastArchived, behind.ArchiveFault = ago(10*time.Minute), "no space left"
	report(behind)
	for range 2 {
		if got := open(); len(got) != 1 || got[alarm.ArchiveBehind].Count != 1 || got[alarm.ArchiveBehind].Detail["reason"] != "no space left" {
			t.Errorf("the archive is behind: %+v", got)
		}
	}
	old := good()
	old.LastBackup = ago(40 * time.Hour)
	report(old)
	if got := open(); len(got) != 1 || got[alarm.BackupOld].Detail["faults"] != "backup_old" {
		t.Errorf("an old backup: %+v", got)
	}
	report(good())
	pass(11 * time.Minute)
	if got := open()[alarm.BackupOld]; got.Detail["faults"] != "silent" {
		t.Errorf("a silent keeper: %+v", got)
	}
	err = db.Write(ctx, func(ctx context.Context, tx tenants.Tx) error {
		if err := backup.Note(ctx, tx, func() backup.Report { r := good(); r.Server = "db-1"; return r }()); err != nil {
			return err
		}
		run, err := backup.Ask(ctx, tx, tenants.System, backup.Run{Server: "db-1", Kind: backup.Drill})
		if err != nil {
			return err
		}
		_, err = tx.Exec(ctx, `update backup_run set state = 'failed', reason = 'sums differ', done_at = $2 where id = $1`, run.ID, tx.At)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	if got := open(); len(got) != 1 || got[alarm.DrillFailed].Detail["faults"] != "drill_failed" {
		t.Errorf("a drill failed: %+v", got)
	}
}
