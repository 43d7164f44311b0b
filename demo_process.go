package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

// demoFolder is what the demo keeps on disk, and who runs it.
type demoFolder struct{ path string }

func (f demoFolder) file(name string) string { return filepath.Join(f.path, name) }

// errRunning means that another process runs the demo of this folder.
var errRunning = errors.New("the demo runs already in this folder; `tollhouse demo --stop` stops it")

// lock keeps a second demo out of the folder for as long as the process lives.
func (f demoFolder) lock() (release func(), err error) {
	if err := os.MkdirAll(f.path, 0o755); err != nil {
		return nil, err
	}
	file, err := os.OpenFile(f.file("lock"), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, err
	}
	if err := syscall.Flock(int(file.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		_ = file.Close()
		if errors.Is(err, syscall.EWOULDBLOCK) {
			return nil, errRunning
		}
		return nil, fmt.Errorf("lock %s: %w", f.path, err)
	}
	return func() { _ = file.Close() }, nil
}

func (f demoFolder) locked() bool {
	release, err := f.lock()
	if err == nil {
		release()
	}
	return errors.Is(err, errRunning)
}

// demoStatus tells other processes how far the running demo is.
type demoStatus struct {
	PID     int    `json:"pid"`
	Ready   bool   `json:"ready"`
	Done    int    `json:"done"` // per thousand of the history
	Doing   string `json:"doing"`
	Address string `json:"address,omitempty"` // where it answers
	Welcome string `json:"welcome,omitempty"`
}

func (f demoFolder) writeStatus(s demoStatus) error {
	text, err := json.Marshal(s)
	if err != nil {
		return err
	}
	// Passwords are shown once in it: readable by us alone, and replaced whole.
	fresh := f.file("status.json.new")
	if err := os.WriteFile(fresh, text, 0o600); err != nil {
		return err
	}
	return os.Rename(fresh, f.file("status.json"))
}

func (f demoFolder) readStatus() (s demoStatus, err error) {
	text, err := os.ReadFile(f.file("status.json"))
	if err == nil {
		err = json.Unmarshal(text, &s)
	}
	return s, err
}

// stopPatience is how long a demo may take to end.
const stopPatience = 60 * time.Second

// stop ends the demo of this folder and waits until it is gone.
func (f demoFolder) stop(ctx context.Context, out io.Writer) error {
	status, err := f.readStatus()
	if errors.Is(err, os.ErrNotExist) || err == nil && !f.locked() {
		fmt.Fprintln(out, "No demo is running.")
		return f.haltMachines(ctx) // of one that was killed
	}
	if err != nil {
		return err
	}
	if err := syscall.Kill(status.PID, syscall.SIGTERM); err != nil {
		return fmt.Errorf("stop process %d: %w", status.PID, err)
	}
	for deadline := time.Now().Add(stopPatience); f.locked(); {
		if time.Now().After(deadline) {
			// What was answered is on disk, so nothing is lost by force.
			fmt.Fprintf(out, "Process %d does not end in good order: it is killed.\n", status.PID)
			if err := syscall.Kill(status.PID, syscall.SIGKILL); err != nil && !errors.Is(err, syscall.ESRCH) {
				return fmt.Errorf("kill process %d: %w", status.PID, err)
			}
			deadline = time.Now().Add(stopPatience)
		}
		if err := pause(ctx, 50*time.Millisecond); err != nil {
			return err
		}
	}
	if err := f.haltMachines(ctx); err != nil { // of one that did not end in good order
		return err
	}
	fmt.Fprintln(out, "Stopped.")
	return nil
}

// reset throws away everything the demo keeps. Only a folder that is the
// demo's, by its status file or cluster, is touched.
func (f demoFolder) reset(ctx context.Context, out io.Writer) error {
	if err := f.stop(ctx, io.Discard); err != nil {
		return err
	}
	entries, err := os.ReadDir(f.path)
	if errors.Is(err, os.ErrNotExist) || err == nil && len(entries) == 0 {
		return nil
	}
	if err != nil {
		return err
	}
	if _, err := os.Stat(f.file("cluster")); err != nil {
		return fmt.Errorf("%s holds no demo: it is not emptied", f.path)
	}
	for _, name := range []string{"cluster", "socket", "inbox", "stripe", "second", "backup", "escrow", "drill", "sites", "machines", "machines.address", "admin.password", "master.key", "status.json", "status.json.new", "postgres.log", "demo.log", "logins.json"} {
		if err := os.RemoveAll(f.file(name)); err != nil {
			return err
		}
	}
	fmt.Fprintf(out, "Emptied %s.\n", f.path)
	return nil
}

// background starts the demo as a process of its own and waits until it is ready.
func (f demoFolder) background(ctx context.Context, p process) error {
	for f.locked() {
		status, err := f.readStatus()
		// A killed process may hold the lock for a moment, and its status stays.
		if err == nil && status.Ready && answers(ctx, status.Address) {
			fmt.Fprint(p.stdout, status.Welcome)
			return nil
		}
		// It is starting, or about to end.
		if err := pause(ctx, 100*time.Millisecond); err != nil {
			return err
		}
	}
	if err := os.MkdirAll(f.path, 0o755); err != nil {
		return err
	}
	log, err := os.OpenFile(f.file("demo.log"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	defer func() { _ = log.Close() }()
	self, err := os.Executable()
	if err != nil {
		return err
	}
	_ = os.Remove(f.file("status.json"))
	cmd := exec.Command(self, "demo") //nolint:noctx // it is to outlive us
	cmd.Env, cmd.Stdout, cmd.Stderr = p.env, log, log
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	if err := cmd.Start(); err != nil {
		return err
	}
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	return f.awaitReady(ctx, p.stdout, ended)
}

// answers says whether a demo is there and ready for work.
func answers(ctx context.Context, address string) bool {
	ctx, cancel := context.WithTimeout(ctx, 2*time.Second)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, address+"/readyz", nil)
	if err != nil {
		return false
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return false
	}
	defer func() { _ = response.Body.Close() }()
	return response.StatusCode == http.StatusOK
}

func (f demoFolder) awaitReady(ctx context.Context, out io.Writer, ended <-chan error) error {
	bar := &progressBar{out: out}
	for {
		select {
		case err := <-ended:
			return fmt.Errorf("the demo ended before it was ready (%w); see %s", err, f.file("demo.log"))
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(100 * time.Millisecond):
		}
		status, err := f.readStatus()
		if err != nil {
			continue
		}
		if status.Ready {
			bar.end()
			fmt.Fprint(out, status.Welcome)
			return nil
		}
		bar.show(status.Done, status.Doing)
	}
}

func pause(ctx context.Context, d time.Duration) error {
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(d):
		return nil
	}
}

// progressBar draws on a terminal, and writes a line per tenth elsewhere.
type progressBar struct {
	out   io.Writer
	shown int
	drawn bool
}

const barWidth = 30

func (b *progressBar) show(permille int, doing string) {
	if !isTerminal(b.out) {
		if permille/100 > b.shown {
			b.shown = permille / 100
			fmt.Fprintf(b.out, "%3d %%  %s\n", permille/10, doing)
		}
		return
	}
	full := barWidth * permille / 1000
	fmt.Fprintf(b.out, "\r\x1b[K%s%s %3d %%  %s", strings.Repeat("█", full), strings.Repeat("░", barWidth-full), permille/10, doing)
	b.drawn = true
}

func (b *progressBar) end() {
	if b.drawn {
		fmt.Fprint(b.out, "\r\x1b[K")
	}
}

func isTerminal(w io.Writer) bool {
	file, ok := w.(*os.File)
	if !ok {
		return false
	}
	info, err := file.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0
}
