package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
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

	"tollhouse/api"
	"tollhouse/infra/postgres"
)

// siteNet is what the site's subscribers have: a message at 0.50.
const siteNet = `
code: net
names: {en: Net}
billing: prepaid
services: [mobile]
currency: EUR
tax: {category: standard, included: true}
usage:
  - {code: data, names: {en: Data}, kind: data, rules: [{code: anydata, destinations: ["*"], price: 1.00, per: 1 GB}]}
  - {code: message, names: {en: Messages}, kind: message, rules: [{code: anymsg, destinations: ["*"], price: 0.50, per: "1"}]}
`

// ownSite is a host and its workers, each a process of its own in one space.
type ownSite struct {
	*space
	control  *controlPlane
	token    string // of staff
	operator newcomer
	stack    door   // the host's API
	owner    string // token of the stack's owner
	machine  string // key of what charges
	accounts []string
	began    string // when all events were: a repeat says the same
	worker   string // the line that makes a worker
	standby  string // the line that makes the standby; empty: none is wanted yet
}

const siteAccounts = 12

// TestSite_workersCharge has a host and two workers charge the same subscribers.
// A worker is killed in the middle of a flood: nothing is lost and nothing is
// charged twice, the host goes on, and the worker gets work again once it is back.
func TestSite_workersCharge(t *testing.T) {
	s := newSite(t)
	s.joins(1)
	s.joins(2)
	s.eventually("both workers are fit", func() bool { return s.standing(1) == "healthy" && s.standing(2) == "healthy" })
	s.knowsNoStrangers()

	const debits = 1_500
	var done atomic.Int64
	ended := make(chan int, 1)
	go func() { ended <- s.flood("d", debits, &done) }()
	for done.Load() < debits/3 {
		time.Sleep(time.Millisecond)
	}
	s.kill(1)
	if failed := <-ended; failed > 0 {
		t.Errorf("%d of %d debits failed", failed, debits)
	}
	s.wantTaken(debits)
	if failed := s.flood("d", debits, &done); failed > 0 { // the same again
		t.Errorf("%d of %d repeats failed", failed, debits)
	}
	s.wantTaken(debits)

	s.joins(1) // comes back as it was
	s.eventually("the worker that was killed charges again", func() bool {
		s.sessions(24)
		return s.charged(1) > 0 && s.charged(2) > 0
	})
	s.wantTaken(debits)

	s.versions(`insert into host.goose_db_version (version_id, is_applied) select max(version_id) + 1, true from host.goose_db_version`)
	s.eventually("workers see another version", func() bool { return s.standing(1) == "unhealthy" && s.standing(2) == "unhealthy" })
	if reason := s.seen(2)["reason"]; reason != "It does not charge: its host runs another version of the program." {
		t.Errorf("why it is not healthy: %v", reason)
	}
	if failed := s.flood("v", 50, &done); failed > 0 {
		t.Errorf("%d debits failed while workers don't fit", failed)
	}
	s.wantTaken(debits + 50)
	s.versions(`delete from host.goose_db_version where version_id = (select max(version_id) from host.goose_db_version)`)
	s.eventually("they go on once it fits", func() bool { return s.standing(1) == "healthy" && s.standing(2) == "healthy" })
}

func newSite(t *testing.T) *ownSite {
	t.Helper()
	s := &ownSite{space: newSpace(t)}
	s.control = startControlPlane(t, s.outside)
	s.token = s.control.signIn()
	s.operator = s.control.operator(s.token, "nordnetz")
	if out, err := s.run(strings.Replace(s.invite("host", 1), "sudo ", "", 1)); err != nil {
		t.Fatalf("the host's installer: %v\n%s", err, out)
	}
	s.stack = door{t, "http://" + s.inside + ":8080", nil}
	s.eventually("the host serves", func() bool { return s.get("/t/nordnetz/v1/jwks") == http.StatusOK })
	s.owner, _ = s.stack.call("", "POST", s.path("/sign-in"), map[string]any{"email": s.operator.email, "password": s.operator.password}, 200)["access_token"].(string)
	draft, _ := s.send(s.owner, s.path("/offerings"), "application/yaml", []byte(siteNet))
	var made struct{ ID string }
	_ = json.Unmarshal(draft, &made)
	s.stack.call(s.owner, "POST", s.path("/offerings/"+made.ID+"/publish"), map[string]any{}, 200)
	for n := range siteAccounts {
		order := s.stack.call(s.owner, "POST", s.path("/orders"), map[string]any{"offering": "net", "facts": map[string]string{
			"party.kind": "individual", "party.name": "Ida Example", "party.birth_date": "1990-02-28", "party.email": "ida@example.net",
			"party.id_document": "passport C01X00T47", "party.id_verified": "desk",
			"address.street": "Hafenstrasse 1", "address.postcode": "20457", "address.city": "Hamburg",
			"mobile.msisdn": msisdn(n), "mobile.imsi": fmt.Sprintf("262011234%06d", n)}}, 201)
		account, _ := s.stack.call(s.owner, "POST", s.path(fmt.Sprintf("/orders/%v/activate", order["id"])), nil, 200)["account"].(string)
		s.stack.call(s.owner, "POST", s.path("/accounts/"+account+"/top-ups"), map[string]any{"amount": map[string]string{"amount": "200.00", "currency": "EUR"}, "method": "cash"}, 201)
		s.accounts = append(s.accounts, account)
	}
	s.stack.call(s.owner, "POST", s.path("/usage-sources"), map[string]any{"name": "api", "preset": "json-events"}, 201)
	s.machine, _ = s.stack.call(s.owner, "POST", s.path("/api-keys"), map[string]any{"name": "switch", "role": "machine"}, 201)["secret"].(string)
	s.began = time.Now().UTC().Format(time.RFC3339Nano)
	s.worker = s.invite("worker", 2)
	return s
}

