package balance

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgtype"

	"tollhouse/billing/ledger"
	"tollhouse/billing/money"
	"tollhouse/billing/tenant"
)

// Origin says where a bucket's contents come from, and so where they go when
// it ends.
type Origin string

// Origins.
const (
	Main      Origin = "main"
	Bought    Origin = "bought"
	Allowance Origin = "allowance"
	Promotion Origin = "promotion"
)

// MainPriority lets everything else be consumed before a customer's own money.
const MainPriority = 1000

// mainCode names main buckets.
const mainCode = "main"

// Bucket is a balance as stored. Value counts Unit.
type Bucket struct {
	ID             uuid.UUID
	AccountID      uuid.UUID
	SubscriptionID *uuid.UUID // nil: of the whole account
	Code           string
	Unit           money.Unit
	Origin         Origin
	Initial        money.Decimal
	Value          money.Decimal
	Priority       int // 1 is consumed first
	ValidFrom      time.Time
	ExpiresAt      *time.Time // nil: never
	Filter         json.RawMessage
	Terms          json.RawMessage // own price, factors, whether it blocks, in rating's words
	Rollover       *Rollover       // nil: what is left expires
	RolledFrom     *uuid.UUID      // the bucket whose rest this is
	Expired        money.Decimal   // what its end took: late use may take it back
	Shared         bool            // with the members of the account's group
	MemberLimit    *money.Decimal  // of each of them in a cycle; nil: all there is
	CreatedAt      time.Time
	AlertBelow     *money.Decimal // falling below it is to be told (charging); nil: nothing is
	TaxAhead       money.Decimal  // tax of its money that was due when it was sold, and that no use has taken yet
}

// Ledger is the account that a bucket's value is the total of.
func (b *Bucket) Ledger() ledger.Account {
	if b.Unit.IsCurrency() {
		return ledger.Of(ledger.Prepaid, b.ID)
	}
	return ledger.Of(ledger.UnitBucket, b.ID)
}

// ValidAt says whether the bucket may pay for what happens at an instant.
func (b *Bucket) ValidAt(at time.Time) bool {
	return !at.Before(b.ValidFrom) && (b.ExpiresAt == nil || at.Before(*b.ExpiresAt))
}

// Errors of this package.
var (
	// ErrNotFound means that there is no such bucket or account.
	ErrNotFound = errors.New("no such balance")
	// ErrInsufficient means that a balance does not cover what is to be taken.
	ErrInsufficient = errors.New("not enough balance")
	// ErrAmount means that an amount is zero, negative, too fine or in another
	// currency than the account's.
	ErrAmount = errors.New("amount cannot be booked")
	// ErrReason means that an adjustment gives no reason.
	ErrReason = errors.New("an adjustment needs a reason")
)

const bucketColumns = `
	b.id, b.account_id, b.subscription_id, b.code, b.unit, b.origin, b.initial, b.value,
	b.priority, b.valid_from, b.expires_at, b.filter, b.terms, b.rollover, b.rolled_from, b.expired, b.shared, b.member_limit, b.created_at, b.alert_below, b.tax_ahead`

func scanBucket(row pgx.CollectableRow) (Bucket, error) {
	var b Bucket
	err := row.Scan(b.fields()...)
	return b, err
}

// fields are where bucketColumns go: ids as byte arrays, as the driver would go
// through text for uuid.UUID.
func (b *Bucket) fields() []any {
	return []any{(*[16]byte)(&b.ID), (*[16]byte)(&b.AccountID), &b.SubscriptionID, &b.Code, &b.Unit, &b.Origin, &b.Initial, &b.Value,
		&b.Priority, &b.ValidFrom, &b.ExpiresAt, &b.Filter, &b.Terms, &b.Rollover, &b.RolledFrom, &b.Expired, &b.Shared, &b.MemberLimit, &b.CreatedAt, &b.AlertBelow, &b.TaxAhead}
}

func collect(ctx context.Context, tx tenant.Tx, what, query string, args ...any) ([]Bucket, error) {
	rows, err := tx.Query(ctx, query, args...)
	if err == nil {
		var buckets []Bucket
		if buckets, err = pgx.CollectRows(rows, scanBucket); err == nil {
			return buckets, nil
		}
	}
	return nil, fmt.Errorf("%s: %w", what, err)
}

// List gives an account's buckets that are valid now, in the order in which
// they are consumed.
func List(ctx context.Context, tx tenant.Tx, accountID uuid.UUID) ([]Bucket, error) {
	return collect(ctx, tx, "list balances", `
		select `+bucketColumns+`
		from bucket as b
		where b.account_id = $1 and b.valid_from <= $2 and (b.expires_at is null or b.expires_at > $2)
		order by b.priority, b.expires_at nulls last, b.created_at, b.id`, accountID, tx.At)
}

// Lock gives the buckets of accounts that hold something, or did so until they
// ended, or are main, or block others even when they are empty, and end after an instant, and keeps others from changing
// them until the transaction ends. They come in id order; their accounts are locked already. accountIDs
// name each account once.
func Lock(ctx context.Context, tx tenant.Tx, accountIDs []pgtype.UUID, endingAfter time.Time) ([]Bucket, error) {
	return collect(ctx, tx, "lock balances", lockBuckets, accountIDs, endingAfter)
}

const lockBuckets = `
	select ` + bucketColumns + `
	from unnest($1::uuid[]) as w (account_id)
	join bucket as b on b.account_id = w.account_id
	where (b.value > 0 or b.expired > 0 or b.origin = 'main' or b.terms @> '{"blocks": true}') and (b.expires_at is null or b.expires_at > $2)
	order by b.id
	for no key update of b`

// QueueLock does what Lock does with a flow's next trip; each is given the
// buckets one by one.
func QueueLock(f *tenant.Flow, accountIDs []pgtype.UUID, endingAfter time.Time, each func(*Bucket) error) {
	f.Query(lockBuckets, []any{accountIDs, endingAfter}, func(row pgx.CollectableRow) error {
		b, err := scanBucket(row)
		if err != nil {
			return fmt.Errorf("lock balances: %w", err)
		}
		return each(&b)
	})
}

// lockOne locks one bucket; ErrNotFound if there is none.
func lockOne(ctx context.Context, tx tenant.Tx, id uuid.UUID) (Bucket, error) {
	buckets, err := collect(ctx, tx, "lock balance", `
		select `+bucketColumns+` from bucket as b where b.id = $1 for no key update`, id)
	if err != nil {
		return Bucket{}, err
	}
	if len(buckets) == 0 {
		return Bucket{}, fmt.Errorf("balance %s: %w", id, ErrNotFound)
	}
	return buckets[0], nil
}

// Get reads one bucket; ErrNotFound if there is none.
func Get(ctx context.Context, tx tenant.Tx, id uuid.UUID) (Bucket, error) {
	buckets, err := collect(ctx, tx, "read balance", `select `+bucketColumns+` from bucket as b where b.id = $1`, id)
	if err != nil {
		return Bucket{}, err
	}
	if len(buckets) == 0 {
		return Bucket{}, fmt.Errorf("balance %s: %w", id, ErrNotFound)
	}
	return buckets[0], nil
}
