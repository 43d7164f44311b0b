package audit_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/google/uuid"

	"tollhouse/billing/audit"
	"tollhouse/billing/tenant"
	"tollhouse/infra/postgres/pgtest"
)

func TestMain(m *testing.M) { pgtest.Main(m) }

func TestRecord_staysAndCannotBeChanged(t *testing.T) {
	t.Parallel()
	db := pgtest.Tenant(t)
	object := uuid.Must(uuid.NewV7())
	who := audit.Caller{Actor: "user:1", Trace: "abc", WallAt: time.Now()}
	db.Write(t, func(ctx context.Context, tx tenant.Tx) error {
		for _, action := range []string{"order.create", "order.activate"} {
			e := audit.Entry{Caller: who, Action: action, Object: "order", ObjectID: object, Detail: map[string]any{"offering": "home"}}
			if err := audit.Record(ctx, tx, e); err != nil {
				return err
			}
		}
		return nil
	})
	db.Read(t, func(ctx context.Context, tx tenant.Tx) error {
		newest, err := audit.Of(ctx, tx, object, uuid.Nil, 1)
		if err != nil || len(newest) != 1 || newest[0].Action != "order.activate" || newest[0].Detail["offering"] != "home" {
			t.Fatalf("newest %+v, %v", newest, err)
		}
		older, err := audit.Of(ctx, tx, object, newest[0].ID, 10)
		if err != nil || len(older) != 1 || older[0].Action != "order.create" {
			t.Errorf("older %+v, %v", older, err)
		}
		return nil
	})
	for _, sql := range []string{`update audit set actor = 'user:2'`, `delete from audit`} {
		err := db.DB.Write(context.Background(), db.Ref, func(ctx context.Context, tx tenant.Tx) error {
			_, err := tx.Exec(ctx, sql)
			return err
		})
		if err == nil {
			t.Errorf("%s was allowed", sql)
		}
	}
}

func TestRecord_refusesAnEntryWithoutAnActor(t *testing.T) {
	t.Parallel()
	err := audit.Record(context.Background(), tenant.Tx{}, audit.Entry{Action: "x"})
	if !errors.Is(err, audit.ErrIncomplete) {
		t.Errorf("got %v", err)
	}
}