func msisdn(n int) string                  { return fmt.Sprintf("+4915510%06d", n) }
func (s *ownSite) path(rest string) string { return "/t/nordnetz/v1" + rest }
func (s *ownSite) folderOf(n int) string   { return filepath.Join(s.folder, fmt.Sprint("worker", n)) }
func (s *ownSite) addressOf(n int) string  { return fmt.Sprintf("%s:%d", s.inside, 8080+n) }

func (s *ownSite) invite(role string, machines int) string {
	s.t.Helper()
	invited := s.control.call(s.token, "POST", "/staff/v1/enrolments", map[string]any{"operator": s.operator.id, "role": role, "place": "customer", "name": role, "machines": machines}, 201)
	line, _ := invited["command"].(string)
	return line
}

// joins makes a worker, or starts one that is there.
func (s *ownSite) joins(n int) {
	s.t.Helper()
	line := strings.Replace(s.worker, "sudo ", fmt.Sprintf("env TOLLHOUSE_LOCAL_SITE=%s TOLLHOUSE_LOCAL_LISTEN=%s ", s.folderOf(n), s.addressOf(n)), 1)
	if out, err := s.run(line); err != nil {
		s.t.Fatalf("worker %d: %v\n%s", n, err, out)
	}
	s.t.Cleanup(func() {
		if log, err := os.ReadFile(filepath.Join(s.folderOf(n), "data/worker.log")); err == nil && s.t.Failed() {
			s.t.Logf("worker %d:\n%s", n, log[max(0, len(log)-4000):])
		}
	})
}

func (s *ownSite) kill(n int) {
	s.t.Helper()
	text, err := os.ReadFile(filepath.Join(s.folderOf(n), "data/worker.pid"))
	if err != nil {
		s.t.Fatal(err)
	}
	pid, err := strconv.Atoi(strings.TrimSpace(string(text)))
	if err == nil {
		err = syscall.Kill(pid, syscall.SIGKILL)
	}
	if err != nil {
		s.t.Fatal(err)
	}
}

// seen is a worker as the control plane knows it, by where it listens.
func (s *ownSite) seen(n int) map[string]any {
	list, _ := s.control.call(s.token, "GET", "/staff/v1/machines?operator="+s.operator.id, nil, 200)["items"].([]any)
	for _, item := range list {
		one, _ := item.(map[string]any)
		if report, _ := one["report"].(map[string]any); report["listen"] == s.addressOf(n) {
			return one
		}
	}
	return nil
}

func (s *ownSite) standing(n int) any { return s.seen(n)["standing"] }

// charged is how many requests a worker has answered since it started.
func (s *ownSite) charged(n int) float64 {
	report, _ := s.seen(n)["report"].(map[string]any)
	charges, _ := report["charges"].(float64)
	return charges
}

// send sends one request to the host and gives what was answered.
func (s *ownSite) send(token, path, contentType string, body []byte) (answer []byte, status int) {
	request, err := http.NewRequest("POST", s.stack.address+path, bytes.NewReader(body))
	if err != nil {
		return nil, 0
	}
	request.Header.Set("Content-Type", contentType)
	request.Header.Set("Authorization", "Bearer "+token)
	request.Header.Set("Idempotency-Key", uuid.NewString())
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return []byte(err.Error()), 0
	}
	defer func() { _ = response.Body.Close() }()
	answer, _ = io.ReadAll(response.Body)
	return answer, response.StatusCode
}

