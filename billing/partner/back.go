package partner

import (
	"context"
	"fmt"
	"time"

	"tollhouse/billing/ledger"
	"tollhouse/billing/money"
	"tollhouse/billing/tenant"
)

// Back is a line that gives back something of which a partner had a share.
type Back struct {
	Line           // Source and Line are its own; Net is what it gives back, above zero
	Partner string // who had the share
	Of      money.Decimal
	Share   money.Decimal // of that net
}

// TakeBack takes back from partners their part of what is given back, in the
// proportion in which they had it, also when it was paid out to them: what they
// are owed goes below zero then. The lines' accounts are locked. A line that was
// taken back already is passed over.
func TakeBack(ctx context.Context, tx tenant.Tx, zone *time.Location, lines []Back) error {
	ids := ledger.NewSequence()
	var kept []share
	for i := range lines {
		b := &lines[i]
		if b.Of.IsZero() || b.Net.IsZero() {
			continue
		}
		amount, err := b.Net.Neg().MulDiv(b.Share, b.Of, money.Scale, money.HalfAwayFromZero)
		if err != nil {
			return fmt.Errorf("take share of %s back: %w", b.Partner, err)
		}
		if amount.IsZero() {
			continue
		}
		line := b.Line
		line.Net = b.Net.Neg()
		kept = append(kept, share{Line: &line, id: ids.Next(), partner: b.Partner, amount: amount})
	}
	return post(ctx, tx, zone, kept)
}

// post keeps shares, those that are not kept already, and moves their money.
func post(ctx context.Context, tx tenant.Tx, zone *time.Location, kept []share) error {
	if len(kept) == 0 {
		return nil
	}
	if err := homes(ctx, tx, kept); err != nil {
		return err
	}
	fresh, err := insert(ctx, tx, kept)
	if err != nil {
		return err
	}
	var postings []ledger.Posting
	for i := range kept {
		if fresh[kept[i].id] {
			postings = append(postings, kept[i].posting(tx.At))
		}
	}
	return ledger.PostLocked(ctx, tx, zone, postings)
}
