package charging_test

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5/pgxpool"

	"tollhouse/billing/account"
	"tollhouse/billing/charging"
	"tollhouse/billing/charging/session"
	"tollhouse/billing/money"
	"tollhouse/billing/tenant"
	"tollhouse/infra/postgres/pgtest"
)

// asked is one request over online charging that is not refused.
func asked(t testing.TB, o *charging.Online, ref tenant.Ref, step session.Step) session.Answer {
	t.Helper()
	answer, err := o.Step(context.Background(), ref, step)
	if err != nil {
		t.Fatalf("%s %d: %v", step.Kind, step.Number, err)
	}
	return answer
}

func TestOnlineSession_semanticsReservation(t *testing.T) {
	t.Parallel()
	w := phones(t)
	o := w.online()
	a := w.customers("payg", account.Prepaid, 1, 1)[0]
	w.topUp(a, "10.00")
	at := w.noon(4)
	w.SetClock(t, at)
	first, second := asked(t, o, w.Ref, start("one", 1)), asked(t, o, w.Ref, start("two", 1))
	w.stands(a, at, "10", "4", "6")
	at = at.Add(5 * time.Minute)
	w.SetClock(t, at)
	asked(t, o, w.Ref, update(first.Session, 1, 720)) // 1.20
	w.stands(a, at, "8.80", "4", "4.80")
	// a debit respects what is reserved: 4.81 is more than is available
	message := w.data("big", 1, at, 4_810_000_000)
	if _, err := o.Debit(t.Context(), w.Ref, w.feed.ID, message); err == nil {
		t.Error("a debit took what a session had reserved")
	}
	at = w.noon(4).Add(661 * time.Second)
	w.SetClock(t, at)
	w.stands(a, at, "8.80", "2", "6.80")
	asked(t, o, w.Ref, terminate(first.Session, 2, 480)) // 0.80
	w.stands(a, at, "8.00", "0", "8.00")
	// after a restart, which keeps nothing in memory
	o = charging.NewOnline(charging.OnlineConfig{DB: w.DB, Engine: charging.NewEngine(newGate)})
	t.Cleanup(func() { _ = o.Stop(context.Background()) })
	for _, repeat := range []bool{false, true} {
		last := asked(t, o, w.Ref, terminate(second.Session, 1, 300)) // 0.50
		if last.Repeat != repeat || last.Services[0].Price.String() != "0.5" {
			t.Errorf("answered %+v", last)
		}
		w.stands(a, at, "7.50", "0", "7.50")
	}
}

// Two processes at once stand for any number: each has an engine and a queue of
// its own.
func TestOnlineSession_manyAtOnceExactlyOneGranted(t *testing.T) {
	t.Parallel()
	w := phones(t)
	processes := []*charging.Online{w.online(), charging.NewOnline(charging.OnlineConfig{DB: w.DB, Engine: charging.NewEngine(newGate)})}
	t.Cleanup(func() { _ = processes[1].Stop(context.Background()) })
	a := w.customers("payg", account.Prepaid, 1, 1)[0]
	w.topUp(a, "2.00")
	at := w.noon(4)
	w.SetClock(t, at)
	var running sync.WaitGroup
	var granted atomic.Int64
	for i := range 60 {
		running.Go(func() {
			answer, err := processes[i%2].Step(t.Context(), w.Ref, start(fmt.Sprint("s", i/2), 1)) // each asked of both
			if err != nil {
				t.Error(err)
			} else if answer.Granted() && !answer.Repeat {
				granted.Add(1)
			}
		})
	}
	running.Wait()
	if granted.Load() != 1 {
		t.Errorf("%d sessions were granted, want exactly one", granted.Load())
	}
	w.stands(a, at, "2.00", "2.00", "0")
}

// However many sessions run side by side, and however they are cut and
// repeated, what is taken is the price of what was used.
func TestOnlineSession_parallelSessionsTakeWhatWasUsed(t *testing.T) {
	t.Parallel()
	w := phones(t)
	w.quota(func(p *session.Policy) { p.Voice.Units = 60 })
	o := w.online()
	accounts := w.customers("payg", account.Prepaid, 1, 4)
	for _, a := range accounts {
		w.topUp(a, "100.00")
	}
	at := w.noon(4)
	w.SetClock(t, at)
	var running sync.WaitGroup
	for i := range 40 {
		running.Go(func() {
			name, customer := fmt.Sprint("s", i), 1+i%4
			id := asked(t, o, w.Ref, start(name, customer)).Session
			for n := range int64(6) {
				step := update(id, n+1, 7) // 7 s at 0.10 a minute: 0.0116…, rounded in total only
				asked(t, o, w.Ref, step)
				if n%2 == 0 {
					if again := asked(t, o, w.Ref, step); !again.Repeat {
						t.Error("a repeat was charged")
					}
				}
			}
			asked(t, o, w.Ref, terminate(id, 7, 18)) // 60 s in all: 0.10
		})
	}
	running.Wait()
	for _, a := range accounts {
		w.stands(a, at, "99.00", "0", "99.00") // ten sessions of 0.10
	}
}

