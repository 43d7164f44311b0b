package ledger

import (
	"encoding/binary"

	"github.com/google/uuid"
)

// Sequence gives the keys of one bulk write: UUIDv7, each above the one before,
// without asking the system for random bytes every time. Keys in time order
// keep index pages full and write-ahead logs small.
type Sequence struct {
	head [8]byte // milliseconds, version, sub-millisecond order
	low  uint64  // variant and random bits, counted up
}

// NewSequence starts where the process's UUIDv7 stand now.
func NewSequence() *Sequence {
	base := uuid.Must(uuid.NewV7())
	var s Sequence
	copy(s.head[:], base[:8])
	// The highest random bit is cleared so that counting up cannot reach the variant.
	s.low = binary.BigEndian.Uint64(base[8:]) &^ (1 << 61)
	return &s
}

// Next is the next key.
func (s *Sequence) Next() uuid.UUID {
	var id uuid.UUID
	copy(id[:8], s.head[:])
	s.low++
	binary.BigEndian.PutUint64(id[8:], s.low)
	return id
}
