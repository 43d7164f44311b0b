package postgres

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"errors"
	"fmt"
	"net/netip"
	"net/url"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	pgxuuid "github.com/vgarvardt/pgx-google-uuid/v5"
)

// Roles of a server. Owner holds schemas and tables and never logs in; App is
// what serves tenants and has no rights until it takes a tenant's role.
const (
	RoleOwner    = "tollhouse_owner"
	RoleApp      = "tollhouse_app"
	RoleHost     = "tollhouse_host"
	RoleProducer = "tollhouse_producer"
	RoleRiver    = "tollhouse_river"
	RoleControl  = "tollhouse_control"
	RoleKeyring  = "tollhouse_keyring" // reads and makes tenants' data keys, and nothing else
)

// Server is a PostgreSQL server as its administrator sees it: an embedded
// cluster or one that exists already.
type Server struct {
	adminURL string
	derive   func(label string) []byte
	trust    *tls.Config // of a server on another machine; nil: as its address says
}

// NewServer takes an administrator's connection string (any database of the
// server) and a function that derives the login roles' passwords from the
// master key, so that no password needs a place of its own.
func NewServer(adminURL string, derive func(label string) []byte) *Server {
	return &Server{adminURL: adminURL, derive: derive}
}

// NewRemoteServer is a server on another machine, which shows the certificate (in
// PEM) that Cluster.Listen made and no other. Its administrator is not known
// here: only the login roles can be used.
func NewRemoteServer(address netip.AddrPort, certificate []byte, derive func(label string) []byte) (*Server, error) {
	trusted := x509.NewCertPool()
	if !trusted.AppendCertsFromPEM(certificate) {
		return nil, fmt.Errorf("database at %s: its certificate cannot be read", address)
	}
	return &Server{adminURL: "postgres://" + address.String() + "/postgres?sslmode=require", derive: derive,
		trust: &tls.Config{RootCAs: trusted, ServerName: certificateName, MinVersion: tls.VersionTLS13}}, nil
}

// AdminURL is the administrator's connection string for a database.
func (s *Server) AdminURL(database string) string { return s.url(database, nil) }

// RoleURL is a login role's connection string for a database.
func (s *Server) RoleURL(role, database string) string {
	return s.url(database, url.UserPassword(role, s.password(role)))
}

func (s *Server) password(role string) string { return rolePassword(s.derive, role) }

// rolePassword is a login role's. It is our own base64 text: it holds no quote.
func rolePassword(derive func(label string) []byte, role string) string {
	return base64.RawURLEncoding.EncodeToString(derive("postgres/" + role))
}

func (s *Server) url(database string, user *url.Userinfo) string {
	u, err := url.Parse(s.adminURL)
	if err != nil {
		return s.adminURL // the first connection says what is wrong with it
	}
	u.Path = "/" + database
	if user != nil {
		u.User = user
	}
	return u.String()
}

// Prepare makes the server's roles and refuses a server that could lose what
// was answered.
func (s *Server) Prepare(ctx context.Context) error {
	return s.admin(ctx, "postgres", func(conn *pgx.Conn) error {
		if err := RequireDurable(ctx, conn); err != nil {
			return err
		}
		for _, role := range []string{RoleOwner, RoleHost, RoleProducer} {
			if err := ensureRole(ctx, conn, role, "nologin noinherit"); err != nil {
				return err
			}
		}
		for _, role := range []string{RoleApp, RoleRiver, RoleControl, RoleKeyring} {
			// The password is our own base64 text: it holds no quote.
			if err := ensureRole(ctx, conn, role, "login noinherit password '"+s.password(role)+"'"); err != nil {
				return err
			}
		}
		return execAll(ctx, conn,
			`grant `+RoleHost+`, `+RoleProducer+` to `+RoleApp,
			`alter role `+RoleApp+` set statement_timeout = '60s'`,
			`alter role `+RoleApp+` set idle_in_transaction_session_timeout = '60s'`)
	})
}

func ensureRole(ctx context.Context, conn *pgx.Conn, role, options string) error {
	var exists bool
	if err := conn.QueryRow(ctx, `select exists (select from pg_roles where rolname = $1)`, role).Scan(&exists); err != nil {
		return err
	}
	verb := "create"
	if exists {
		verb = "alter"
	}
	if _, err := conn.Exec(ctx, verb+` role `+role+` with `+options); err != nil {
		return fmt.Errorf("%s role %s: %w", verb, role, err)
	}
	return nil
}

// ErrNotDurable names the setting with which a crash could lose answers.
var ErrNotDurable = errors.New("database server is not durable")

// RequireDurable refuses a server on which a commit may be lost.
func RequireDurable(ctx context.Context, conn *pgx.Conn) error {
	for _, setting := range []string{"fsync", "full_page_writes", "synchronous_commit"} {
		var value string
		if err := conn.QueryRow(ctx, `select current_setting($1)`, setting).Scan(&value); err != nil {
			return err
		}
		if value == "off" {
			return fmt.Errorf("%w: %s is off, turn it on", ErrNotDurable, setting)
		}
	}
	return nil
}

