package machine

import (
	"crypto/ed25519"
	"crypto/rand"
	"errors"
	"fmt"

	"golang.org/x/crypto/nacl/box"
)

// Keys are a machine's own.
type Keys struct {
	Sign ed25519.PrivateKey `json:"sign"`
	Open []byte             `json:"open"` // X25519, private
	Box  []byte             `json:"box"`  // its public half
}

// KeyBytes is the length of every public key, and of what opens.
const KeyBytes = 32

// NewKeys draws keys.
func NewKeys() (Keys, error) {
	_, sign, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		return Keys{}, fmt.Errorf("draw signing key: %w", err)
	}
	public, private, err := box.GenerateKey(rand.Reader)
	if err != nil {
		return Keys{}, fmt.Errorf("draw key that opens: %w", err)
	}
	return Keys{Sign: sign, Open: private[:], Box: public[:]}, nil
}

// Public is the half that checks what the machine signs.
func (k Keys) Public() ed25519.PublicKey {
	public, _ := k.Sign.Public().(ed25519.PublicKey)
	return public
}

// Whole says whether they are keys at all: they may come from a file.
func (k Keys) Whole() bool {
	return len(k.Sign) == ed25519.PrivateKeySize && len(k.Open) == KeyBytes && len(k.Box) == KeyBytes
}

// ErrNotForUs means that a sealed value was made for another machine, or was
// changed on its way.
var ErrNotForUs = errors.New("this was sealed for another machine, or was changed on its way")

// SealFor seals a value that only the machine with this public key opens.
func SealFor(boxKey, clear []byte) ([]byte, error) {
	key, err := array(boxKey)
	if err != nil {
		return nil, err
	}
	return box.SealAnonymous(nil, clear, key, rand.Reader)
}

// Unseal opens what was sealed for this machine.
func (k Keys) Unseal(sealed []byte) ([]byte, error) {
	public, err := array(k.Box)
	if err != nil {
		return nil, err
	}
	private, err := array(k.Open)
	if err != nil {
		return nil, err
	}
	clear, ok := box.OpenAnonymous(nil, sealed, public, private)
	if !ok {
		return nil, ErrNotForUs
	}
	return clear, nil
}

func array(key []byte) (*[KeyBytes]byte, error) {
	if len(key) != KeyBytes {
		return nil, fmt.Errorf("a key of %d bytes: %d are wanted", len(key), KeyBytes)
	}
	return (*[KeyBytes]byte)(key), nil
}
