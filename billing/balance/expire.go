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
func due(origin Origin, unit money.Unit, expires time.Time, over *Rollover) time.Time {
	if origin == Allowance && over == nil && !unit.IsCurrency() {
		return expires.Add(LateUsage)
	}
	return expires
}

// Nobody else changes a bucket that has ended, save late usage: the row locks
// settle who comes first.
const lockEnded = `
	select ` + endingColumns + `
	from bucket as b
	join billing_account as a on a.id = b.account_id
	where b.value > 0
	  and ((b.origin = 'allowance' and b.rollover is null and b.unit !~ '^[A-Z]{3}$' and b.expires_at = $1)
	       or ((b.origin in ('bought', 'promotion') or b.rollover is not null or b.unit ~ '^[A-Z]{3}$') and b.expires_at = $2))
	order by b.id
	limit $3
	for no key update of b`

// Expire empties up to limit buckets for the agenda item of kind BucketExpiry
// that fell due at an instant, and says how many it emptied; fewer than limit
// means that none is left. What rolls over goes to a new bucket. Of the rest,
// units go back to those issued, bought money to breakage, all other money to
// promotions.
func Expire(ctx context.Context, tx tenant.Tx, dueAt time.Time, limit int) (int, error) {
	rows, err := tx.Query(ctx, lockEnded, dueAt.Add(-LateUsage), dueAt, limit)
	if err != nil {
		return 0, fmt.Errorf("find ended balances: %w", err)
	}
	gone, err := pgx.CollectRows(rows, scanEnding)
	if err != nil {
		return 0, fmt.Errorf("find ended balances: %w", err)
	}
	if err := finish(ctx, tx, gone, dueAt); err != nil {
		return 0, err
	}
	accounts := make([]uuid.UUID, len(gone))
	for i := range gone {
		accounts[i] = gone[i].AccountID
	}
	return len(gone), Turned(ctx, tx, accounts...)
}

// Heir takes what is left of a bucket that has ended.
func (b *Bucket) Heir() ledger.Kind {
	switch {
	case !b.Unit.IsCurrency():
		return ledger.UnitIssued
	case b.Origin == Bought:
		return ledger.Breakage
	default:
		return ledger.Promotion
	}
}

// BackFromExpiry is the transfer that takes back what a bucket's end took: so
// much of the expiry is reversed. The caller moves Expired with TakeBack.
func (b *Bucket) BackFromExpiry(amount money.Decimal) ledger.Transfer {
	return ledger.Transfer{Debit: ledger.General(b.Heir()), Credit: b.Ledger(), Amount: amount, Unit: b.Unit, AccountID: b.AccountID}
}

// TakeBack notes what late use has taken back of buckets' expiries. The
// buckets are locked.
func TakeBack(ctx context.Context, tx tenant.Tx, taken map[uuid.UUID]money.Decimal) error {
	back := make(map[uuid.UUID]money.Decimal, len(taken))
	for id, amount := range taken {
		back[id] = amount.Neg()
	}
	return moveExpired(ctx, tx, back)
}

func moveExpired(ctx context.Context, tx tenant.Tx, by map[uuid.UUID]money.Decimal) error {
	if len(by) == 0 {
		return nil
	}
	ids, amounts := make([]uuid.UUID, 0, len(by)), make([]money.Decimal, 0, len(by))
	for id, amount := range by {
		ids, amounts = append(ids, id), append(amounts, amount)
	}
	tag, err := tx.Exec(ctx, `
		update bucket as b set expired = b.expired + m.amount
		from unnest($1::uuid[], $2::numeric[]) as m (id, amount)
		where b.id = m.id`, ids, amounts)
	if err == nil && tag.RowsAffected() != int64(len(by)) {
		err = fmt.Errorf("%d of %d rows written", tag.RowsAffected(), len(by))
	}
	if err != nil {
		return fmt.Errorf("note what has expired: %w", err)
	}
	return nil
}
