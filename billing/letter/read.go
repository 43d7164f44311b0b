package letter

import (
	"context"
	"fmt"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"tollhouse/billing/bill"
	"tollhouse/billing/money"
	"tollhouse/billing/tenant"
)

// By bill_of_run, each bill's open items by open_item_bill.
const selectBills = `
select b.id, b.account_id, b.number, b.cycle_start, b.cycle_end, b.due_date, b.currency, b.total,
       coalesce((select sum(o.open) from open_item o where o.bill_id = b.id), 0)
  from bill b
 where b.run_id = $1 and b.id > $2 and b.state = 'final' and b.kind = 'bill'
 order by b.id
 limit $3`

// read locks a run and finds its next bills that were not told.
func read(ctx context.Context, tx tenant.Tx, run uuid.UUID, limit int) ([]bill.Bill, error) {
	var after uuid.UUID
	err := tx.QueryRow(ctx, `select coalesce(told_through, '00000000-0000-0000-0000-000000000000') from bill_run where id = $1 for update`, run).Scan(&after)
	if err != nil {
		return nil, fmt.Errorf("read run %s: %w", run, err)
	}
	rows, err := tx.Query(ctx, selectBills, run, after, limit)
	if err != nil {
		return nil, fmt.Errorf("read bills of run %s: %w", run, err)
	}
	found, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (bill.Bill, error) {
		b := bill.Bill{Kind: bill.KindBill, State: bill.Final}
		var currency money.Currency
		var total, open money.Decimal
		err := row.Scan(&b.ID, &b.AccountID, &b.Number, &b.Cycle.From, &b.Cycle.To, &b.DueDate, &currency, &total, &open)
		b.Total, b.Open = money.New(total, currency), money.New(open, currency)
		return b, err
	})
	if err != nil {
		return nil, fmt.Errorf("read bills of run %s: %w", run, err)
	}
	return found, nil
}

// toldThrough notes how far a run has been told.
func toldThrough(ctx context.Context, tx tenant.Tx, run, last uuid.UUID) error {
	if _, err := tx.Exec(ctx, `update bill_run set told_through = $2 where id = $1`, run, last); err != nil {
		return fmt.Errorf("note what run %s has told: %w", run, err)
	}
	return nil
}
