package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/google/uuid"

	"tollhouse/infra/postgres/pgtest"
)

// TestEnrolment_userDataRunsForReal takes the user-data of a new server, as the
// console's answer gives it, and runs it for real in a network namespace of its
// own: it fetches this very program by its digest, checks it, enrols, starts the
// host, and the host makes its database and the operator's stack, serves the
// API, and is seen healthy by the control plane. It goes on without it.
func TestEnrolment_userDataRunsForReal(t *testing.T) {
	space := newSpace(t)
	c := startControlPlane(t, space.outside)
	token := c.signIn()

	operator := c.call(token, "POST", "/staff/v1/operators", map[string]any{"name": "nordnetz", "legal_name": "Nordnetz GmbH", "country": "DE", "zone": "Europe/Berlin",
		"currency": "EUR", "language": "en", "prices_include_tax": true, "owner_email": "owner@nordnetz.example",
		"legal_entity": map[string]any{"address": map[string]any{"street": "Hafenstrasse 1", "postcode": "20457", "city": "Hamburg"}, "tax_id": "DE123456789"}}, 202)
	id, _ := operator["operator"].(map[string]any)["id"].(string)
	invited := c.call(token, "POST", "/staff/v1/enrolments", map[string]any{"operator": id, "role": "host", "place": "customer", "name": "test server"}, 201)

	// What the person types: the one line that the console shows.
	line, _ := invited["command"].(string)
	if !strings.Contains(line, "/install.sh") || !strings.HasSuffix(line, " | sudo sh -s -- host nordnetz") {
		t.Fatalf("the command: %s", line)
	}
	line = strings.Replace(line, "sudo ", "", 1) // we are root already, and there may be no sudo
	if out, err := space.run(line); err != nil {
		t.Fatalf("the installer: %v\n%s", err, out)
	}
	if out, err := space.run(line); err != nil || !strings.Contains(out, "runs already") {
		t.Fatalf("the installer again: %v\n%s", err, out)
	}
	var machine map[string]any
	space.eventually("the host is healthy", func() bool {
		list, _ := c.call(token, "GET", "/staff/v1/machines?operator="+id, nil, 200)["items"].([]any)
		if len(list) != 1 {
			return false
		}
		machine, _ = list[0].(map[string]any)
		return machine["standing"] == "healthy"
	})
	report, _ := machine["report"].(map[string]any)
	if report["version"] == "" || report["disks"] == nil {
		t.Errorf("its report: %v", report)
	}
	if report["stack"] != "ready" {
		t.Errorf("its stack: %v", report["stack"])
	}
	for _, path := range []string{"/readyz", "/t/nordnetz/v1/jwks", "/t/nordnetz/console/sign-in"} {
		if got := space.get(path); got != http.StatusOK {
			t.Errorf("%s: %d", path, got)
		}
	}
	script := c.text("/install.sh")
	c.stop() // it goes on without the control plane
	if got := space.get("/t/nordnetz/v1/jwks"); got != http.StatusOK {
		t.Errorf("its API without the control plane: %d", got)
	}
	space.refusesAnotherProgram(script, c.address)
}

// refusesAnotherProgram runs the installer against a control plane that gives
// something else than the program.
func (s *space) refusesAnotherProgram(script, control string) {
	s.t.Helper()
	var config net.ListenConfig
	listener, err := config.Listen(context.Background(), "tcp", s.outside+":0")
	if err != nil {
		s.t.Fatal(err)
	}
	server := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { fmt.Fprintln(w, "#!/bin/sh\necho gotcha") }), ReadHeaderTimeout: time.Minute}
	go func() { _ = server.Serve(listener) }()
	s.t.Cleanup(func() { _ = server.Close() })
	file, site := filepath.Join(s.folder, "script.sh"), filepath.Join(s.folder, "other")
	if err := os.WriteFile(file, []byte(strings.ReplaceAll(script, control, "http://"+listener.Addr().String())), 0o600); err != nil {
		s.t.Fatal(err)
	}
	out, err := s.run("TOLLHOUSE_LOCAL_SITE=" + site + " TOLLHOUSE_ENROL_TOKEN=x sh " + file + " agent nordnetz")
	if err == nil || !strings.Contains(out, "is not the program with digest") || strings.Contains(out, "gotcha") {
		s.t.Errorf("another program: %v\n%s", err, out)
	}
	if left, _ := filepath.Glob(filepath.Join(site, "data/bin/*/tollhouse")); len(left) > 0 {
		s.t.Errorf("it was installed: %v", left)
	}
}

// text is what stands at a path for anybody.
func (c *controlPlane) text(path string) string {
	c.t.Helper()
	response, err := http.Get(c.address + path)
	if err != nil {
		c.t.Fatal(err)
	}
	defer func() { _ = response.Body.Close() }()
	text, err := io.ReadAll(response.Body)
	if err != nil || response.StatusCode != http.StatusOK {
		c.t.Fatalf("%s: %d, %v", path, response.StatusCode, err)
	}
	return string(text)
}

