package pair_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	local "tollhouse/infra/local/pair"
	"tollhouse/infra/postgres"
	"tollhouse/infra/postgres/pgtest"
	"tollhouse/provisioning"
	"tollhouse/provisioning/pair"
	"tollhouse/tenants"
)

func TestMain(m *testing.M) { pgtest.Main(m) }

var databases atomic.Int64

// couple is a site's pair with two control planes that look after it.
type couple struct {
	t       *testing.T
	dir     string
	site    provisioning.SiteID
	servers *local.Servers
	control *tenants.DB
	url     string
	pool    *pgxpool.Pool // of whichever is the primary
}

func newCouple(t *testing.T) *couple {
	t.Helper()
	ctx, server := context.Background(), pgtest.Server(t)
	name := fmt.Sprintf("control_pair_%d", databases.Add(1))
	if err := server.MigrateControl(ctx, name); err != nil {
		t.Fatal(err)
	}
	pool, err := server.Pool(ctx, postgres.RoleControl, name, 8)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(pool.Close)
	dir, err := os.MkdirTemp("/dev/shm", "pair")
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(dir, 0o711); err != nil { //nolint:gosec // the servers run as another user
		t.Fatal(err)
	}
	c := &couple{t: t, dir: dir, site: provisioning.SiteID(uuid.New()), control: tenants.Open(pool, time.Now),
		servers: local.New(dir, "TOLLHOUSE_LOCAL_SITE", map[string]string{"shared_buffers": "16MB", "max_wal_size": "64MB", "min_wal_size": "32MB", "wal_keep_size": "64MB",
			"max_connections": "40", "max_locks_per_transaction": "64"})}
	c.begin(ctx)
	for range 2 {
		keeper := pair.NewKeeper(c.control, c.servers, pair.Config{Poll: 50 * time.Millisecond, TakeOver: time.Second, GiveUp: time.Second}, slog.New(slog.DiscardHandler))
		running, stop := context.WithCancel(ctx)
		done := make(chan struct{})
		go func() { defer close(done); keeper.Run(running) }()
		t.Cleanup(func() { stop(); <-done })
	}
	// before the keepers end, so that nobody starts what is stopped: cleanups run backwards
	t.Cleanup(func() {
		if err := c.control.Write(ctx, func(ctx context.Context, tx tenants.Tx) error { return pair.End(ctx, tx, c.site) }); err != nil {
			t.Error(err)
		}
	})
	c.await(pair.Synchronous, pair.A)
	if c.url, err = c.servers.URL(c.site, "postgres"); err != nil {
		t.Fatal(err)
	}
	if c.pool, err = pgxpool.New(ctx, c.url); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.pool.Close)
	return c
}

// begin writes the site down, with all that its row asks for, and its pair.
func (c *couple) begin(ctx context.Context) {
	c.t.Helper()
	c.t.Cleanup(func() { // last of all
		if err := c.servers.End(ctx, c.site); err != nil {
			c.t.Error(err)
		}
		if err := os.RemoveAll(c.dir); err != nil {
			c.t.Error(err)
		}
	})
	err := c.control.Write(ctx, func(ctx context.Context, tx tenants.Tx) error {
		operator := uuid.New()
		if _, err := tx.Exec(ctx, `
			insert into operator (id, name, display_name, legal_name, country, owner_email, owner_password_hash, sandbox, settings, created_by, created_at)
			values ($1, 'nordnetz', 'Nordnetz', 'Nordnetz GmbH', 'DE', 'o@example.net', '', false, '{}', 'test', $2)`, operator, tx.At); err != nil {
			return err
		}
		if _, err := tx.Exec(ctx, `
			insert into site (id, operator_id, cloud, want, shape, sized, monthly, currency, revision, state, state_at, due_at, asked_at)
			values ($1, $2, 'local', '{"size": "ha"}', '{"standby": true}', 'ha', 0, 'EUR', 1, 'requested', $3, $3, $3)`, c.site.UUID(), operator, tx.At); err != nil {
			return err
		}
		return pair.Begin(ctx, tx, c.site)
	})
	if err != nil {
		c.t.Fatal(err)
	}
}

