package tenant

import (
	"encoding/binary"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5/pgtype"

	"tollhouse/billing/money"
)

// XIDs are transaction ids, as a system column xmin gives them.
type XIDs []uint32

// appendArray adds the arrays that batches are made of in PostgreSQL's binary
// form, without a detour through reflection; false: it is none of them, or not
// of the parameter's type.
func appendArray(to []byte, parameter uint32, arg any) ([]byte, bool) {
	switch list := arg.(type) {
	case []pgtype.UUID:
		return appendList(to, parameter, pgtype.UUIDArrayOID, pgtype.UUIDOID, list,
			func(to []byte, id *pgtype.UUID) []byte { return append(to, id.Bytes[:]...) })
	case []uuid.UUID:
		return appendList(to, parameter, pgtype.UUIDArrayOID, pgtype.UUIDOID, list,
			func(to []byte, id *uuid.UUID) []byte { return append(to, id[:]...) })
	case []money.Decimal:
		return appendList(to, parameter, pgtype.NumericArrayOID, pgtype.NumericOID, list,
			func(to []byte, d *money.Decimal) []byte { return d.AppendNumeric(to) })
	case [][]byte:
		return appendList(to, parameter, pgtype.ByteaArrayOID, pgtype.ByteaOID, list,
			func(to []byte, b *[]byte) []byte { return append(to, *b...) })
	case []string:
		return appendList(to, parameter, pgtype.TextArrayOID, pgtype.TextOID, list,
			func(to []byte, s *string) []byte { return append(to, *s...) })
	case []int64:
		return appendList(to, parameter, pgtype.Int8ArrayOID, pgtype.Int8OID, list,
			func(to []byte, n *int64) []byte { return binary.BigEndian.AppendUint64(to, uint64(*n)) })
	case []time.Time:
		return appendList(to, parameter, pgtype.TimestamptzArrayOID, pgtype.TimestamptzOID, list,
			func(to []byte, at *time.Time) []byte { return binary.BigEndian.AppendUint64(to, uint64(microsOf(*at))) })
	case XIDs:
		return appendList(to, parameter, pgtype.XIDArrayOID, pgtype.XIDOID, list,
			func(to []byte, id *uint32) []byte { return binary.BigEndian.AppendUint32(to, *id) })
	}
	return to, false
}

// appendList adds an array of one dimension without NULLs, each element behind
// its length.
func appendList[E any](to []byte, parameter, array, element uint32, list []E, add func(to []byte, e *E) []byte) ([]byte, bool) {
	if parameter != array {
		return to, false
	}
	to = appendArrayHead(to, element, len(list))
	for i := range list {
		at := len(to)
		to = add(binary.BigEndian.AppendUint32(to, 0), &list[i])
		binary.BigEndian.PutUint32(to[at:], uint32(len(to)-at-4))
	}
	return to, true
}

// appendArrayHead begins an array of one dimension without NULLs.
func appendArrayHead(to []byte, element uint32, n int) []byte {
	dimensions := uint32(1)
	if n == 0 {
		dimensions = 0
	}
	to = binary.BigEndian.AppendUint32(to, dimensions)
	to = binary.BigEndian.AppendUint32(to, 0) // no NULLs
	to = binary.BigEndian.AppendUint32(to, element)
	if n == 0 {
		return to
	}
	to = binary.BigEndian.AppendUint32(to, uint32(n))
	return binary.BigEndian.AppendUint32(to, 1) // counted from 1
}
