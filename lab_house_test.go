//go:build openstack

package main

import (
	"bytes"
	"context"
	"crypto/tls"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"time"

	"github.com/google/uuid"
)

func labEuro(amount string) map[string]string {
	return map[string]string{"amount": amount, "currency": "EUR"}
}

// items are those of a list.
func items(answer map[string]any) (some []map[string]any) {
	list, _ := answer["items"].([]any)
	for _, item := range list {
		one, _ := item.(map[string]any)
		some = append(some, one)
	}
	return some
}

// text is what stands under names within each other.
func text(in map[string]any, names ...string) string {
	for _, name := range names[:len(names)-1] {
		in, _ = in[name].(map[string]any)
	}
	found, _ := in[names[len(names)-1]].(string)
	return found
}

// withHouse gives the estate a pool, in which our own company's stack is made.
func (e *estate) withHouse() {
	e.t.Helper()
	file := filepath.Join(e.t.TempDir(), "house.json")
	text := `{"display_name": "House", "legal_name": "House GmbH", "country": "DE", "zone": "Europe/Berlin", "currency": "EUR", "language": "en",
		"owner_email": "owner@house.example", "sandbox": true,
		"legal_entity": {"address": {"street": "Deich 1", "postcode": "20457", "city": "Hamburg"}, "tax_id": "DE987654321"}}`
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		e.t.Fatal(err)
	}
	for i, pair := range e.env {
		if strings.HasPrefix(pair, "TOLLHOUSE_HOST_DATABASE_URL=") {
			e.env[i] = "TOLLHOUSE_HOST_DATABASE_URL=" + e.server
		}
	}
	e.env = append(e.env, "TOLLHOUSE_HOST_DATABASE="+e.host, "TOLLHOUSE_HOUSE="+file)
}

// houseOpens starts a host for the pool and gives the house's stack.
func (e *estate) houseOpens() *labStack {
	e.t.Helper()
	var config net.ListenConfig
	probe, err := config.Listen(context.Background(), "tcp", "127.0.0.1:0")
	if err != nil {
		e.t.Fatal(err)
	}
	address := probe.Addr().String()
	_ = probe.Close()
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan int, 1)
	log := &syncBuffer{}
	go func() {
		done <- run(ctx, process{args: []string{"host"}, stdout: log, stderr: log, env: []string{"TOLLHOUSE_LISTEN=" + address, "TOLLHOUSE_PUBLIC_URL=http://" + address,
			"TOLLHOUSE_DATABASE_URL=" + e.server, "TOLLHOUSE_DATABASE=" + e.host, "TOLLHOUSE_DATA=" + e.t.TempDir(), "TOLLHOUSE_MASTER_KEY_FILE=" + e.key,
			"TOLLHOUSE_STRIPE_SECRET_KEY=sk_test_none", "TOLLHOUSE_STRIPE_WEBHOOK_SECRETS=whsec_none"}})
	}()
	e.t.Cleanup(func() {
		cancel()
		if code := <-done; code != 0 || e.t.Failed() {
			e.t.Logf("the pool's host ended with %d:\n%s", code, log)
		}
	})
	_, rest, _ := strings.Cut(e.main.output.String(), "house: ")
	email, rest, _ := strings.Cut(rest, ",")
	_, rest, _ = strings.Cut(rest, "(shown once): ")
	password, _, _ := strings.Cut(rest, "\n")
	s := &labStack{door: door{e.t, "http://" + address, log}, path: "/t/house"}
	s.opens()
	e.first.eventually("the house's stack", func() bool { return s.status("/v1/jwks") == http.StatusOK })
	s.signIn(email, strings.TrimSpace(password))
	return s
}

// standsOn takes an operator on, makes its site in the cloud and runs what Nova
// holds, until it is ready.
func (e *estate) standsOn(site uuid.UUID, name string, more map[string]any) newcomer {
	e.t.Helper()
	more["place"] = map[string]any{"site": map[string]any{"id": site, "cloud": "openstack", "size": "small"}}
	operator := e.main.operatorWith(e.token, name, more)
	e.becomes(site, "enrolling")
	if out, err := e.first.boots(e.userData(site)); err != nil {
		e.t.Fatalf("the user-data: %v\n%s", err, out)
	}
	e.becomes(site, "ready")
	e.isServing(operator)
	return operator
}

// restarts ends what runs in the space, as a machine does that goes down, and
// starts it again.
func (s *space) restarts(userData string) {
	s.t.Helper()
	for _, pid := range s.processes() {
		_ = syscall.Kill(pid, syscall.SIGTERM)
	}
	s.eventually("the end of what ran", func() bool { return len(s.processes()) == 0 })
	if out, err := s.boots(userData); err != nil {
		s.t.Fatalf("the machine's next start: %v\n%s", err, out)
	}
	s.eventually("the stack's next start", func() bool { return s.get("/readyz") == http.StatusOK })
}

