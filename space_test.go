package main

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"
)

// space is a network namespace of its own with folders of its own, joined to us
// by one cable.
type space struct {
	t               *testing.T
	name            string
	outside, inside string
	folder          string
}

// spaces counts those of this process: each has a cable and addresses of its own.
var spaces atomic.Int64

func newSpace(t *testing.T) *space {
	t.Helper()
	us, n := os.Getpid(), int(spaces.Add(1))
	if n > 60 {
		t.Fatal("there are addresses for 60 spaces")
	}
	s := &space{t: t, name: fmt.Sprintf("tollhouse%d-%d", us, n), outside: fmt.Sprintf("10.213.%d.%d", us%250, 4*n+1), inside: fmt.Sprintf("10.213.%d.%d", us%250, 4*n+2)}
	// The database's user must reach it, so it is not where tests keep theirs.
	var err error
	if s.folder, err = os.MkdirTemp("/var/tmp", "tollhouse-enrol"); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(s.folder, 0o755); err != nil {
		t.Fatal(err)
	}
	a, b := fmt.Sprintf("th%d-%da", us%1000000, n), fmt.Sprintf("th%d-%db", us%1000000, n)
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
		{"ip", "-n", s.name, "route", "add", "default", "via", s.outside}, // a control plane may listen at another space's cable
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
