package secrets

import (
	"bytes"
	"errors"
	"io/fs"
	"os"
	"sync"
)

// Box seals and opens values under the master key. While the master key is
// rotated it opens what the one before sealed as well. A box of a key file
// follows that file. It is safe for concurrent use.
type Box struct {
	path string // of the key file; "" for a key given outright

	mu    sync.Mutex
	stamp fs.FileInfo // of the file as it was read
	keys  masterKeys
}

// masterKeys is the key that seals and, while it is replaced, the one before.
type masterKeys struct {
	current  *masterKey
	previous *masterKey // nil: none
}

// Errors of opening a sealed value.
var (
	ErrOtherKey = errors.New("sealed under another master key")
	ErrTampered = errors.New("sealed value was changed, or belongs elsewhere")
)

// A value sealed by the master key: version, key id, nonce, ciphertext with its tag.
const (
	byMasterKey = 1
	idBytes     = 8
	headerBytes = 1 + idBytes
)

// New makes a box of a master key of 32 bytes.
func New(master []byte) (*Box, error) {
	key, err := newMasterKey(master)
	if err != nil {
		return nil, err
	}
	return &Box{keys: masterKeys{current: key}}, nil
}

// Seal encrypts a value for a context, such as the tenant and the name of what
// it is; Open wants the same context.
func (b *Box) Seal(context string, plain []byte) ([]byte, error) {
	key := b.now().current
	return seal(key.aead, key.header(), context, plain)
}

// Open decrypts what Seal made for the same context.
func (b *Box) Open(context string, sealed []byte) ([]byte, error) {
	if len(sealed) < headerBytes || sealed[0] != byMasterKey {
		return nil, ErrTampered
	}
	header, rest := sealed[:headerBytes], sealed[headerBytes:]
	keys := b.now()
	for _, key := range []*masterKey{keys.current, keys.previous} {
		if key != nil && bytes.Equal(header[1:], key.id) {
			return open(key.aead, header, rest, context)
		}
	}
	return nil, ErrOtherKey
}

// Derive gives a key of 32 bytes for a labelled use, such as a database role's
// password: always the same one under one master key, and telling nothing of
// any other.
func (b *Box) Derive(label string) []byte { return b.now().current.derive("derive/"+label, KeyBytes) }

// Reseal seals a value anew if it is not under the present master key; nil if it is.
func (b *Box) Reseal(context string, sealed []byte) ([]byte, error) {
	if b.isCurrent(sealed) {
		return nil, nil
	}
	plain, err := b.Open(context, sealed)
	if err != nil {
		return nil, err
	}
	return b.Seal(context, plain)
}

func (b *Box) isCurrent(sealed []byte) bool {
	return bytes.HasPrefix(sealed, b.now().current.header())
}

func (m *masterKey) header() []byte { return append([]byte{byMasterKey}, m.id...) }

// now is the keys as the file has them at this moment: a process need not be
// started again when the master key is rotated. A look at the file's stamp
// costs next to nothing; a file that can't be read leaves what we have.
func (b *Box) now() masterKeys {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.path == "" {
		return b.keys
	}
	info, err := os.Stat(b.path)
	if err != nil || (os.SameFile(info, b.stamp) && info.ModTime().Equal(b.stamp.ModTime())) {
		return b.keys
	}
	if keys, err := readKeys(b.path); err == nil {
		b.keys, b.stamp = keys, info
	}
	return b.keys
}

// Opens says whether a value was sealed by a key of this box, without opening
// it: ErrOtherKey if not.
func (b *Box) Opens(sealed []byte) error {
	keys := b.now()
	for _, key := range []*masterKey{keys.current, keys.previous} {
		if key != nil && bytes.HasPrefix(sealed, key.header()) {
			return nil
		}
	}
	return ErrOtherKey
}
