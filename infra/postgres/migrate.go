package postgres

import (
	"context"
	"database/sql"
	"fmt"
	"io/fs"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/jackc/pgx/v5/stdlib"
	"github.com/pressly/goose/v3"
	"github.com/riverqueue/river/riverdriver/riverpgxv5"
	"github.com/riverqueue/river/rivermigrate"

	"tollhouse/infra/postgres/migrations"
)

// RiverSchema holds the job queue's tables in a host database.
const RiverSchema = "river"

// MigrateControl brings the control plane's database up to date.
func (s *Server) MigrateControl(ctx context.Context, database string) error {
	if err := s.EnsureDatabase(ctx, database); err != nil {
		return err
	}
	if err := s.migrate(ctx, database, "control", "control"); err != nil {
		return err
	}
	return s.admin(ctx, database, func(conn *pgx.Conn) error {
		return execAll(ctx, conn,
			`grant usage on schema control to `+RoleControl,
			`grant select, insert, update, delete on all tables in schema control to `+RoleControl,
			`revoke update, delete on control.chain_anchor, control.chain_anchor_aside, control.daily_total_aside from `+RoleControl,
			`grant execute on function control.set_anchors_aside(uuid) to `+RoleControl,
			`alter role `+RoleControl+` in database `+pgx.Identifier{database}.Sanitize()+` set search_path = control, pg_catalog`)
	})
}

// MigrateHost brings a host database's own schema and its job queue up to date.
// Tenants' schemas are brought up by MigrateSlots.
func (s *Server) MigrateHost(ctx context.Context, database string) error {
	if err := s.EnsureDatabase(ctx, database); err != nil {
		return err
	}
	if err := s.migrate(ctx, database, "host", "host"); err != nil {
		return err
	}
	if err := s.migrateRiver(ctx, database); err != nil {
		return fmt.Errorf("migrate job queue: %w", err)
	}
	return s.admin(ctx, database, func(conn *pgx.Conn) error {
		return execAll(ctx, conn,
			`grant usage on schema host to `+RoleHost+`, `+RoleProducer+`, `+RoleKeyring,
			`grant select, insert, update on host.data_key to `+RoleKeyring,
			`grant select on host.placement, host.share, host.goose_db_version to `+RoleHost,
			`grant select, insert, update on host.attained, host.throughput to `+RoleHost,
			`grant select, delete, update on host.wake to `+RoleHost,
			`grant select, insert, update on host.wake to `+RoleProducer,
			`grant select, insert, update on host.ask to `+RoleProducer,
			`grant usage on schema `+RiverSchema+` to `+RoleRiver,
			`grant select, insert, update, delete on all tables in schema `+RiverSchema+` to `+RoleRiver,
			`grant usage on all sequences in schema `+RiverSchema+` to `+RoleRiver)
	})
}

func (s *Server) migrateRiver(ctx context.Context, database string) error {
	if err := s.ensureSchema(ctx, database, RiverSchema); err != nil {
		return err
	}
	config, err := pgxpool.ParseConfig(s.AdminURL(database))
	if err != nil {
		return err
	}
	config.ConnConfig.RuntimeParams["role"] = RoleOwner
	pool, err := pgxpool.NewWithConfig(ctx, config)
	if err != nil {
		return err
	}
	defer pool.Close()
	migrator, err := rivermigrate.New(riverpgxv5.New(pool), &rivermigrate.Config{Schema: RiverSchema})
	if err != nil {
		return err
	}
	_, err = migrator.Migrate(ctx, rivermigrate.DirectionUp, nil)
	return err
}

func (s *Server) ensureSchema(ctx context.Context, database, schema string) error {
	return s.admin(ctx, database, func(conn *pgx.Conn) error {
		return execAll(ctx, conn, `create schema if not exists `+schema+` authorization `+RoleOwner)
	})
}

// migrate applies one list of migrations in one schema, as the owner role. It
// goes on where an earlier run was cut off: each file is one transaction.
func (s *Server) migrate(ctx context.Context, database, schema, list string) error {
	if err := s.ensureSchema(ctx, database, schema); err != nil {
		return err
	}
	db, err := s.ownerIn(database, schema)
	if err != nil {
		return err
	}
	defer func() { _ = db.Close() }()
	provider, err := migrationsFor(db, list)
	if err != nil {
		return err
	}
	if _, err := provider.Up(ctx); err != nil {
		return fmt.Errorf("migrate schema %s: %w", schema, err)
	}
	return nil
}

func (s *Server) ownerIn(database, schema string) (*sql.DB, error) {
	config, err := pgx.ParseConfig(s.AdminURL(database))
	if err != nil {
		return nil, err
	}
	config.RuntimeParams["role"] = RoleOwner
	config.RuntimeParams["search_path"] = schema + ",pg_catalog"
	// A migration cut off by a crash is run again, so it need not wait for the disk.
	config.RuntimeParams["synchronous_commit"] = "off"
	db := stdlib.OpenDB(*config)
	db.SetMaxOpenConns(1)
	return db, nil
}

func migrationsFor(db *sql.DB, list string) (*goose.Provider, error) {
	files, err := fs.Sub(migrations.Files, list)
	if err != nil {
		return nil, err
	}
	return goose.NewProvider(goose.DialectPostgres, db, files, goose.WithVerbose(false))
}
