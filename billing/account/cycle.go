package account

import (
	"context"
	"fmt"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"tollhouse/billing/calendar"
	"tollhouse/billing/ledger"
	"tollhouse/billing/money"
	"tollhouse/billing/tenant"
)

// AdvanceCycle moves accounts from the cycle that ended on a day to the one
// that begins there, and says how many it moved. Accounts whose open cycle ends
// on another day stay, so running it again changes nothing. The running totals
// of those that move are moved on in the same write; totals may be empty and
// keeps what was not moved. The caller holds the accounts' locks, or takes them
// here in id order.
func AdvanceCycle(ctx context.Context, tx tenant.Tx, ended calendar.Date, accounts []uuid.UUID, totals ledger.Totals) (int, error) {
	profile, err := GetProfile(ctx, tx)
	if err != nil {
		return 0, err
	}
	next, err := nextCycles(ctx, tx, profile.AnchorPolicy, ended, accounts)
	if err != nil || len(next.ids) == 0 {
		return 0, err
	}
	var unbilled, receivable, credit, tax []money.Decimal
	for _, id := range next.ids {
		var m ledger.AccountMove
		if moved, found := totals.Accounts[id]; found {
			m = *moved
			delete(totals.Accounts, id)
		}
		unbilled, receivable = append(unbilled, m.Unbilled), append(receivable, m.Receivable)
		credit, tax = append(credit, m.Credit), append(tax, m.UndocumentedTax)
	}
	done, err := tx.Exec(ctx, `
		update billing_account a
		   set cycle_start = a.cycle_end, cycle_end = n.cycle_end, unbilled = a.unbilled + n.unbilled, receivable = a.receivable + n.receivable,
		       credit = a.credit + n.credit, undocumented_tax = a.undocumented_tax + n.undocumented_tax
		  from unnest($1::uuid[], $2::date[], $3::numeric[], $4::numeric[], $5::numeric[], $6::numeric[])
		       as n (id, cycle_end, unbilled, receivable, credit, undocumented_tax)
		 where a.id = n.id`, next.ids, next.ends, unbilled, receivable, credit, tax)
	if err != nil {
		return 0, fmt.Errorf("advance cycles ended %s: %w", ended, err)
	}
	return int(done.RowsAffected()), next.change(ctx, tx)
}

// nextCycle is where accounts go on, and those of them whose series changes.
type nextCycle struct {
	ids     []uuid.UUID
	ends    []calendar.Date
	changed []changedCycle
}

type changedCycle struct {
	id uuid.UUID
	Every
	changes CycleChanges
}

// change writes the series that begin.
func (n *nextCycle) change(ctx context.Context, tx tenant.Tx) error {
	for _, c := range n.changed {
		done, err := tx.Exec(ctx, `update billing_account set anchor = $2, cycle_months = $3, cycle_days = $4, cycle_changes = $5 where id = $1`,
			c.id, c.Anchor, c.Months, c.Days, c.changes)
		if err != nil {
			return fmt.Errorf("change cycle of account %s: %w", c.id, err)
		}
		if done.RowsAffected() != 1 {
			return fmt.Errorf("change cycle of account %s: %w", c.id, ErrNotFound)
		}
	}
	if len(n.changed) == 0 {
		return nil
	}
	return bumpEpoch(ctx, tx)
}

// nextCycles locks the accounts that are due and reckons where their next cycles
// end. A next cycle always begins where the last ended, also when the policy
// has changed in between: only its end follows the new one.
func nextCycles(ctx context.Context, tx tenant.Tx, policy calendar.AnchorPolicy, ended calendar.Date, accounts []uuid.UUID) (next nextCycle, err error) {
	rows, err := tx.Query(ctx, `
		select id, anchor, cycle_months, cycle_days, cycle_changes
		  from billing_account
		 where id = any ($1) and cycle_end = $2
		 order by id
		   for update`, accounts, ended)
	if err != nil {
		return next, fmt.Errorf("lock cycles ended %s: %w", ended, err)
	}
	// Most accounts share their anchor with many others.
	known := map[calendar.Cycle]calendar.Date{}
	var id uuid.UUID
	var now Every
	var changes *CycleChanges
	_, err = pgx.ForEachRow(rows, []any{&id, &now.Anchor, &now.Months, &now.Days, &changes}, func() error {
		if changes != nil && changes.Next != nil {
			begun, kept := changes.Begin(now, ended)
			next.changed = append(next.changed, changedCycle{id, begun, kept})
			now = begun
		}
		cycle := now.Cycle(policy)
		end, seen := known[cycle]
		if !seen {
			end = cycle.Containing(ended).To
			known[cycle] = end
		}
		next.ids, next.ends = append(next.ids, id), append(next.ends, end)
		changes = nil
		return nil
	})
	if err != nil {
		return next, fmt.Errorf("lock cycles ended %s: %w", ended, err)
	}
	return next, nil
}
