package account

import (
	"context"
	"fmt"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"tollhouse/billing/calendar"
	"tollhouse/billing/tenant"
)

// AdvanceCycle moves accounts from the cycle that ended on a day to the one
// that begins there, and says how many it moved. Accounts whose open cycle ends
// on another day stay, so running it again changes nothing. The caller holds
// the accounts' locks, or takes them here in id order.
func AdvanceCycle(ctx context.Context, tx tenant.Tx, ended calendar.Date, accounts []uuid.UUID) (int, error) {
	profile, err := GetProfile(ctx, tx)
	if err != nil {
		return 0, err
	}
	ids, ends, err := nextEnds(ctx, tx, profile.AnchorPolicy, ended, accounts)
	if err != nil || len(ids) == 0 {
		return 0, err
	}
	done, err := tx.Exec(ctx, `
		update billing_account a
		   set cycle_start = a.cycle_end, cycle_end = n.cycle_end
		  from unnest($1::uuid[], $2::date[]) as n (id, cycle_end)
		 where a.id = n.id`, ids, ends)
	if err != nil {
		return 0, fmt.Errorf("advance cycles ended %s: %w", ended, err)
	}
	return int(done.RowsAffected()), nil
}

// nextEnds locks the accounts that are due and reckons where their next cycles
// end. A next cycle always begins where the last ended, also when the policy
// has changed in between: only its end follows the new one.
func nextEnds(ctx context.Context, tx tenant.Tx, policy calendar.AnchorPolicy, ended calendar.Date, accounts []uuid.UUID) (
	ids []uuid.UUID, ends []calendar.Date, err error,
) {
	rows, err := tx.Query(ctx, `
		select id, anchor, cycle_months
		  from billing_account
		 where id = any ($1) and cycle_end = $2
		 order by id
		   for update`, accounts, ended)
	if err != nil {
		return nil, nil, fmt.Errorf("lock cycles ended %s: %w", ended, err)
	}
	// Most accounts share their anchor with many others.
	known := map[calendar.Cycle]calendar.Date{}
	var id uuid.UUID
	cycle := calendar.Cycle{Policy: policy}
	_, err = pgx.ForEachRow(rows, []any{&id, &cycle.Anchor, &cycle.Months}, func() error {
		end, seen := known[cycle]
		if !seen {
			end = cycle.Containing(ended).To
			known[cycle] = end
		}
		ids, ends = append(ids, id), append(ends, end)
		return nil
	})
	if err != nil {
		return nil, nil, fmt.Errorf("lock cycles ended %s: %w", ended, err)
	}
	return ids, ends, nil
}
