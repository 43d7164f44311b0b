package e2e

import (
	"fmt"
	"math/rand/v2"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
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
	if w.cut["reading"] < 2 || w.cut["billing"] < 2 {
		t.Errorf("cut in the middle: %v; the load is too small for this machine", w.cut)
	}
	w.wantBills()
	w.wantRevenue()
}

// wreck is an operator whose machine loses its power again and again.
type wreck struct {
	t        *testing.T
	r        *rand.Rand
	d        *demo
	c        caller
	accounts []string
	seconds  [][]int // used, by month and subscriber
	plan     map[string][]bool
	longest  map[string]time.Duration
	cut      map[string]int // what was under way when the power went
}

func newWreck(t *testing.T, r *rand.Rand) *wreck {
	t.Helper()
	d := newDemo(t, "TOLLHOUSE_LISTEN="+freePort(t), "TOLLHOUSE_SCALE=1", "TOLLHOUSE_SEED=7")
	d.start(t)
	w := &wreck{t: t, r: r, d: d, c: d.newOperator(t, "wrack", plain), plan: map[string][]bool{}, longest: map[string]time.Duration{}, cut: map[string]int{}}
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

// lose ends the demo's processes or its database server at a moment drawn from
// the time that the work took when it was left alone. done says whether the
// work was over by then.
func (w *wreck) lose(month int, doing string, done func() bool) {
	w.t.Helper()
	if month == 0 {
		return
	}
	whole := w.plan[doing][month-1]
	after := time.Duration(w.r.Int64N(int64(w.longest[doing])))
	time.Sleep(after)
	under := !done()
	if under {
		w.cut[doing]++
	}
	server := w.d.postmasterID()
	victims := []int{server}
	if whole {
		victims = append([]int{w.d.processID(w.t), server}, children(server)...)
	}
	kill(w.t, victims...)
	w.t.Logf("month %d, %s: killed %s after %s; under way: %v", month+1, doing, map[bool]string{true: "the whole demo", false: "the database server"}[whole], after.Round(time.Millisecond), under)
	if whole {
		w.d.start(w.t)
	}
	eventually(w.t, time.Minute, "another database server", func() bool {
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

// use hands in a month's usage: two files, and batches that are sent while the
// power goes.
func (w *wreck) use(month int) {
	w.t.Helper()
	w.c.advance(w.t, day(month, 28, 12).Format(time.RFC3339))
	w.seconds = append(w.seconds, make([]int, killAccounts))
	csv, events := w.files(month)
	began := time.Now()
	sent := make(chan error, 1)
	messages := w.batches(month)
	go func() {
		for _, batch := range messages {
			if _, err := w.c.persist("/usage-events", map[string]any{"source": "batch", "events": batch}); err != nil {
				sent <- err
				return
			}
		}
		sent <- nil
	}()
	files := make([]usageFile, 2)
	for i, text := range [][]byte{csv, events} {
		w.c.post(w.t, "/usage-files?source="+[]string{"pbx", "app"}[i], upload(text), &files[i])
	}
	w.lose(month, "reading", func() bool { return w.c.file(w.t, files[1].ID).State == "done" })
	if err := <-sent; err != nil {
		w.t.Fatal(err)
	}
	for _, f := range files {
		if f = w.c.read(w.t, f.ID); f.State != "done" || f.Lines != killLines || f.Accepted != killLines || f.SizeBytes != f.OffsetBytes {
			w.t.Errorf("month %d: the file %+v", month+1, f)
		}
	}
	if month > 0 {
		return
	}
	w.longest["reading"] = time.Since(began) * 9 / 10
	// A batch that was answered is known for ever.
	var again struct{ Duplicates int }
	w.c.post(w.t, "/usage-events", map[string]any{"source": "batch", "events": messages[0]}, &again)
	if again.Duplicates != batchSize {
		w.t.Errorf("%d of a batch are known, want %d", again.Duplicates, batchSize)
	}
}

// drawn is one use of a month by a subscriber, counted as owed.
func (w *wreck) drawn(month int) (from string, start time.Time, seconds int) {
	n := w.r.IntN(killAccounts)
	seconds = 1 + w.r.IntN(600)
	w.seconds[month][n] += seconds
	return line(n), day(month, 1+w.r.IntN(27), w.r.IntN(22)).Add(time.Duration(w.r.IntN(3600)) * time.Second), seconds
}

func (w *wreck) files(month int) (csv, events []byte) {
	const local = "2006-01-02 15:04:05"
	var a, b strings.Builder
	for n := range killLines {
		from, start, seconds := w.drawn(month)
		at := start.Format(local)
		a.WriteString(call{from: from, clid: from, start: at, answer: at, end: start.Add(time.Duration(seconds) * time.Second).Format(local),
			seconds: seconds, unique: fmt.Sprintf("%d.%d", month, n)}.String() + "\n")
		text := w.event(month, fmt.Sprintf("f-%d-%d", month, n))
		fmt.Fprintf(&b, `{"id":"%s","kind":"voice","identity":{"kind":"line","value":"%s"},"start":"%s","end":"%s","quantity":%d,"unit":"second","destination":"+4930901820"}`+"\n",
			text.ID, text.Identity.Value, text.Start, text.End, text.Quantity)
	}
	return []byte(a.String()), []byte(b.String())
}

type event struct {
	ID       string `json:"id"`
	Kind     string `json:"kind"`
	Identity struct {
		Kind  string `json:"kind"`
		Value string `json:"value"`
	} `json:"identity"`
	Start       string `json:"start"`
	End         string `json:"end"`
	Quantity    int    `json:"quantity"`
	Unit        string `json:"unit"`
	Destination string `json:"destination"`
}

func (w *wreck) event(month int, id string) event {
	from, start, seconds := w.drawn(month)
	e := event{ID: id, Kind: "voice", Unit: "second", Quantity: seconds, Destination: "+4930901820",
		Start: start.Format(time.RFC3339), End: start.Add(time.Duration(seconds) * time.Second).Format(time.RFC3339)}
	e.Identity.Kind, e.Identity.Value = "line", from
	return e
}

func (w *wreck) batches(month int) [][]event {
	list := make([][]event, batches)
	for i := range list {
		for k := range batchSize {
			list[i] = append(list[i], w.event(month, fmt.Sprintf("b-%d-%d-%d", month, i, k)))
		}
	}
	return list
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
	w.lose(month, "billing", func() bool { return len(reached) > 0 })
	if err := <-reached; err != nil {
		w.t.Fatal(err)
	}
	if month == 0 {
		w.longest["billing"] = time.Since(began) * 9 / 10
	}
}

// wantBills: each account has one bill a month, of the sum that can be
// reckoned, and the numbers follow each other.
func (w *wreck) wantBills() {
	w.t.Helper()
	type bill struct {
		Number string
		State  string
		Period struct{ From string }
		Total  struct{ Amount string }
	}
	var numbers []int
	for n, account := range w.accounts {
		bills := pages[bill](w.t, w.c, "/accounts/"+account+"/bills", url.Values{})
		slices.Reverse(bills) // newest first
		if len(bills) != killMonths {
			w.t.Fatalf("subscriber %d has %d bills, want %d: %+v", n, len(bills), killMonths, bills)
		}
		for month, b := range bills {
			net := 1000 + w.seconds[month][n]
			total := net + (net*19+50)/100
			want := fmt.Sprintf("%d.%02d", total/100, total%100)
			if b.Period.From != day(month, 1, 0).Format(time.DateOnly) || b.Total.Amount != want || b.State != "final" {
				w.t.Errorf("subscriber %d, month %d: %+v, want %s", n, month+1, b, want)
			}
			_, digits, _ := strings.Cut(b.Number, "/")
			number, err := strconv.Atoi(digits)
			if err != nil {
				w.t.Fatalf("bill number %q: %v", b.Number, err)
			}
			numbers = append(numbers, number)
		}
	}
	slices.Sort(numbers)
	for i, number := range numbers {
		if number != i+1 {
			w.t.Fatalf("bill numbers have a gap or a repeat: the %dth is %d", i+1, number)
		}
	}
}

// wantRevenue: all that was used and all fees, once.
func (w *wreck) wantRevenue() {
	w.t.Helper()
	cents := 1000 * killAccounts * killMonths
	for _, month := range w.seconds {
		for _, s := range month {
			cents += s
		}
	}
	want := fmt.Sprintf("%d.%02d", cents/100, cents%100)
	for _, l := range w.c.trialBalance(w.t) {
		if l.Account == "revenue" && l.Unit == "EUR" && l.Credit != want {
			w.t.Errorf("revenue is %s less %s, want %s", l.Credit, l.Debit, want)
		}
	}
}

// wantDurable asks the running server whether what it answers is on disk.
func (w *wreck) wantDurable() {
	w.t.Helper()
	password, err := os.ReadFile(filepath.Join(w.d.dir, "admin.password"))
	if err != nil {
		w.t.Fatal(err)
	}
	config, err := pgx.ParseConfig("")
	if err != nil {
		w.t.Fatal(err)
	}
	config.Host, config.Port, config.TLSConfig, config.Fallbacks = filepath.Join(w.d.dir, "socket"), 5432, nil, nil
	config.User, config.Password, config.Database = "tollhouse_admin", strings.TrimSpace(string(password)), "tollhouse_host"
	conn, err := pgx.ConnectConfig(w.t.Context(), config)
	if err != nil {
		w.t.Fatal(err)
	}
	defer func() { _ = conn.Close(w.t.Context()) }()
	for _, setting := range []string{"fsync", "full_page_writes", "synchronous_commit"} {
		var value string
		if err := conn.QueryRow(w.t.Context(), "select current_setting($1)", setting).Scan(&value); err != nil {
			w.t.Fatal(err)
		}
		if value != "on" {
			w.t.Errorf("%s is %s", setting, value)
		}
	}
	// Nobody may be given another: a role's or a database's setting would count.
	var others int
	if err := conn.QueryRow(w.t.Context(), `select count(*) from pg_db_role_setting, unnest(setconfig) as s
		where s ~ '^(fsync|full_page_writes|synchronous_commit)='`).Scan(&others); err != nil || others > 0 {
		w.t.Errorf("%d roles or databases have their own durability (%v)", others, err)
	}
}
