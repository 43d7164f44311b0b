package api

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/labstack/echo/v4"

	"tollhouse/billing"
	"tollhouse/billing/agenda"
	"tollhouse/billing/identity"
	"tollhouse/billing/payment"
	"tollhouse/billing/tenant"
	"tollhouse/billing/visit"
	"tollhouse/infra/postgres/pgtest"
)

func TestMain(m *testing.M) { pgtest.Main(m) }

// sealer leaves everything in clear: sealing is shown elsewhere.
type sealer struct{}

func (sealer) Seal(_ tenant.ID, _ string, clear []byte) ([]byte, error)  { return clear, nil }
func (sealer) Open(_ tenant.ID, _ string, sealed []byte) ([]byte, error) { return sealed, nil }

// cards is a provider whose pages always open, and whose events are signed by
// a word.
type cards struct {
	payment.CardProvider
	mu     sync.Mutex
	calls  int
	broken error
}

func (c *cards) fail(err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.broken = err
}

func (c *cards) Checkout(_ context.Context, r payment.CheckoutRequest) (payment.Checkout, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.calls++
	if c.broken != nil {
		return payment.Checkout{}, c.broken
	}
	return payment.Checkout{Ref: "cs_" + r.Intent.String(), URL: "https://pay.example/" + r.Intent.String()}, nil
}

func (c *cards) ReadEvent(_ context.Context, _ tenant.ID, signature string, body []byte) (payment.ProviderEvent, error) {
	if signature != "right" {
		return payment.ProviderEvent{}, payment.ErrWebhookSignature
	}
	var event payment.ProviderEvent
	return event, json.Unmarshal(body, &event)
}

// queue works lanes at once, one after another.
type queue struct {
	mu   sync.Mutex
	host *billing.Host
}

func (q *queue) Enqueue(ctx context.Context, id tenant.ID, lane agenda.Lane) error {
	q.mu.Lock()
	defer q.mu.Unlock()
	for again := true; again; {
		var err error
		if again, err = q.host.Work(ctx, id, lane); err != nil {
			return err
		}
	}
	return nil
}

// world is a process with one or two tenants, reached by HTTP.
type world struct {
	t         *testing.T
	db        *pgtest.TenantDB
	authority *identity.Authority
	passwords *identity.Passwords
	cards     *cards
	log       *lockedLog
	echo      *echo.Echo
	host      *billing.Host
	url       string
	wall      atomic.Int64 // wall time, in microseconds
}

type lockedLog struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (l *lockedLog) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

func (l *lockedLog) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

// now is the world's wall time, which stands unless it is made to pass.
func (w *world) now() time.Time { return time.UnixMicro(w.wall.Load()) }

func (w *world) pass(d time.Duration) { w.wall.Add(d.Microseconds()) }

const maxTestUpload = 4 << 20

func newWorld(t *testing.T) *world {
	t.Helper()
	return newWorldBeside(t, nil)
}

// newWorldBeside is a world with a control plane in the same process.
func newWorldBeside(t *testing.T, control *Control) *world {
	t.Helper()
	return newWorldWith(t, control, func(*billing.Config) {})
}

// newWorldWith is a world whose host is set up in another way.
func newWorldWith(t *testing.T, control *Control, other func(*billing.Config)) *world {
	t.Helper()
	passwords, err := identity.NewPasswords()
	if err != nil {
		t.Fatal(err)
	}
	w := &world{t: t, db: pgtest.Tenant(t), passwords: passwords, cards: &cards{}, log: &lockedLog{}}
	w.wall.Store(time.Now().UnixMicro())
	clock := w.now
	w.authority = identity.New(passwords, sealer{}, clock, identity.WithVisits(visit.Recognise(clock)))
	w.setUp(w.db)
	log := slog.New(slog.NewTextHandler(w.log, nil))
	config := billing.Config{DB: w.db.DB, Identity: w.authority, Seal: sealer{}, Cards: w.cards, Webhooks: w.cards,
		Inbox: t.TempDir(), PublicURL: "http://tollhouse.example", Now: clock, Log: log}
	other(&config)
	host := billing.NewHost(config)
	w.host = host
	ctx, cancel := context.WithCancel(context.Background())
	dispatched := make(chan struct{})
	go func() { defer close(dispatched); host.Dispatch(ctx, &queue{host: host}) }()
	t.Cleanup(func() { cancel(); <-dispatched })
	w.echo, err = New(Config{Host: host, Control: control, Authority: w.authority, Passwords: passwords, Log: log, Now: clock, Ready: host.Ready,
		PublicURL: "http://tollhouse.example", MaxUploadBytes: maxTestUpload})
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(ByHostName(w.echo))
	t.Cleanup(server.Close)
	w.url = server.URL
	return w
}

