package postgres_test

import (
	"context"
	"crypto/x509"
	"errors"
	"net/netip"
	"os"
	"path/filepath"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"tollhouse/infra/postgres"
	"tollhouse/infra/postgres/pgtest"
)

// A cluster that is opened to its network lets in the roles that serve tenants,
// by TLS and to who trusts its own certificate; nobody else.
func TestListen_letsInWhoServesTenants(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	one, other := openCluster(t, "127.91.7.1"), openCluster(t, "127.91.7.2")
	reach := func(at opened, certificate []byte, role string) error {
		server, err := postgres.NewRemoteServer(at.address, certificate, pgtest.Key)
		if err != nil {
			t.Fatal(err)
		}
		pool, err := server.Pool(ctx, role, "postgres", 1)
		if err != nil {
			t.Fatal(err)
		}
		defer pool.Close()
		return pool.Ping(ctx)
	}
	if err := reach(one, one.certificate, postgres.RoleApp); err != nil {
		t.Errorf("the app role: %v", err)
	}
	if err := reach(one, other.certificate, postgres.RoleApp); !errors.As(err, new(x509.UnknownAuthorityError)) {
		t.Errorf("with another server's certificate: %v", err)
	}
	if err := reach(one, one.certificate, postgres.RoleControl); !isRefused(err) {
		t.Errorf("a role that serves no tenants: %v", err)
	}
	for _, link := range []string{
		"postgres://" + postgres.RoleApp + ":x@" + one.address.String() + "/postgres?sslmode=disable",
		"postgres://" + postgres.AdminUser + ":" + one.password + "@" + one.address.String() + "/postgres?sslmode=require",
	} {
		if conn, err := pgx.Connect(ctx, link); !isRefused(err) {
			t.Errorf("%s: %v, %v", link, conn, err)
		}
	}
	again, err := one.Listen(ctx, one.address.Addr())
	if err != nil || string(again) != string(one.certificate) {
		t.Errorf("its certificate is another one: %v", err)
	}
	if _, err := one.Listen(ctx, other.address.Addr()); err == nil {
		t.Error("it listens where another server does")
	}
	if err := reach(one, one.certificate, postgres.RoleApp); err != nil {
		t.Errorf("after it could not be moved: %v", err)
	}
}

type opened struct {
	*postgres.Cluster
	address     netip.AddrPort
	certificate []byte
	password    string
}

func openCluster(t *testing.T, address string) opened {
	t.Helper()
	ctx := context.Background()
	dir, err := os.MkdirTemp("/var/tmp", "tollhouse-network")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	dir = filepath.Join(dir, "pg")
	cluster, err := postgres.StartCluster(ctx, dir, postgres.ClusterOptions{Settings: map[string]string{"shared_buffers": "16MB"}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(cluster.Stop)
	if err := postgres.NewServer(cluster.AdminURL("postgres"), pgtest.Key).Prepare(ctx); err != nil {
		t.Fatal(err)
	}
	o := opened{Cluster: cluster, address: netip.AddrPortFrom(netip.MustParseAddr(address), postgres.NetworkPort)}
	if o.certificate, err = cluster.Listen(ctx, o.address.Addr()); err != nil {
		t.Fatal(err)
	}
	if o.password, err = postgres.AdminPassword(dir); err != nil {
		t.Fatal(err)
	}
	return o
}

// isRefused says whether the server itself let nobody in.
func isRefused(err error) bool {
	var refused *pgconn.PgError
	return errors.As(err, &refused) && refused.Code == "28000"
}
