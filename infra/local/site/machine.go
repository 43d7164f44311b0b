package site

import (
	"bytes"
	"errors"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"tollhouse/provisioning"
)

const (
	// politeFor is how long processes have to end by themselves.
	politeFor = 20 * time.Second
	// killTakes is how long one takes to be gone.
	killTakes = 100 * time.Millisecond
	// folderVariable names a machine's folder to what runs in it.
	folderVariable = "TOLLHOUSE_LOCAL_SITE"
	// dataVariable names a folder below it: the program itself is not given the
	// other one, which it does not know.
	dataVariable = "TOLLHOUSE_DATA"
	// logTail is how much of a log is shown.
	logTail = 2000
)

// machine is one of a site's machines: a folder in which user-data were run.
type machine struct {
	state          string // of its step
	reason, detail string
	began, changed *time.Time
	stopped        string // the role that was started and does not run; empty: none
}

// start runs user-data in a machine's folder, unless they have run or do.
// Those of a machine whose host has stopped run again: they start it.
func start(folder, script string, environment ...string) error {
	m := lookAt(folder)
	if m.state == "working" || m.state == "done" && m.stopped == "" {
		return nil
	}
	if err := os.MkdirAll(folder, 0o711); err != nil {
		return because(err)
	}
	if script != "" { // else what it was made with
		if err := write(folder, "user-data", []byte(script), 0o700); err != nil {
			return err
		}
	}
	if _, err := os.Stat(filepath.Join(folder, "user-data")); errors.Is(err, fs.ErrNotExist) {
		return provisioning.Because("There is nothing that could make this machine: no user-data were given.", err)
	}
	if err := os.Remove(filepath.Join(folder, "code")); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return because(err)
	}
	// It outlives us, and leaves its exit code: whoever looks later sees it.
	run := exec.Command("/bin/sh", "-c", `./user-data >>run.log 2>&1; echo $? >code.new; mv -f code.new code`) //nolint:noctx // it is to outlive every context
	run.Dir = folder
	run.Env = append([]string{"PATH=" + os.Getenv("PATH"), "HOME=" + folder, folderVariable + "=" + folder}, environment...)
	run.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	if err := run.Start(); err != nil {
		return provisioning.Because("The machine's user-data could not be run.", err)
	}
	go func() { _ = run.Wait() }() // so that it leaves no zombie while we live
	return nil
}

// lookAt sees how far a machine is.
func lookAt(folder string) machine {
	info, err := os.Stat(filepath.Join(folder, "user-data"))
	if err != nil {
		return machine{state: "waiting"}
	}
	began := info.ModTime().UTC()
	m := machine{state: "working", began: &began, changed: &began}
	code, err := os.ReadFile(filepath.Join(folder, "code"))
	if err != nil {
		if len(processes(folder)) == 0 {
			// It may have ended between the two looks.
			if code, err = os.ReadFile(filepath.Join(folder, "code")); err != nil {
				m.state, m.reason, m.detail = "failed", "What made this machine was cut off; it is begun again.", tail(folder)
				return m
			}
		} else {
			return m
		}
	}
	if info, err := os.Stat(filepath.Join(folder, "code")); err == nil {
		at := info.ModTime().UTC()
		m.changed = &at
	}
	if strings.TrimSpace(string(code)) != "0" {
		m.state, m.reason, m.detail = "failed", "The machine's user-data failed.", tail(folder)
		return m
	}
	m.state = "done"
	for _, role := range roleNames {
		if raw, err := os.ReadFile(filepath.Join(folder, "data", role+".pid")); err == nil {
			if pid, err := strconv.Atoi(strings.TrimSpace(string(raw))); err != nil || !runsIn(pid, folder) {
				m.stopped = role
			}
		}
	}
	return m
}

// roleNames are what a machine may be made for: its process leaves its number in
// a file of that name.
var roleNames = []string{"host", "worker", "agent"}

func tail(folder string) string {
	raw, err := os.ReadFile(filepath.Join(folder, "run.log"))
	if err != nil {
		return ""
	}
	return strings.ToValidUTF8(string(raw[max(0, len(raw)-logTail):]), "?")
}

// runsIn says whether a process was started in a folder: numbers are used
// again, the folder in its environment is not.
func runsIn(pid int, folder string) bool {
	raw, err := os.ReadFile(filepath.Join("/proc", strconv.Itoa(pid), "environ"))
	if err != nil {
		return false
	}
	for _, variable := range bytes.Split(raw, []byte{0}) {
		name, value, _ := strings.Cut(string(variable), "=")
		if (name == folderVariable || name == dataVariable) && (value == folder || strings.HasPrefix(value, folder+"/")) {
			return true
		}
	}
	return false
}

// processes are those that were started in a folder, or below.
func processes(folder string) (found []int) {
	entries, err := os.ReadDir("/proc")
	if err != nil {
		return nil
	}
	for _, e := range entries {
		if pid, err := strconv.Atoi(e.Name()); err == nil && runsIn(pid, folder) {
			found = append(found, pid)
		}
	}
	return found
}

// stop signals all that runs in a folder and says how many there were.
func stop(folder string, signal syscall.Signal) int {
	running := processes(folder)
	for _, pid := range running {
		_ = syscall.Kill(pid, signal) // one that has ended meanwhile is what we want
	}
	return len(running)
}
