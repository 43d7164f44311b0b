package balance

import (
	"context"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"tollhouse/billing/ledger"
	"tollhouse/billing/money"
	"tollhouse/billing/tenant"
)

// due is when a bucket that ends is emptied.
func due(origin Origin, expires time.Time) time.Time {
	if origin == Allowance {
		return expires.Add(LateUsage)
	}
	return expires
}

// Nobody else changes a bucket that has ended, save late usage: the row locks
// settle who comes first.
const lockEnded = `
	select b.id, b.account_id, b.unit, b.origin, b.value, a.legal_entity, a.branch
	from bucket as b
	join billing_account as a on a.id = b.account_id
	where b.value > 0
	  and ((b.origin = 'allowance' and b.expires_at = $1)
	       or (b.origin in ('bought', 'promotion') and b.expires_at = $2))
	order by b.id
	limit $3
	for no key update of b`

// ended is a bucket whose rest has to go.
type ended struct {
	ID, AccountID       uuid.UUID
	Unit                money.Unit
	Origin              Origin
	Value               money.Decimal
	LegalEntity, Branch uuid.UUID
}

// Expire empties up to limit buckets for the agenda item of kind BucketExpiry
// that fell due at an instant, and says how many it emptied; fewer than limit
// means that none is left. The rest of an allowance goes back to the units
// issued, bought money to breakage, promotional money to promotions.
func Expire(ctx context.Context, tx tenant.Tx, dueAt time.Time, limit int) (int, error) {
	rows, err := tx.Query(ctx, lockEnded, dueAt.Add(-LateUsage), dueAt, limit)
	if err != nil {
		return 0, fmt.Errorf("find ended balances: %w", err)
	}
	gone, err := pgx.CollectRows(rows, pgx.RowToStructByPos[ended])
	if err != nil {
		return 0, fmt.Errorf("find ended balances: %w", err)
	}
	postings := make([]ledger.Posting, len(gone))
	for i := range gone {
		postings[i] = gone[i].posting(dueAt)
	}
	if err := ledger.PostMany(ctx, tx, postings); err != nil {
		return 0, fmt.Errorf("expire balances: %w", err)
	}
	return len(gone), nil
}

func (e *ended) posting(at time.Time) ledger.Posting {
	bucket := Bucket{ID: e.ID, Unit: e.Unit}
	return ledger.Posting{
		Event: ledger.Event{Kind: ledger.Expiry, ID: e.ID, At: at, LegalEntity: e.LegalEntity, Branch: e.Branch},
		Transfers: []ledger.Transfer{{
			Debit: bucket.Ledger(), Credit: ledger.General(e.heir()), Amount: e.Value, Unit: e.Unit, AccountID: e.AccountID,
		}},
	}
}

// heir takes what is left of a bucket.
func (e *ended) heir() ledger.Kind {
	switch {
	case !e.Unit.IsCurrency():
		return ledger.UnitIssued
	case e.Origin == Bought:
		return ledger.Breakage
	default:
		return ledger.Promotion
	}
}
