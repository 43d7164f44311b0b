package postgres_test

import (
	"context"
	"testing"

	"errors"
	"github.com/jackc/pgx/v5/pgconn"

	"tollhouse/billing/tenant"
	"tollhouse/infra/postgres/pgtest"
)

func TestMain(m *testing.M) { pgtest.Main(m) }

// Each lock is tried alone, by single statements as an injection would run
// them: under the tenant's role, in extended protocol.
func TestTenantRole_locks(t *testing.T) {
	host := pgtest.NewHost(t)
	own, other := host.Place(t, 0), host.Place(t, 1)
	foreign := other.Ref.Slot.Schema()
	cases := map[string]struct {
		statement string
		code      string // SQLSTATE
	}{
		"read another tenant":                      {`select count(*) from ` + foreign + `.bill`, "42501"},
		"write another tenant":                     {`insert into ` + foreign + `.clock (id, at) values (1, $1)`, "42501"},
		"take another tenant's role by set_config": {`select set_config('role', '` + foreign + `', true)`, "42501"},
		"search_path by set_config":                {`select set_config('search_path', 'host', true)`, "42501"},
		"SQL by query_to_xml":                      {`select query_to_xml('select 1', true, true, '')`, "42501"},
		"table_to_xml":                             {`select table_to_xml('bill', true, true, '')`, "42501"},
		"schema_to_xml":                            {`select schema_to_xml('` + foreign + `', true, true, '')`, "42501"},
		"cursor_to_xml":                            {`select cursor_to_xml('c', 1, true, true, '')`, "42501"},
		"database_to_xmlschema":                    {`select database_to_xmlschema(true, true, '')`, "42501"},
		"query_to_xml_and_xmlschema":               {`select query_to_xml_and_xmlschema('select 1', true, true, '')`, "42501"},
		"temporary table":                          {`create temporary table x (id int)`, "42501"},
		"table in own schema":                      {`create table x (id int)`, "42501"},
		"alter own table":                          {`alter table bill add column x int`, "42501"},
		"new schema":                               {`create schema x`, "42501"},
		"function in public":                       {`create function public.f() returns int language sql as 'select 1'`, "42501"},
		"change the ledger":                        {`update ledger_transfer set amount = 0`, "42501"},
		"delete from the ledger":                   {`delete from ledger_transfer`, "42501"},
		"change a charge":                          {`update charge set price = 0`, "42501"},
		"change the audit":                         {`delete from audit`, "42501"},
		"host's placements":                        {`select count(*) from host.placement`, "42501"},
		"other tenants' wakes":                     {`select count(*) from host.wake`, "42501"},
		"job queue":                                {`select count(*) from river.river_job`, "42501"},
		"passwords":                                {`select rolpassword from pg_authid`, "42501"},
		"server files":                             {`select pg_read_file('postgresql.conf')`, "42501"},
		"advisory lock":                            {`select pg_advisory_lock(1)`, "42501"},
		"large object":                             {`select lo_create(0)`, "42501"},
		"two statements in one":                    {`select 1; select 2`, "42601"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			err := own.DB.Write(context.Background(), own.Ref, func(ctx context.Context, tx tenant.Tx) error {
				var args []any
				if name == "write another tenant" {
					args = append(args, tx.At)
				}
				_, err := tx.Exec(ctx, c.statement, args...)
				return err
			})
			var pg *pgconn.PgError
			if !errors.As(err, &pg) || pg.Code != c.code {
				t.Errorf("%s: got %v, want SQLSTATE %s", c.statement, err, c.code)
			}
		})
	}
}

// The login role has nothing until it takes a tenant's role.
func TestAppRole_hasNoRightsOfItsOwn(t *testing.T) {
	host := pgtest.NewHost(t)
	own := host.Place(t, 0)
	for _, table := range []string{own.Ref.Slot.Schema() + ".bill", "host.placement", "host.wake", "river.river_job"} {
		_, err := host.App.Exec(context.Background(), `select count(*) from `+table)
		var pg *pgconn.PgError
		if !errors.As(err, &pg) || pg.Code != "42501" {
			t.Errorf("%s as login role: got %v, want permission denied", table, err)
		}
	}
}

func TestTransaction_rolesEndWithIt(t *testing.T) {
	own := pgtest.Tenant(t)
	own.Write(t, func(ctx context.Context, tx tenant.Tx) error {
		var user string
		if err := tx.QueryRow(ctx, `select current_user`).Scan(&user); err != nil {
			return err
		}
		if user != own.Ref.Slot.Schema() {
			t.Errorf("inside: user %s, want %s", user, own.Ref.Slot.Schema())
		}
		return tx.Wake(ctx, tx.At)
	})
	var user string
	if err := own.App.QueryRow(context.Background(), `select current_user`).Scan(&user); err != nil {
		t.Fatal(err)
	}
	if user != "tollhouse_app" {
		t.Errorf("afterwards: user %s, want tollhouse_app", user)
	}
}

func TestWake_keepsTheRole(t *testing.T) {
	own := pgtest.Tenant(t)
	own.Write(t, func(ctx context.Context, tx tenant.Tx) error {
		if err := tx.Wake(ctx, tx.At); err != nil {
			return err
		}
		_, err := tx.Exec(ctx, `select count(*) from bill`)
		return err
	})
	var wakes int
	if err := own.Admin.QueryRow(context.Background(), `select count(*) from host.wake`).Scan(&wakes); err != nil || wakes != 1 {
		t.Errorf("wakes = %d, %v; want 1", wakes, err)
	}
}

// maxTables bounds what a tenant costs: see docs/decisions/0004-tables-of-a-tenant.md.
const maxTables = 150

func TestSchema_staysSmall(t *testing.T) {
	own := pgtest.Tenant(t)
	const query = `select
		(select count(*) from pg_tables where schemaname = $1),
		(select count(*) from pg_tables t where schemaname = $1 and not exists
			(select from pg_constraint c where c.contype = 'p' and c.conrelid = (quote_ident(t.schemaname) || '.' || quote_ident(t.tablename))::regclass)),
		(select count(*) from pg_trigger g join pg_class c on c.oid = g.tgrelid where c.relnamespace = $1::regnamespace and not g.tgisinternal),
		(select count(*) from pg_type y where y.typnamespace = $1::regnamespace and (y.typtype = 'e' or y.typtype = 'd'))`
	var tables, keyless, triggers, types int
	if err := own.Admin.QueryRow(context.Background(), query, own.Ref.Slot.Schema()).Scan(&tables, &keyless, &triggers, &types); err != nil {
		t.Fatal(err)
	}
	if tables > maxTables || keyless != 0 || triggers != 0 || types != 0 {
		t.Errorf("%d tables (at most %d), %d without primary key, %d triggers, %d enums or domains (none wanted)", tables, maxTables, keyless, triggers, types)
	}
}
