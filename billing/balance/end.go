package balance

import (
	"context"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"tollhouse/billing/agenda"
	"tollhouse/billing/money"
	"tollhouse/billing/tenant"
)

// An allowance must last for an instant at least; one that begins with the
// subscription's end, or after, then pays nothing any more. bucket_account finds
// them.
const endAllowances = `
	update bucket as b
	   set expires_at = greatest($2, b.valid_from + interval '1 microsecond'), rollover = null
	 where b.id in (select id from bucket
	                 where account_id in (select account_id from subscription where id = any ($1))
	                   and coalesce(granted_by, subscription_id) = any ($1) and origin = 'allowance' and expires_at > greatest($2, valid_from + interval '1 microsecond')
	                 order by id for no key update)
	returning b.expires_at, b.unit`

// EndAllowances lets the allowances that subscriptions give end with them, at an
// instant, however long they would have lasted. Nothing rolls over any more:
// what is left goes back (Expire), when late usage from before has come. The
// accounts are locked.
func EndAllowances(ctx context.Context, tx tenant.Tx, at time.Time, subscriptions ...uuid.UUID) error {
	rows, err := tx.Query(ctx, endAllowances, subscriptions, at)
	if err != nil {
		return fmt.Errorf("end allowances of subscriptions: %w", err)
	}
	ends := map[time.Time]bool{}
	var end time.Time
	var unit money.Unit
	_, err = pgx.ForEachRow(rows, []any{&end, &unit}, func() error {
		ends[due(Allowance, unit, end.UTC(), nil)] = true
		return nil
	})
	if err != nil {
		return fmt.Errorf("end allowances of subscriptions: %w", err)
	}
	for at := range ends {
		if err := agenda.Add(ctx, tx, agenda.Item{Kind: agenda.BucketExpiry, DueAt: at}); err != nil {
			return err
		}
	}
	return nil
}

// bucket_account finds them. Buckets that have ended stay with the old plan:
// late usage of it finds them.
const moveAllowances = `
	update bucket as b
	   set subscription_id = $2
	 where b.id in (select id from bucket
	                 where account_id = (select account_id from subscription where id = $1)
	                   and subscription_id = $1 and granted_by = any ($3) and (expires_at is null or expires_at > $4)
	                 order by id for no key update)`

// MoveAllowances lets the allowances of options go on with the subscription that
// takes the place of the one that they were on top of. The account is locked.
func MoveAllowances(ctx context.Context, tx tenant.Tx, from, to uuid.UUID, at time.Time, options ...uuid.UUID) error {
	if len(options) == 0 {
		return nil
	}
	if _, err := tx.Exec(ctx, moveAllowances, from, to, options, at); err != nil {
		return fmt.Errorf("move allowances of subscription %s: %w", from, err)
	}
	return nil
}
