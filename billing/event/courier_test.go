package event_test

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"

	"tollhouse/billing/event"
	"tollhouse/billing/tenant"
	"tollhouse/infra/postgres/pgtest"
	"tollhouse/infra/webhook"
)

// world is a live tenant with a clock of the test's, and a courier.
type world struct {
	*pgtest.TenantDB
	db      *tenant.DB
	mu      sync.Mutex
	now     time.Time
	courier event.Courier
	alarms  []event.Endpoint
}

// plain seals nothing: what is sealed is tested with the keyring.
type plain struct{}

func (plain) Seal(_ tenant.ID, name string, clear []byte) ([]byte, error) {
	return append([]byte(name+"|"), clear...), nil
}
func (plain) Open(_ tenant.ID, name string, value []byte) ([]byte, error) {
	clear, ours := strings.CutPrefix(string(value), name+"|")
	if !ours {
		return nil, errors.New("sealed under another name")
	}
	return []byte(clear), nil
}

func newWorld(t *testing.T) *world {
	t.Helper()
	w := &world{TenantDB: pgtest.Tenant(t), now: time.Date(2026, 6, 1, 8, 0, 0, 0, time.UTC)}
	w.Ref.Sandbox = false
	w.db = tenant.Open(w.App, w.clock)
	w.courier = event.Courier{Sender: &webhook.Sender{Now: time.Now, Timeout: 2 * time.Second}, Seal: plain{},
		Write: func(ctx context.Context, fn func(context.Context, tenant.Tx) error) error {
			return w.db.Write(ctx, w.Ref, fn)
		},
		Read: func(ctx context.Context, fn func(context.Context, tenant.Tx) error) error {
			return w.db.Read(ctx, w.Ref, fn)
		},
		Alarm: func(_ context.Context, _ tenant.Tx, e event.Endpoint) error {
			w.alarms = append(w.alarms, e)
			return nil
		},
	}
	w.write(t, func(ctx context.Context, tx tenant.Tx) error {
		return event.PutSettings(ctx, tx, event.Settings{Networks: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}})
	})
	return w
}

func (w *world) clock() time.Time { w.mu.Lock(); defer w.mu.Unlock(); return w.now }

func (w *world) pass(d time.Duration) { w.mu.Lock(); defer w.mu.Unlock(); w.now = w.now.Add(d) }

func (w *world) write(t *testing.T, fn func(ctx context.Context, tx tenant.Tx) error) {
	t.Helper()
	if err := w.db.Write(t.Context(), w.Ref, fn); err != nil {
		t.Fatal(err)
	}
}

// work sends until nothing is due at this instant.
func (w *world) work(t *testing.T) {
	t.Helper()
	for range 200 {
		more, err := w.courier.Work(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if !more {
			return
		}
	}
	t.Fatal("work without end")
}

func (w *world) endpoint(t *testing.T, url string, types ...event.Type) (e event.Endpoint, secret string) {
	t.Helper()
	w.write(t, func(ctx context.Context, tx tenant.Tx) (err error) {
		e, secret, err = event.Add(ctx, tx, plain{}, uuid.Must(uuid.NewV7()), event.Wish{URL: url, Types: types}, "user:test")
		return err
	})
	return e, secret
}

func (w *world) record(t *testing.T, objects ...uuid.UUID) {
	t.Helper()
	events := make([]event.Event, len(objects))
	for i, o := range objects {
		events[i] = event.Event{Type: event.PartyChanged, ObjectID: o, Data: party}
	}
	w.write(t, func(ctx context.Context, tx tenant.Tx) error { return event.RecordMany(ctx, tx, events) })
}

func (w *world) read(t *testing.T, id uuid.UUID) (e event.Endpoint, deliveries []event.Delivery) {
	t.Helper()
	err := w.db.Read(t.Context(), w.Ref, func(ctx context.Context, tx tenant.Tx) (err error) {
		if e, err = event.Get(ctx, tx, id); err != nil {
			return err
		}
		deliveries, err = event.Deliveries(ctx, tx, event.DeliveryQuery{EndpointID: id, Limit: 200})
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	slices.Reverse(deliveries)
	return e, deliveries
}

// message is what a receiver got.
type message struct {
	ID, Signature, Timestamp string
	Body                     []byte
	Object                   uuid.UUID
	Sequence                 int64
}

// receiver is an integrator's server.
type receiver struct {
	*httptest.Server
	mu     sync.Mutex
	got    []message
	answer func(m message, n int) int // n counts from 1
}

func receive(t *testing.T, answer func(m message, n int) int) *receiver {
	r := &receiver{answer: answer}
	r.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, q *http.Request) {
		body, _ := io.ReadAll(q.Body)
		var told struct {
			Sequence int64
			Object   struct{ ID uuid.UUID }
		}
		_ = json.Unmarshal(body, &told)
		m := message{q.Header.Get("webhook-id"), q.Header.Get("webhook-signature"), q.Header.Get("webhook-timestamp"), body, told.Object.ID, told.Sequence}
		r.mu.Lock()
		r.got = append(r.got, m)
		n := len(r.got)
		r.mu.Unlock()
		status := http.StatusNoContent
		if r.answer != nil {
			status = r.answer(m, n)
		}
		w.WriteHeader(status)
		if status != http.StatusNoContent {
			fmt.Fprint(w, "thank you")
		}
	}))
	t.Cleanup(r.Close)
	return r
}