// flood debits messages of all subscribers, many at a time, and counts what was
// not charged.
func (s *ownSite) flood(key string, debits int, done *atomic.Int64) (failed int) {
	var lost, next atomic.Int64
	var asking sync.WaitGroup
	for range 24 {
		asking.Go(func() {
			for n := int(next.Add(1)) - 1; n < debits; n = int(next.Add(1)) - 1 {
				body := fmt.Sprintf(`{"source":"api","event":{"id":"%s%d","kind":"message","identity":{"kind":"msisdn","value":"%s"},"start":"%s","quantity":1,"unit":"event","destination":"+4930123"}}`,
					key, n, msisdn(n%siteAccounts), s.began)
				if answer, status := s.send(s.machine, s.path("/charging/events"), "application/json", []byte(body)); status != http.StatusOK {
					if lost.Add(1) == 1 {
						s.t.Logf("debit %d: %d %s", n, status, answer)
					}
				}
				done.Add(1)
			}
		})
	}
	asking.Wait()
	return int(lost.Load())
}

// sessions starts sessions of nothing but questions, many at once, and ends them.
func (s *ownSite) sessions(n int) {
	s.t.Helper()
	var asking sync.WaitGroup
	for i := range n {
		asking.Go(func() {
			body := fmt.Sprintf(`{"session":"%s","number":0,"identity":{"kind":"msisdn","value":"%s"},"services":[{"service":"a","kind":"data","destination":"internet"}]}`, uuid.NewString(), msisdn(i%siteAccounts))
			answer, status := s.send(s.machine, s.path("/charging/sessions"), "application/json", []byte(body))
			var begun struct{ ID string }
			if _ = json.Unmarshal(answer, &begun); status != http.StatusOK {
				s.t.Errorf("a session's start: %d %s", status, answer)
				return
			}
			for step, path := range []string{"/update", "/terminate"} {
				body := fmt.Sprintf(`{"number":%d,"services":[{"service":"a","used":0}]}`, step+1)
				if answer, status := s.send(s.machine, s.path("/charging/sessions/"+begun.ID+path), "application/json", []byte(body)); status != http.StatusOK {
					s.t.Errorf("a session's %s: %d %s", path, status, answer)
				}
			}
		})
	}
	asking.Wait()
}

// wantTaken wants as many messages charged, and no cent more.
func (s *ownSite) wantTaken(debits int) {
	s.t.Helper()
	var left int64 // cents
	for _, account := range s.accounts {
		balance, _ := s.stack.call(s.owner, "GET", s.path("/accounts/"+account+"/charging-sessions"), nil, 200)["balance"].(map[string]any)
		text, _ := balance["amount"].(string)
		cents, err := strconv.ParseInt(strings.Replace(text, ".", "", 1), 10, 64)
		if err != nil {
			s.t.Fatalf("balance %v", balance)
		}
		left += cents
	}
	if want := int64(siteAccounts*20_000 - debits*50); left != want {
		s.t.Errorf("%d cents are left, want %d", left, want)
	}
	if sums := s.stack.call(s.owner, "GET", s.path("/ledger/control-sums"), nil, 200); sums["equal"] != true {
		s.t.Errorf("control sums: %v", sums)
	}
}

// knowsNoStrangers wants a worker to answer nobody but its host.
func (s *ownSite) knowsNoStrangers() {
	s.t.Helper()
	for _, word := range []string{"", "guessed"} {
		for _, path := range []string{"/readyz", "/metrics", "/t/nordnetz/v1/charging/events", "/t/nordnetz/console/sign-in"} {
			request, err := http.NewRequest("POST", "http://"+s.addressOf(1)+path, strings.NewReader("{}"))
			if err != nil {
				s.t.Fatal(err)
			}
			request.Header.Set("Authorization", "Bearer "+s.machine)
			request.Header.Set(api.HeaderBeside, word)
			response, err := http.DefaultClient.Do(request)
			if err != nil {
				s.t.Fatal(err)
			}
			_ = response.Body.Close()
			if response.StatusCode != http.StatusForbidden {
				s.t.Errorf("%s with the word %q: %d", path, word, response.StatusCode)
			}
		}
	}
}

// versions changes what the host's database says of its version.
func (s *ownSite) versions(statement string) {
	s.t.Helper()
	ctx, data := context.Background(), filepath.Join(s.folder, "var")
	password, err := postgres.AdminPassword(data)
	if err != nil {
		s.t.Fatal(err)
	}
	conn, err := pgx.Connect(ctx, fmt.Sprintf("postgres://%s:%s@/%s?host=%s", postgres.AdminUser, password, hostDatabase, filepath.Join(data, "socket")))
	if err != nil {
		s.t.Fatal(err)
	}
	defer func() { _ = conn.Close(ctx) }()
	if _, err := conn.Exec(ctx, statement); err != nil {
		s.t.Fatal(err)
	}
}
