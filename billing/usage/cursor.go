package usage

import (
	"encoding/base64"
	"encoding/binary"
	"errors"
	"time"

	"github.com/google/uuid"
)

// Cursor is the place after one row of a list, the latest first. The zero
// Cursor is the beginning, and what a list returns after its last page.
type Cursor struct {
	At time.Time
	ID uuid.UUID
}

// ErrCursor means that a text is no cursor that a list gave out.
var ErrCursor = errors.New("not a cursor of this list")

// IsZero says whether the cursor is the beginning.
func (c Cursor) IsZero() bool { return c.ID == uuid.Nil }

// String is opaque to callers; the zero Cursor is empty.
func (c Cursor) String() string {
	if c.IsZero() {
		return ""
	}
	var b [24]byte
	binary.BigEndian.PutUint64(b[:], uint64(c.At.UnixMicro()))
	copy(b[8:], c.ID[:])
	return base64.RawURLEncoding.EncodeToString(b[:])
}

// ParseCursor reads what String wrote.
func ParseCursor(text string) (Cursor, error) {
	if text == "" {
		return Cursor{}, nil
	}
	b, err := base64.RawURLEncoding.DecodeString(text)
	if err != nil || len(b) != 24 {
		return Cursor{}, ErrCursor
	}
	return Cursor{utc(int64(binary.BigEndian.Uint64(b))), uuid.UUID(b[8:])}, nil
}

func (c Cursor) at() *time.Time {
	if c.IsZero() {
		return nil
	}
	return &c.At
}

const maxPage = 500

// pageSize bounds what a caller asks for; 0 asks for 50.
func pageSize(limit int) int {
	if limit <= 0 {
		return 50
	}
	return min(limit, maxPage)
}

// cutPage drops the row that was read only to see whether there are more.
func cutPage[T any](rows []T, limit int, at func(T) Cursor) ([]T, Cursor) {
	n := pageSize(limit)
	if len(rows) <= n {
		return rows, Cursor{}
	}
	return rows[:n], at(rows[n-1])
}