// controlPlane is a control plane that runs in this process.
type controlPlane struct {
	t       *testing.T
	address string
	output  *syncBuffer
	cancel  context.CancelFunc
	done    chan int
}

func startControlPlane(t *testing.T, ip string) *controlPlane {
	t.Helper()
	var config net.ListenConfig
	probe, err := config.Listen(context.Background(), "tcp", ip+":0")
	if err != nil {
		t.Fatal(err)
	}
	address := probe.Addr().String()
	_ = probe.Close()
	n := fmt.Sprint(houses.Add(1))
	server := []string{"TOLLHOUSE_DATABASE_URL=" + pgtest.Server(t).AdminURL("postgres"), "TOLLHOUSE_MASTER_KEY_FILE=" + filepath.Join(t.TempDir(), "master.key")}
	migrated := &syncBuffer{}
	if code := run(context.Background(), process{args: []string{"migrate"}, stdout: migrated, stderr: migrated,
		env: append([]string{"TOLLHOUSE_CONTROL_DATABASE=control_enrol_" + n, "TOLLHOUSE_HOST_DATABASE=host_enrol_" + n}, server...)}); code != 0 {
		t.Fatalf("migrate: %s", migrated)
	}
	env := append([]string{"TOLLHOUSE_LISTEN=" + address, "TOLLHOUSE_PUBLIC_URL=http://" + address, "TOLLHOUSE_STOCK=1", "TOLLHOUSE_DATABASE=control_enrol_" + n,
		// Nothing answers there: an operator's stack can stand on a machine of its own only.
		"TOLLHOUSE_HOST_DATABASE_URL=postgres://nobody@127.0.0.1:1/postgres"}, server...)
	ctx, cancel := context.WithCancel(context.Background())
	c := &controlPlane{t: t, address: "http://" + address, output: &syncBuffer{}, cancel: cancel, done: make(chan int, 1)}
	go func() {
		c.done <- run(ctx, process{args: []string{"control"}, env: env, stdout: c.output, stderr: io.Discard})
	}()
	t.Cleanup(c.stop)
	for deadline := time.Now().Add(time.Minute); ; time.Sleep(50 * time.Millisecond) {
		if response, err := http.Get(c.address + "/readyz"); err == nil {
			_ = response.Body.Close()
			if response.StatusCode == http.StatusOK && strings.Contains(c.output.String(), "password") {
				return c
			}
		}
		if time.Now().After(deadline) {
			t.Fatalf("the control plane does not answer: %s", c.output)
		}
	}
}

func (c *controlPlane) stop() {
	c.cancel()
	code, first := <-c.done
	if !first {
		return
	}
	close(c.done)
	if code != 0 {
		c.t.Errorf("the control plane ended with %d", code)
	}
}

// signIn signs in as the first of the staff, whose password was shown once.
func (c *controlPlane) signIn() string {
	c.t.Helper()
	text := c.output.String()
	_, rest, _ := strings.Cut(text, "first staff user: ")
	email, rest, _ := strings.Cut(rest, ",")
	_, password, _ := strings.Cut(rest, "(shown once): ")
	answer := c.call("", "POST", "/staff/v1/sign-in", map[string]any{"email": email, "password": strings.TrimSpace(strings.Split(password, "\n")[0])}, 200)
	token, _ := answer["access_token"].(string)
	return token
}

func (c *controlPlane) call(token, method, path string, body any, want int) map[string]any {
	c.t.Helper()
	text, err := json.Marshal(body)
	if err != nil {
		c.t.Fatal(err)
	}
	if body == nil {
		text = nil
	}
	request, err := http.NewRequest(method, c.address+path, bytes.NewReader(text))
	if err != nil {
		c.t.Fatal(err)
	}
	request.Header.Set("Content-Type", "application/json")
	request.Header.Set("Idempotency-Key", uuid.NewString())
	if token != "" {
		request.Header.Set("Authorization", "Bearer "+token)
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		c.t.Fatal(err)
	}
	defer func() { _ = response.Body.Close() }()
	answer, _ := io.ReadAll(response.Body)
	if response.StatusCode != want {
		c.t.Fatalf("%s %s: %d, want %d: %s", method, path, response.StatusCode, want, answer)
	}
	var out map[string]any
	_ = json.Unmarshal(answer, &out)
	return out
}

// syncBuffer is what a process writes, to be read while it runs.
type syncBuffer struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (b *syncBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.Write(p)
}

func (b *syncBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.String()
}

// space is a network namespace of its own with folders of its own, joined to us
// by one cable.
type space struct {
	t               *testing.T
	name            string
	outside, inside string
	folder          string
}

