package api

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"io"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"

	"tollhouse/billing/ledger"
	"tollhouse/billing/tenant"
	"tollhouse/infra/enrolment"
	"tollhouse/infra/local"
	"tollhouse/infra/postgres"
	"tollhouse/infra/postgres/pgtest"
	"tollhouse/infra/secrets"
	"tollhouse/provisioning/backup"
	"tollhouse/provisioning/machine"
	"tollhouse/tenants"
)

// writtenOut is a take-out that a host has written.
type writtenOut struct{ body []byte }

func (w *writtenOut) Says() string { return "it writes table bill." }

func (w *writtenOut) Want(id uuid.UUID) *enrolment.TakenOut {
	if id == uuid.Nil {
		return nil
	}
	sum := sha256.Sum256(w.body)
	return &enrolment.TakenOut{Size: int64(len(w.body)), SHA256: hex.EncodeToString(sum[:]),
		Open: func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(w.body)), nil }}
}

// exportFor writes a take-out of a real stack that takes several parts.
func exportFor(t *testing.T, operator tenant.ID) []byte {
	t.Helper()
	stack, out := pgtest.Tenant(t), &bytes.Buffer{}
	_, err := stack.Server.Export(context.Background(), postgres.Export{Database: stack.Database, Slot: stack.Ref.Slot, Tenant: operator, Name: "nordnetz", At: time.Now(),
		Facts: func(ctx context.Context, tx tenant.Tx) (map[string]any, error) {
			sums, err := ledger.ControlSums(ctx, tx)
			return map[string]any{"control_sums_hold": err == nil && sums.Check() == nil}, err
		},
		Files: func(_ context.Context, create func(string) (io.Writer, error)) error {
			w, err := create("recordings.bin") // does not deflate
			if err == nil {
				noise := rand.NewChaCha8([32]byte{1})
				_, err = io.CopyN(w, noise, 4*machine.PartBytes)
			}
			return err
		}}, out)
	if err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// deliveries is a control plane that one operator's own host delivers to.
type deliveries struct {
	*Control
	operator tenant.ID
	store    *enrolment.Store
	vault    *local.Vault
	dir      string
	parts    atomic.Int32 // that came
	cut      atomic.Int32 // after so many the line is cut; 0: it is not
}

func newDeliveries(t *testing.T) *deliveries {
	t.Helper()
	control, _ := newControl(t)
	box, err := secrets.New(bytes.Repeat([]byte{7}, 32))
	if err != nil {
		t.Fatal(err)
	}
	d := &deliveries{Control: control, dir: t.TempDir()}
	d.vault = local.NewVault(d.dir, box)
	d.keep(t)
	e, err := New(Config{Control: control, Log: slog.New(slog.DiscardHandler), Now: time.Now, Ready: func(context.Context) error { return nil }})
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasPrefix(r.URL.Path, machine.PathTakeOuts) {
			if n := d.parts.Add(1); d.cut.Load() != 0 && n > d.cut.Load() {
				e.ServeHTTP(httptest.NewRecorder(), r) // it is heard, and the answer is lost
				panic(http.ErrAbortHandler)
			}
		}
		e.ServeHTTP(w, r)
	}))
	t.Cleanup(server.Close)
	d.operator, d.store = machineOf(t, control, server.URL, "nordnetz", machine.Host)
	d.write(t, func(ctx context.Context, tx tenants.Tx) error {
		_, err := tx.Exec(ctx, `update stack set own = true where operator_id = $1`, d.operator)
		return err
	})
	return d
}

// keep has take-outs kept by a keeper of a fresh start.
func (d *deliveries) keep(t *testing.T) {
	t.Helper()
	d.TakeOuts = backup.NewTakeOuts(d.DB, &local.Fleet{}, d.vault)
	t.Cleanup(d.TakeOuts.Stop)
	d.Desk.TakeOuts = d.TakeOuts
}

func (d *deliveries) write(t *testing.T, fn func(ctx context.Context, tx tenants.Tx) error) {
	t.Helper()
	if err := d.DB.Write(context.Background(), fn); err != nil {
		t.Fatal(err)
	}
}

// hostRuns has the host run until something is so; a host of before is gone.
func (d *deliveries) hostRuns(t *testing.T, body []byte, until func() bool) {
	t.Helper()
	ctx, stop := context.WithCancel(t.Context())
	keeper, err := enrolment.NewKeeper(d.store, enrolment.KeeperConfig{Data: t.TempDir(), Version: "v1", Now: time.Now, Log: slog.New(slog.DiscardHandler),
		Fill:     func(_ context.Context, r *machine.Report) { r.Stack = machine.StackReady },
		TakeOuts: &writtenOut{body}})
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	go func() { defer close(done); keeper.Keep(ctx) }()
	defer func() { stop(); <-done }()
	for late := time.Now().Add(4 * time.Minute); !until(); time.Sleep(50 * time.Millisecond) { // it reports every 15 s
		if time.Now().After(late) {
			t.Fatal("not in time")
		}
	}
}

