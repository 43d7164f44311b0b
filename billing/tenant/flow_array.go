package tenant

import (
	"encoding/binary"

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
		if parameter != pgtype.UUIDArrayOID {
			return to, false
		}
		to = appendArrayHead(to, pgtype.UUIDOID, len(list))
		for i := range list {
			to = append(binary.BigEndian.AppendUint32(to, uint32(len(list[i].Bytes))), list[i].Bytes[:]...)
		}
	case []money.Decimal:
		if parameter != pgtype.NumericArrayOID {
			return to, false
		}
		to = appendArrayHead(to, pgtype.NumericOID, len(list))
		for i := range list {
			at := len(to)
			to = list[i].AppendNumeric(binary.BigEndian.AppendUint32(to, 0))
			binary.BigEndian.PutUint32(to[at:], uint32(len(to)-at-4))
		}
	case [][]byte:
		if parameter != pgtype.ByteaArrayOID {
			return to, false
		}
		to = appendArrayHead(to, pgtype.ByteaOID, len(list))
		for i := range list {
			to = append(binary.BigEndian.AppendUint32(to, uint32(len(list[i]))), list[i]...)
		}
	case XIDs:
		if parameter != pgtype.XIDArrayOID {
			return to, false
		}
		to = appendArrayHead(to, pgtype.XIDOID, len(list))
		for _, id := range list {
			to = binary.BigEndian.AppendUint32(binary.BigEndian.AppendUint32(to, 4), id)
		}
	default:
		return to, false
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