func newSpace(t *testing.T) *space {
	t.Helper()
	n := os.Getpid() % 250
	s := &space{t: t, name: fmt.Sprintf("tollhouse%d", os.Getpid()), outside: fmt.Sprintf("10.213.%d.1", n), inside: fmt.Sprintf("10.213.%d.2", n)}
	// The database's user must reach it, so it is not where tests keep theirs.
	var err error
	if s.folder, err = os.MkdirTemp("/var/tmp", "tollhouse-enrol"); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(s.folder, 0o755); err != nil {
		t.Fatal(err)
	}
	a, b := fmt.Sprintf("th%da", os.Getpid()%100000), fmt.Sprintf("th%db", os.Getpid()%100000)
	t.Cleanup(s.end)
	for _, command := range [][]string{
		{"ip", "netns", "add", s.name},
		{"ip", "link", "add", a, "type", "veth", "peer", "name", b},
		{"ip", "link", "set", b, "netns", s.name},
		{"ip", "addr", "add", s.outside + "/30", "dev", a},
		{"ip", "link", "set", a, "up"},
		{"ip", "-n", s.name, "addr", "add", s.inside + "/30", "dev", b},
		{"ip", "-n", s.name, "link", "set", b, "up"},
		{"ip", "-n", s.name, "link", "set", "lo", "up"},
	} {
		if out, err := exec.Command(command[0], command[1:]...).CombinedOutput(); err != nil {
			t.Fatalf("%v: %v: %s", command, err, out)
		}
	}
	return s
}

// end stops what runs in the space and takes it away.
func (s *space) end() {
	for _, pid := range s.processes() {
		_ = syscall.Kill(pid, syscall.SIGTERM)
	}
	for deadline := time.Now().Add(30 * time.Second); len(s.processes()) > 0 && time.Now().Before(deadline); {
		time.Sleep(100 * time.Millisecond)
	}
	for _, pid := range s.processes() {
		_ = syscall.Kill(pid, syscall.SIGKILL)
	}
	_ = exec.Command("ip", "netns", "del", s.name).Run()
	if s.t.Failed() {
		if log, err := os.ReadFile(filepath.Join(s.folder, "var/host.log")); err == nil {
			s.t.Logf("the host's log:\n%s", log)
		}
	}
	_ = os.RemoveAll(s.folder)
}

// processes are those of ours that run in the space.
func (s *space) processes() (pids []int) {
	out, _ := exec.Command("ip", "netns", "pids", s.name).Output()
	for _, field := range strings.Fields(string(out)) {
		if pid, err := strconv.Atoi(field); err == nil {
			pids = append(pids, pid)
		}
	}
	return pids
}

// run runs a line in the space. Its /etc/tollhouse and /var/lib/tollhouse are
// folders of the space; there is no systemd, as in a container.
func (s *space) run(line string) (string, error) {
	for _, folder := range []string{"etc", "var", "run"} {
		if err := os.MkdirAll(filepath.Join(s.folder, folder), 0o755); err != nil {
			s.t.Fatal(err)
		}
	}
	inside := `set -e
for pair in etc:/etc/tollhouse var:/var/lib/tollhouse run:/run/systemd; do
	mkdir -p "${pair#*:}"
	mount --bind "` + s.folder + `/${pair%%:*}" "${pair#*:}"
done
` + line + "\n"
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, "ip", "netns", "exec", s.name, "unshare", "--mount", "--propagation", "private", "sh", "-c", inside)
	out, err := os.CreateTemp(s.folder, "out") // a pipe would be held open by the host
	if err != nil {
		s.t.Fatal(err)
	}
	defer func() { _ = out.Close() }()
	cmd.Stdout, cmd.Stderr = out, out
	err = cmd.Run()
	text, _ := os.ReadFile(out.Name())
	return string(text), err
}

func (s *space) eventually(what string, done func() bool) {
	s.t.Helper()
	for deadline := time.Now().Add(3 * time.Minute); !done(); time.Sleep(250 * time.Millisecond) {
		if time.Now().After(deadline) {
			s.t.Fatalf("%s did not come to be", what)
		}
	}
}

// get asks the host's API, over the cable.
func (s *space) get(path string) int {
	client := http.Client{Timeout: 10 * time.Second}
	response, err := client.Get("http://" + s.inside + ":8080" + path)
	if err != nil {
		s.t.Log(err)
		return 0
	}
	_ = response.Body.Close()
	return response.StatusCode
}

// asRole runs this test binary as the program itself where it was started as
// one: it is what the control plane of a test gives away.
func asRole(args []string) (code int, is bool) {
	if len(args) < 2 || roles[args[1]].run == nil && args[1] != "help" {
		return 0, false
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	return run(ctx, process{args: args[1:], env: os.Environ(), stdout: os.Stdout, stderr: os.Stderr}), true
}
