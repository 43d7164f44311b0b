package local_test

import (
	"bytes"
	"context"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"tollhouse/infra/local"
	"tollhouse/infra/pgbackrest"
)

// A machine of an operator's own proves its backups by itself: a week after the
// last drill, hours after one that failed, and it knows the last one also after a
// start.
func TestDrills_onTheMachinesOwnSchedule(t *testing.T) {
	t.Parallel()
	b, ctx, log := newBackedBy(t, bytes.Repeat([]byte{9}, 32)), context.Background(), slog.New(slog.DiscardHandler)
	file, now := filepath.Join(b.dir, "drill.json"), time.Now()
	drills := local.NewDrills(b.archive, file, func() time.Time { return now }, log)
	once := func(passed time.Duration) *local.Drilled {
		t.Helper()
		now = now.Add(passed)
		if err := drills.Once(ctx); err != nil {
			t.Fatal(err)
		}
		return drills.Last()
	}
	if _, err := b.archive.Report(ctx); err != nil { // prepares it
		t.Fatal(err)
	}
	if got := once(0); got != nil {
		t.Errorf("drilled before there is a backup: %+v", got)
	}
	if _, err := b.archive.Backup(ctx, true); err != nil {
		t.Fatal(err)
	}
	b.sql(t, `select pg_switch_wal()`)
	b.archived(t)
	if got := once(time.Minute); got != nil {
		t.Errorf("drilled before the marks are in the archive: %+v", got)
	}
	first := once(10 * time.Minute)
	if first == nil || first.Fault != "" || first.Stacks != 1 || first.RestoredMS <= 0 || first.LossSeconds < 0 {
		t.Fatalf("the first: %+v", first)
	}
	if _, err := os.Stat(filepath.Join(b.dir, "drill")); !os.IsNotExist(err) {
		t.Error("the side cluster is still there")
	}
	if got := once(6 * 24 * time.Hour); !got.At.Equal(first.At) {
		t.Errorf("another one in the same week: %+v", got)
	}
	// Started anew with the kit lost: it knows the last, and the next one fails.
	drills = local.NewDrills(b.archive, file, func() time.Time { return now }, log)
	if got := drills.Last(); got == nil || !got.At.Equal(first.At) || got.Stacks != 1 {
		t.Fatalf("after a start: %+v", got)
	}
	kit, lost := filepath.Join(b.dir, "escrow"), filepath.Join(b.dir, "lost")
	if err := os.Rename(kit, lost); err != nil {
		t.Fatal(err)
	}
	once(25 * time.Hour)
	failed := once(10 * time.Minute)
	if !strings.Contains(failed.Fault, "Nothing could be restored") {
		t.Fatalf("without the kit: %+v", failed)
	}
	if err := os.Rename(lost, kit); err != nil {
		t.Fatal(err)
	}
	if got := once(time.Hour); !got.At.Equal(failed.At) {
		t.Errorf("tried again at once: %+v", got)
	}
	if got := once(7 * time.Hour); got.Fault != "" || got.Stacks != 1 {
		t.Errorf("tried again with the kit: %+v", got)
	}
}

// newBackedBy is a server whose master key is in no file.
func newBackedBy(t *testing.T, key []byte) *backed {
	t.Helper()
	return newBackedWith(t, func(c *pgbackrest.Config) { c.MasterKey, c.Key = "", key }, key)
}