func (c *couple) pair() (p pair.Pair) {
	c.t.Helper()
	err := c.control.Read(context.Background(), func(ctx context.Context, tx tenants.Tx) (err error) {
		p, err = pair.Of(ctx, tx, c.site)
		return err
	})
	if err != nil {
		c.t.Fatal(err)
	}
	return p
}

func (c *couple) await(mode pair.Mode, primary pair.Node) pair.Pair {
	c.t.Helper()
	for late := time.Now().Add(3 * time.Minute); ; time.Sleep(20 * time.Millisecond) {
		p := c.pair()
		if p.Mode == mode && p.Primary == primary {
			return p
		}
		if time.Now().After(late) {
			for _, n := range []pair.Node{pair.A, pair.B} {
				raw, _ := os.ReadFile(filepath.Join(c.dir, c.site.String(), "db-"+string(n), "run.log"))
				c.t.Logf("%s: %+v\n%s", n, c.servers.Look(context.Background(), c.site, n), raw)
			}
			c.t.Fatalf("not %s with %s: %+v", mode, primary, p)
		}
	}
}

// postmaster is a server's process.
func (c *couple) postmaster(n pair.Node) int {
	c.t.Helper()
	raw, err := os.ReadFile(filepath.Join(c.dir, c.site.String(), "db-"+string(n), "data", "postmaster.pid"))
	if err != nil {
		c.t.Fatal(err)
	}
	first, _, _ := strings.Cut(string(raw), "\n")
	pid, err := strconv.Atoi(first)
	if err != nil {
		c.t.Fatal(err)
	}
	return pid
}

// writers keep writing numbers and remember which were answered.
type writers struct {
	stop     chan struct{}
	wait     sync.WaitGroup
	mu       sync.Mutex
	answered []int64
	count    atomic.Int64
}

func (c *couple) write() *writers {
	c.t.Helper()
	ctx := context.Background()
	if _, err := c.pool.Exec(ctx, `create table if not exists answered (n bigint primary key)`); err != nil {
		c.t.Fatal(err)
	}
	w := &writers{stop: make(chan struct{})}
	var next atomic.Int64
	for range 6 {
		w.wait.Go(func() {
			for {
				select {
				case <-w.stop:
					return
				default:
				}
				n := next.Add(1)
				within, cancel := context.WithTimeout(ctx, 3*time.Second)
				_, err := c.pool.Exec(within, `insert into answered (n) values ($1)`, n)
				cancel()
				if err != nil {
					time.Sleep(20 * time.Millisecond)
					continue // whether it counted is not known
				}
				w.mu.Lock()
				w.answered = append(w.answered, n)
				w.mu.Unlock()
				w.count.Add(1)
			}
		})
	}
	return w
}

func (w *writers) more(t *testing.T, n int64) {
	t.Helper()
	for before, late := w.count.Load(), time.Now().Add(time.Minute); w.count.Load() < before+n; time.Sleep(5 * time.Millisecond) {
		if time.Now().After(late) {
			t.Fatalf("only %d more were answered", w.count.Load()-before)
		}
	}
}

// all says whether all that was answered is there.
func (c *couple) all(w *writers) {
	c.t.Helper()
	rows, err := c.pool.Query(context.Background(), `select w.n from unnest($1::bigint[]) as w (n) where not exists (select from answered a where a.n = w.n)`, w.answered)
	if err != nil {
		c.t.Fatal(err)
	}
	lost, err := pgx.CollectRows(rows, pgx.RowTo[int64])
	if err != nil {
		c.t.Fatal(err)
	}
	if len(lost) > 0 || len(w.answered) == 0 {
		c.t.Errorf("%d of %d answered are gone: %v", len(lost), len(w.answered), lost[:min(5, len(lost))])
	}
}

