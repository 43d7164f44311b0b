package balance

import (
	"context"
	"fmt"
	"strings"

	"github.com/google/uuid"

	"tollhouse/billing/ledger"
	"tollhouse/billing/money"
	"tollhouse/billing/tenant"
)

// Adjustment gives to a bucket (above zero) or takes from it (below zero), by
// a person's decision. Reason goes to the audit, written by whoever took the
// command.
type Adjustment struct {
	ID       uuid.UUID // given by the caller; a repeat changes nothing
	BucketID uuid.UUID
	Amount   money.Decimal // in the bucket's unit
	Reason   string
}

// Adjust books an adjustment and gives the bucket after it. Nothing is taken
// that is not there, or that open sessions hold back (ErrInsufficient), from a
// main bucket neither.
func Adjust(ctx context.Context, tx tenant.Tx, a Adjustment) (Bucket, error) {
	if strings.TrimSpace(a.Reason) == "" {
		return Bucket{}, ErrReason
	}
	if a.Amount.IsZero() || !a.Amount.Round(money.Scale, money.Down).Equal(a.Amount) {
		return Bucket{}, fmt.Errorf("adjust by %s: %w", a.Amount, ErrAmount)
	}
	o, bucket, err := lockWithOwner(ctx, tx, a.BucketID)
	if err != nil {
		return Bucket{}, err
	}
	if done, err := o.posted(ctx, tx, ledger.Adjustment, a.ID); done || err != nil {
		return bucket, err
	}
	after := bucket.Value.Add(a.Amount)
	if a.Amount.Sign() < 0 {
		held, err := Reserved(ctx, tx, bucket.ID)
		if err != nil {
			return Bucket{}, err
		}
		if after.Cmp(held) < 0 {
			return Bucket{}, fmt.Errorf("take %s of %s %s, of which %s are reserved: %w", a.Amount.Abs(), bucket.Value, bucket.Unit, held, ErrInsufficient)
		}
	}
	if err := ledger.Post(ctx, tx, o.event(tx, ledger.Adjustment, a.ID), []ledger.Transfer{adjusting(bucket, a.Amount)}); err != nil {
		return Bucket{}, fmt.Errorf("adjust balance %s: %w", bucket.ID, err)
	}
	bucket.Value = after
	return bucket, Turned(ctx, tx, o.id)
}

// adjusting is the transfer that moves a bucket by a signed amount. Money is
// given and taken at the cost of promotions, units from those issued.
func adjusting(bucket Bucket, amount money.Decimal) ledger.Transfer {
	other := ledger.General(ledger.Promotion)
	if !bucket.Unit.IsCurrency() {
		other = ledger.General(ledger.UnitIssued)
	}
	t := ledger.Transfer{Debit: other, Credit: bucket.Ledger(), Amount: amount.Abs(), Unit: bucket.Unit, AccountID: bucket.AccountID}
	if amount.Sign() < 0 {
		t.Debit, t.Credit = t.Credit, t.Debit
	}
	return t
}

// lockWithOwner keeps to the lock order: it reads whose the bucket is, locks
// the account, then the bucket. A bucket never changes its account.
func lockWithOwner(ctx context.Context, tx tenant.Tx, id uuid.UUID) (owner, Bucket, error) {
	found, err := collect(ctx, tx, "find balance", `select `+bucketColumns+` from bucket as b where b.id = $1`, id)
	if err != nil {
		return owner{}, Bucket{}, err
	}
	if len(found) == 0 {
		return owner{}, Bucket{}, fmt.Errorf("balance %s: %w", id, ErrNotFound)
	}
	o, err := lockOwner(ctx, tx, found[0].AccountID)
	if err != nil {
		return owner{}, Bucket{}, err
	}
	bucket, err := lockOne(ctx, tx, id)
	return o, bucket, err
}