// EnsureDatabase creates a database that belongs to the owner role and closes
// it to everyone else.
func (s *Server) EnsureDatabase(ctx context.Context, name string) error {
	err := s.admin(ctx, "postgres", func(conn *pgx.Conn) error {
		var exists bool
		if err := conn.QueryRow(ctx, `select exists (select from pg_database where datname = $1)`, name).Scan(&exists); err != nil || exists {
			return err
		}
		_, err := conn.Exec(ctx, `create database `+pgx.Identifier{name}.Sanitize()+` owner `+RoleOwner)
		return err
	})
	if err != nil {
		return fmt.Errorf("create database %s: %w", name, err)
	}
	return s.Harden(ctx, name)
}

// Harden takes from PUBLIC what a tenant's role could leave its tenant with:
// set_config and the *_to_xml* family run text as SQL or change the role
// inside one SELECT; large objects and advisory locks are shared by all.
// Rights on a database are not copied with a template, so a clone needs it too.
func (s *Server) Harden(ctx context.Context, name string) error {
	database := pgx.Identifier{name}.Sanitize()
	return s.admin(ctx, name, func(conn *pgx.Conn) error {
		err := execAll(ctx, conn,
			`revoke all on database `+database+` from public`,
			`grant connect on database `+database+` to `+strings.Join([]string{RoleApp, RoleRiver, RoleControl, RoleKeyring, RoleOwner}, ", "),
			`revoke all on schema public from public`)
		if err != nil {
			return fmt.Errorf("harden %s: %w", name, err)
		}
		rows, err := conn.Query(ctx, `select oid::regprocedure::text from pg_proc
			where pronamespace = 'pg_catalog'::regnamespace
			  and (proname = 'set_config' or proname like '%\_to\_xml%' or proname like 'lo\_%' or proname in ('lowrite', 'loread')
			       or proname like 'pg\_advisory\_%' or proname like 'pg\_try\_advisory\_%')`)
		if err != nil {
			return err
		}
		functions, err := pgx.CollectRows(rows, pgx.RowTo[string])
		if err != nil {
			return err
		}
		if err := execAll(ctx, conn, `revoke execute on function `+strings.Join(functions, ", ")+` from public`,
			`grant execute on function set_config(text, text, boolean) to `+RoleApp); err != nil {
			return err
		}
		return grantAdvisoryLocks(ctx, conn)
	})
}

// River elects and migrates under advisory locks, in its own role.
func grantAdvisoryLocks(ctx context.Context, conn *pgx.Conn) error {
	return execAll(ctx, conn, `grant execute on function
		pg_advisory_xact_lock(bigint), pg_try_advisory_xact_lock(bigint), pg_advisory_lock(bigint), pg_advisory_unlock(bigint)
		to `+RoleRiver+`, `+RoleOwner)
}

func execAll(ctx context.Context, conn *pgx.Conn, statements ...string) error {
	for _, statement := range statements {
		if _, err := conn.Exec(ctx, statement); err != nil {
			return fmt.Errorf("%w in %q", err, statement)
		}
	}
	return nil
}

func (s *Server) admin(ctx context.Context, database string, fn func(*pgx.Conn) error) error {
	conn, err := pgx.Connect(ctx, s.AdminURL(database))
	if err != nil {
		return fmt.Errorf("connect to database %s as administrator: %w", database, err)
	}
	defer func() { _ = conn.Close(context.WithoutCancel(ctx)) }()
	return fn(conn)
}

// Pool opens connections as a login role. Backends grow with the tenants and
// tables they touch, so they are few and short-lived.
func (s *Server) Pool(ctx context.Context, role, database string, maxConns int32) (*pgxpool.Pool, error) {
	config, err := pgxpool.ParseConfig(s.RoleURL(role, database))
	if err != nil {
		return nil, err
	}
	if s.trust != nil {
		config.ConnConfig.TLSConfig, config.ConnConfig.Fallbacks = s.trust, nil
	}
	config.MaxConns = maxConns
	config.MaxConnLifetime = 10 * time.Minute
	config.MaxConnLifetimeJitter = time.Minute
	config.ConnConfig.StatementCacheCapacity = 256
	config.ConnConfig.ConnectTimeout = 10 * time.Second
	// A master key that is rotated brings new passwords; each connection takes
	// the one of its time.
	config.BeforeConnect = func(_ context.Context, conn *pgx.ConnConfig) error {
		conn.Password = s.password(role)
		return nil
	}
	config.AfterConnect = func(_ context.Context, conn *pgx.Conn) error {
		pgxuuid.Register(conn.TypeMap()) // pgx would send a uuid as text
		return nil
	}
	return pgxpool.NewWithConfig(ctx, config)
}
