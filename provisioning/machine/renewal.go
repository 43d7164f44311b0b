package machine

import (
	"crypto/ed25519"
	"fmt"
)

// Renewal is a machine's change of keys, asked for with the old one.
type Renewal struct {
	Key []byte `json:"key"`
	Box []byte `json:"box"`
	// Proof is made by the new key over the old one, so that nobody's key is
	// written down who does not hold it.
	Proof []byte `json:"proof"`
}

// Renewed is the change from old keys to fresh ones.
func Renewed(old ed25519.PublicKey, fresh Keys) Renewal {
	r := Renewal{Key: fresh.Public(), Box: fresh.Box}
	r.Proof = ed25519.Sign(fresh.Sign, r.claim(old))
	return r
}

// IsProven says whether whoever asks holds the new key.
func (r Renewal) IsProven(old ed25519.PublicKey) bool {
	return len(r.Key) == KeyBytes && len(r.Box) == KeyBytes && ed25519.Verify(r.Key, r.claim(old), r.Proof)
}

func (r Renewal) claim(old ed25519.PublicKey) []byte {
	return fmt.Appendf(nil, "tollhouse-renew-1\n%x\n%x\n", []byte(old), r.Box)
}
