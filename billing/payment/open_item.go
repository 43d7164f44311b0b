package payment

import (
	"context"
	"errors"
	"fmt"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"tollhouse/billing/bill"
	"tollhouse/billing/calendar"
	"tollhouse/billing/money"
	"tollhouse/billing/tenant"
)

// Most items are of a bill of ours; others brought their document's number along.
const selectOpenItems = `select o.id, coalesce(o.bill_id, '00000000-0000-0000-0000-000000000000'), coalesce(b.number, o.number),
	coalesce(b.issue_date, o.issue_date), o.amount, o.open, o.currency, o.due_date,
	exists (select from bill_item i where i.bill_id = o.bill_id and i.kind in ('interest', 'late_fee'))
	from open_item o left join bill b on b.id = o.bill_id `

func scanOpenItem(row pgx.CollectableRow) (OpenItem, error) {
	var o OpenItem
	var amount, open money.Decimal
	var currency money.Currency
	var issued *calendar.Date
	err := row.Scan(&o.ID, &o.BillID, &o.Number, &issued, &amount, &open, &currency, &o.DueDate, &o.interest)
	if issued != nil { // a bill that is being closed has none yet
		o.Issued = *issued
	}
	o.Amount, o.Open = money.New(amount, currency), money.New(open, currency)
	return o, err
}

// OpenItems lists what an account owes, oldest due first.
func OpenItems(ctx context.Context, tx tenant.Tx, accountID uuid.UUID) ([]OpenItem, error) {
	// index open_item_open gives the rows and their order
	rows, err := tx.Query(ctx, selectOpenItems+`where o.account_id = $1 and o.open > 0 order by o.due_date, o.id`, accountID)
	if err != nil {
		return nil, fmt.Errorf("list open items: %w", err)
	}
	items, err := pgx.CollectRows(rows, scanOpenItem)
	if err != nil {
		return nil, fmt.Errorf("list open items: %w", err)
	}
	return items, nil
}

// lockOpenItems locks what the account owes in id order, and returns it in the
// order in which it is paid, by which rules.
func lockOpenItems(ctx context.Context, tx tenant.Tx, p payer, named []uuid.UUID) ([]OpenItem, rules, error) {
	laid, err := GetPolicy(ctx, tx)
	if err != nil {
		return nil, rules{}, err
	}
	by := rules{order: laid.Order, tolerance: laid.Tolerance}
	rows, err := tx.Query(ctx, selectOpenItems+`where o.account_id = $1 and o.open > 0 order by o.id for no key update of o`, p.id)
	if err != nil {
		return nil, by, fmt.Errorf("lock open items: %w", err)
	}
	items, err := pgx.CollectRows(rows, scanOpenItem)
	if err != nil {
		return nil, by, fmt.Errorf("lock open items: %w", err)
	}
	by.named = inPaymentOrder(items, named, by.order)
	return items, by, nil
}

// itemOfBill finds what is owed on a bill of the account, or the open item
// itself where it is of no bill of ours. ErrBill also where it is another
// account's: who may see it is not told here.
func itemOfBill(ctx context.Context, tx tenant.Tx, accountID, billID uuid.UUID) (OpenItem, error) {
	// of a bill that is owed in parts, the one that is due next
	rows, err := tx.Query(ctx, selectOpenItems+`where o.account_id = $2 and (o.bill_id = $1 or o.bill_id is null and o.id = $1)
		order by o.open = 0, o.due_date, o.id limit 1`, billID, accountID)
	if err != nil {
		return OpenItem{}, fmt.Errorf("find bill %s: %w", billID, err)
	}
	item, err := pgx.CollectExactlyOneRow(rows, scanOpenItem)
	if errors.Is(err, pgx.ErrNoRows) {
		return OpenItem{}, fmt.Errorf("%w: %s", ErrBill, billID)
	}
	if err != nil {
		return OpenItem{}, fmt.Errorf("find bill %s: %w", billID, err)
	}
	return item, nil
}

// namedItems are the open items that names stand for, in their order: all of a
// bill, by due date, or one by its own id. ErrBill where the account has none.
func namedItems(ctx context.Context, tx tenant.Tx, accountID uuid.UUID, names []uuid.UUID) (ids []uuid.UUID, err error) {
	for _, name := range names {
		if name == uuid.Nil {
			continue
		}
		rows, err := tx.Query(ctx, `select id from open_item where account_id = $2 and (bill_id = $1 or id = $1) order by due_date, id`, name, accountID)
		if err != nil {
			return nil, fmt.Errorf("find bill %s: %w", name, err)
		}
		found, err := pgx.CollectRows(rows, pgx.RowTo[uuid.UUID])
		if err != nil {
			return nil, fmt.Errorf("find bill %s: %w", name, err)
		}
		if len(found) == 0 {
			return nil, fmt.Errorf("%w: %s", ErrBill, name)
		}
		ids = append(ids, found...)
	}
	return ids, nil
}

// writeShares keeps allocations and lowers what is open. The items are locked.
func writeShares(ctx context.Context, tx tenant.Tx, shares []share) error {
	if len(shares) == 0 {
		return nil
	}
	var batch pgx.Batch
	for _, s := range shares {
		batch.Queue(`insert into payment_allocation (id, payment_id, open_item_id, amount, written_off, at) values ($1, $2, $3, $4, $5, $6)`,
			uuid.Must(uuid.NewV7()), s.payment, s.item, s.amount, s.writtenOff, tx.At)
		batch.Queue(`update open_item set open = open - $2, `+bill.KeepPast(3)+` where id = $1`, s.item, s.amount.Add(s.writtenOff), tx.At)
	}
	return sendOneRowEach(ctx, tx, &batch, "allocate")
}

// sendOneRowEach runs writes of which each must touch exactly one row.
func sendOneRowEach(ctx context.Context, tx tenant.Tx, batch *pgx.Batch, doing string) (err error) {
	results := tx.SendBatch(ctx, batch)
	defer func() { err = errors.Join(err, results.Close()) }()
	for range batch.Len() {
		tag, err := results.Exec()
		if err != nil {
			return fmt.Errorf("%s: %w", doing, err)
		}
		if tag.RowsAffected() != 1 {
			return fmt.Errorf("%s: %d rows written, want 1", doing, tag.RowsAffected())
		}
	}
	return nil
}
