package demo

import (
	"cmp"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"sync"
)

// Login is a door, and as whom one goes through it.
type Login struct {
	Who      string `json:"who"`
	Path     string `json:"path"`
	Email    string `json:"email"`
	Password string `json:"password,omitempty"`
	Fresh    bool   `json:"-"` // made by this run: its password is to be shown, once
}

// Logins are the demo's users. Their passwords are random and only of use on
// this machine.
type Logins struct {
	Entries []Login `json:"logins"`
	path    string
	mu      *sync.Mutex
}

func readLogins(path string) (*Logins, error) {
	l := &Logins{path: path, mu: &sync.Mutex{}}
	text, err := os.ReadFile(path)
	if errors.Is(err, os.ErrNotExist) {
		return l, nil
	}
	if err != nil {
		return nil, err
	}
	if err := json.Unmarshal(text, l); err != nil {
		return nil, fmt.Errorf("read %s: %w", path, err)
	}
	return l, nil
}

func (l *Logins) write() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	text, err := json.MarshalIndent(l, "", "  ")
	if err != nil {
		return err
	}
	fresh := l.path + ".new"
	if err := os.WriteFile(fresh, append(text, '\n'), 0o600); err != nil {
		return err
	}
	return os.Rename(fresh, l.path)
}

// find gives a login by its e-mail address and door.
func (l *Logins) find(path, email string) (Login, bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, login := range l.Entries {
		if login.Path == path && login.Email == email {
			return login, true
		}
	}
	return Login{}, false
}

func (l *Logins) add(login Login) error {
	login.Fresh = true
	l.mu.Lock()
	l.Entries = append(l.Entries, login)
	l.mu.Unlock()
	return l.write()
}

// Keep adds a login that was made beside the history, in the place of one of the
// same door and address, and writes it down.
func (l *Logins) Keep(login Login) error {
	l.mu.Lock()
	l.Entries = slices.DeleteFunc(l.Entries, func(is Login) bool { return is.Path == login.Path && is.Email == login.Email })
	l.mu.Unlock()
	return l.add(login)
}

// ByDoor lists the logins, those of a door together: hosting staff, consoles,
// subscribers.
func (l *Logins) ByDoor() []Login {
	l.mu.Lock()
	defer l.mu.Unlock()
	sorted := slices.Clone(l.Entries)
	slices.SortStableFunc(sorted, func(a, b Login) int {
		return cmp.Or(cmp.Compare(rank(a.Path), rank(b.Path)), cmp.Compare(a.Path, b.Path))
	})
	return sorted
}

func rank(path string) int {
	switch {
	case path == staffDoor:
		return 0
	case strings.HasSuffix(path, "/console/"):
		return 1
	}
	return 2
}

// newPassword draws one that is easy to type.
func newPassword() string { return rand.Text()[:14] }