func (r *receiver) messages() []message { r.mu.Lock(); defer r.mu.Unlock(); return slices.Clone(r.got) }

// verify is written from the text of Standard Webhooks and shares nothing with
// what signs.
func verify(m message, secret string, now time.Time) error {
	key, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(secret, "whsec_"))
	if err != nil {
		return err
	}
	seconds, err := strconv.ParseInt(m.Timestamp, 10, 64)
	if err != nil || now.Sub(time.Unix(seconds, 0)).Abs() > 5*time.Minute {
		return fmt.Errorf("timestamp %q is not of now", m.Timestamp)
	}
	mac := hmac.New(sha256.New, key)
	fmt.Fprintf(mac, "%s.%s.%s", m.ID, m.Timestamp, m.Body)
	for signature := range strings.FieldsSeq(m.Signature) {
		version, value, _ := strings.Cut(signature, ",")
		sum, err := base64.StdEncoding.DecodeString(value)
		if version == "v1" && err == nil && hmac.Equal(sum, mac.Sum(nil)) {
			return nil
		}
	}
	return errors.New("no signature fits")
}

func TestWork_ordersByObjectAndLetsOthersGoOn(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	stuck, free := uuid.New(), uuid.New()
	var mend bool
	r := receive(t, func(m message, _ int) int {
		if m.Object == stuck && !mend {
			return 500
		}
		return 204
	})
	e, _ := w.endpoint(t, r.URL)
	w.record(t, stuck, free, stuck, free, free)
	w.work(t)
	var order []string
	for _, m := range r.messages() {
		order = append(order, fmt.Sprint(m.Object == stuck, m.Sequence))
	}
	slices.SortStableFunc(order, func(a, b string) int { return strings.Compare(b[:4], a[:4]) })
	if want := "true 1,false 1,false 2,false 3"; strings.Join(order, ",") != want {
		t.Errorf("%v, want %s", order, want)
	}
	mend = true
	w.pass(5 * time.Second)
	w.work(t)
	got := r.messages()
	if n := len(got); n != 6 || got[n-2].ID != got[0].ID && got[n-2].Object != stuck || got[n-1].Sequence != 2 || got[n-1].Object != stuck {
		t.Fatalf("%d messages: %+v", n, got)
	}
	first, again := got[slices.IndexFunc(got, func(m message) bool { return m.Object == stuck })], got[len(got)-2]
	if first.ID != again.ID || string(first.Body) != string(again.Body) {
		t.Errorf("a retry keeps id and body: %s %s", first.ID, again.ID)
	}
	_, list := w.read(t, e.ID)
	for _, d := range list {
		if d.State != event.Delivered {
			t.Errorf("%s is %s", d.ID, d.State)
		}
	}
	if log := list[0].Log; len(log) != 2 || log[0].Status != 500 || log[0].Response != "thank you" || log[1].Status != 204 {
		t.Errorf("log %+v", log)
	}
}

