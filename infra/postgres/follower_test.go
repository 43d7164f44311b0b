package postgres_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"tollhouse/infra/postgres"
	"tollhouse/infra/postgres/pgtest"
)

// A follower has each commit that was answered while commits wait for it. Without
// it they wait, those of the administrator excepted, until they are told not to.
func TestFollower_hasWhatWasAnswered(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	one, name := openCluster(t, "127.91.7.3"), postgres.StandbyName(uuid.New())
	if err := one.BeFollowed(ctx, name, pgtest.Key); err != nil {
		t.Fatal(err)
	}
	dir := filepath.Join(folderOf(t), "copy")
	start := func(certificate []byte) (*postgres.Follower, error) {
		return postgres.StartFollower(ctx, dir, postgres.Primary{Address: one.address, Certificate: certificate, Name: name, Derive: pgtest.Key}, nil)
	}
	stranger := openCluster(t, "127.91.7.4")
	if f, err := start(stranger.certificate); err == nil {
		f.Stop()
		t.Fatal("it follows a server that shows another certificate")
	}
	follower, err := start(one.certificate)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { follower.Stop() }()
	until(t, "it follows", func() bool { return followed(t, one, name).Follows })
	if err := one.WaitFor(ctx, name); err != nil {
		t.Fatal(err)
	}
	until(t, "it is in step", func() bool { return followed(t, one, name).InStep })
	table(t, one.Cluster)

	write := appendTo(t, one)
	if err := write(10 * time.Second); err != nil {
		t.Fatalf("with a standby: %v", err)
	}
	if has := rowsOf(t, follower.Cluster, one.password); has != 1 {
		t.Errorf("the copy has %d rows at once, want 1", has)
	}
	until(t, "the copy says that it streams", func() bool {
		seen, err := follower.Following(ctx)
		return err == nil && seen.Streams && seen.Behind == 0 && seen.Seconds == 0
	})

	follower.Stop()
	if err := write(2 * time.Second); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("without its standby a commit was answered: %v", err)
	}
	if seen := followed(t, one, name); seen.Streams || seen.InStep || !seen.Waits {
		t.Errorf("without its standby: %+v", seen)
	}
	if err := one.BeFollowed(ctx, name, pgtest.Key); err != nil {
		t.Errorf("the administrator waits as well: %v", err)
	}
	if err := one.WaitFor(ctx, ""); err != nil {
		t.Fatal(err)
	}
	if err := write(10 * time.Second); err != nil {
		t.Errorf("alone: %v", err)
	}

	if follower, err = start(one.certificate); err != nil {
		t.Fatal(err)
	}
	until(t, "it has caught up", func() bool { return rowsOf(t, follower.Cluster, one.password) == rowsOf(t, one.Cluster, one.password) })
	if err := follower.CopyAnew(ctx); err != nil {
		t.Fatal(err)
	}
	until(t, "the new copy follows", func() bool { return followed(t, one, name).Follows })
	if has := rowsOf(t, follower.Cluster, one.password); has < 2 {
		t.Errorf("the new copy has %d rows", has)
	}
	other := postgres.StandbyName(uuid.New())
	follower.Stop()
	until(t, "another one takes its place", func() bool { return one.BeFollowed(ctx, other, pgtest.Key) == nil && slots(t, one) == other })
}

// folderOf is a folder that the database's user reaches.
func folderOf(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("/var/tmp", "tollhouse-follower")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	return dir
}

func until(t *testing.T, what string, is func() bool) {
	t.Helper()
	for deadline := time.Now().Add(time.Minute); !is(); time.Sleep(50 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("%s: not within a minute", what)
		}
	}
}

func followed(t *testing.T, one opened, name string) postgres.Followed {
	t.Helper()
	seen, err := one.Followed(context.Background(), name)
	if err != nil {
		t.Fatal(err)
	}
	return seen
}

// asked runs a statement as the primary's administrator, who is the copy's as well.
func asked(t *testing.T, c *postgres.Cluster, password, statement string) (value string) {
	t.Helper()
	ctx := context.Background()
	config, err := pgx.ParseConfig(c.AdminURL("postgres"))
	if err != nil {
		t.Fatal(err)
	}
	config.User, config.Password = postgres.AdminUser, password
	conn, err := pgx.ConnectConfig(ctx, config)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close(ctx) }()
	if err := conn.QueryRow(ctx, statement).Scan(&value); err != nil {
		t.Fatal(err)
	}
	return value
}

func slots(t *testing.T, one opened) string {
	t.Helper()
	return asked(t, one.Cluster, one.password, `select string_agg(slot_name, ',') from pg_replication_slots`)
}

func rowsOf(t *testing.T, c *postgres.Cluster, password string) int {
	t.Helper()
	return len(asked(t, c, password, `select repeat('.', count(*)::int) from answered`))
}

// table makes a table that the role which serves tenants writes to.
func table(t *testing.T, c *postgres.Cluster) {
	t.Helper()
	ctx := context.Background()
	conn, err := pgx.Connect(ctx, c.AdminURL("postgres"))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close(ctx) }()
	for _, statement := range []string{`create table answered (n bigint)`, `grant insert on answered to ` + postgres.RoleApp} {
		if _, err := conn.Exec(ctx, statement); err != nil {
			t.Fatalf("%s: %v", statement, err)
		}
	}
}

// appendTo gives what writes one row as tenants are served, within a time.
func appendTo(t *testing.T, one opened) func(within time.Duration) error {
	return func(within time.Duration) error {
		t.Helper()
		ctx, cancel := context.WithTimeout(context.Background(), within)
		defer cancel()
		conn, err := pgx.Connect(ctx, postgres.NewServer(one.AdminURL("postgres"), pgtest.Key).RoleURL(postgres.RoleApp, "postgres"))
		if err != nil {
			return err
		}
		defer func() { _ = conn.Close(context.Background()) }()
		_, err = conn.Exec(ctx, `insert into answered values (1)`)
		if pg := (*pgconn.PgError)(nil); errors.As(err, &pg) {
			t.Fatal(err)
		}
		return err
	}
}
