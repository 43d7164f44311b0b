package bill_test

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"testing"
	"time"

	"github.com/google/uuid"
	"golang.org/x/sync/errgroup"

	"tollhouse/billing/account"
	"tollhouse/billing/bill"
	"tollhouse/billing/tenant"
	"tollhouse/infra/postgres"
	"tollhouse/infra/postgres/pgtest"
)

// A process of its own that closes cycles is this test's program, told so by
// what it has to do.
const closerJob = "TOLLHOUSE_TEST_CLOSER"

// closing is what such a process has to do: portions of a run, two at a time.
type closing struct {
	URL, Database string
	Tenant        tenant.ID
	Slot          string
	At            time.Time
	Run           uuid.UUID
	Portion       int
}

func isCloser() bool {
	text := os.Getenv(closerJob)
	if text == "" {
		return false
	}
	if err := closeCycles(context.Background(), text, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	return true
}

// closeCycles closes until nothing is left and tells of each portion.
func closeCycles(ctx context.Context, text string, out io.Writer) error {
	var job closing
	if err := json.Unmarshal([]byte(text), &job); err != nil {
		return err
	}
	slot, err := tenant.ParseSlot(job.Slot)
	if err != nil {
		return err
	}
	pool, err := postgres.NewServer(job.URL, pgtest.Key).Pool(ctx, postgres.RoleApp, job.Database, 3)
	if err != nil {
		return err
	}
	defer pool.Close()
	db := tenant.Open(pool, func() time.Time { return job.At })
	var workers errgroup.Group
	for range 2 {
		workers.Go(func() error {
			for more := true; more; {
				err := db.Write(ctx, tenant.Ref{ID: job.Tenant, Slot: slot}, func(ctx context.Context, tx tenant.Tx) (err error) {
					_, more, err = bill.Closer{}.CloseChunk(ctx, tx, job.Run, job.Portion)
					return err
				})
				if err != nil {
					return err
				}
				_, _ = fmt.Fprintln(out, "closed")
			}
			return nil
		})
	}
	return workers.Wait()
}

// begin starts a process that closes; each portion it tells of comes out.
func (w *world) begin(job closing) (process *exec.Cmd, portions chan struct{}, ended chan error) {
	w.t.Helper()
	text, err := json.Marshal(job)
	if err != nil {
		w.t.Fatal(err)
	}
	process = exec.Command(os.Args[0])
	process.Env, process.Stderr = append(os.Environ(), closerJob+"="+string(text)), os.Stderr
	out, err := process.StdoutPipe()
	if err == nil {
		err = process.Start()
	}
	if err != nil {
		w.t.Fatal(err)
	}
	portions, ended = make(chan struct{}, 1000), make(chan error, 1)
	go func() {
		for lines := bufio.NewScanner(out); lines.Scan(); {
			portions <- struct{}{}
		}
		close(portions)
		ended <- process.Wait()
	}()
	return process, portions, ended
}

// A process that closes cycles is killed at ten random points. Another one goes
// on, and the result is as if nothing had been: each account one bill of the
// right amount, numbers without a gap, books that balance.
func TestRun_killedAtTenPointsEndsExactly(t *testing.T) {
	t.Parallel()
	const accounts, portion, kills = 400, 5, 10
	w := newWorld(t, account.Postpaid)
	w.clock("2026-05-01 00:00")
	all := w.connect(accounts, account.Postpaid)
	for i, c := range all {
		if i%4 == 0 {
			w.use(c, "2026-05-10 12:00", "0.333333333", 200)
		}
	}
	w.clock("2026-06-01 08:00")
	job := closing{URL: w.Server.AdminURL("postgres"), Database: w.Database, Tenant: w.Ref.ID, Slot: w.Ref.Slot.String(), At: w.at("2026-06-01 08:00"), Portion: portion}
	w.Write(t, func(ctx context.Context, tx tenant.Tx) error {
		run, err := bill.Start(ctx, tx, day("2026-06-01"))
		job.Run = run.ID
		return err
	})
	for range kills {
		process, portions, ended := w.begin(job)
		for range 1 + rand.N(3) {
			<-portions
		}
		time.Sleep(rand.N(20 * time.Millisecond))
		if err := process.Process.Kill(); err != nil {
			t.Fatal(err)
		}
		for range portions { // what it told of before
		}
		if err := <-ended; err == nil {
			t.Error("a process that was killed ended well")
		}
	}
	_, portions, ended := w.begin(job)
	left := 0
	for range portions {
		left++
	}
	if err := <-ended; err != nil || left < 3 {
		t.Fatalf("the last process closed %d portions: %v", left, err)
	}
	w.Read(t, func(ctx context.Context, tx tenant.Tx) error {
		run, err := bill.GetRun(ctx, tx, job.Run)
		if err != nil || run.State != bill.Done || run.Done != accounts || run.Failed != 0 || run.Total != accounts {
			t.Errorf("run %+v, %v", run, err)
		}
		// 9.99 for the connection, 31.00 for May and for June; a call of 0.33 for a quarter of them
		var bills, numbers, last, first, plain, called, items int
		err = tx.QueryRow(ctx, `
			select count(*), count(distinct series_no), max(series_no), min(series_no), count(*) filter (where total = 71.99), count(*) filter (where total = 72.32),
			       (select count(*) from open_item where open = amount)
			  from bill where state = 'final'`).Scan(&bills, &numbers, &last, &first, &plain, &called, &items)
		if bills != accounts || numbers != accounts || first != 1 || last != accounts || plain != accounts*3/4 || called != accounts/4 || items != accounts {
			t.Errorf("%d bills, %d numbers from %d to %d, %d plain ones, %d with a call, %d open items", bills, numbers, first, last, plain, called, items)
		}
		return err
	})
	w.controlSums()
}
