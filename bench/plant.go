package bench

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"tollhouse/billing/identity"
	"tollhouse/infra/postgres"
	"tollhouse/infra/secrets"
)

// Databases of a benchmark's cluster.
const (
	controlDatabase = "bench_control"
	hostDatabase    = "bench_host"
)

// plant is a database cluster of its own in a temporary folder, and what all
// roles of one process share. close stops all and deletes the folder.
type plant struct {
	dir       string
	log       *slog.Logger
	server    *postgres.Server
	box       *secrets.Box
	passwords *identity.Passwords
	authority *identity.Authority
	stops     []func()
}

// startPlant starts a cluster with the settings of production.
func startPlant(ctx context.Context) (_ *plant, err error) {
	p := &plant{log: slog.New(slog.DiscardHandler)}
	defer func() {
		if err != nil {
			p.close()
		}
	}()
	if p.dir, err = os.MkdirTemp("", "tollhouse-bench-"); err != nil {
		return nil, err
	}
	p.onStop(func() { _ = os.RemoveAll(p.dir) })
	// The server runs as another user when we are root.
	if err := os.Chmod(p.dir, 0o755); err != nil {
		return nil, err
	}
	cluster, err := postgres.StartCluster(ctx, filepath.Join(p.dir, "pg"), postgres.ClusterOptions{Log: p.log})
	if err != nil {
		return nil, err
	}
	p.onStop(cluster.Stop)
	if p.box, err = secrets.Load(filepath.Join(p.dir, "master.key")); err != nil {
		return nil, err
	}
	if p.passwords, err = identity.NewPasswords(); err != nil {
		return nil, err
	}
	p.authority = identity.New(p.passwords, p.box.Tenants(), time.Now)
	p.server = postgres.NewServer(cluster.AdminURL("postgres"), p.box.Derive)
	return p, p.server.Prepare(ctx)
}

func (p *plant) onStop(stop func()) { p.stops = append(p.stops, stop) }

// close stops in reverse order.
func (p *plant) close() {
	for i := len(p.stops) - 1; i >= 0; i-- {
		p.stops[i]()
	}
	p.stops = nil
}

func (p *plant) pool(ctx context.Context, role, database string, size int32) (*pgxpool.Pool, error) {
	pool, err := p.server.Pool(ctx, role, database, size)
	if err != nil {
		return nil, fmt.Errorf("connect as %s: %w", role, err)
	}
	p.onStop(pool.Close)
	return pool, nil
}

// admin opens a connection of the cluster's administrator to the host database,
// for baselines and for what is counted beside a run.
func (p *plant) admin(ctx context.Context) (*pgx.Conn, error) {
	conn, err := pgx.Connect(ctx, p.server.AdminURL(hostDatabase))
	if err != nil {
		return nil, fmt.Errorf("connect as administrator: %w", err)
	}
	p.onStop(func() { _ = conn.Close(context.WithoutCancel(ctx)) })
	return conn, nil
}

// settle writes all dirty pages out, so that what is timed next does not pay
// for what was before it, and has statistics taken: fixtures come in seconds
// what takes an operator years, in which autovacuum sees to them.
func settle(ctx context.Context, conn *pgx.Conn) error {
	for _, command := range []string{"analyze", "checkpoint"} {
		if _, err := conn.Exec(ctx, command); err != nil {
			return fmt.Errorf("%s: %w", command, err)
		}
	}
	return nil
}
