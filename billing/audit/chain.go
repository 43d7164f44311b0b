package audit

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"tollhouse/billing/ledger"
	"tollhouse/billing/tenant"
)

// Seal is one link of the chain over audit and ledger: it covers all their rows
// whose ids lie above After and up to Upto.
type Seal struct {
	Seq          int64 // from 1, without gaps
	After, Upto  uuid.UUID
	AuditRows    int
	AuditDigest  []byte
	LedgerRows   int
	LedgerDigest []byte
	Prev         []byte // hash of the seal before; of the tenant's id for the first
	Hash         []byte
	SealedAt     time.Time // wall time
}

// hash is SHA-256 of the label, the hash before, and everything the seal says,
// numbers in eight bytes (big-endian), the instant in microseconds since 1970.
func (s Seal) hash() []byte {
	var b bytes.Buffer
	number := func(n int64) { b.Write(binary.BigEndian.AppendUint64(nil, uint64(n))) }
	b.WriteString(sealLabel)
	b.Write(s.Prev)
	number(s.Seq)
	b.Write(s.After[:])
	b.Write(s.Upto[:])
	number(int64(s.AuditRows))
	b.Write(s.AuditDigest)
	number(int64(s.LedgerRows))
	b.Write(s.LedgerDigest)
	number(s.SealedAt.UnixMicro())
	sum := sha256.Sum256(b.Bytes())
	return sum[:]
}

// beginning is what the first seal of a tenant goes on from: a chain is good
// for one tenant only.
func beginning(id tenant.ID) Seal {
	sum := sha256.Sum256(append([]byte(chainLabel), id[:]...))
	return Seal{Hash: sum[:]}
}

const (
	// SealMargin is how much older than a mark a row's id must be for its
	// transaction to have been seen by that mark. An id is drawn in an open
	// transaction right before its row is written; a session that idles for a
	// minute is ended, so the row has been written by then. The rest is for
	// clocks that differ.
	SealMargin = 90 * time.Second
	// SealRows bounds a seal: rows of audit, and transfers of each period.
	SealRows = 5_000
)

// SealNext adds a seal over the next rows, up to rows in number, of those made
// before an instant. The caller knows that no transaction runs any more that
// could add one: upto is SealMargin before a mark that has passed. It says
// whether there was something to seal; if so there may be more.
func SealNext(ctx context.Context, tx tenant.Tx, upto, wallAt time.Time, rows int) (sealed bool, err error) {
	last, err := Head(ctx, tx)
	if err != nil {
		return false, err
	}
	s := Seal{Seq: last.Seq + 1, After: last.Upto, Upto: idAt(upto), Prev: last.Hash, SealedAt: wallAt.UTC().Truncate(time.Microsecond)}
	if bytes.Compare(s.Upto[:], s.After[:]) <= 0 {
		return false, nil
	}
	if s.Upto, err = portionEnd(ctx, tx, s.After, s.Upto, rows); err != nil {
		return false, err
	}
	if err := s.take(ctx, tx); err != nil {
		return false, err
	}
	if s.AuditRows+s.LedgerRows == 0 {
		return false, nil
	}
	s.Hash = s.hash()
	return s.add(ctx, tx)
}

// portionEnd is the id at which a portion of so many rows ends.
func portionEnd(ctx context.Context, tx tenant.Tx, after, upto uuid.UUID, rows int) (uuid.UUID, error) {
	var id uuid.UUID
	err := tx.QueryRow(ctx, `select id from audit where id > $1 and id <= $2 order by id offset $3 limit 1`, after, upto, rows-1).Scan(&id)
	switch {
	case err == nil:
		upto = id
	case !errors.Is(err, pgx.ErrNoRows):
		return upto, fmt.Errorf("count audit: %w", err)
	}
	nth, err := ledger.IDRange{After: after, Upto: upto}.Nth(ctx, tx, rows)
	if err == nil && nth != nil {
		upto = *nth
	}
	return upto, err
}

// take counts and sums the rows that the seal covers.
func (s *Seal) take(ctx context.Context, tx tenant.Tx) error {
	entries, err := digestAudit(ctx, tx, s.After, s.Upto)
	if err != nil {
		return err
	}
	transfers, err := digestLedger(ctx, tx, s.After, s.Upto)
	if err != nil {
		return err
	}
	s.AuditRows, s.AuditDigest = entries.rows, entries.bytes()
	s.LedgerRows, s.LedgerDigest = transfers.rows, transfers.bytes()
	return nil
}

const sealColumns = `seq, from_id, to_id, audit_rows, audit_digest, ledger_rows, ledger_digest, prev, hash, sealed_at`

// add writes the seal. Of two processes that seal at once one does: the other
// waits at the primary key and then finds the work done.
func (s *Seal) add(ctx context.Context, tx tenant.Tx) (bool, error) {
	done, err := tx.Exec(ctx, `
		insert into audit_seal (`+sealColumns+`)
		values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
		on conflict (seq) do nothing`,
		s.Seq, s.After, s.Upto, s.AuditRows, s.AuditDigest, s.LedgerRows, s.LedgerDigest, s.Prev, s.Hash, s.SealedAt)
	if err != nil {
		return false, fmt.Errorf("add seal %d: %w", s.Seq, err)
	}
	return done.RowsAffected() == 1, nil
}

// Head is the newest seal; Seq 0 for a chain that has not begun.
func Head(ctx context.Context, tx tenant.Tx) (Seal, error) {
	seals, err := readSeals(ctx, tx, `order by seq desc limit 1`)
	if err != nil || len(seals) == 0 {
		return beginning(tx.Tenant), err
	}
	return seals[0], nil
}

// GetSeal reads one seal; found is false where the chain has none of this number.
func GetSeal(ctx context.Context, tx tenant.Tx, seq int64) (s Seal, found bool, err error) {
	seals, err := readSeals(ctx, tx, `where seq = $1`, seq)
	if err != nil || len(seals) == 0 {
		return Seal{}, false, err
	}
	return seals[0], true, nil
}

func readSeals(ctx context.Context, tx tenant.Tx, which string, args ...any) ([]Seal, error) {
	rows, err := tx.Query(ctx, `select `+sealColumns+` from audit_seal `+which, args...)
	if err != nil {
		return nil, fmt.Errorf("read seals: %w", err)
	}
	seals, err := pgx.CollectRows(rows, pgx.RowToStructByPos[Seal])
	if err != nil {
		return nil, fmt.Errorf("read seals: %w", err)
	}
	return seals, nil
}
