package e2e

import (
	"math/rand/v2"
	"os"
	"strconv"
	"testing"
	"time"
)

// Size of the load. A file is long enough that its reading, and a bill run over
// the accounts, are cut in the middle.
const (
	killAccounts = 700
	killLines    = 15_000
	killMonths   = 6 // the first one undisturbed, to learn how long things take
	batches      = 20
	batchSize    = 25
)

// TestKill_nothingAnsweredIsLost cuts the power ten times: of the whole demo
// and of the database server alone, while usage is read and while a month is
// billed. Then every record is charged once, every account has one bill per
// month with the sum that can be reckoned, numbers have no gap, and the books
// hold.
func TestKill_nothingAnsweredIsLost(t *testing.T) {
	seed := uint64(time.Now().UnixNano())
	if text := os.Getenv("E2E_SEED"); text != "" {
		var err error
		if seed, err = strconv.ParseUint(text, 10, 64); err != nil {
			t.Fatal(err)
		}
	}
	t.Logf("E2E_SEED=%d draws the same again", seed)
	w := newWreck(t, rand.New(rand.NewPCG(seed, 0)))
	w.wantDurable()
	for month := range killMonths {
		w.use(month)
		w.endOf(month)
		w.c.wantControlSums(t)
	}
	w.wantDurable()
	if w.cut["reading"] < 3 || w.cut["billing"] < 2 {
		t.Errorf("cut in the middle: %v; the load is too small for this machine", w.cut)
	}
	w.wantBills()
	w.wantRevenue()
}

// wreck is an operator whose machine loses its power again and again.
type wreck struct {
	t           *testing.T
	r           *rand.Rand
	d           *demo
	c           caller
	accounts    []string
	seconds     [][]int           // used, by month and subscriber
	plan        map[string][]bool // what is killed, by work and month: the whole demo or the server
	undisturbed time.Duration     // of a month's end, nearly
	cut         map[string]int    // what was under way when the power went
}

func newWreck(t *testing.T, r *rand.Rand) *wreck {
	t.Helper()
	d := newDemo(t, "TOLLHOUSE_LISTEN="+freePort(t), "TOLLHOUSE_SCALE=1", "TOLLHOUSE_SEED=7")
	d.start(t)
	w := &wreck{t: t, r: r, d: d, c: d.newOperator(t, "wrack", plain), plan: map[string][]bool{}, cut: map[string]int{}}
	for n := range killAccounts {
		w.accounts = append(w.accounts, w.c.connect(t, "plain", n))
	}
	for name, preset := range map[string]string{"pbx": "asterisk-master-csv", "app": "json-events", "batch": "json-events"} {
		w.c.post(t, "/usage-sources", map[string]string{"name": name, "preset": preset, "zone": "UTC"}, nil)
	}
	for _, doing := range []string{"reading", "billing"} {
		whole := []bool{true, true, false, false, r.IntN(2) == 0}
		r.Shuffle(len(whole), func(i, k int) { whole[i], whole[k] = whole[k], whole[i] })
		w.plan[doing] = whole
	}
	return w
}

// lose ends the demo's processes or its database server once a drawn moment of
// the work has come. moment waits for it, and says whether the work still goes
// on and how far it is.
func (w *wreck) lose(month int, doing string, moment func() (under bool, far string)) {
	w.t.Helper()
	if month == 0 {
		return
	}
	whole := w.plan[doing][month-1]
	under, far := moment()
	if under {
		w.cut[doing]++
	}
	server := w.d.postmasterID()
	victims := []int{server}
	if whole {
		victims = append([]int{w.d.processID(w.t), server}, children(server)...)
	}
	kill(w.t, victims...)
	w.t.Logf("month %d, %s: killed %s after %s; under way: %v", month+1, doing, map[bool]string{true: "the whole demo", false: "the database server"}[whole], far, under)
	if whole {
		w.d.start(w.t)
	}
	eventually(w.t, time.Minute, "another database server than "+strconv.Itoa(server), func() bool {
		now := w.d.postmasterID()
		return now != 0 && now != server
	})
	eventually(w.t, time.Minute, "readiness", func() bool {
		status, _, err := caller{demo: w.d}.send("GET", "/readyz", "-", nil)
		return err == nil && status == 200
	})
}

// day is an instant of a month, from January 2026 on.
func day(month, day, hour int) time.Time {
	return time.Date(2026, time.January+time.Month(month), day, hour, 0, 0, 0, time.UTC)
}

// endOf moves the clock over a month's end, whatever happens on the way.
func (w *wreck) endOf(month int) {
	w.t.Helper()
	began := time.Now()
	reached := make(chan error, 1)
	go func() {
		_, err := w.c.persist("/clock/advance", map[string]string{"to": day(month+1, 1, 6).Format(time.RFC3339)})
		reached <- err
	}()
	w.lose(month, "billing", func() (bool, string) {
		after := time.Duration(w.r.Int64N(int64(w.undisturbed)))
		time.Sleep(after)
		return len(reached) == 0, after.Round(time.Millisecond).String()
	})
	if err := <-reached; err != nil {
		w.t.Fatal(err)
	}
	if month == 0 {
		w.undisturbed = time.Since(began) * 9 / 10
	}
}
