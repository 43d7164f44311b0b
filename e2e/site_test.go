package e2e

import (
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"
)

// serves says whether the operator that stands on a machine of its own answers
// at the demo's door.
func (d *demo) serves() bool {
	response, err := http.Get(d.base + "/t/westkabel/v1/jwks")
	if err != nil {
		return false
	}
	defer func() { _ = response.Body.Close() }()
	return response.StatusCode == http.StatusOK && !strings.HasPrefix(d.base, "http://"+response.Request.URL.Host)
}

// machines are the processes of the demo's sites and of the server it watches,
// by the file that each has left its number in.
func (d *demo) machines(t *testing.T) map[string]int {
	t.Helper()
	found := map[string]int{}
	for _, pattern := range []string{"sites/*/machine/data/host.pid", "machines/*/data/agent.pid"} {
		files, err := filepath.Glob(filepath.Join(d.dir, pattern))
		if err != nil {
			t.Fatal(err)
		}
		for _, file := range files {
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			if found[file], err = strconv.Atoi(strings.TrimSpace(string(text))); err != nil {
				t.Fatal(err)
			}
		}
	}
	return found
}

// running are the command lines of what runs out of the demo's folder.
func (d *demo) running(t *testing.T) (found []string) {
	t.Helper()
	lines, err := filepath.Glob("/proc/[0-9]*/cmdline")
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range lines {
		if line, err := os.ReadFile(path); err == nil && strings.Contains(string(line), d.dir+"/") {
			found = append(found, strings.ReplaceAll(string(line), "\x00", " "))
		}
	}
	return found
}

// An operator of the demo stands on a machine of its own, and a server of another
// is watched. They go on while the demo is dead, come back with it when they were
// dead too, at whatever address the demo is then, and end with it when it is
// stopped. There is never a second one.
func TestDemo_operatorOnItsOwnMachine(t *testing.T) {
	d := newDemo(t, small...)
	d.start(t)
	eventually(t, 2*time.Minute, "the operator on its own machine answers", d.serves)
	d.password(t, "inhaberin@westkabel.example")
	eventually(t, time.Minute, "a host and an agent", func() bool { return len(d.machines(t)) == 2 })
	first := d.machines(t)

	kill(t, d.processID(t))
	d.start(t)
	eventually(t, time.Minute, "it answers a demo that was killed", d.serves)
	for file, pid := range d.machines(t) {
		if first[file] != pid {
			t.Errorf("%s: process %d took the place of %d, which ran", file, pid, first[file])
		}
		kill(t, pid)
	}
	kill(t, d.processID(t))
	d.start(t)
	eventually(t, time.Minute, "it comes back with the demo", d.serves)
	if again := d.machines(t); len(again) != 2 {
		t.Errorf("machines after another start: %v", again)
	}

	kill(t, d.processID(t)) // --stop ends machines also when nobody else is there
	d.stop(t)
	eventually(t, time.Minute, "nothing runs any more", func() bool { return len(d.running(t)) == 0 })
	d.start(t)
	eventually(t, time.Minute, "it comes back once more", d.serves)
	d.stop(t)
	if left := d.running(t); len(left) > 0 {
		t.Errorf("still running: %q", left)
	}
	if said := d.start(t, "--reset"); !strings.Contains(said, "inhaberin@westkabel.example") {
		t.Errorf("--reset says\n%s", said)
	}
	eventually(t, 2*time.Minute, "the operator on its own machine answers after --reset", d.serves)
	if again := d.machines(t); len(again) != 2 {
		t.Errorf("machines after --reset: %v", again)
	}
}
