package pgbackrest

import (
	"context"
	"log/slog"
	"os"
	"path/filepath"
	"testing"
	"time"

	"tollhouse/infra/postgres"
)

// A server's first backup is a full one, another is made a day later of what has
// changed, and nothing is made in between.
func TestRoutine_makesWhatIsDue(t *testing.T) {
	ctx := context.Background()
	dir, err := os.MkdirTemp("/dev/shm", "routine")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	if err := os.Chmod(dir, 0o711); err != nil { //nolint:gosec // the server runs as another user
		t.Fatal(err)
	}
	archive, err := New(Config{Data: dir, Repo: filepath.Join(dir, "backup"), Escrow: filepath.Join(dir, "escrow"), Key: []byte("a key that is escrowed")})
	if err != nil {
		t.Fatal(err)
	}
	settings := archive.Settings()
	settings["shared_buffers"] = "16MB"
	cluster, err := postgres.StartCluster(ctx, dir, postgres.ClusterOptions{Settings: settings})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(cluster.Stop)
	now := time.Now()
	r := NewRoutine(archive, func() time.Time { return now }, slog.New(slog.DiscardHandler))
	if r.LastBackup() != nil {
		t.Error("there is a backup before one was made")
	}
	kept := func(passed time.Duration) []Kept {
		t.Helper()
		now = now.Add(passed)
		if err := r.Once(ctx); err != nil {
			t.Fatal(err)
		}
		info, err := archive.Info(ctx)
		if err != nil {
			t.Fatal(err)
		}
		if !info.Encrypted || r.LastBackup() == nil || !r.LastBackup().Equal(info.Backups[len(info.Backups)-1].EndedAt) {
			t.Errorf("kept %+v, told %v", info, r.LastBackup())
		}
		return info.Backups
	}
	if got := kept(0); len(got) != 1 || !got[0].Full {
		t.Fatalf("the first: %+v", got)
	}
	if got := kept(time.Hour); len(got) != 1 {
		t.Errorf("after an hour: %+v", got)
	}
	if got := kept(24 * time.Hour); len(got) != 2 || got[1].Full {
		t.Errorf("after a day: %+v", got)
	}
	kit, err := archive.kit()
	if err != nil || string(kit.MasterKey) != "a key that is escrowed" {
		t.Errorf("the kit: %+v, %v", kit, err)
	}
}
