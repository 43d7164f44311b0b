package bill

import (
	"context"
	"errors"
	"fmt"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"tollhouse/billing/money"
	"tollhouse/billing/tenant"
)

// A credit note's money is a payment under its id: what is not unapplied or
// refunded was applied.
const selectNotes = `
	select b.id, b.account_id, b.kind, b.state, coalesce(b.number, ''), b.cycle_start, b.cycle_end, b.issue_date, b.due_date,
	       b.currency, b.total, b.paid_before, b.due,
	       coalesce((select sum(i.open) from open_item i where i.bill_id = b.id), 0),
	       (select min(i.due_date) from open_item i where i.bill_id = b.id and i.open > 0), b.closed_at,
	       b.corrects, coalesce(b.facts ->> 'reason', ''), coalesce(p.unapplied, 0),
	       coalesce((select sum(x.amount - x.reversed) from payment_allocation x where x.payment_id = p.id), 0)
	from bill b
	left join payment p on p.id = b.id`

func scanNote(row pgx.CollectableRow) (Note, error) {
	var n Note
	var corrects *uuid.UUID
	var credit, applied money.Decimal
	var err error
	n.Bill, err = scanBill(more{row, []any{&corrects, &n.Reason, &credit, &applied}})
	if corrects != nil {
		n.Corrects = *corrects
	}
	n.Credit, n.Applied = money.New(credit, n.Total.Currency()), money.New(applied, n.Total.Currency())
	return n, err
}

// more scans further columns of a row behind those that a scanner knows.
type more struct {
	pgx.CollectableRow
	into []any
}

func (m more) Scan(into ...any) error { return m.CollectableRow.Scan(append(into, m.into...)...) }

// GetNote reads a note; ErrNotFound where the id is of none. Applied and
// Credit are as they stand now.
func GetNote(ctx context.Context, tx tenant.Tx, id uuid.UUID) (Note, error) {
	notes, err := notes(ctx, tx, ` where b.id = $1`, id)
	if err == nil && len(notes) == 0 {
		err = ErrNotFound
	}
	if err != nil {
		return Note{}, err
	}
	return notes[0], nil
}

// NotesOf lists the notes that correct a bill, the oldest first (bill_corrects).
func NotesOf(ctx context.Context, tx tenant.Tx, billIDs ...uuid.UUID) ([]Note, error) {
	return notes(ctx, tx, ` where b.corrects = any ($1) order by b.closed_at, b.id`, billIDs)
}

func notes(ctx context.Context, tx tenant.Tx, where string, key any) ([]Note, error) {
	rows, err := tx.Query(ctx, selectNotes+where, key)
	if err != nil {
		return nil, fmt.Errorf("read notes: %w", err)
	}
	list, err := pgx.CollectRows(rows, scanNote)
	if errors.Is(err, pgx.ErrNoRows) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read notes: %w", err)
	}
	return list, nil
}
