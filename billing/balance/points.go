package balance

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/google/uuid"

	"tollhouse/billing/agenda"
	"tollhouse/billing/ledger"
	"tollhouse/billing/money"
	"tollhouse/billing/tenant"
)

// pointsCode names buckets of bonus points.
const pointsCode = "points"

// Points are bonus points to be issued to an account.
type Points struct {
	ID        uuid.UUID // of what earns them
	AccountID uuid.UUID
	Total     money.Decimal // whole points that have been earned under the id so far
	ExpiresAt time.Time
}

// IssuePoints gives an account what it has earned under an id beyond what was
// issued under it before, and says how many points that were. A repeat, and a
// total that has fallen, issue nothing.
func IssuePoints(ctx context.Context, tx tenant.Tx, p Points) (money.Decimal, error) {
	if p.Total.Sign() <= 0 {
		return money.Decimal{}, nil
	}
	o, err := lockOwner(ctx, tx, p.AccountID)
	if err != nil {
		return money.Decimal{}, err
	}
	var before money.Decimal
	// ledger_transfer_account narrows it to the account
	err = tx.QueryRow(ctx, `select coalesce(sum(amount), 0) from ledger_transfer where account_id = $1 and event = 'points' and event_id = $2`,
		p.AccountID, p.ID).Scan(&before)
	if err != nil {
		return money.Decimal{}, fmt.Errorf("points issued for %s: %w", p.ID, err)
	}
	fresh := p.Total.Sub(before)
	if fresh.Sign() <= 0 {
		return money.Decimal{}, nil
	}
	bucket, err := ensurePoints(ctx, tx, p)
	if err != nil {
		return money.Decimal{}, err
	}
	err = ledger.Post(ctx, tx, o.event(tx, ledger.Points, p.ID), []ledger.Transfer{{
		Debit: ledger.General(ledger.UnitIssued), Credit: ledger.Of(ledger.UnitBucket, bucket), Amount: fresh, Unit: money.Point, AccountID: o.id,
	}})
	if err != nil {
		return money.Decimal{}, fmt.Errorf("issue points for %s: %w", p.ID, err)
	}
	return fresh, nil
}

// ensurePoints finds or makes the bucket of an account's points that expire at
// an instant: its id follows from both.
func ensurePoints(ctx context.Context, tx tenant.Tx, p Points) (uuid.UUID, error) {
	id := uuid.NewSHA1(p.AccountID, []byte("points:"+p.ExpiresAt.UTC().Format(time.RFC3339)))
	tag, err := tx.Exec(ctx, `
		insert into bucket (id, account_id, code, unit, origin, initial, value, priority, valid_from, expires_at, created_at)
		values ($1, $2, $3, 'point', 'promotion', 0, 0, $4, $5, $6, $5)
		on conflict (id) do nothing`, id, p.AccountID, pointsCode, MainPriority, tx.At, p.ExpiresAt)
	if err != nil {
		return id, fmt.Errorf("make bucket of points: %w", err)
	}
	if tag.RowsAffected() == 0 {
		return id, nil
	}
	if err := Touch(ctx, tx, []uuid.UUID{p.AccountID}); err != nil {
		return id, err
	}
	return id, agenda.Add(ctx, tx, agenda.Item{Kind: agenda.BucketExpiry, DueAt: p.ExpiresAt})
}

// BurnPoints takes points from what expires first. ErrInsufficient refuses more
// than there are and no session holds back. A repeat under the same id changes nothing.
func BurnPoints(ctx context.Context, tx tenant.Tx, id, accountID uuid.UUID, amount money.Decimal) error {
	if amount.Sign() <= 0 {
		return fmt.Errorf("burn %s points: %w", amount, ErrAmount)
	}
	o, err := lockOwner(ctx, tx, accountID)
	if err != nil {
		return err
	}
	if done, err := o.posted(ctx, tx, ledger.Points, id); done || err != nil {
		return err
	}
	buckets, err := collect(ctx, tx, "lock points", `
		select `+bucketColumns+` from bucket as b
		where b.account_id = $1 and b.unit = 'point' and b.value > 0 and (b.expires_at is null or b.expires_at > $2)
		order by b.id for no key update`, accountID, tx.At)
	if err != nil {
		return err
	}
	slices.SortFunc(buckets, func(a, b Bucket) int {
		switch {
		case a.ExpiresAt == nil && b.ExpiresAt == nil:
			return 0
		case a.ExpiresAt == nil:
			return 1
		case b.ExpiresAt == nil:
			return -1
		}
		return a.ExpiresAt.Compare(*b.ExpiresAt)
	})
	var transfers []ledger.Transfer
	left := amount
	for i := range buckets {
		if left.Sign() <= 0 {
			break
		}
		held, err := Reserved(ctx, tx, buckets[i].ID)
		if err != nil {
			return err
		}
		part := buckets[i].Value.Sub(held)
		if part.Sign() <= 0 {
			continue
		}
		if part.Cmp(left) > 0 {
			part = left
		}
		left = left.Sub(part)
		transfers = append(transfers, ledger.Transfer{Debit: buckets[i].Ledger(), Credit: ledger.General(ledger.UnitConsumed), Amount: part, Unit: money.Point, AccountID: o.id})
	}
	if left.Sign() > 0 {
		return fmt.Errorf("burn %s points, %s missing: %w", amount, left, ErrInsufficient)
	}
	if err := ledger.Post(ctx, tx, o.event(tx, ledger.Points, id), transfers); err != nil {
		return fmt.Errorf("burn points: %w", err)
	}
	return nil
}
