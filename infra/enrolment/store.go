package enrolment

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/google/uuid"

	"tollhouse/provisioning/machine"
)

// Identity is who a machine is.
type Identity struct {
	Control  string        `json:"control"` // where the control plane is
	Operator string        `json:"operator"`
	Role     machine.Role  `json:"role"`
	Machine  uuid.UUID     `json:"machine"` // zero: it was not taken in yet
	Keys     machine.Keys  `json:"keys"`
	Next     *machine.Keys `json:"next,omitempty"` // keys that it is changing to
	Number   int64         `json:"number"`         // of its last request
}

// Store is the folder where a machine keeps who it is and what it works by. It
// is safe for concurrent use.
type Store struct {
	dir string

	sending sync.Mutex // one signed request at a time

	mu       sync.Mutex
	identity Identity
}

// ErrNoIdentity means that the machine was never taken in.
var ErrNoIdentity = errors.New("this machine is not enrolled: tollhouse enrol does it, or the installer that the console shows")

// Open opens the store in a data folder. One without an identity is no fault.
func Open(data string) (*Store, error) {
	s := &Store{dir: filepath.Join(data, "machine")}
	if err := os.MkdirAll(s.dir, 0o700); err != nil {
		return nil, err
	}
	err := s.read("identity.json", &s.identity)
	if errors.Is(err, fs.ErrNotExist) {
		return s, nil
	}
	if err == nil && !s.identity.Keys.Whole() {
		err = errors.New("its keys are not whole")
	}
	if err != nil {
		return nil, fmt.Errorf("read identity in %s: %w", s.dir, err)
	}
	return s, nil
}

// Identity is who the machine is.
func (s *Store) Identity() Identity {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.identity
}

// Enrolled says whether the machine was taken in.
func (s *Store) Enrolled() bool { return s.Identity().Machine != uuid.Nil }

// change writes down a change of the identity before anybody hears of it.
func (s *Store) change(fn func(*Identity)) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	changed := s.identity
	fn(&changed)
	if err := s.write("identity.json", changed); err != nil {
		return err
	}
	s.identity = changed
	return nil
}

// next is the number of a request: the time in microseconds, or one more than
// the last where the clock did not move on. A machine that lost its last
// numbers, to a restored disk say, is ahead of them soon.
func (s *Store) next(now time.Time) (Identity, error) {
	err := s.change(func(i *Identity) { i.Number = max(i.Number+1, now.UnixMicro()) })
	return s.Identity(), err
}

// Configuration is what the machine works by; fs.ErrNotExist if it never got one.
func (s *Store) Configuration() (c machine.Configuration, err error) {
	err = s.read("configuration.json", &c)
	return c, err
}

// Key is the key of the machine's host, which nobody else can open; nil where
// the machine has none.
func (s *Store) Key() ([]byte, error) {
	c, err := s.Configuration()
	if err != nil || c.Key == nil {
		return nil, err
	}
	identity := s.Identity()
	key, err := identity.Keys.Unseal(c.Key)
	if err != nil && identity.Next != nil {
		key, err = identity.Next.Unseal(c.Key)
	}
	if err != nil {
		return nil, fmt.Errorf("host key in %s: %w", s.dir, err)
	}
	return key, nil
}

func (s *Store) keep(c machine.Configuration) error { return s.write("configuration.json", c) }

func (s *Store) read(name string, into any) error {
	text, err := os.ReadFile(filepath.Join(s.dir, name))
	if err != nil {
		return err
	}
	return json.Unmarshal(text, into)
}

// write replaces a file as a whole, on disk, or leaves it as it was.
func (s *Store) write(name string, from any) error {
	text, err := json.MarshalIndent(from, "", "  ")
	if err != nil {
		return err
	}
	file, err := os.CreateTemp(s.dir, name+".*")
	if err != nil {
		return err
	}
	defer func() { _ = os.Remove(file.Name()) }() // gone already where all went well
	_, err = file.Write(text)
	err = errors.Join(err, file.Sync(), file.Close())
	if err != nil {
		return fmt.Errorf("write %s: %w", name, err)
	}
	return os.Rename(file.Name(), filepath.Join(s.dir, name))
}