// The child of the next test: it steps sessions until it is killed, and tells
// each answer that it got.
func TestMain(m *testing.M) {
	if url := os.Getenv("SESSION_CHILD"); url != "" {
		stepForEver(url)
		return
	}
	if isCharger() {
		return
	}
	pgtest.Main(m)
}

func stepForEver(url string) {
	ctx := context.Background()
	pool, err := pgxpool.New(ctx, url)
	if err != nil {
		panic(err)
	}
	slot, err := tenant.ParseSlot(os.Getenv("SESSION_SLOT"))
	if err != nil {
		panic(err)
	}
	id, err := tenant.ParseID(os.Getenv("SESSION_TENANT"))
	if err != nil {
		panic(err)
	}
	ref := tenant.Ref{ID: id, Name: "test-1", Slot: slot, Epoch: 1, Sandbox: true}
	o := charging.NewOnline(charging.OnlineConfig{DB: tenant.Open(pool, time.Now), Engine: charging.NewEngine(newGate)})
	var out sync.Mutex
	for i := range 8 {
		go func() {
			for n := 0; ; n++ {
				name := fmt.Sprintf("%s-%d-%d", os.Getenv("SESSION_ROUND"), i, n)
				answer, err := o.Step(ctx, ref, start(name, 1))
				if err != nil {
					panic(err)
				}
				for number := range int64(3) {
					out.Lock()
					fmt.Printf("ask %s %d\n", answer.Session, number+1)
					out.Unlock()
					if _, err := o.Step(ctx, ref, update(answer.Session, number+1, 6)); err != nil {
						panic(err)
					}
				}
			}
		}()
	}
	select {}
}

func TestOnlineSession_killedAtAnyInstant(t *testing.T) {
	t.Parallel()
	w := phones(t)
	w.quota(func(p *session.Policy) { p.Voice.Units = 60 })
	a := w.customers("payg", account.Prepaid, 1, 1)[0]
	w.topUp(a, "1000.00")
	at := w.noon(4)
	w.SetClock(t, at)
	o := w.online()
	asked(t, o, w.Ref, start("first", 1)) // makes the source
	reports := map[string]int64{}
	for round := range 4 {
		child := exec.Command(os.Args[0])
		child.Env = append(os.Environ(), "SESSION_CHILD="+w.App.Config().ConnString(), "SESSION_SLOT="+w.Ref.Slot.String(),
			"SESSION_TENANT="+w.Ref.ID.String(), "SESSION_ROUND="+strconv.Itoa(round))
		child.Stderr = os.Stderr
		out, err := child.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := child.Start(); err != nil {
			t.Fatal(err)
		}
		lines := bufio.NewScanner(out)
		for n := 0; n < 40+13*round && lines.Scan(); n++ {
			reports[lines.Text()] = 6
		}
		if err := child.Process.Kill(); err != nil { // SIGKILL, between any two instants
			t.Fatal(err)
		}
		for lines.Scan() {
			reports[lines.Text()] = 6
		}
		_ = child.Wait()
	}
	// Who asked and doesn't know sends each request again.
	for line := range reports {
		fields := strings.Fields(line)
		if len(fields) != 3 {
			t.Fatalf("the child said %q", line)
		}
		number, err := strconv.ParseInt(fields[2], 10, 64)
		if err != nil {
			t.Fatal(err)
		}
		asked(t, o, w.Ref, update(uuid.MustParse(fields[1]), number, 6))
	}
	took := money.NewDecimal(int64(len(reports))).Mul(money.MustDecimal("0.01"))
	w.write(func(ctx context.Context, tx tenant.Tx) error {
		standing, err := charging.Available(ctx, tx, a.ID, at)
		if want := money.MustDecimal("1000").Sub(took); !standing.Value.Equal(want) {
			t.Errorf("%d reports of 0.01 leave %s, want %s", len(reports), standing.Value, want)
		}
		return err
	})
	w.sums()
}
