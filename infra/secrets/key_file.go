package secrets

import (
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
)

// KeyBytes is the length of a key. A key file holds one master key or, while
// it is rotated, the new one and then the one before.
const KeyBytes = 32

// Errors of a key file.
var (
	ErrKeyLength   = errors.New("a master key has 32 bytes")
	ErrKeyReadable = errors.New("others may read the master key: its mode must be 0600")
)

// Load reads the master key from a file, made with a new random key if there
// is none yet. Two processes that start at once end up with the same key. The
// box follows the file from then on.
func Load(path string) (*Box, error) {
	stamp, err := os.Stat(path)
	if errors.Is(err, fs.ErrNotExist) {
		if err := create(path); err != nil {
			return nil, fmt.Errorf("make master key: %w", err)
		}
		stamp, err = os.Stat(path)
	}
	if err != nil {
		return nil, fmt.Errorf("read master key: %w", err)
	}
	keys, err := readKeys(path)
	if err != nil {
		return nil, fmt.Errorf("read master key: %w", err)
	}
	return &Box{path: path, stamp: stamp, keys: keys}, nil
}

func readKeys(path string) (masterKeys, error) {
	text, err := read(path)
	if err != nil {
		return masterKeys{}, err
	}
	var keys masterKeys
	if keys.current, err = newMasterKey(text[:KeyBytes]); err == nil && len(text) > KeyBytes {
		keys.previous, err = newMasterKey(text[KeyBytes:])
	}
	return keys, err
}

// read gives the 32 or 64 bytes of a key file.
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
	if info.Size() != KeyBytes && info.Size() != 2*KeyBytes {
		return nil, fmt.Errorf("%s: %w", path, ErrKeyLength)
	}
	text := make([]byte, info.Size())
	if _, err := file.ReadAt(text, 0); err != nil {
		return nil, err
	}
	return text, nil
}

// BeginRotation puts a new master key before the present one. It says whether
// it did: a file that has two keys stays as it is, since an earlier rotation
// must be finished first. What the key before sealed still opens.
func BeginRotation(path string) (begun bool, err error) {
	err = exclusively(path, func(text []byte) ([]byte, error) {
		if len(text) > KeyBytes {
			return nil, nil
		}
		fresh, err := newKey()
		begun = err == nil
		return append(fresh, text...), err
	})
	if err != nil {
		return false, fmt.Errorf("rotate master key: %w", err)
	}
	return begun, nil
}

// EndRotation forgets the key before. What is still sealed under it is lost.
func EndRotation(path string) error {
	err := exclusively(path, func(text []byte) ([]byte, error) { return text[:KeyBytes], nil })
	if err != nil {
		return fmt.Errorf("forget the previous master key: %w", err)
	}
	return nil
}

// exclusively replaces the file's text by what change makes of it (nil: nothing),
// while no other process does. The old file stays whole until the new one is.
func exclusively(path string, change func(text []byte) ([]byte, error)) error {
	dir, err := os.Open(filepath.Dir(path))
	if err != nil {
		return err
	}
	defer func() { _ = dir.Close() }() // lets go of the lock
	if err := syscall.Flock(int(dir.Fd()), syscall.LOCK_EX); err != nil {
		return err
	}
	text, err := read(path)
	if err != nil {
		return err
	}
	text, err = change(text)
	if err != nil || text == nil {
		return err
	}
	temporary, err := writeBeside(path, text)
	if err != nil {
		return err
	}
	if err := os.Rename(temporary, path); err != nil {
		return errors.Join(err, os.Remove(temporary))
	}
	return dir.Sync()
}

// create writes the key under another name first and then links it into place:
// a half-written key is never found, and an existing one never replaced.
func create(path string) error {
	dir := filepath.Dir(path)
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	key, err := newKey()
	if err != nil {
		return err
	}
	temporary, err := writeBeside(path, key)
	if err != nil {
		return err
	}
	defer func() { _ = os.Remove(temporary) }()
	if err := os.Link(temporary, path); err != nil && !errors.Is(err, fs.ErrExist) {
		return err
	}
	return syncDir(dir)
}

func newKey() ([]byte, error) {
	key := make([]byte, KeyBytes)
	if _, err := rand.Read(key); err != nil {
		return nil, err
	}
	return key, nil
}

// writeBeside puts text on the disk in a file of its own, of mode 0600.
func writeBeside(path string, text []byte) (name string, err error) {
	file, err := os.CreateTemp(filepath.Dir(path), ".master-key-*")
	if err != nil {
		return "", err
	}
	_, err = file.Write(text)
	if err = errors.Join(err, file.Sync(), file.Close()); err != nil {
		return "", errors.Join(err, os.Remove(file.Name()))
	}
	return file.Name(), nil
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