func TestWork_rotationSignsTwice(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	r := receive(t, nil)
	e, first := w.endpoint(t, r.URL)
	var second string
	w.record(t, uuid.New())
	w.work(t)
	w.write(t, func(ctx context.Context, tx tenant.Tx) (err error) {
		_, second, err = event.Rotate(ctx, tx, plain{}, e.ID)
		return err
	})
	w.record(t, uuid.New())
	w.work(t)
	w.pass(event.Overlap + time.Second)
	w.record(t, uuid.New())
	w.work(t)
	got := r.messages()
	if len(got) != 3 {
		t.Fatalf("%d messages", len(got))
	}
	at := []time.Time{w.now.Add(-event.Overlap - time.Second), w.now.Add(-event.Overlap - time.Second), w.now}
	for i, want := range [][2]bool{{true, false}, {true, true}, {false, true}} {
		for n, secret := range []string{first, second} {
			if err := verify(got[i], secret, at[i]); (err == nil) != want[n] {
				t.Errorf("message %d under secret %d: %v", i+1, n+1, err)
			}
		}
	}
	if verify(message{got[0].ID, got[0].Signature, got[0].Timestamp, []byte("{}"), uuid.Nil, 0}, first, at[0]) == nil {
		t.Error("another body is verified")
	}
}

func TestWork_triesForThreeDaysThenDisablesWithAnAlarm(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	r := receive(t, func(message, int) int { return 503 })
	e, _ := w.endpoint(t, r.URL)
	w.record(t, uuid.New())
	began := w.now
	for w.now.Before(began.Add(4 * 24 * time.Hour)) {
		w.work(t)
		w.pass(time.Hour)
	}
	got, list := w.read(t, e.ID)
	if got.State != event.Disabled || !strings.Contains(got.Reason, "503") || len(w.alarms) != 1 {
		t.Errorf("%s %q, %d alarms", got.State, got.Reason, len(w.alarms))
	}
	if list[0].State != event.GivenUp || list[0].Attempts < 8 || list[0].Attempts > 20 {
		t.Errorf("%s after %d attempts", list[0].State, list[0].Attempts)
	}
	ids := map[string]bool{}
	for _, m := range r.messages() {
		ids[m.ID] = true
	}
	if len(ids) != 1 {
		t.Errorf("%d ids", len(ids))
	}
	// switched on again, what was missed is replayed
	r.answer = nil
	w.write(t, func(ctx context.Context, tx tenant.Tx) error {
		if _, err := event.Switch(ctx, tx, e.ID, event.Active); err != nil {
			return err
		}
		n, err := event.Replay(ctx, tx, e.ID, event.Range{From: began.Add(-time.Minute), To: w.now})
		if n != 1 {
			t.Errorf("%d replayed", n)
		}
		return err
	})
	w.work(t)
	if got, list := w.read(t, e.ID); got.State != event.Active || list[0].State != event.Delivered {
		t.Errorf("%s, %s", got.State, list[0].State)
	}
}

func TestWork_goneDisablesAtOnce(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	r := receive(t, func(message, int) int { return http.StatusGone })
	e, _ := w.endpoint(t, r.URL)
	w.record(t, uuid.New())
	w.work(t)
	if got, _ := w.read(t, e.ID); got.State != event.Disabled || len(w.alarms) != 1 || len(r.messages()) != 1 {
		t.Errorf("%s, %d alarms, %d messages", got.State, len(w.alarms), len(r.messages()))
	}
	w.record(t, uuid.New())
	w.work(t)
	if n := len(r.messages()); n != 1 {
		t.Errorf("%d messages to what is gone", n)
	}
}

// A process that dies between sending and noting sends again, under the same id.
func TestWork_sendsAgainAfterACrash(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	r := receive(t, nil)
	e, _ := w.endpoint(t, r.URL)
	w.record(t, uuid.New())
	dead := w.courier
	crash := errors.New("killed")
	dead.Write = func(context.Context, func(context.Context, tenant.Tx) error) error { return crash }
	if _, err := dead.Work(t.Context()); !errors.Is(err, crash) {
		t.Fatal(err)
	}
	w.work(t)
	got := r.messages()
	if len(got) != 2 || got[0].ID != got[1].ID {
		t.Errorf("%d messages", len(got))
	}
	if _, list := w.read(t, e.ID); list[0].State != event.Delivered {
		t.Errorf("%s", list[0].State)
	}
}

