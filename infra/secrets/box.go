package secrets

import (
	"bytes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/rand"
	"crypto/sha256"
	"errors"
	"fmt"

	"golang.org/x/crypto/chacha20poly1305"
)

// Box seals and opens values under one master key. It is safe for concurrent use.
type Box struct {
	master []byte
	id     []byte
	aead   cipher.AEAD
}

// Errors of opening a sealed value.
var (
	ErrOtherKey = errors.New("sealed under another master key")
	ErrTampered = errors.New("sealed value was changed, or belongs elsewhere")
)

// A sealed value: version, key id, nonce, ciphertext with its tag.
const (
	version     = 1
	idBytes     = 8
	headerBytes = 1 + idBytes
)

// New makes a box of a master key of 32 bytes.
func New(master []byte) (*Box, error) {
	if len(master) != KeyBytes {
		return nil, ErrKeyLength
	}
	b := &Box{master: bytes.Clone(master)}
	b.id = b.derive("key id", idBytes)
	// XChaCha20-Poly1305: its nonce is long enough to be drawn at random for
	// as many values as there will ever be.
	aead, err := chacha20poly1305.NewX(b.derive("seal", chacha20poly1305.KeySize))
	if err != nil {
		return nil, fmt.Errorf("make sealing cipher: %w", err)
	}
	b.aead = aead
	return b, nil
}

// Seal encrypts a value for a context, such as the tenant and the name of what
// it is; Open wants the same context.
func (b *Box) Seal(context string, plain []byte) ([]byte, error) {
	sealed := append([]byte{version}, b.id...)
	nonce := make([]byte, chacha20poly1305.NonceSizeX)
	if _, err := rand.Read(nonce); err != nil {
		return nil, fmt.Errorf("draw nonce: %w", err)
	}
	bound := bind(sealed, context)
	sealed = append(sealed, nonce...)
	return b.aead.Seal(sealed, nonce, plain, bound), nil
}

// Open decrypts what Seal made for the same context.
func (b *Box) Open(context string, sealed []byte) ([]byte, error) {
	if len(sealed) < headerBytes+chacha20poly1305.NonceSizeX || sealed[0] != version {
		return nil, ErrTampered
	}
	header, rest := sealed[:headerBytes], sealed[headerBytes:]
	if !bytes.Equal(header[1:], b.id) {
		return nil, ErrOtherKey
	}
	nonce, ciphertext := rest[:chacha20poly1305.NonceSizeX], rest[chacha20poly1305.NonceSizeX:]
	plain, err := b.aead.Open(nil, nonce, ciphertext, bind(header, context))
	if err != nil {
		return nil, ErrTampered
	}
	return plain, nil
}

// bind is the additional data: the header, of fixed length, then the context.
func bind(header []byte, context string) []byte {
	return append(bytes.Clone(header), context...)
}

// Derive gives a key of 32 bytes for a labelled use, such as a database role's
// password: always the same one, and telling nothing of any other.
func (b *Box) Derive(label string) []byte { return b.derive("derive/"+label, KeyBytes) }

func (b *Box) derive(label string, length int) []byte {
	key, err := hkdf.Key(sha256.New, b.master, nil, "tollhouse/"+label, length)
	if err != nil {
		// Only a length over 8160 bytes can fail, and all lengths stand above.
		panic("secrets: " + err.Error())
	}
	return key
}
