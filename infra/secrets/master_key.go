package secrets

import (
	"bytes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/rand"
	"crypto/sha256"
	"fmt"

	"golang.org/x/crypto/chacha20poly1305"
)

// masterKey is one master key with the cipher derived from it.
type masterKey struct {
	key  []byte
	id   []byte // told in what it sealed; tells nothing of the key
	aead cipher.AEAD
}

func newMasterKey(key []byte) (*masterKey, error) {
	if len(key) != KeyBytes {
		return nil, ErrKeyLength
	}
	m := &masterKey{key: bytes.Clone(key)}
	m.id = m.derive("key id", idBytes)
	// XChaCha20-Poly1305: its nonce is long enough to be drawn at random for
	// as many values as there will ever be.
	aead, err := chacha20poly1305.NewX(m.derive("seal", chacha20poly1305.KeySize))
	if err != nil {
		return nil, fmt.Errorf("make sealing cipher: %w", err)
	}
	m.aead = aead
	return m, nil
}

func (m *masterKey) derive(label string, length int) []byte {
	key, err := hkdf.Key(sha256.New, m.key, nil, "tollhouse/"+label, length)
	if err != nil {
		// Only a length over 8160 bytes can fail, and all lengths stand here.
		panic("secrets: " + err.Error())
	}
	return key
}

// seal encrypts behind a header: header, nonce, ciphertext with its tag. Header
// and context are bound in.
func seal(aead cipher.AEAD, header []byte, context string, plain []byte) ([]byte, error) {
	nonce := make([]byte, chacha20poly1305.NonceSizeX)
	if _, err := rand.Read(nonce); err != nil {
		return nil, fmt.Errorf("draw nonce: %w", err)
	}
	sealed := append(bytes.Clone(header), nonce...)
	return aead.Seal(sealed, nonce, plain, bind(header, context)), nil
}

// open decrypts what seal made.
func open(aead cipher.AEAD, header, rest []byte, context string) ([]byte, error) {
	if len(rest) < chacha20poly1305.NonceSizeX {
		return nil, ErrTampered
	}
	nonce, ciphertext := rest[:chacha20poly1305.NonceSizeX], rest[chacha20poly1305.NonceSizeX:]
	plain, err := aead.Open(nil, nonce, ciphertext, bind(header, context))
	if err != nil {
		return nil, ErrTampered
	}
	return plain, nil
}

// bind is the additional data: the header, of fixed length for its first byte,
// then the context.
func bind(header []byte, context string) []byte {
	return append(bytes.Clone(header), context...)
}
