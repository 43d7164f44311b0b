package local

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"tollhouse/infra/secrets"
)

// Vault keeps sealed files in a folder.
type Vault struct {
	dir string
	box *secrets.Box
}

// NewVault keeps files in a folder, sealed under the master key.
func NewVault(dir string, box *secrets.Box) *Vault { return &Vault{dir: dir, box: box} }

// Keep implements backup.Vault.
func (v *Vault) Keep(name string, write func(to io.Writer) error) (size int64, sum string, err error) {
	if err := os.MkdirAll(v.dir, 0o700); err != nil {
		return 0, "", err
	}
	file, err := os.CreateTemp(v.dir, "writing-*")
	if err != nil {
		return 0, "", err
	}
	defer func() { _ = os.Remove(file.Name()) }() // it has its name by then, or is not kept
	hash := sha256.New()
	count := &counting{}
	sealed, err := v.box.SealStream("vault/"+name, file)
	if err == nil {
		err = write(io.MultiWriter(sealed, hash, count))
	}
	if err == nil {
		err = sealed.Close()
	}
	if err == nil {
		err = file.Sync()
	}
	if err = errors.Join(err, file.Close()); err != nil {
		return 0, "", err
	}
	if err := os.Rename(file.Name(), v.path(name)); err != nil {
		return 0, "", err
	}
	folder, err := os.Open(v.dir)
	if err != nil {
		return 0, "", err
	}
	return count.bytes, hex.EncodeToString(hash.Sum(nil)), errors.Join(folder.Sync(), folder.Close())
}

func (v *Vault) path(name string) string { return filepath.Join(v.dir, filepath.Base(name)+".sealed") }

type counting struct{ bytes int64 }

func (c *counting) Write(p []byte) (int, error) {
	c.bytes += int64(len(p))
	return len(p), nil
}

// Fetch implements backup.Vault.
func (v *Vault) Fetch(name string) (io.ReadCloser, error) {
	file, err := os.Open(v.path(name))
	if err != nil {
		return nil, err
	}
	clear, err := v.box.OpenStream("vault/"+name, file)
	if err != nil {
		return nil, errors.Join(err, file.Close())
	}
	return struct {
		io.Reader
		io.Closer
	}{clear, file}, nil
}

// Remove implements backup.Vault.
func (v *Vault) Remove(name string) error {
	if err := os.Remove(v.path(name)); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}
