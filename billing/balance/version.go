package balance

import (
	"bytes"
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgtype"

	"tollhouse/billing/tenant"
)

// Whoever remembers balances of an account between transactions knows each row
// by its version, the xmin: that of a bucket says whether it is as it was, that
// of the account whether it has a new bucket, or a session began to hold back
// of one.

// The accounts are written as they are: that makes a new version of their rows.
const touchAccounts = `
	update billing_account as a set credit = a.credit
	from (select id from billing_account where id = any ($1) order by id for no key update) as l
	where a.id = l.id`

// Touch tells whoever remembers the balances of accounts that there are others
// now, or that less of them is free. It locks the accounts.
func Touch(ctx context.Context, tx tenant.Tx, accountIDs []uuid.UUID) error {
	if _, err := tx.Exec(ctx, touchAccounts, distinct(accountIDs)); err != nil {
		return fmt.Errorf("touch accounts: %w", err)
	}
	return nil
}

// QueueTouch does what Touch does with a flow's next trip.
func QueueTouch(f *tenant.Flow, accountIDs []uuid.UUID) {
	if len(accountIDs) > 0 {
		f.Exec(touchAccounts, distinct(accountIDs))
	}
}

func distinct(ids []uuid.UUID) []pgtype.UUID {
	sorted := slices.Clone(ids)
	slices.SortFunc(sorted, func(a, b uuid.UUID) int { return bytes.Compare(a[:], b[:]) })
	sorted = slices.Compact(sorted)
	list := make([]pgtype.UUID, len(sorted))
	for i, id := range sorted {
		list[i] = pgtype.UUID{Bytes: id, Valid: true}
	}
	return list
}

// Empty ones count: they may be filled again without being new.
const knownBuckets = `
	select ` + bucketColumns + `, b.xmin
	from unnest($1::uuid[]) as w (account_id)
	join bucket as b on b.account_id = w.account_id
	where b.expires_at is null or b.expires_at > $2`

// QueueKnown reads, with a flow's next trip and without locks, all buckets of
// accounts that end after an instant, with their versions.
func QueueKnown(f *tenant.Flow, accountIDs []pgtype.UUID, endingAfter time.Time, each func(b *Bucket, version uint32) error) {
	f.Query(knownBuckets, []any{accountIDs, endingAfter}, func(row pgx.CollectableRow) error {
		var b Bucket
		var version uint32
		if err := row.Scan(append(b.fields(), &version)...); err != nil {
			return fmt.Errorf("read balances: %w", err)
		}
		return each(&b, version)
	})
}
