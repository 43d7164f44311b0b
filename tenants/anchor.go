package tenants

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"

	"tollhouse/billing/tenant"
)

// Anchor is a seal of a stack's audit chain as it was seen from here. It stays
// as it was, whatever becomes of the stack.
type Anchor struct {
	Operator   tenant.ID
	Seq        int64
	Hash       []byte
	AnchoredAt time.Time // wall time
}

// ErrChainBroken means that a stack's audit chain is not the one that was
// anchored: somebody has removed seals or made them anew.
var ErrChainBroken = errors.New("the stack's audit chain is not the one that was anchored")

// Chains reads stacks' audit chains.
type Chains interface {
	// Stacks lists the stacks that can be asked now.
	Stacks(ctx context.Context) ([]tenant.ID, error)
	// Head is a stack's newest seal (seq 0: none yet), and the hash of an
	// earlier one, nil if there is no such seal.
	Head(ctx context.Context, id tenant.ID, earlier int64) (seq int64, hash, earlierHash []byte, err error)
}

// AnchorAll keeps the newest seal of every stack that goes on from the one kept
// before. One that does not is ErrChainBroken, and nothing is kept of it.
func AnchorAll(ctx context.Context, db *DB, chains Chains) error {
	stacks, err := chains.Stacks(ctx)
	if err != nil {
		return fmt.Errorf("list stacks to anchor: %w", err)
	}
	var faults []error
	for _, id := range stacks {
		if err := anchor(ctx, db, chains, id); err != nil {
			faults = append(faults, fmt.Errorf("anchor audit chain of %s: %w", id, err))
		}
	}
	return errors.Join(faults...)
}

func anchor(ctx context.Context, db *DB, chains Chains, id tenant.ID) error {
	var last Anchor
	if err := db.Read(ctx, func(ctx context.Context, tx Tx) (err error) {
		last, err = lastAnchor(ctx, tx, id)
		return err
	}); err != nil {
		return err
	}
	// No transaction is open while the stack is asked: it may be far away.
	seq, hash, at, err := chains.Head(ctx, id, last.Seq)
	switch {
	case err != nil:
		return err
	case seq < last.Seq, last.Seq > 0 && !bytes.Equal(at, last.Hash):
		return fmt.Errorf("seal %d: %w", last.Seq, ErrChainBroken)
	case seq == last.Seq:
		return nil
	}
	return db.Write(ctx, func(ctx context.Context, tx Tx) error {
		// A stack of no operator of ours has nothing to be anchored for.
		_, err := tx.Exec(ctx, `
			insert into chain_anchor (operator, seq, hash, anchored_at)
			select id, $2, $3, $4 from operator where id = $1
			on conflict (operator, seq) do nothing`, id, seq, hash, tx.At)
		return err
	})
}

func lastAnchor(ctx context.Context, tx Tx, id tenant.ID) (Anchor, error) {
	anchors, err := readAnchors(ctx, tx, `where operator = $1 order by seq desc limit 1`, id)
	if err != nil || len(anchors) == 0 {
		return Anchor{Operator: id}, err
	}
	return anchors[0], nil
}

// maxAnchors bounds what is read of a stack: the newest of one year.
const maxAnchors = 600_000

// Anchors lists a stack's anchors in the order of its seals.
func Anchors(ctx context.Context, tx Tx, id tenant.ID) ([]Anchor, error) {
	anchors, err := readAnchors(ctx, tx, `where operator = $1 order by seq desc limit $2`, id, maxAnchors)
	slices.Reverse(anchors)
	return anchors, err
}

func readAnchors(ctx context.Context, tx Tx, which string, args ...any) ([]Anchor, error) {
	rows, err := tx.Query(ctx, `select operator, seq, hash, anchored_at from chain_anchor `+which, args...)
	if err != nil {
		return nil, fmt.Errorf("read anchors: %w", err)
	}
	anchors, err := pgx.CollectRows(rows, pgx.RowToStructByPos[Anchor])
	if err != nil {
		return nil, fmt.Errorf("read anchors: %w", err)
	}
	return anchors, nil
}