// await asks for the final take-out as the end of a site does.
func (d *deliveries) await(t *testing.T, since time.Time) string {
	t.Helper()
	how, err := d.TakeOuts.Await(context.Background(), tenants.System, d.operator, since)
	if err != nil {
		t.Fatal(err)
	}
	return how
}

func (d *deliveries) last(t *testing.T) (out backup.TakenOut) {
	t.Helper()
	d.write(t, func(ctx context.Context, tx tenants.Tx) error {
		all, err := backup.ListTakeOuts(ctx, tx, d.operator, 1)
		if len(all) > 0 {
			out = all[0]
		}
		return err
	})
	return out
}

// A host that was asked for its operator's final take-out delivers it in parts.
// Cut off in the middle it goes on there, and what has come is held against
// itself before it counts.
func TestMachine_deliversTheFinalTakeOut(t *testing.T) {
	t.Parallel()
	d := newDeliveries(t)
	body, since := exportFor(t, d.operator), time.Now().Add(-time.Second)
	d.hostRuns(t, body, func() bool { // it stands, and nothing was asked of it
		how := d.await(t, since)
		return strings.Contains(how, "asked for it since")
	})
	d.cut.Store(2)
	d.hostRuns(t, body, func() bool { return strings.Contains(d.await(t, since), "3 of 5 parts are here") })
	if out := d.last(t); out.State != backup.Working {
		t.Errorf("in the middle: %+v", out)
	}
	before := d.parts.Load()
	d.cut.Store(0)
	d.TakeOuts.Stop() // the control plane is started again, too
	d.keep(t)
	d.hostRuns(t, body, func() bool { return d.await(t, since) == "" })
	if n := d.parts.Load() - before; n > 2 {
		t.Errorf("%d parts were sent after the cut, though 3 of 5 were here", n)
	}
	out := d.last(t)
	if out.State != backup.Done || !out.FromHost || out.Purpose != backup.Final || out.Size != int64(len(body)) || out.Tables < 100 || out.Facts["control_sums_hold"] != true {
		t.Errorf("kept: %+v", out)
	}
	_, file, err := d.TakeOuts.Fetch(context.Background(), tenants.System, out.ID)
	if err != nil {
		t.Fatal(err)
	}
	if kept, err := io.ReadAll(file); err != nil || !bytes.Equal(kept, body) {
		t.Errorf("what is kept is not what was sent: %v", err)
	}
	if left, _ := os.ReadDir(d.dir); len(left) != 1 {
		t.Errorf("%d files are left of its parts", len(left)-1)
	}
}

// What is damaged, or another operator's, counts for nothing; a new one is asked
// for, and the reason stands in the book.
func TestMachine_deliversWhatIsWholeOnly(t *testing.T) {
	t.Parallel()
	d := newDeliveries(t)
	since := time.Now().Add(-time.Second)
	good := exportFor(t, d.operator)
	damaged := bytes.Clone(good)
	damaged[len(damaged)/2] ^= 1
	d.hostRuns(t, damaged, func() bool { return strings.Contains(d.await(t, since), "asked for it since") })
	for reason, body := range map[string][]byte{"What came is not whole.": damaged, "It is another operator's.": exportFor(t, tenant.NewID())} {
		d.hostRuns(t, body, func() bool { return strings.Contains(d.await(t, since), "The last one failed: "+reason) })
	}
	d.hostRuns(t, good, func() bool { return d.await(t, since) == "" })
}

// A host that says nothing is waited for, and staff read since when.
func TestMachine_silentHostIsWaitedFor(t *testing.T) {
	t.Parallel()
	d := newDeliveries(t)
	since := time.Now().Add(-time.Second)
	d.hostRuns(t, nil, func() bool { return strings.Contains(d.await(t, since), "asked for it since") })
	d.write(t, func(ctx context.Context, tx tenants.Tx) error {
		_, err := tx.Exec(ctx, `update takeout set touched_at = $2 where operator_id = $1`, d.operator, tx.At.Add(-time.Hour))
		return err
	})
	if how := d.await(t, since); !strings.Contains(how, "is silent since") {
		t.Errorf("of a silent host: %q", how)
	}
}