func TestWork_slowReceiverIsAFailure(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.courier.Sender = &webhook.Sender{Now: time.Now, Timeout: 100 * time.Millisecond}
	r := receive(t, func(message, int) int { time.Sleep(400 * time.Millisecond); return 204 })
	e, _ := w.endpoint(t, r.URL)
	w.record(t, uuid.New())
	w.work(t)
	if _, list := w.read(t, e.ID); list[0].State != event.Due || list[0].Log[0].Error != "did not answer in time" || list[0].NextAt.Sub(w.now) != 5*time.Second {
		t.Errorf("%+v", list[0])
	}
}

func TestWork_wantedTypesOnly(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	r := receive(t, nil)
	w.endpoint(t, r.URL, event.BillFinalized)
	w.record(t, uuid.New())
	w.work(t)
	if n := len(r.messages()); n != 0 {
		t.Errorf("%d messages that nobody wants", n)
	}
	// an endpoint made later can have what it wants of before
	later, _ := w.endpoint(t, r.URL, event.PartyChanged)
	w.write(t, func(ctx context.Context, tx tenant.Tx) error {
		n, err := event.Replay(ctx, tx, later.ID, event.Range{From: w.now.Add(-time.Hour), To: w.now.Add(time.Hour)})
		if n != 1 {
			t.Errorf("%d replayed", n)
		}
		return err
	})
	w.work(t)
	if n := len(r.messages()); n != 1 {
		t.Errorf("%d messages", n)
	}
}

func TestRecord_sandboxRecordsInstead(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	r := receive(t, nil)
	e, _ := w.endpoint(t, r.URL)
	w.Ref.Sandbox = true
	w.record(t, uuid.New())
	w.write(t, func(ctx context.Context, tx tenant.Tx) error { _, err := event.Try(ctx, tx, e.ID); return err })
	w.work(t)
	_, list := w.read(t, e.ID)
	if len(list) != 2 || list[0].State != event.Recorded || list[1].State != event.Recorded || len(r.messages()) != 0 {
		t.Errorf("%d deliveries, %d messages", len(list), len(r.messages()))
	}
}

// Many at once to a receiver that is down: it is left alone for a moment.
func TestWork_restsWithAReceiverThatIsDown(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	r := receive(t, func(message, int) int { return 500 })
	e, _ := w.endpoint(t, r.URL)
	objects := make([]uuid.UUID, 100)
	for i := range objects {
		objects[i] = uuid.New()
	}
	w.record(t, objects...)
	w.work(t)
	if n := len(r.messages()); n > 20 {
		t.Errorf("%d messages to a receiver that is down", n)
	}
	r.answer = nil
	w.pass(time.Minute)
	w.work(t)
	if got, _ := w.read(t, e.ID); got.Waiting != 0 || got.FailingSince != nil {
		t.Errorf("%d waiting", got.Waiting)
	}
}

func TestForget_afterThirtyDays(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	r := receive(t, nil)
	w.endpoint(t, r.URL)
	w.record(t, uuid.New(), uuid.New())
	w.work(t)
	w.pass(event.Retention + time.Hour)
	w.record(t, uuid.New())
	w.write(t, func(ctx context.Context, tx tenant.Tx) error {
		n, err := event.Forget(ctx, tx, 100)
		if n != 2 {
			t.Errorf("%d forgotten", n)
		}
		return err
	})
}

func TestAdd_refusesWhatIsNoAddress(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for _, wish := range []event.Wish{{URL: "ftp://example.com"}, {URL: "example.com"}, {URL: "https://u:p@example.com/"}, {URL: "https://example.com/#x"},
		{URL: "https://example.com", Types: []event.Type{"party.vanished"}}, {URL: "https://example.com", Types: []event.Type{event.Test}}} {
		err := w.db.Write(t.Context(), w.Ref, func(ctx context.Context, tx tenant.Tx) error {
			_, _, err := event.Add(ctx, tx, plain{}, uuid.New(), wish, "user:test")
			return err
		})
		var field *event.FieldError
		if !errors.As(err, &field) {
			t.Errorf("%v: %v", wish, err)
		}
	}
}

func TestSchema_coversEveryPayload(t *testing.T) {
	t.Parallel()
	for _, k := range event.Kinds {
		if len(k.SchemaText()) == 0 || k.Meaning == "" {
			t.Errorf("%s", k.Type)
		}
	}
}
