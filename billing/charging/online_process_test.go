package charging_test

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"

	"tollhouse/billing/account"
	"tollhouse/billing/charging"
	"tollhouse/billing/money"
	"tollhouse/billing/tenant"
	"tollhouse/billing/usage"
	"tollhouse/infra/postgres"
	"tollhouse/infra/postgres/pgtest"
)

// A process of its own that debits is this test's program, told so by what it
// has to do.
const charger = "TOLLHOUSE_TEST_CHARGER"

func isCharger() bool {
	text := os.Getenv(charger)
	if text == "" {
		return false
	}
	if err := charge(context.Background(), text, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	return true
}

// work is what a process that debits has to do: keys from First in steps of Step
// up to Last, so many at a time.
type work struct {
	URL, Database   string
	Tenant          tenant.ID
	Slot            string
	Feed            uuid.UUID
	At              time.Time
	First, Last     int
	Step, Customers int
	AtOnce          int
}

// charge debits and writes each key once it is answered.
func charge(ctx context.Context, text string, out io.Writer) error {
	var w work
	if err := json.Unmarshal([]byte(text), &w); err != nil {
		return err
	}
	slot, err := tenant.ParseSlot(w.Slot)
	if err != nil {
		return err
	}
	pool, err := postgres.NewServer(w.URL, pgtest.Key).Pool(ctx, postgres.RoleApp, w.Database, 6)
	if err != nil {
		return err
	}
	defer pool.Close()
	o := charging.NewOnline(charging.OnlineConfig{DB: tenant.Open(pool, time.Now), Engine: charging.NewEngine(newGate)})
	var asking sync.WaitGroup
	var writing sync.Mutex
	var next atomic.Int64
	faults := make(chan error, w.AtOnce)
	for range w.AtOnce {
		asking.Go(func() {
			for {
				key := w.First + int(next.Add(1)-1)*w.Step
				if key >= w.Last {
					return
				}
				_, err := o.Debit(ctx, tenant.Ref{ID: w.Tenant, Slot: slot}, w.Feed, usage.Record{Key: fmt.Sprint("p", key), Kind: usage.Content,
					Identity: usage.Identity{Kind: usage.MSISDN, Value: msisdn(1 + key%w.Customers)}, Start: w.At, End: w.At, Quantity: 1, Unit: money.Event, Destination: "game"})
				if err != nil {
					faults <- fmt.Errorf("debit %d: %w", key, err)
					return
				}
				writing.Lock()
				_, _ = fmt.Fprintln(out, key)
				writing.Unlock()
			}
		})
	}
	asking.Wait()
	close(faults)
	return <-faults
}

// start begins a process and gives what it has answered so far.
func (w *world) start(job work) (process *exec.Cmd, answered *atomic.Int64, ended chan error) {
	w.t.Helper()
	job.URL, job.Database, job.Tenant, job.Slot = w.Server.AdminURL("postgres"), w.Database, w.Ref.ID, w.Ref.Slot.String()
	job.Feed, job.At = w.feed.ID, w.noon(2)
	text, err := json.Marshal(job)
	if err != nil {
		w.t.Fatal(err)
	}
	process = exec.Command(os.Args[0])
	process.Env, process.Stderr = append(os.Environ(), charger+"="+string(text)), os.Stderr
	out, err := process.StdoutPipe()
	if err == nil {
		err = process.Start()
	}
	if err != nil {
		w.t.Fatal(err)
	}
	answered, ended = new(atomic.Int64), make(chan error, 1)
	go func() {
		for lines := bufio.NewScanner(out); lines.Scan(); {
			answered.Add(1)
		}
		ended <- process.Wait()
	}()
	return process, answered, ended
}

// Case "B: 6,000 debits of 0.6501 on one account from two processes": exactly
// 3,900.60 are taken.
func TestOnline_twoProcessesLoseNoCent(t *testing.T) {
	t.Parallel()
	w := newWorld(t, piecesPlan)
	w.topUp(w.customers("pieces", account.Prepaid, 1, 1)[0], "4000.00")
	_, one, oneEnded := w.start(work{First: 0, Last: 6_000, Step: 2, Customers: 1, AtOnce: 64})
	_, two, twoEnded := w.start(work{First: 1, Last: 6_000, Step: 2, Customers: 1, AtOnce: 64})
	for _, ended := range []chan error{oneEnded, twoEnded} {
		if err := <-ended; err != nil {
			t.Error(err)
		}
	}
	if one.Load() != 3_000 || two.Load() != 3_000 {
		t.Errorf("%d and %d debits were answered", one.Load(), two.Load())
	}
	w.wantSums(map[string]string{"prepaid EUR": "-99.4"})
}

// A process is killed in a storm of debits, three times; another one asks for
// the same again. What was answered is there, and nothing is there twice.
func TestOnline_killedProcessLosesNothingAnswered(t *testing.T) {
	t.Parallel()
	const debits, customers = 4_000, 50
	w := newWorld(t, piecesPlan)
	for _, a := range w.customers("pieces", account.Prepaid, 1, customers) {
		w.topUp(a, "100.00")
	}
	job := work{Last: debits, Step: 1, Customers: customers, AtOnce: 100}
	for round := range 3 {
		process, answered, ended := w.start(job)
		for deadline := time.Now().Add(time.Minute); answered.Load() < int64(200*(round+1)) && time.Now().Before(deadline); {
			time.Sleep(time.Millisecond)
		}
		if err := process.Process.Kill(); err != nil {
			t.Fatal(err)
		}
		if err := <-ended; err == nil {
			t.Error("a process that was killed ended well")
		}
		if charged := w.debited(); charged < answered.Load() {
			t.Errorf("%d debits were answered, %d are there", answered.Load(), charged)
		}
	}
	if _, _, ended := w.start(job); true {
		if err := <-ended; err != nil {
			t.Fatal(err)
		}
	}
	if charged := w.debited(); charged != debits {
		t.Errorf("%d charges, want %d", charged, debits)
	}
	w.wantSums(map[string]string{"prepaid EUR": money.MustDecimal("0.6501").Mul(money.NewDecimal(debits)).Sub(money.NewDecimal(100 * customers)).String()})
}

func (w *world) debited() (n int64) {
	w.t.Helper()
	w.Read(w.t, func(ctx context.Context, tx tenant.Tx) error {
		return tx.QueryRow(ctx, `select count(*) from charge where kind = 'usage'`).Scan(&n)
	})
	return n
}

// Connections are cut all the time, in the middle of a commit among other
// moments: whether it counted is found out before anybody is answered.
func TestOnline_lostConnectionIsAnsweredByWhatIsThere(t *testing.T) {
	t.Parallel()
	const debits, customers = 3_000, 20
	w := newWorld(t, piecesPlan)
	o := w.online()
	for _, a := range w.customers("pieces", account.Prepaid, 1, customers) {
		w.topUp(a, "1000.00")
	}
	ctx, stop := context.WithCancel(t.Context())
	cutting := make(chan int)
	var answered atomic.Int64
	go func() {
		cut := 0
		for ctx.Err() == nil {
			var n int
			err := w.Admin.QueryRow(context.Background(), `select count(pg_terminate_backend(pid)) from pg_stat_activity
				where datname = $1 and usename = $2`, w.Database, postgres.RoleApp).Scan(&n)
			if err != nil {
				t.Error(err)
			}
			cut += n
			// However slow the machine is, a cut is followed by some answers.
			for before := answered.Load(); ctx.Err() == nil && answered.Load() == before; {
				time.Sleep(time.Millisecond)
			}
			time.Sleep(rand.N(30 * time.Millisecond))
		}
		cutting <- cut
	}()
	for i, err := range w.all(debits, 100, func(i int) error {
		_, err := o.Debit(context.Background(), w.Ref, w.feed.ID, w.piece(fmt.Sprint("l", i), 1+i%customers))
		answered.Add(1)
		return err
	}) {
		if err != nil {
			t.Errorf("debit %d: %v", i, err)
		}
	}
	stop()
	if cut := <-cutting; cut == 0 {
		t.Error("no connection was cut")
	}
	// Connections that were cut while idle are found out by whoever takes them next.
	alive := func() error {
		return w.DB.Read(t.Context(), w.Ref, func(context.Context, tenant.Tx) error { return nil })
	}
	for give := time.Now().Add(10 * time.Second); alive() != nil && time.Now().Before(give); {
		time.Sleep(10 * time.Millisecond)
	}
	if charged := w.debited(); charged != debits {
		t.Errorf("%d charges, want %d", charged, debits)
	}
	w.wantSums(map[string]string{"prepaid EUR": money.MustDecimal("0.6501").Mul(money.NewDecimal(debits)).Sub(money.NewDecimal(1000 * customers)).String()})
}
