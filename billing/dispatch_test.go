package billing

import (
	"context"
	"log/slog"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"

	"tollhouse/billing/agenda"
	"tollhouse/billing/identity/idempotency"
	"tollhouse/billing/tenant"
	"tollhouse/infra/postgres/pgtest"
)

// direct is a queue that works a lane in the dispatcher itself.
type direct struct {
	mu   sync.Mutex
	host *Host
	seen []agenda.Lane
}

func (d *direct) Enqueue(ctx context.Context, id tenant.ID, lane agenda.Lane) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.seen = append(d.seen, lane)
	for again := true; again; {
		var err error
		if again, err = d.host.Work(ctx, id, lane); err != nil {
			return err
		}
	}
	return nil
}

func (d *direct) count() int {
	d.mu.Lock()
	defer d.mu.Unlock()
	return len(d.seen)
}

// liveHost is a host with one live tenant: its business time is wall time.
func liveHost(t *testing.T) (*Host, *pgtest.TenantDB) {
	t.Helper()
	db := pgtest.Tenant(t)
	for _, statement := range []string{`update host.placement set sandbox = false`, `delete from ` + db.Ref.Slot.Schema() + `.clock`} {
		if _, err := db.Admin.Exec(t.Context(), statement); err != nil {
			t.Fatal(err)
		}
	}
	db.Ref.Sandbox = false
	return NewHost(Config{DB: db.DB, Seal: plainSealer{}, Now: time.Now, Log: slog.New(slog.DiscardHandler)}), db
}

// until waits for something that a dispatcher does.
func until(t *testing.T, what string, done func() bool) {
	t.Helper()
	for deadline := time.Now().Add(10 * time.Second); !done(); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal(what + " did not happen within 10 s")
		}
	}
}

// A live tenant's work is done when it falls due, and not looked at before and
// after.
func TestDispatch_wakesALiveTenantAndLetsItRest(t *testing.T) {
	t.Parallel()
	host, db := liveHost(t)
	queue := &direct{host: host}
	ctx, cancel := context.WithCancel(t.Context())
	stopped := make(chan struct{})
	go func() { defer close(stopped); host.Dispatch(ctx, queue) }()
	defer func() { cancel(); <-stopped }()
	soon := time.Now().Add(700 * time.Millisecond).UTC().Truncate(time.Microsecond)
	later := soon.Add(time.Hour)
	db.Write(t, func(ctx context.Context, tx tenant.Tx) error {
		for _, due := range []time.Time{later, soon} {
			if err := agenda.Add(ctx, tx, agenda.Item{Kind: agenda.BucketExpiry, Ref: uuid.New(), DueAt: due}); err != nil {
				return err
			}
		}
		return nil
	})
	time.Sleep(time.Until(soon) - 200*time.Millisecond)
	if n := queue.count(); n != 0 {
		t.Errorf("%d lanes were worked before anything was due", n)
	}
	wake := func() (at time.Time) {
		if err := db.Admin.QueryRow(t.Context(), `select due_at from host.wake`).Scan(&at); err != nil {
			t.Fatal(err)
		}
		return at
	}
	until(t, "the tenant's rest", func() bool { return wake().Equal(later) })
	if n := queue.count(); n != 1 || time.Now().Before(soon) {
		t.Errorf("%d lanes were worked, want 1", n)
	}
}

// Stored answers are forgotten after their time, by wall clock and in portions.
func TestDispatch_sweepsOldAnswersDaily(t *testing.T) {
	t.Parallel()
	host, db := liveHost(t)
	now := time.Now()
	host.config.Now = func() time.Time { return now }
	s := sweeper{host: host}
	answers := func(n int, at time.Time) {
		db.Write(t, func(ctx context.Context, tx tenant.Tx) error {
			_, err := tx.Exec(ctx, `insert into idempotency (key, operation, actor, body_hash, status, created_at)
				select 'k' || i || $2::timestamptz, 'op', 'user', '', 200, $2 from generate_series(1, $1) as i`, n, at)
			return err
		})
	}
	left := func() (n int) {
		db.Read(t, func(ctx context.Context, tx tenant.Tx) error {
			return tx.QueryRow(ctx, `select count(*) from idempotency`).Scan(&n)
		})
		return n
	}
	answers(sweepAtOnce+7, now.Add(-idempotency.Keep-time.Hour))
	answers(3, now.Add(-idempotency.Keep+time.Hour))
	for _, want := range []int{sweepAtOnce + 10, 10, 3, 3} { // the first step lists the tenants
		if err := s.step(t.Context()); err != nil {
			t.Fatal(err)
		}
		if n := left(); n != want {
			t.Errorf("%d answers are left, want %d", n, want)
		}
	}
	now = now.Add(sweepEvery)
	for range 2 {
		if err := s.step(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	if n := left(); n != 0 {
		t.Errorf("%d answers are left a day later, want none", n)
	}
}
