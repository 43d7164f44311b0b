package audit

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"tollhouse/billing/ledger"
	"tollhouse/billing/tenant"
)

// Anchor is a seal's hash as it was kept outside the stack.
type Anchor struct {
	Seq  int64
	Hash []byte
}

// Part is what of a stack does not fit.
type Part string

// Parts of a break.
const (
	InAudit   Part = "audit"   // an entry was changed, removed or put in
	InLedger  Part = "ledger"  // a transfer was
	InChain   Part = "chain"   // a seal was
	InAnchors Part = "anchors" // the chain fits in itself, and is not the one that was anchored
)

// Break is the first place where chain and rows part.
type Break struct {
	Seq         int64 // the seal that does not fit; 0: beyond all seals
	Part        Part
	Reason      string
	After, Upto uuid.UUID // ids of the rows in question
	From, To    time.Time // when they were written, wall time
}

func (b Break) String() string {
	return fmt.Sprintf("seal %d, %s: %s (rows of %s to %s)", b.Seq, b.Part, b.Reason, b.From.Format(time.RFC3339), b.To.Format(time.RFC3339))
}

// Verification is how far a chain has been verified. The zero value begins.
type Verification struct {
	Head       Seal // the last one that fits
	AuditRows  int64
	LedgerRows int64
	Anchors    int    // that were met
	Break      *Break // nil: everything so far fits
	Done       bool
}

// VerifySeals bounds the seals of one step.
const VerifySeals = 500

// Verify goes on with a verification for up to limit seals: it computes them
// again from the rows and compares them with each other and with anchors, which
// stand in the order of seq. It ends at the first break. wallNow is for rows
// that claim to be of the future, where no seal would ever reach them.
func Verify(ctx context.Context, tx tenant.Tx, v Verification, anchors []Anchor, wallNow time.Time, limit int) (Verification, error) {
	if v.Head.Seq == 0 {
		v.Head = beginning(tx.Tenant)
	}
	seals, err := readSeals(ctx, tx, `where seq > $1 order by seq limit $2`, v.Head.Seq, limit)
	if err != nil {
		return v, err
	}
	for _, s := range seals {
		if v.Break, err = v.check(ctx, tx, s, anchors); err != nil || v.Break != nil {
			v.Done = v.Break != nil
			return v, err
		}
		v.Head = s
		v.AuditRows += int64(s.AuditRows)
		v.LedgerRows += int64(s.LedgerRows)
	}
	if len(seals) < limit {
		v.Done = true
		v.Break, err = v.end(ctx, tx, anchors, wallNow)
	}
	return v, err
}

// check compares one seal with the one before it, with the rows and with what
// was anchored of it.
func (v *Verification) check(ctx context.Context, tx tenant.Tx, s Seal, anchors []Anchor) (*Break, error) {
	switch {
	case s.Seq != v.Head.Seq+1:
		return s.broken(InChain, fmt.Sprintf("seal %d is missing", v.Head.Seq+1)), nil
	case s.After != v.Head.Upto:
		return s.broken(InChain, "it does not begin where the one before ends"), nil
	}
	again := s
	if err := again.take(ctx, tx); err != nil {
		return nil, err
	}
	switch {
	case again.AuditRows != s.AuditRows:
		return s.broken(InAudit, fmt.Sprintf("%d entries where %d were sealed", again.AuditRows, s.AuditRows)), nil
	case !bytes.Equal(again.AuditDigest, s.AuditDigest):
		return s.broken(InAudit, "an entry was changed"), nil
	case again.LedgerRows != s.LedgerRows:
		return s.broken(InLedger, fmt.Sprintf("%d transfers where %d were sealed", again.LedgerRows, s.LedgerRows)), nil
	case !bytes.Equal(again.LedgerDigest, s.LedgerDigest):
		return s.broken(InLedger, "a transfer was changed"), nil
	case !bytes.Equal(s.Prev, v.Head.Hash):
		return s.broken(InChain, "it does not follow the one before"), nil
	case !bytes.Equal(s.hash(), s.Hash):
		return s.broken(InChain, "the seal itself was changed"), nil
	}
	at, anchored := slices.BinarySearchFunc(anchors, s.Seq, func(a Anchor, seq int64) int { return cmp.Compare(a.Seq, seq) })
	if anchored && !bytes.Equal(anchors[at].Hash, s.Hash) {
		return s.broken(InAnchors, "another seal was anchored"), nil
	}
	if anchored {
		v.Anchors++
	}
	return nil, nil
}

func (s Seal) broken(part Part, reason string) *Break {
	return &Break{Seq: s.Seq, Part: part, Reason: reason, After: s.After, Upto: s.Upto, From: timeOf(s.After), To: timeOf(s.Upto)}
}

// futureAfter is more than clocks of ours differ by.
const futureAfter = time.Hour

// end looks beyond the last seal.
func (v *Verification) end(ctx context.Context, tx tenant.Tx, anchors []Anchor, wallNow time.Time) (*Break, error) {
	if n := len(anchors); n > 0 && anchors[n-1].Seq > v.Head.Seq {
		return &Break{Seq: v.Head.Seq + 1, Part: InAnchors, Reason: fmt.Sprintf("seals up to %d were anchored", anchors[n-1].Seq),
			After: v.Head.Upto, From: timeOf(v.Head.Upto), To: wallNow.UTC()}, nil
	}
	future := ledger.IDRange{After: idAt(wallNow.Add(futureAfter)), Upto: uuid.Max}
	var entry uuid.UUID
	err := tx.QueryRow(ctx, `select id from audit where id > $1 order by id limit 1`, future.After).Scan(&entry)
	if err == nil {
		return beyond(InAudit, entry), nil
	}
	if !errors.Is(err, pgx.ErrNoRows) {
		return nil, fmt.Errorf("look for entries of the future: %w", err)
	}
	transfer, err := future.Nth(ctx, tx, 1)
	if err != nil || transfer == nil {
		return nil, err
	}
	return beyond(InLedger, *transfer), nil
}

func beyond(part Part, id uuid.UUID) *Break {
	return &Break{Part: part, Reason: "a row claims to be of the future", Upto: id, From: timeOf(id), To: timeOf(id)}
}
