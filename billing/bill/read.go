package bill

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"tollhouse/billing/calendar"
	"tollhouse/billing/money"
	"tollhouse/billing/tenant"
)

// Bill is a document's head, as lists show it.
type Bill struct {
	ID         uuid.UUID
	AccountID  uuid.UUID
	Kind       Kind
	State      State
	Number     string
	Cycle      calendar.Period
	Issued     calendar.Date // zero for a draft, as is DueDate
	DueDate    calendar.Date
	NextDue    calendar.Date // of what is open: an instalment's, or as DueDate
	Total      money.Amount
	PaidBefore money.Amount
	Due        money.Amount // what was left to pay when it was issued
	Open       money.Amount // what is left to pay now
	ClosedAt   time.Time
}

// What is left to pay may be owed in parts: open_item_bill finds them.
const selectBills = `
	select b.id, b.account_id, b.kind, b.state, coalesce(b.number, ''), b.cycle_start, b.cycle_end, b.issue_date, b.due_date,
	       b.currency, b.total, b.paid_before, b.due,
	       coalesce((select sum(i.open) from open_item i where i.bill_id = b.id), 0),
	       (select min(i.due_date) from open_item i where i.bill_id = b.id and i.open > 0), b.closed_at
	from bill b`

func scanBill(row pgx.CollectableRow) (Bill, error) {
	var b Bill
	var currency money.Currency
	var issued, due, next *calendar.Date
	var total, paid, left, open money.Decimal
	err := row.Scan(&b.ID, &b.AccountID, &b.Kind, &b.State, &b.Number, &b.Cycle.From, &b.Cycle.To, &issued, &due,
		&currency, &total, &paid, &left, &open, &next, &b.ClosedAt)
	if issued != nil && due != nil {
		b.Issued, b.DueDate, b.NextDue = *issued, *due, *due
	}
	if next != nil {
		b.NextDue = *next
	}
	b.Total, b.PaidBefore = money.New(total, currency), money.New(paid, currency)
	b.Due, b.Open = money.New(left, currency), money.New(open, currency)
	b.ClosedAt = b.ClosedAt.UTC()
	return b, err
}

// Get reads one document's head.
func Get(ctx context.Context, tx tenant.Tx, id uuid.UUID) (Bill, error) {
	return one(ctx, tx, selectBills+` where b.id = $1`, id)
}

// ByNumber reads the document with a number as printed.
func ByNumber(ctx context.Context, tx tenant.Tx, number string) (Bill, error) {
	return one(ctx, tx, selectBills+` where b.number = $1`, number)
}

func one(ctx context.Context, tx tenant.Tx, query string, key any) (Bill, error) {
	rows, err := tx.Query(ctx, query, key)
	if err != nil {
		return Bill{}, fmt.Errorf("read bill: %w", err)
	}
	b, err := pgx.CollectExactlyOneRow(rows, scanBill)
	if errors.Is(err, pgx.ErrNoRows) {
		return Bill{}, ErrNotFound
	}
	if err != nil {
		return Bill{}, fmt.Errorf("read bill: %w", err)
	}
	return b, nil
}

// Cursor is where a list goes on: after a document of a cycle, which may have
// several. The zero value is the beginning.
type Cursor struct {
	Before calendar.Date
	ID     uuid.UUID
}

// String is the cursor as an address has it.
func (c Cursor) String() string { return c.Before.String() + "." + c.ID.String() }

// ParseCursor reads what String wrote; a day alone is all before its cycle.
func ParseCursor(text string) (c Cursor, err error) {
	day, id, found := strings.Cut(text, ".")
	if c.Before, err = calendar.ParseDate(day); err == nil && found {
		c.ID, err = uuid.Parse(id)
	}
	if err != nil {
		return Cursor{}, err
	}
	return c, nil
}

// Page is a part of a list; Next is nil on the last.
type Page struct {
	Bills []Bill
	Next  *Cursor
}

// List reads an account's bills and statements, without notes (Notes) and
// advance bills (Advances), latest cycle first.
// bill_account gives the order.
func List(ctx context.Context, tx tenant.Tx, accountID uuid.UUID, after Cursor, limit int) (Page, error) {
	var before *calendar.Date
	if !after.Before.IsZero() {
		before = &after.Before
	}
	rows, err := tx.Query(ctx, selectBills+`
		where b.account_id = $1 and b.kind in ('bill', 'statement') and ($2::date is null or (b.cycle_start, b.id) < ($2, $4))
		order by b.cycle_start desc, b.id desc
		limit $3`, accountID, before, limit+1, after.ID)
	if err != nil {
		return Page{}, fmt.Errorf("list bills: %w", err)
	}
	bills, err := pgx.CollectRows(rows, scanBill)
	if err != nil {
		return Page{}, fmt.Errorf("list bills: %w", err)
	}
	page := Page{Bills: bills}
	if len(bills) > limit {
		page.Bills = bills[:limit]
		page.Next = &Cursor{bills[limit-1].Cycle.From, bills[limit-1].ID}
	}
	return page, nil
}
