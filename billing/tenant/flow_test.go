package tenant_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"tollhouse/billing/tenant"
	"tollhouse/infra/postgres/pgtest"
)

func TestMain(m *testing.M) { pgtest.Main(m) }

const countKeys = `select count(*) from usage_key where source_id = $1`

func keys(source uuid.UUID, keys ...string) *tenant.Copy {
	rows := tenant.NewCopy("usage_key", []string{"source_id", "key", "body"}, 100)
	for _, key := range keys {
		rows.Row()
		rows.UUID(source)
		rows.Bytes([]byte(key))
		rows.Bytes([]byte("body"))
	}
	return rows
}

func counted(t *testing.T, db *pgtest.TenantDB, source uuid.UUID) (n int64) {
	t.Helper()
	db.Read(t, func(ctx context.Context, tx tenant.Tx) error { return tx.QueryRow(ctx, countKeys, source).Scan(&n) })
	return n
}

func TestFlow_statementsAndRowsInOneTrip(t *testing.T) {
	t.Parallel()
	db := pgtest.Tenant(t)
	source := uuid.New()
	for round := range 2 { // statements are new to their connection, then known
		err := db.DB.Flow(t.Context(), db.Ref, func(ctx context.Context, f *tenant.Flow) error {
			var before, after int64
			f.Query(countKeys, []any{source}, func(row pgx.CollectableRow) error { return row.Scan(&before) })
			f.Copy(keys(source, fmt.Sprint("a", round), fmt.Sprint("b", round)))
			f.Query(countKeys, []any{source}, func(row pgx.CollectableRow) error { return row.Scan(&after) })
			if err := f.Trip(); err != nil {
				return err
			}
			if before != int64(2*round) || after != before+2 {
				t.Errorf("%d before and %d after", before, after)
			}
			tx, err := f.Tx()
			if err != nil {
				return err
			}
			if err := tx.QueryRow(ctx, countKeys, source).Scan(&after); err != nil || after != before+2 {
				t.Errorf("one by one: %d, %v", after, err)
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	if n := counted(t, db, source); n != 4 {
		t.Errorf("%d rows committed", n)
	}
}

func TestFlow_failureLeavesNothing(t *testing.T) {
	t.Parallel()
	db := pgtest.Tenant(t)
	source, own := uuid.New(), errors.New("own")
	for name, row := range map[string]struct {
		fn   func(f *tenant.Flow) error
		want func(error) bool
	}{
		"refused rows": {func(f *tenant.Flow) error {
			f.Copy(keys(source, "x", "x"))
			f.Exec(`update operator set zone = zone where id = 1`)
			return nil
		}, func(err error) bool {
			pg, is := errors.AsType[*pgconn.PgError](err)
			return is && pg.Code == "23505"
		}},
		"own error": {func(f *tenant.Flow) error {
			f.Copy(keys(source, "y"))
			return errors.Join(f.Trip(), own)
		}, func(err error) bool { return errors.Is(err, own) }},
		"other number of rows": {func(f *tenant.Flow) error {
			f.Copy(keys(source, "z"))
			f.ExecRows(2, `update account_epoch set epoch = epoch where id = $1`, 1)
			return nil
		}, func(err error) bool { return errors.Is(err, tenant.ErrRows) }},
		"no such table": {func(f *tenant.Flow) error {
			f.Exec(`select 1 from nowhere`)
			return nil
		}, func(err error) bool { return err != nil }},
	} {
		err := db.DB.Flow(t.Context(), db.Ref, func(_ context.Context, f *tenant.Flow) error { return row.fn(f) })
		if !row.want(err) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if n := counted(t, db, source); n != 0 {
		t.Errorf("%d rows left", n)
	}
}

func TestFlow_ownRoleAndNoOther(t *testing.T) {
	t.Parallel()
	db := pgtest.Tenant(t)
	err := db.DB.Flow(t.Context(), db.Ref, func(_ context.Context, f *tenant.Flow) error {
		f.Query(`select current_user::text, current_setting('search_path')`, nil, func(row pgx.CollectableRow) error {
			var role, path string
			err := row.Scan(&role, &path)
			if role != db.Ref.Slot.Schema() || path != role+", pg_catalog" {
				t.Errorf("role %s, path %s", role, path)
			}
			return err
		})
		return nil
	})
	if err != nil {
		t.Error(err)
	}
	err = db.DB.Flow(t.Context(), db.Ref, func(_ context.Context, f *tenant.Flow) error {
		f.Exec(`select 1`)
		if err := f.Trip(); err != nil {
			return err
		}
		f.Exec(`select set_config('role', $1, true)`, "tollhouse_host")
		return nil
	})
	if pg, is := errors.AsType[*pgconn.PgError](err); !is || pg.Code != "42501" {
		t.Errorf("another role: %v", err)
	}
}

func TestFlow_sandboxHasItsOwnTime(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, 6, 3, 0, 0, 0, 0, time.UTC)
	db := pgtest.Tenant(t, pgtest.Options{Clock: at})
	err := db.DB.Flow(t.Context(), db.Ref, func(_ context.Context, f *tenant.Flow) error {
		if !f.At.Equal(at) {
			t.Errorf("at %s", f.At)
		}
		return nil
	})
	if err != nil {
		t.Error(err)
	}
}