// The primary is killed while six write. Of two control planes one has the
// standby take over; all that was answered is there; what was the primary comes
// back as the standby, and the same goes the other way round.
func TestPair_killedPrimary(t *testing.T) {
	t.Parallel()
	c := newCouple(t)
	w := c.write()
	w.more(t, 50)
	for _, next := range []pair.Node{pair.B, pair.A} {
		before := c.pair()
		if err := syscall.Kill(c.postmaster(next.Other()), syscall.SIGKILL); err != nil {
			t.Fatal(err)
		}
		began := time.Now()
		p := c.await(pair.Synchronous, next)
		t.Logf("%s is the primary with a standby in step after %s", next, time.Since(began).Round(10*time.Millisecond))
		if p.Term != before.Term+3 { // promoting, alone, synchronous: each decided once
			t.Errorf("term %d after %d: %+v", p.Term, before.Term, p.Steps)
		}
		w.more(t, 50)
		if old := c.servers.Look(context.Background(), c.site, next.Other()); !old.Standby || !old.Streams {
			t.Errorf("the former primary: %+v", old)
		}
	}
	close(w.stop)
	w.wait.Wait()
	c.all(w)
}

// A primary that only sleeps is taken for gone. A session in it that is awake
// answers nothing that the new primary has not, and it becomes the standby.
func TestPair_primaryThatSleepsAnswersNothingAlone(t *testing.T) {
	t.Parallel()
	c := newCouple(t)
	ctx := context.Background()
	if _, err := c.pool.Exec(ctx, `create table answered (n bigint primary key)`); err != nil {
		t.Fatal(err)
	}
	// One whose connection stands before it sleeps.
	conn, err := pgx.Connect(ctx, c.url)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close(ctx) }()
	// The postmaster sleeps, so that nobody new gets in; this session is awake.
	old := c.postmaster(pair.A)
	if err := syscall.Kill(old, syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	c.awaitTerm(3)
	// It may answer as long as the standby is one: then the standby has it.
	w := &writers{}
	within, cancel := context.WithTimeout(ctx, 20*time.Second)
	defer cancel()
	for n := int64(1); err == nil; n++ {
		if _, err = conn.Exec(within, `insert into answered (n) values ($1)`, n); err == nil {
			w.answered = append(w.answered, n)
		}
	}
	c.await(pair.Synchronous, pair.B)
	w.answered = append(w.answered, c.one(1_000_000_000))
	c.all(w)
	if err := syscall.Kill(old, 0); !errors.Is(err, syscall.ESRCH) && c.postmaster(pair.A) == old {
		t.Error("the former primary runs still")
	}
	if old := c.servers.Look(ctx, c.site, pair.A); !old.Standby || !old.Streams {
		t.Errorf("the former primary: %+v", old)
	}
}

// one writes one number into whichever is the primary.
func (c *couple) one(n int64) int64 {
	c.t.Helper()
	for late := time.Now().Add(time.Minute); ; time.Sleep(50 * time.Millisecond) {
		_, err := c.pool.Exec(context.Background(), `insert into answered (n) values ($1) on conflict do nothing`, n)
		if err == nil {
			return n
		}
		if time.Now().After(late) {
			c.t.Fatal(err)
		}
	}
}

// awaitTerm waits for that many decisions.
func (c *couple) awaitTerm(term int64) {
	c.t.Helper()
	for late := time.Now().Add(time.Minute); c.pair().Term < term; time.Sleep(5 * time.Millisecond) {
		if time.Now().After(late) {
			c.t.Fatalf("nothing was decided: %+v", c.pair())
		}
	}
}

// Without its standby the primary goes on alone; nobody is promoted from then
// on, and the standby comes back.
func TestPair_lostStandby(t *testing.T) {
	t.Parallel()
	c := newCouple(t)
	w := c.write()
	w.more(t, 20)
	if err := c.servers.Fence(context.Background(), c.site, pair.B); err != nil {
		t.Fatal(err)
	}
	p := c.await(pair.Synchronous, pair.A)
	for c.pair().Term < p.Term+2 { // alone, synchronous again
		time.Sleep(20 * time.Millisecond)
	}
	p = c.await(pair.Synchronous, pair.A)
	for _, s := range p.Steps {
		if s.Mode == pair.Promoting {
			t.Errorf("somebody was promoted: %+v", p.Steps)
		}
	}
	w.more(t, 20)
	close(w.stop)
	w.wait.Wait()
	c.all(w)
}
