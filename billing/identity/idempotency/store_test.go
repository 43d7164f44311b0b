package idempotency_test

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"tollhouse/billing/identity/idempotency"
	"tollhouse/billing/tenant"
	"tollhouse/infra/postgres/pgtest"
)

func TestMain(m *testing.M) { pgtest.Main(m) }

var wall = time.Date(2026, 5, 1, 12, 0, 0, 0, time.UTC)

func request(key, body string, at time.Time) idempotency.Request {
	return idempotency.Request{Actor: "user:1", Operation: "createOrder", Key: key, BodyHash: idempotency.Fingerprint("/orders", []byte(body)), WallAt: at}
}

// run carries a command out that answers with a status and counts its runs.
func run(db *pgtest.TenantDB, r idempotency.Request, status int, runs *atomic.Int64) (a idempotency.Answer, err error) {
	err = db.DB.Write(context.Background(), db.Ref, func(ctx context.Context, tx tenant.Tx) (err error) {
		a, err = idempotency.Do(ctx, tx, r, func(ctx context.Context, tx tenant.Tx) (idempotency.Answer, error) {
			n := runs.Add(1)
			_, err := tx.Exec(ctx, `insert into exchange_rate (from_currency, to_currency, day, value) values ('EUR', 'USD', $1::date + $2::int, 1)`, wall, n)
			return idempotency.Answer{Status: status, Headers: map[string]string{"Location": "/orders/7"}, Body: []byte{byte(n)}}, err
		})
		return err
	})
	return a, err
}

func rates(t *testing.T, db *pgtest.TenantDB) (n int) {
	t.Helper()
	db.Read(t, func(ctx context.Context, tx tenant.Tx) error {
		return tx.QueryRow(ctx, `select count(*) from exchange_rate`).Scan(&n)
	})
	return n
}

func TestDo_repeatGetsTheStoredAnswer(t *testing.T) {
	t.Parallel()
	db := pgtest.Tenant(t)
	var runs atomic.Int64
	for range 3 {
		a, err := run(db, request("k", "{}", wall), 201, &runs)
		if err != nil || a.Status != 201 || a.Headers["Location"] != "/orders/7" || a.Body[0] != 1 {
			t.Fatalf("%+v, %v", a, err)
		}
	}
	if runs.Load() != 1 || rates(t, db) != 1 {
		t.Errorf("carried out %d times", runs.Load())
	}
	if _, err := run(db, request("k", `{"other":1}`, wall), 201, &runs); !errors.Is(err, idempotency.ErrDifferentBody) {
		t.Errorf("another body: %v", err)
	}
	other := request("k", "{}", wall)
	other.Actor = "user:2"
	if a, err := run(db, other, 201, &runs); err != nil || a.Body[0] != 2 {
		t.Errorf("another actor's key: %+v, %v", a, err)
	}
}

func TestDo_concurrentOnesAreCarriedOutOnce(t *testing.T) {
	t.Parallel()
	db := pgtest.Tenant(t)
	var runs atomic.Int64
	var all sync.WaitGroup
	for range 16 {
		all.Go(func() {
			if a, err := run(db, request("k", "{}", wall), 201, &runs); err != nil || a.Body[0] != 1 {
				t.Errorf("%+v, %v", a, err)
			}
		})
	}
	all.Wait()
	if runs.Load() != 1 || rates(t, db) != 1 {
		t.Errorf("carried out %d times", runs.Load())
	}
}

func TestDo_refusalIsStoredAndUndone(t *testing.T) {
	t.Parallel()
	db := pgtest.Tenant(t)
	var runs atomic.Int64
	for range 2 {
		if a, err := run(db, request("k", "{}", wall), 422, &runs); err != nil || a.Status != 422 || a.Body[0] != 1 {
			t.Fatalf("%+v, %v", a, err)
		}
	}
	if rates(t, db) != 0 {
		t.Error("a refused command left something behind")
	}
}

func TestDo_serverErrorIsNotStored(t *testing.T) {
	t.Parallel()
	db := pgtest.Tenant(t)
	var runs atomic.Int64
	if _, err := run(db, request("k", "{}", wall), 503, &runs); err == nil {
		t.Fatal("a 503 was stored")
	}
	if a, err := run(db, request("k", "{}", wall), 201, &runs); err != nil || a.Status != 201 || a.Body[0] != 2 {
		t.Errorf("the next try: %+v, %v", a, err)
	}
	if rates(t, db) != 1 {
		t.Error("the failed try left something behind")
	}
}

func TestDo_keyIsForgottenAfterThirtyDays(t *testing.T) {
	t.Parallel()
	db := pgtest.Tenant(t)
	var runs atomic.Int64
	if a, err := run(db, request("k", "{}", wall), 201, &runs); err != nil || a.Body[0] != 1 {
		t.Fatalf("day 0: %+v, %v", a, err)
	}
	if a, err := run(db, request("k", "{}", wall.Add(idempotency.Keep-time.Second)), 201, &runs); err != nil || a.Body[0] != 1 {
		t.Errorf("day 29: %+v, %v", a, err)
	}
	if a, err := run(db, request("k", "other", wall.Add(idempotency.Keep)), 201, &runs); err != nil || a.Body[0] != 2 {
		t.Errorf("day 30: %+v, %v", a, err)
	}
	db.Write(t, func(ctx context.Context, tx tenant.Tx) error {
		for _, want := range []int{1, 0} {
			if n, err := idempotency.Sweep(ctx, tx, wall.Add(2*idempotency.Keep), 10); err != nil || n != want {
				t.Errorf("swept %d, %v", n, err)
			}
		}
		return nil
	})
}

func TestBegin_refusesABadKey(t *testing.T) {
	t.Parallel()
	for _, key := range []string{"", string(make([]byte, 256))} {
		if _, err := idempotency.Begin(context.Background(), tenant.Tx{}, request(key, "{}", wall)); !errors.Is(err, idempotency.ErrKey) {
			t.Errorf("key of %d: %v", len(key), err)
		}
	}
}
