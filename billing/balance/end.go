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
// subscription's end, or after, then pays nothing any more.
const endAllowances = `
	update bucket as b
	   set expires_at = greatest($2, b.valid_from + interval '1 microsecond'), rollover = null
	 where b.id in (select id from bucket
	                 where subscription_id = $1 and origin = 'allowance' and expires_at > greatest($2, valid_from + interval '1 microsecond')
	                 order by id for no key update)
	returning b.expires_at, b.unit`

// EndAllowances lets the allowances of a subscription end with it, at an
// instant, however long they would have lasted. Nothing rolls over any more:
// what is left goes back (Expire), when late usage from before has come. The
// account is locked.
func EndAllowances(ctx context.Context, tx tenant.Tx, subscription uuid.UUID, at time.Time) error {
	rows, err := tx.Query(ctx, endAllowances, subscription, at)
	if err != nil {
		return fmt.Errorf("end allowances of subscription %s: %w", subscription, err)
	}
	ends := map[time.Time]bool{}
	var end time.Time
	var unit money.Unit
	_, err = pgx.ForEachRow(rows, []any{&end, &unit}, func() error {
		ends[due(Allowance, unit, end.UTC(), nil)] = true
		return nil
	})
	if err != nil {
		return fmt.Errorf("end allowances of subscription %s: %w", subscription, err)
	}
	for at := range ends {
		if err := agenda.Add(ctx, tx, agenda.Item{Kind: agenda.BucketExpiry, DueAt: at}); err != nil {
			return err
		}
	}
	return nil
}