// labStack is a stack's API, as its owner.
type labStack struct {
	door
	path  string // of the stack
	token string
}

// stackOf is the stack in the first space, whose owner signs in.
func (e *estate) stackOf(of newcomer) *labStack {
	e.t.Helper()
	s := &labStack{door: door{e.t, "http://" + e.first.inside + ":8080", nil}, path: "/t/" + of.name}
	s.signIn(of.email, of.password)
	return s
}

func (s *labStack) signIn(email, password string) {
	s.t.Helper()
	s.token = text(s.call("", "POST", s.path+"/v1/sign-in", map[string]any{"email": email, "password": password}, http.StatusOK), "access_token")
}

func (s *labStack) status(path string) int {
	response, err := http.Get(s.address + s.path + path)
	if err != nil {
		return 0
	}
	_ = response.Body.Close()
	return response.StatusCode
}

func (s *labStack) get(path string) map[string]any {
	s.t.Helper()
	return s.call(s.token, "GET", s.path+path, nil, http.StatusOK)
}

func (s *labStack) post(path string, body any, want int) map[string]any {
	s.t.Helper()
	return s.call(s.token, "POST", s.path+path, body, want)
}

// publish brings an offering on sale.
func (s *labStack) publish(yaml string) {
	s.t.Helper()
	request, err := http.NewRequest(http.MethodPost, s.address+s.path+"/v1/offerings", strings.NewReader(yaml))
	if err != nil {
		s.t.Fatal(err)
	}
	request.Header.Set("Content-Type", "application/yaml")
	request.Header.Set("Idempotency-Key", uuid.NewString())
	request.Header.Set("Authorization", "Bearer "+s.token)
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		s.t.Fatal(err)
	}
	defer func() { _ = response.Body.Close() }()
	var draft map[string]any
	if err := json.NewDecoder(response.Body).Decode(&draft); err != nil || response.StatusCode != http.StatusCreated {
		s.t.Fatalf("the offering: %d, %v, %v", response.StatusCode, draft, err)
	}
	s.post("/v1/offerings/"+text(draft, "id")+"/publish", map[string]any{}, http.StatusOK)
}

// month is the first of the stack's present month.
func (s *labStack) month() time.Time {
	s.t.Helper()
	zone, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		s.t.Fatal(err)
	}
	at, err := time.Parse(time.RFC3339, text(s.get("/v1/clock"), "at"))
	if err != nil {
		s.t.Fatal(err)
	}
	at = at.In(zone)
	return time.Date(at.Year(), at.Month(), 1, 0, 0, 0, 0, zone)
}

// advance moves a sandbox's clock; what falls due on the way is done.
func (s *labStack) advance(to time.Time) {
	s.t.Helper()
	s.post("/v1/clock/advance", map[string]any{"to": to.UTC().Format(time.RFC3339)}, http.StatusOK)
}

// labReader is who reads a stack's console in a browser.
type labReader struct {
	*labStack
	client http.Client
}

var (
	hiddenMark = regexp.MustCompile(`name="csrf" value="([^"]+)"`)
	billLink   = regexp.MustCompile(`/console/hosting/bills/[0-9a-f-]{36}/pdf`)
)

// console has the operator's owner sign in to its console: by TLS, as its pages
// are told under https, and browsers send what they keep of them nowhere else.
func (s *labStack) console(of newcomer) *labReader {
	s.t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		s.t.Fatal(err)
	}
	inside, _, err := net.SplitHostPort(strings.TrimPrefix(s.address, "http://"))
	if err != nil {
		s.t.Fatal(err)
	}
	secure := &labStack{door: door{s.t, "https://" + inside, nil}, path: s.path}
	blind := &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true}} //nolint:gosec // it has no name for which there could be a certificate
	s.t.Cleanup(blind.CloseIdleConnections)
	r := &labReader{secure, http.Client{Jar: jar, Timeout: time.Minute, Transport: blind}}
	found := hiddenMark.FindStringSubmatch(r.page("/console/sign-in"))
	if found == nil {
		s.t.Fatal("the console's door has no form")
	}
	response, err := r.client.PostForm(r.address+r.path+"/console/sign-in", url.Values{"csrf": {found[1]}, "email": {of.email}, "password": {of.password}})
	if err != nil {
		s.t.Fatal(err)
	}
	_ = response.Body.Close()
	return r
}

// page is what the reader sees at a path of the stack.
func (r *labReader) page(path string) string {
	r.t.Helper()
	response, err := r.client.Get(r.address + r.path + path)
	if err != nil {
		r.t.Fatal(err)
	}
	defer func() { _ = response.Body.Close() }()
	body := &bytes.Buffer{}
	if _, err := io.Copy(body, response.Body); err != nil || response.StatusCode != http.StatusOK {
		r.t.Fatalf("%s: %d, %v", path, response.StatusCode, err)
	}
	return body.String()
}
