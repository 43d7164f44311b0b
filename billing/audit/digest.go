package audit

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"hash"
	"time"

	"github.com/google/uuid"

	"tollhouse/billing/ledger"
	"tollhouse/billing/tenant"
)

// digest sums rows of a table. Its input is the label and then, row by row and
// column by column in the order of the table, one byte 0 for NULL, or one byte
// 1, the length in four bytes (big-endian) and the value as text: ids in
// canonical form, instants as microseconds since 1970, dates as 2026-05-01,
// numbers as the database writes them (amounts with nine decimals), JSON as
// the database writes jsonb. So nobody can move text from one column or row to
// the next, and anyone with a copy of the tables can compute it again.
type digest struct {
	sum  hash.Hash
	rows int
}

func newDigest(label string) *digest {
	d := &digest{sum: sha256.New()}
	_, _ = d.sum.Write([]byte(label)) // a hash takes everything
	return d
}

func (d *digest) add(columns [][]byte) error {
	d.rows++
	for _, value := range columns {
		if value == nil {
			_, _ = d.sum.Write([]byte{0})
			continue
		}
		head := binary.BigEndian.AppendUint32([]byte{1}, uint32(len(value)))
		_, _ = d.sum.Write(head)
		_, _ = d.sum.Write(value)
	}
	return nil
}

func (d *digest) bytes() []byte { return d.sum.Sum(nil) }

// Labels keep the two digests and the seal itself apart; the number is that of
// the encoding.
const (
	auditLabel  = "tollhouse/audit/1\n"
	ledgerLabel = "tollhouse/ledger/1\n"
	sealLabel   = "tollhouse/seal/1\n"
	chainLabel  = "tollhouse/chain/1\n"
)

// digestAudit sums the entries of a range of ids.
func digestAudit(ctx context.Context, tx tenant.Tx, after, upto uuid.UUID) (*digest, error) {
	rows, err := tx.Query(ctx, `
		select id::text, (extract(epoch from at) * 1000000)::bigint::text, (extract(epoch from wall_at) * 1000000)::bigint::text,
		       actor, action, object, object_id::text, detail::text, trace
		  from audit
		 where id > $1 and id <= $2
		 order by id`, after, upto)
	if err != nil {
		return nil, fmt.Errorf("read audit: %w", err)
	}
	defer rows.Close()
	d := newDigest(auditLabel)
	for rows.Next() {
		if err := d.add(rows.RawValues()); err != nil {
			return nil, err
		}
	}
	if err := rows.Err(); err != nil {
		return nil, fmt.Errorf("read audit: %w", err)
	}
	return d, nil
}

// digestLedger sums the transfers of a range of ids.
func digestLedger(ctx context.Context, tx tenant.Tx, after, upto uuid.UUID) (*digest, error) {
	d := newDigest(ledgerLabel)
	return d, ledger.IDRange{After: after, Upto: upto}.Rows(ctx, tx, d.add)
}

// idAt is below all ids made at an instant or later, and above all made before.
func idAt(at time.Time) (id uuid.UUID) {
	var stamp [8]byte
	binary.BigEndian.PutUint64(stamp[:], uint64(at.UnixMilli()))
	copy(id[:6], stamp[2:])
	return id
}

// timeOf is when an id was made, to the millisecond.
func timeOf(id uuid.UUID) time.Time {
	var stamp [8]byte
	copy(stamp[2:], id[:6])
	return time.UnixMilli(int64(binary.BigEndian.Uint64(stamp[:]))).UTC()
}
