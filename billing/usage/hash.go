package usage

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"

	"github.com/google/uuid"
	"golang.org/x/crypto/blake2b"
)

// Hash is 16 bytes that stand for a key or for what a record says.
type Hash [16]byte

// MarshalText writes hexadecimal digits.
func (h Hash) MarshalText() ([]byte, error) { return hex.AppendEncode(nil, h[:]), nil }

// UnmarshalText reads hexadecimal digits.
func (h *Hash) UnmarshalText(text []byte) error {
	if len(text) != 2*len(h) {
		return fmt.Errorf("a hash has %d hexadecimal digits, not %d", 2*len(h), len(text))
	}
	_, err := hex.Decode(h[:], text)
	return err
}

// hashText is a plain hash, kept only until the keyed one is made of it.
func hashText(text string) Hash {
	sum := sha256.Sum256([]byte(text))
	return Hash(sum[:16])
}

// ErrHashKey means that a usage-hash key is too short or too long.
var ErrHashKey = errors.New("a usage-hash key has 16 to 64 bytes")

// hasher makes keyed hashes (BLAKE2b): kept for ever, they must not give away
// numbers and times of people whose details were erased. The key never
// rotates, or repeats would no longer be seen. Not safe for concurrent use.
type hasher struct {
	mac hash.Hash
	buf []byte
}

func newHasher(key []byte) (*hasher, error) {
	if len(key) < 16 || len(key) > 64 {
		return nil, ErrHashKey
	}
	mac, err := blake2b.New(len(Hash{}), key)
	if err != nil {
		return nil, err
	}
	return &hasher{mac: mac}, nil
}

func (h *hasher) sum() (out Hash) {
	h.mac.Reset()
	_, _ = h.mac.Write(h.buf) // a hash never fails
	h.mac.Sum(out[:0])
	return out
}

// key stands for the producer's id in its source.
func (h *hasher) key(source uuid.UUID, key string) Hash {
	h.buf = append(append(h.buf[:0], source[:]...), key...)
	return h.sum()
}

// body stands for what a record says: equal for a repeat, however it came.
func (h *hasher) body(r *Record) Hash {
	h.buf = h.buf[:0]
	if r.Keyless {
		h.buf = append(h.buf, r.Content[:]...)
		return h.sum()
	}
	h.text(string(r.Kind))
	h.text(string(r.Identity.Kind))
	h.text(r.Identity.Value)
	if c := r.Counter; c != nil {
		h.counter(c)
		return h.sum()
	}
	h.text(string(r.Unit))
	h.text(r.Destination)
	h.text(r.Origin)
	h.number(uint64(r.Start.UnixMicro()))
	h.number(uint64(r.End.UnixMicro()))
	h.number(uint64(r.Quantity))
	if r.NoCharge {
		h.number(1)
	}
	// What came later is written only where it is, so that older hashes stay.
	if r.Quality != "" {
		h.text("quality")
		h.text(r.Quality)
	}
	if r.Amount != nil {
		h.text("amount")
		h.text(r.Amount.String())
	}
	return h.sum()
}

// counter leaves times out: a packet sent again says when it was sent again.
func (h *hasher) counter(c *Counter) {
	h.text(c.NAS)
	h.text(c.SessionID)
	h.text(string(c.Status))
	h.number(c.InputBytes)
	h.number(c.OutputBytes)
	h.number(c.SessionSeconds)
}

// text is written with its length, so that fields cannot run together.
func (h *hasher) text(s string) {
	h.buf = append(binary.AppendUvarint(h.buf, uint64(len(s))), s...)
}

func (h *hasher) number(n uint64) { h.buf = binary.BigEndian.AppendUint64(h.buf, n) }
