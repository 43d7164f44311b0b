package e2e

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// tollhouse is the binary under test, built once for the run.
var tollhouse string

func TestMain(m *testing.M) { os.Exit(run(m)) }

func run(m *testing.M) int {
	dir, err := openFolder()
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer func() { _ = os.RemoveAll(dir) }()
	tollhouse = filepath.Join(dir, "tollhouse")
	if out, err := exec.Command("go", "build", "-o", tollhouse, "tollhouse").CombinedOutput(); err != nil {
		fmt.Fprintf(os.Stderr, "build: %v\n%s", err, out)
		return 1
	}
	go func() { // the demos are processes of their own: nobody else ends them
		signals := make(chan os.Signal, 1)
		signal.Notify(signals, os.Interrupt, syscall.SIGTERM)
		<-signals
		discardAll()
		os.Exit(1)
	}()
	defer discardAll()
	return m.Run()
}

// demos are those made in this run.
var demos struct {
	sync.Mutex
	all []*demo
}

func discardAll() {
	demos.Lock()
	defer demos.Unlock()
	for _, d := range demos.all {
		d.discard()
	}
}

// openFolder is a new folder that the user who runs the database server for
// root can reach.
func openFolder() (string, error) {
	dir, err := os.MkdirTemp("", "tollhouse-e2e-")
	if err != nil {
		return "", err
	}
	return dir, os.Chmod(dir, 0o755)
}

// demo is a demo in a folder of its own, running or not.
type demo struct {
	dir      string
	settings []string
	base     string // its address, while it runs
}

// readyWithin bounds how long a start may take, with everything else that a
// shared machine does.
const readyWithin = 3 * time.Minute

func makeDemo(settings ...string) (*demo, error) {
	dir, err := openFolder()
	if err != nil {
		return nil, err
	}
	demos.Lock()
	defer demos.Unlock()
	d := &demo{dir: dir, settings: settings}
	demos.all = append(demos.all, d)
	return d, nil
}

// newDemo is a small demo that ends with the test.
func newDemo(t *testing.T, settings ...string) *demo {
	t.Helper()
	d, err := makeDemo(settings...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("the demo's last words:\n%s", d.lastWords())
		}
		d.discard()
	})
	return d
}

// common is the demo that tests share which leave its two operators as they
// are.
var common *demo

// small is a demo of the least size: the history's length stays as it is.
var small = []string{"TOLLHOUSE_LISTEN=127.0.0.1:0", "TOLLHOUSE_SCALE=1", "TOLLHOUSE_SEED=7"}

func shared(t *testing.T) *demo {
	t.Helper()
	if common == nil {
		var err error
		if common, err = makeDemo(small...); err != nil {
			t.Fatal(err)
		}
	}
	if common.base == "" {
		common.start(t)
	}
	return common
}

// command runs the binary with the demo's settings; more come after them.
func (d *demo) command(ctx context.Context, settings []string, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, tollhouse, append([]string{"demo"}, args...)...)
	for _, pair := range os.Environ() {
		if !strings.HasPrefix(pair, "TOLLHOUSE_") {
			cmd.Env = append(cmd.Env, pair)
		}
	}
	cmd.Env = append(append(cmd.Env, "TOLLHOUSE_DATA="+d.dir), settings...)
	return cmd
}

func (d *demo) run(t *testing.T, args ...string) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), readyWithin)
	defer cancel()
	out, err := d.command(ctx, d.settings, args...).CombinedOutput()
	if err != nil {
		t.Fatalf("demo %s: %v\n%s\n%s", strings.Join(args, " "), err, out, d.lastWords())
	}
	return string(out)
}

var saysAddress = regexp.MustCompile(`ready at (http://\S+)`)

// start starts the demo in the background and returns what it said.
func (d *demo) start(t *testing.T, args ...string) string {
	t.Helper()
	out := d.run(t, append(args, "--no-wait")...)
	said := saysAddress.FindStringSubmatch(out)
	if said == nil {
		t.Fatalf("the demo tells no address:\n%s", out)
	}
	d.base = said[1]
	return out
}

func (d *demo) stop(t *testing.T) string {
	t.Helper()
	d.base = ""
	return d.run(t, "--stop")
}

// discard stops the demo and removes its folder; a second time does nothing.
func (d *demo) discard() {
	if _, err := os.Stat(d.dir); err != nil {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
	defer cancel()
	if out, err := d.command(ctx, d.settings, "--stop").CombinedOutput(); err != nil {
		fmt.Fprintf(os.Stderr, "stop %s: %v\n%s", d.dir, err, out)
		return
	}
	_ = os.RemoveAll(d.dir)
}

// lastWords is the end of what the demo's process wrote.
func (d *demo) lastWords() string {
	const enough = 4000
	text, _ := os.ReadFile(filepath.Join(d.dir, "demo.log"))
	return string(text[max(0, len(text)-enough):])
}

// password is a login's, as the demo keeps it.
func (d *demo) password(t *testing.T, email string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(d.dir, "logins.json"))
	if err != nil {
		t.Fatal(err)
	}
	var kept struct {
		Logins []struct{ Email, Password string }
	}
	if err := json.Unmarshal(text, &kept); err != nil {
		t.Fatal(err)
	}
	for _, login := range kept.Logins {
		if login.Email == email {
			return login.Password
		}
	}
	t.Fatalf("no login of %s", email)
	return ""
}

// processID is the demo's own process.
func (d *demo) processID(t *testing.T) int {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(d.dir, "status.json"))
	if err != nil {
		t.Fatal(err)
	}
	var status struct{ PID int }
	if err := json.Unmarshal(text, &status); err != nil || status.PID == 0 {
		t.Fatalf("status.json: %v in %s", err, text)
	}
	return status.PID
}

// postmasterID is the database server's process, 0 if there is none.
func (d *demo) postmasterID() int {
	text, _ := os.ReadFile(filepath.Join(d.dir, "cluster", "data", "postmaster.pid"))
	first, _, _ := strings.Cut(string(text), "\n")
	pid, _ := strconv.Atoi(strings.TrimSpace(first))
	return pid
}

// children are the processes a process started, such as a server's backends.
func children(pid int) []int {
	var found []int
	stats, _ := filepath.Glob("/proc/[0-9]*/stat")
	for _, path := range stats {
		text, err := os.ReadFile(path)
		if err != nil {
			continue // it has ended
		}
		// pid (name) state parent …; a name may hold blanks and brackets
		_, rest, _ := strings.Cut(string(text), ") ")
		fields := strings.Fields(rest)
		if len(fields) > 1 && fields[1] == strconv.Itoa(pid) {
			child, _ := strconv.Atoi(filepath.Base(filepath.Dir(path)))
			found = append(found, child)
		}
	}
	return found
}

// kill ends processes as a power cut does.
func kill(t *testing.T, pids ...int) {
	t.Helper()
	for _, pid := range pids {
		if pid <= 1 {
			t.Fatalf("process %d is not ours to end", pid)
		}
		if err := syscall.Kill(pid, syscall.SIGKILL); err != nil && !errors.Is(err, syscall.ESRCH) {
			t.Fatal(err)
		}
	}
}

// freePort is a port nobody listens on just now.
func freePort(t *testing.T) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = listener.Close() }()
	return listener.Addr().String()
}

// eventually asks until the answer is yes: jobs take a moment.
func eventually(t *testing.T, within time.Duration, what string, yes func() bool) {
	t.Helper()
	for deadline := time.Now().Add(within); !yes(); time.Sleep(30 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("%s: not within %s", what, within)
		}
	}
}
