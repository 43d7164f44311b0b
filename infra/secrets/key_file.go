package secrets

import (
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// KeyBytes is the length of a master key.
const KeyBytes = 32

// Errors of a key file.
var (
	ErrKeyLength   = errors.New("a master key has 32 bytes")
	ErrKeyReadable = errors.New("others may read the master key: its mode must be 0600")
)

// Load reads the master key from a file, made with a new random key if there
// is none yet. Two processes that start at once end up with the same key.
func Load(path string) (*Box, error) {
	key, err := read(path)
	if errors.Is(err, fs.ErrNotExist) {
		if err := create(path); err != nil {
			return nil, fmt.Errorf("make master key: %w", err)
		}
		key, err = read(path)
	}
	if err != nil {
		return nil, fmt.Errorf("read master key: %w", err)
	}
	return New(key)
}

func read(path string) ([]byte, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer func() { _ = file.Close() }()
	info, err := file.Stat()
	if err != nil {
		return nil, err
	}
	const others = 0o077
	if info.Mode().Perm()&others != 0 {
		return nil, fmt.Errorf("%s: %w", path, ErrKeyReadable)
	}
	if info.Size() != KeyBytes {
		return nil, fmt.Errorf("%s: %w", path, ErrKeyLength)
	}
	key := make([]byte, KeyBytes)
	if _, err := file.ReadAt(key, 0); err != nil {
		return nil, err
	}
	return key, nil
}

// create writes the key under another name first and then links it into place:
// a half-written key is never found, and an existing one never replaced.
func create(path string) error {
	dir := filepath.Dir(path)
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	temporary, err := os.CreateTemp(dir, ".master-key-*") // mode 0600
	if err != nil {
		return err
	}
	defer func() { _ = os.Remove(temporary.Name()) }()
	key := make([]byte, KeyBytes)
	if _, err := rand.Read(key); err != nil {
		return err
	}
	_, err = temporary.Write(key)
	if err = errors.Join(err, temporary.Sync(), temporary.Close()); err != nil {
		return err
	}
	if err := os.Link(temporary.Name(), path); err != nil && !errors.Is(err, fs.ErrExist) {
		return err
	}
	return syncDir(dir)
}

// syncDir makes the new name last: a key lost with the power would take all
// sealed values with it.
func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}
