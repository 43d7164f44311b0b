package balance

import (
	"context"
	"fmt"

	"github.com/google/uuid"

	"tollhouse/billing/agenda"
	"tollhouse/billing/money"
	"tollhouse/billing/tenant"
)

// Reserved is what open charging sessions, those of a group's members too, hold
// back of a bucket: it is not there for anybody else. The bucket's account is
// locked. charging_session_open and charging_session_lender answer it.
func Reserved(ctx context.Context, tx tenant.Tx, bucketID uuid.UUID) (money.Decimal, error) {
	var held money.Decimal
	err := tx.QueryRow(ctx, `
		with of as (select account_id from bucket where id = $1),
		holding as (
			select s.bucket_ids, s.amounts from charging_session as s
			where s.account_id = (select account_id from of) and s.state = 'open' and s.reserved_until > $2
			union all
			select s.bucket_ids, s.amounts from charging_session as s
			where s.lender_ids && array(select account_id from of) and s.lender_ids <> '{}'
			  and s.account_id <> (select account_id from of) and s.state = 'open' and s.reserved_until > $2)
		select coalesce(sum(r.amount), 0)
		from holding as s cross join lateral unnest(s.bucket_ids, s.amounts) as r (id, amount)
		where r.id = $1`, bucketID, tx.At).Scan(&held)
	if err != nil {
		return money.Decimal{}, fmt.Errorf("what is reserved of balance %s: %w", bucketID, err)
	}
	return held, nil
}

// LockMains gives the main balances of two accounts that are locked already,
// the one with the lower id locked first.
func LockMains(ctx context.Context, tx tenant.Tx, a, b uuid.UUID) (Bucket, Bucket, error) {
	var found [2]Bucket
	if err := CreateMain(ctx, tx, a, b); err != nil {
		return Bucket{}, Bucket{}, err
	}
	buckets, err := collect(ctx, tx, "lock main balances", `
		select `+bucketColumns+` from bucket as b
		join billing_account as a on a.id = b.account_id and a.currency = b.unit
		where b.account_id = any ($1) and b.origin = 'main'
		order by b.id for no key update of b`, []uuid.UUID{a, b})
	if err != nil {
		return Bucket{}, Bucket{}, err
	}
	for _, one := range buckets {
		switch one.AccountID {
		case a:
			found[0] = one
		case b:
			found[1] = one
		}
	}
	if len(buckets) != 2 {
		return Bucket{}, Bucket{}, fmt.Errorf("main balances of accounts %s and %s: %w", a, b, ErrNotFound)
	}
	return found[0], found[1], nil
}

// Sunk puts on the agenda what follows where a balance falls below the value
// that somebody wants to know of, by something else than a charge.
func Sunk(ctx context.Context, tx tenant.Tx, before Bucket, after money.Decimal) error {
	if before.AlertBelow == nil || before.Value.Cmp(*before.AlertBelow) < 0 || after.Cmp(*before.AlertBelow) >= 0 {
		return nil
	}
	return agenda.Again(ctx, tx, agenda.AutoTopUp, before.AccountID, nil)
}
