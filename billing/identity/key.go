package identity

import (
	"crypto/ed25519"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
)

// NewKey draws a signing key. Its id follows from the public half.
func NewKey() (Key, error) {
	public, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		return Key{}, fmt.Errorf("draw signing key: %w", err)
	}
	return Key{ID: keyID(public), Private: private}, nil
}

// KeyFromSeed makes the key of a stored seed (ed25519.SeedSize bytes).
func KeyFromSeed(seed []byte) (Key, error) {
	if len(seed) != ed25519.SeedSize {
		return Key{}, fmt.Errorf("signing key of %d bytes, want %d", len(seed), ed25519.SeedSize)
	}
	private := ed25519.NewKeyFromSeed(seed)
	return Key{ID: keyID(private.Public().(ed25519.PublicKey)), Private: private}, nil
}

// Public is the half that may be shown.
func (k Key) Public() ed25519.PublicKey { return k.Private.Public().(ed25519.PublicKey) }

// idBytes is how much of a public key's hash names it.
const idBytes = 12

// isKeyID says whether a text could be the id of a key of ours.
func isKeyID(text string) bool {
	raw, err := base64.RawURLEncoding.DecodeString(text)
	return err == nil && len(raw) == idBytes
}

func keyID(public ed25519.PublicKey) string {
	sum := sha256.Sum256(public)
	return base64.RawURLEncoding.EncodeToString(sum[:idBytes])
}

// JWK is a public key as RFC 8037 writes it.
type JWK struct {
	KeyType   string `json:"kty"`
	Curve     string `json:"crv"`
	X         string `json:"x"`
	KeyID     string `json:"kid"`
	Algorithm string `json:"alg"`
	Use       string `json:"use"`
}

// JWKSet is the document at a jwks_uri.
type JWKSet struct {
	Keys []JWK `json:"keys"`
}

// NewJWK writes a public key.
func NewJWK(public ed25519.PublicKey) JWK {
	return JWK{KeyType: "OKP", Curve: "Ed25519", X: base64.RawURLEncoding.EncodeToString(public), KeyID: keyID(public), Algorithm: "EdDSA", Use: "sig"}
}
