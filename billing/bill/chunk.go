package bill

import (
	"context"
	"fmt"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"tollhouse/billing/tenant"
)

// Settle applies credit to the open items of accounts that have just got one,
// in the closing transaction, oldest due first. Payment implements it.
type Settle func(ctx context.Context, tx tenant.Tx, accounts []uuid.UUID) error

// Closer closes cycles. Settle may be nil: credit then stays where it is.
type Closer struct {
	Settle  Settle
	Outside Outside
}

// CloseChunk closes up to limit accounts of a run in the caller's transaction
// and says how many it took off the run (closed or failed) and whether more
// are waiting. Call it in a transaction of its own until there is no more; a
// run that was cut off goes on where its last commit stands. It takes its locks
// in the order accounts by id, subscriptions, its own new rows, number series.
func (c Closer) CloseChunk(ctx context.Context, tx tenant.Tx, runID uuid.UUID, limit int) (done int, more bool, err error) {
	run, err := GetRun(ctx, tx, runID)
	if err != nil {
		return 0, false, err
	}
	if run.State == Prepared || run.State == Paused {
		return 0, false, nil
	}
	f, err := loadFrame(ctx, tx)
	if err != nil {
		return 0, false, err
	}
	f.settles, f.locks, f.outside = c.Settle != nil, true, c.Outside
	due, err := lockDue(ctx, tx, run, limit)
	if err != nil {
		return 0, false, err
	}
	if len(due) == 0 {
		return 0, false, finish(ctx, tx, run)
	}
	cycles, err := f.load(ctx, tx, due)
	if err != nil {
		return 0, false, err
	}
	batch := &batch{run: run, frame: f, settle: c.Settle}
	for _, o := range cycles {
		closing, err := f.reckon(o)
		if f.unasked(err) {
			continue
		}
		if err != nil {
			batch.fail(o.ID, err)
			continue
		}
		batch.closings = append(batch.closings, closing)
	}
	if err := batch.write(ctx, tx); err != nil {
		return 0, false, fmt.Errorf("close cycles ended %s: %w", run.CycleEnd, err)
	}
	return len(due), true, nil
}

const dueColumns = `
	a.id, a.number, a.kind, a.currency, a.anchor, a.cycle_months, a.cycle_days, a.cycle_start, a.cycle_end, a.cycle_changes, a.receivable, a.credit,
	a.legal_entity, a.branch, p.name, p.address, p.tax_id, p.language, a.tax_status, a.withholding, a.papers`

// billing_account_due gives the order. SKIP LOCKED lets several workers share
// a run; what is left at the end because somebody else held it is waited for.
const selectDue = `
	select ` + dueColumns + `
	from billing_account a
	join party p on p.id = a.party_id
	where a.state = 'active' and a.cycle_end = $1
	  and not (a.billed_to_parent and exists (select from billing_account o where o.id = a.parent_id and o.state = 'active' and o.cycle_end = a.cycle_end))
	  and not exists (select from bill_run_failure x
	                  where x.run_id = $2 and x.account_id = a.id and x.resolved_at is null)
	order by a.id
	limit $3
	for update of a`

func lockDue(ctx context.Context, tx tenant.Tx, run Run, limit int) ([]dueAccount, error) {
	for _, wait := range []string{" skip locked", ""} {
		rows, err := tx.Query(ctx, selectDue+wait, run.CycleEnd, run.ID, limit)
		if err != nil {
			return nil, fmt.Errorf("lock due accounts: %w", err)
		}
		due, err := pgx.CollectRows(rows, scanDue)
		if err != nil {
			return nil, fmt.Errorf("lock due accounts: %w", err)
		}
		if len(due) > 0 {
			return due, nil
		}
	}
	return nil, nil
}

// fields are where dueColumns go.
func (a *dueAccount) fields() []any {
	return []any{&a.ID, &a.Number, &a.Kind, &a.Currency, &a.Anchor, &a.Months, &a.Days, &a.Cycle.From, &a.Cycle.To, &a.Changes, &a.Receivable, &a.Credit,
		&a.Entity, &a.Branch, &a.Name, &a.Address, &a.TaxID, &a.Language, &a.Taxed, &a.Withholding, &a.Papers}
}

func scanDue(row pgx.CollectableRow) (a dueAccount, err error) {
	err = row.Scan(a.fields()...)
	return a, err
}

// finish marks a run as done when nothing is left. Another worker's last chunk
// may still be under way; its accounts were waited for, so its rows are seen.
func finish(ctx context.Context, tx tenant.Tx, run Run) error {
	_, err := tx.Exec(ctx, `
		update bill_run
		   set state = 'done', total = done + failed, finished_at = $2
		 where id = $1 and (state = 'running' or total <> done + failed)`, run.ID, tx.At)
	if err != nil {
		return fmt.Errorf("finish bill run of %s: %w", run.CycleEnd, err)
	}
	return nil
}
