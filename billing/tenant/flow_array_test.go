package tenant_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgtype"

	"tollhouse/billing/money"
	"tollhouse/billing/tenant"
	"tollhouse/infra/postgres/pgtest"
)

// Every array arrives as PostgreSQL itself writes it, the empty one as well.
func TestFlow_arraysArriveAsTheyWere(t *testing.T) {
	t.Parallel()
	db := pgtest.Tenant(t)
	id := uuid.MustParse("0192f5a0-7c1e-7abc-8def-0123456789ab")
	at := time.Date(1999, 12, 31, 23, 59, 59, 123456000, time.UTC)
	for _, c := range []struct {
		kind        string
		list, empty any
		want        string
	}{
		{"uuid", []pgtype.UUID{{Bytes: id, Valid: true}, {Valid: true}}, []pgtype.UUID{}, "{" + id.String() + ",00000000-0000-0000-0000-000000000000}"},
		{"uuid", []uuid.UUID{id}, []uuid.UUID(nil), "{" + id.String() + "}"},
		{"numeric", []money.Decimal{money.MustDecimal("-0.000000001"), {}, money.MustDecimal("12345678901234567890.5")}, []money.Decimal{}, "{-0.000000001,0,12345678901234567890.5}"},
		{"bytea", [][]byte{{0, 255}, {}}, [][]byte{}, `{"\\x00ff","\\x"}`},
		{"text", []string{"", `a "b", c`}, []string{}, `{"","a \"b\", c"}`},
		{"bigint", []int64{-1, 1 << 62}, []int64{}, "{-1,4611686018427387904}"},
		{"timestamptz", []time.Time{at}, []time.Time{}, `{"1999-12-31 23:59:59.123456+00"}`},
		{"xid", tenant.XIDs{1, 1<<32 - 1}, tenant.XIDs{}, "{1,4294967295}"},
	} {
		var full, empty string
		err := db.DB.Flow(t.Context(), db.Ref, func(_ context.Context, f *tenant.Flow) error {
			query := fmt.Sprintf("select ($1::%s[])::text, ($2::%s[])::text", c.kind, c.kind)
			f.Query(query, []any{c.list, c.empty}, func(row pgx.CollectableRow) error { return row.Scan(&full, &empty) })
			return nil
		})
		if err != nil || full != c.want || empty != "{}" {
			t.Errorf("%s: %s and %s, %v; want %s and {}", c.kind, full, empty, err, c.want)
		}
	}
}