// setUp gives a tenant what its stack is made with.
func (w *world) setUp(db *pgtest.TenantDB) {
	w.t.Helper()
	db.Write(w.t, func(ctx context.Context, tx tenant.Tx) error {
		if err := w.authority.SetUp(ctx, tx); err != nil {
			return err
		}
		_, err := tx.Exec(ctx, `insert into secret (name, sealed, created_at) values ($1, $2, $3)`,
			billing.UsageHashKey, bytes.Repeat([]byte{3}, 32), tx.At)
		return err
	})
}

const password = "correct horse battery"

// user adds a user and signs it in.
func (w *world) user(db *pgtest.TenantDB, role identity.Role, account *uuid.UUID) (token string) {
	w.t.Helper()
	email := fmt.Sprintf("%s-%s@example.net", role, uuid.NewString())
	hash, err := w.passwords.Hash(context.Background(), password)
	if err != nil {
		w.t.Fatal(err)
	}
	db.Write(w.t, func(ctx context.Context, tx tenant.Tx) error {
		_, err := w.authority.AddUser(ctx, tx, identity.NewUser{Email: email, Role: role, AccountID: account, Password: hash})
		return err
	})
	got := w.send(request{method: "POST", path: "/t/" + db.Ref.Name + "/v1/sign-in", body: map[string]string{"email": email, "password": password}})
	got.want(w.t, 200)
	return got.text("access_token")
}

func (w *world) path(rest string) string { return "/t/" + w.db.Ref.Name + "/v1" + rest }

// request is one request; body is JSON unless raw is set.
type request struct {
	method, path, token, key string
	body                     any
	raw                      string
	contentType              string
	header                   map[string]string
}

type response struct {
	status int
	header http.Header
	raw    []byte
}

func (w *world) send(r request) response {
	w.t.Helper()
	var body io.Reader
	contentType := r.contentType
	switch {
	case r.raw != "":
		body = strings.NewReader(r.raw)
	case r.body != nil:
		text, err := json.Marshal(r.body)
		if err != nil {
			w.t.Fatal(err)
		}
		body = bytes.NewReader(text)
	}
	if contentType == "" && body != nil {
		contentType = jsonType
	}
	out, err := http.NewRequest(r.method, w.url+r.path, body)
	if err != nil {
		w.t.Fatal(err)
	}
	if contentType != "" {
		out.Header.Set("Content-Type", contentType)
	}
	if r.token != "" {
		out.Header.Set("Authorization", "Bearer "+r.token)
	}
	if r.key != "" {
		out.Header.Set(idempotencyKey, r.key)
	}
	for name, value := range r.header {
		if name == "Host" {
			out.Host = value
		}
		out.Header.Set(name, value)
	}
	return w.receive(out)
}

func (w *world) receive(out *http.Request) response {
	w.t.Helper()
	in, err := http.DefaultClient.Do(out)
	if err != nil {
		w.t.Fatal(err)
	}
	defer func() { _ = in.Body.Close() }()
	raw, err := io.ReadAll(in.Body)
	if err != nil {
		w.t.Fatal(err)
	}
	return response{status: in.StatusCode, header: in.Header, raw: raw}
}

// post is a command under a key of its own.
func (w *world) post(token, path string, body any) response {
	w.t.Helper()
	return w.send(request{method: "POST", path: path, token: token, key: uuid.NewString(), body: body})
}

func (w *world) get(token, path string) response {
	w.t.Helper()
	return w.send(request{method: "GET", path: path, token: token})
}

func (r response) want(t *testing.T, status int) response {
	t.Helper()
	if r.status != status {
		t.Fatalf("got %d, want %d: %s", r.status, status, r.raw)
	}
	return r
}

// at reads a value by keys and positions, nil if there is none.
func (r response) at(path ...any) any {
	var value any
	if json.Unmarshal(r.raw, &value) != nil {
		return nil
	}
	for _, step := range path {
		switch step := step.(type) {
		case string:
			object, _ := value.(map[string]any)
			value = object[step]
		case int:
			list, _ := value.([]any)
			if step >= len(list) {
				return nil
			}
			value = list[step]
		}
	}
	return value
}

func (r response) text(path ...any) string { return fmt.Sprint(r.at(path...)) }

// faults are the problem's fields, each with what would be right.
func (r response) faults() (fields []string, err error) {
	var p struct {
		Type, Title, Trace string
		Status             int
		Errors             []struct{ Field, Reason, Want string }
	}
	if err := json.Unmarshal(r.raw, &p); err != nil {
		return nil, err
	}
	if p.Type == "" || p.Title == "" || len(p.Trace) != 32 || p.Status != r.status || r.header.Get("Content-Type") != "application/problem+json" {
		return nil, fmt.Errorf("no problem document: %s", r.raw)
	}
	for _, e := range p.Errors {
		if e.Reason == "" || e.Want == "" {
			err = errors.Join(err, fmt.Errorf("%s does not say what is wrong and what is right", e.Field))
		}
		fields = append(fields, e.Field)
	}
	return fields, err
}
