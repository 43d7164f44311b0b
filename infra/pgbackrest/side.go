package pgbackrest

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/jackc/pgx/v5"

	"tollhouse/infra/postgres"
)

// Side is a cluster restored beside the one in use, for looking and copying.
type Side struct {
	*postgres.Cluster
	Kit      Kit           // from which it was restored
	Restored time.Duration // how long it took until it could be asked
	dir      string
}

// Restore makes a side cluster of what there was at an instant (zero: the
// newest that is archived), from the repository and the escrowed kit alone.
// Close it: it takes as much room as the original.
func (a *Archive) Restore(ctx context.Context, dir string, at time.Time, progress func(step string) error) (side *Side, err error) {
	began := time.Now()
	kit, err := a.kit()
	if err != nil {
		return nil, fmt.Errorf("the escrowed kit: %w", err)
	}
	if dir, err = filepath.Abs(dir); err != nil {
		return nil, err
	}
	side = &Side{Kit: kit, dir: dir}
	defer func() {
		if err != nil {
			_ = os.RemoveAll(dir)
		}
	}()
	if err := os.RemoveAll(dir); err != nil {
		return nil, err
	}
	paths, err := postgres.ClusterPaths(dir)
	if err != nil {
		return nil, err
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, err
	}
	for _, folder := range []string{filepath.Dir(paths.Data), paths.Data} {
		if err := a.folder(folder); err != nil {
			return nil, err
		}
	}
	// Beside the repository: its own user must reach it while it recovers.
	config := filepath.Join(filepath.Dir(paths.Data), "restore.conf")
	if err := a.writeConfig(config, kit); err != nil {
		return nil, err
	}
	args := []string{"--pg1-path=" + paths.Data, "--archive-mode=off"}
	if !at.IsZero() {
		args = append(args, "--type=time", "--target-action=promote", "--target="+at.UTC().Format("2006-01-02 15:04:05.000000+00"))
	}
	if err := progress("files"); err != nil {
		return nil, err
	}
	if _, err := a.run(ctx, config, append(args, "restore")...); err != nil {
		return nil, err
	}
	if err := progress("log"); err != nil {
		return nil, err
	}
	password, err := postgres.AdminPassword(a.data)
	if err != nil {
		return nil, err
	}
	if err := os.WriteFile(filepath.Join(dir, "admin.password"), []byte(password+"\n"), 0o600); err != nil {
		return nil, err
	}
	// The streams of moves are the original's: nobody follows from here.
	side.Cluster, err = postgres.StartCluster(ctx, dir, postgres.ClusterOptions{Log: a.log, Settings: map[string]string{
		"archive_mode": "off", "max_logical_replication_workers": "0", "shared_buffers": "64MB"}})
	if err != nil {
		return nil, err
	}
	if err := recovered(ctx, side.Cluster); err != nil {
		side.Stop()
		return nil, err
	}
	side.Restored = time.Since(began)
	return side, nil
}

// recovered waits until the log has been replayed.
func recovered(ctx context.Context, cluster *postgres.Cluster) error {
	for {
		var still bool
		conn, err := pgx.Connect(ctx, cluster.AdminURL("postgres"))
		if err == nil {
			err = errors.Join(conn.QueryRow(ctx, `select pg_is_in_recovery()`).Scan(&still), conn.Close(ctx))
		}
		if err == nil && !still {
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("replay the log: %w", errors.Join(ctx.Err(), err))
		case <-time.After(100 * time.Millisecond):
		}
	}
}

// Close stops the side cluster and takes it away.
func (s *Side) Close() error {
	s.Stop()
	return os.RemoveAll(s.dir)
}
