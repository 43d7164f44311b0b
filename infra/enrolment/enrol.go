package enrolment

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"runtime"
	"strings"
	"syscall"
	"time"

	"github.com/google/uuid"

	"tollhouse/provisioning/machine"
)

// Application is what a machine is to be taken in as.
type Application struct {
	Control  string
	Operator string
	Role     machine.Role
	Token    string
	Wait     time.Duration // how long it tries to reach the control plane
}

// ErrOther means that the machine was taken in already, as something else.
var ErrOther = errors.New("this machine is enrolled already, for another operator, role or control plane: take its data folder away first")

// Enrol has the machine taken in. One that was taken in stays as it is; one
// that was cut off in the middle goes on with the keys that it made.
func Enrol(ctx context.Context, store *Store, a Application, now func() time.Time) error {
	a.Control = strings.TrimSuffix(a.Control, "/")
	if err := CheckControl(a.Control); err != nil {
		return err
	}
	known := store.Identity()
	switch {
	case known.Machine != uuid.Nil && (known.Operator != a.Operator || known.Role != a.Role || known.Control != a.Control):
		return fmt.Errorf("%w (%s of %s, at %s)", ErrOther, known.Role, known.Operator, known.Control)
	case known.Machine != uuid.Nil:
		return nil
	case a.Token == "":
		return errors.New("the enrolment token is missing")
	}
	if !known.Keys.Whole() {
		keys, err := machine.NewKeys()
		if err != nil {
			return err
		}
		known.Keys = keys
	}
	known.Control, known.Operator, known.Role = a.Control, a.Operator, a.Role
	if err := store.change(func(i *Identity) { *i = known }); err != nil {
		return err
	}
	welcome, err := applyUntil(ctx, NewClient(store, now), machine.Application{Token: a.Token, Operator: a.Operator, Role: a.Role, Facts: factsOf()}.Proven(known.Keys), a.Wait)
	if err != nil {
		return err
	}
	// The configuration first: a machine that knows who it is has one.
	if err := store.keep(welcome.Configuration); err != nil {
		return err
	}
	return store.change(func(i *Identity) { i.Machine = welcome.Machine })
}

// applyUntil tries until it is answered: a server's network may come up after
// the server. What is refused for good ends it.
func applyUntil(ctx context.Context, client *Client, a machine.Application, wait time.Duration) (machine.Welcome, error) {
	deadline := client.now().Add(wait)
	for pause := time.Second; ; pause = min(2*pause, 15*time.Second) {
		welcome, err := client.apply(ctx, a)
		if refused := (*Refused)(nil); err == nil || errors.As(err, &refused) && refused.Final() || !client.now().Add(pause).Before(deadline) {
			return welcome, err
		}
		select {
		case <-ctx.Done():
			return welcome, errors.Join(err, ctx.Err())
		case <-time.After(pause):
		}
	}
}

// ReadToken reads a token from a file.
func ReadToken(path string) (string, error) {
	text, err := os.ReadFile(path)
	if errors.Is(err, os.ErrNotExist) {
		return "", nil
	}
	return strings.TrimSpace(string(text)), err
}

// factsOf is what this machine tells of itself once.
func factsOf() machine.Facts {
	f := machine.Facts{Arch: runtime.GOARCH, CPUs: runtime.NumCPU()}
	f.Hostname, _ = os.Hostname()
	f.System = systemName("/etc/os-release")
	var uts syscall.Utsname
	if syscall.Uname(&uts) == nil {
		f.Kernel = cString(uts.Release[:])
	}
	f.MemoryMB = memory().total >> 20
	if serial, err := os.ReadFile("/sys/class/dmi/id/product_serial"); err == nil {
		f.Serial = strings.TrimSpace(string(serial))
	}
	return f
}

func systemName(path string) string {
	file, err := os.Open(path)
	if err != nil {
		return ""
	}
	defer func() { _ = file.Close() }()
	for lines := bufio.NewScanner(file); lines.Scan(); {
		if value, found := strings.CutPrefix(lines.Text(), "PRETTY_NAME="); found {
			return strings.Trim(value, `"`)
		}
	}
	return ""
}

func cString(text []int8) string {
	var b strings.Builder
	for _, c := range text {
		if c == 0 {
			break
		}
		b.WriteByte(byte(c))
	}
	return b.String()
}
