package main

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

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
	operator := c.operator(token, "nordnetz")
	id := operator.id
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

// controlPlane is a control plane that runs in this process.
type controlPlane struct {
	door
	env    []string // its settings
	cancel context.CancelFunc
	done   chan int
}

// startControlPlane has one run at an address. more are settings beside those that each control plane has.
func startControlPlane(t *testing.T, ip string, more ...string) *controlPlane {
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
	env := append([]string{"TOLLHOUSE_LISTEN=" + address, "TOLLHOUSE_PUBLIC_URL=http://" + address, "TOLLHOUSE_STOCK=1", "TOLLHOUSE_DATA=" + t.TempDir(), "TOLLHOUSE_DATABASE=control_enrol_" + n,
		// Nothing answers there: an operator's stack can stand on a machine of its own only.
		"TOLLHOUSE_HOST_DATABASE_URL=postgres://nobody@127.0.0.1:1/postgres"}, append(server, more...)...)
	c := &controlPlane{door: door{t, "http://" + address, &syncBuffer{}}, env: env}
	c.start()
	return c
}

// again is the same control plane started anew with settings that take the
// place of former ones.
func (c *controlPlane) again(t *testing.T, more ...string) *controlPlane {
	t.Helper()
	next := &controlPlane{door: door{t, c.address, &syncBuffer{}}, env: append(slices.Clone(c.env), more...)}
	next.start()
	return next
}

func (c *controlPlane) start() {
	c.t.Helper()
	var ctx context.Context
	ctx, c.cancel = context.WithCancel(context.Background())
	c.done = make(chan int, 1)
	go func() {
		c.done <- run(ctx, process{args: []string{"control"}, env: c.env, stdout: c.output, stderr: io.Discard})
	}()
	c.t.Cleanup(c.stop)
	c.opens()
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
