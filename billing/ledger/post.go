package ledger

import (
	"context"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"tollhouse/billing/calendar"
	"tollhouse/billing/tenant"
)

// Post adds the transfers of one event and moves the running totals they
// concern. Nothing is written for an empty list. ErrTransfer refuses what
// cannot be a transfer, ErrOverdrawn a total below its bound and
// ErrUnknownAccount a customer account that is not there.
func Post(ctx context.Context, tx tenant.Tx, event Event, transfers []Transfer) error {
	return PostMany(ctx, tx, []Posting{{Event: event, Transfers: transfers}})
}

// bulkRows is the number of transfers from which COPY beats one INSERT: its
// set-up takes two more round trips.
const bulkRows = 64

// PostMany does what Post does for many events at once, with statements that
// don't grow in number with the postings.
func PostMany(ctx context.Context, tx tenant.Tx, postings []Posting) error {
	zone, err := Zone(ctx, tx)
	if err != nil {
		return err
	}
	moves, count, err := movementOf(postings)
	if err != nil {
		return err
	}
	var batch pgx.Batch
	moves.lock(&batch)
	return add(ctx, tx, zone, postings, moves, &batch, count)
}

// PostLocked is PostMany for a caller who knows the operator's zone and has
// locked, in id order, every account, bucket and subscription that the
// postings concern.
func PostLocked(ctx context.Context, tx tenant.Tx, zone *time.Location, postings []Posting) error {
	moves, count, err := movementOf(postings)
	if err != nil {
		return err
	}
	return add(ctx, tx, zone, postings, moves, new(pgx.Batch), count)
}

// PostBeside is PostLocked for a caller that changes the rows of accounts and
// subscriptions in the same transaction anyway: their totals are returned and
// are the caller's to move, in the statement that changes the rest of the row.
func PostBeside(ctx context.Context, tx tenant.Tx, zone *time.Location, postings []Posting) (Totals, error) {
	moves, count, err := movementOf(postings)
	if err != nil {
		return Totals{}, err
	}
	beside := Totals{Accounts: moves.accounts, Deferred: moves.deferred}
	moves.accounts, moves.deferred = nil, nil
	return beside, add(ctx, tx, zone, postings, moves, new(pgx.Batch), count)
}

// QueueLocked does what PostLocked does with a flow's next trip.
func QueueLocked(f *tenant.Flow, zone *time.Location, postings []Posting) error {
	moves, count, err := movementOf(postings)
	if err != nil || count == 0 {
		return err
	}
	moves.queue(f)
	f.Copy(copyOf(postings, zone, count))
	return nil
}

// movementOf checks postings, counts their transfers and sums what they move.
func movementOf(postings []Posting) (*movement, int, error) {
	moves, count := newMovement(), 0
	for i := range postings {
		p := &postings[i]
		if err := p.Event.check(); err != nil {
			return nil, 0, err
		}
		for n := range p.Transfers {
			if err := p.Transfers[n].check(); err != nil {
				return nil, 0, fmt.Errorf("post %s %s: %w", p.Event.Kind, p.Event.ID, err)
			}
			moves.add(p.Event.Kind, &p.Transfers[n])
			count++
		}
	}
	return moves, count, nil
}

// add moves the totals and writes the transfers. Totals first: their locks
// come before any key of the ledger's own.
func add(ctx context.Context, tx tenant.Tx, zone *time.Location, postings []Posting, moves *movement, batch *pgx.Batch, count int) error {
	if count == 0 {
		return nil
	}
	if err := moves.write(ctx, tx, batch); err != nil {
		return err
	}
	if count < bulkRows {
		return insertTransfers(ctx, tx, newTransferRows(postings, zone))
	}
	return copyOf(postings, zone, count).Write(ctx, tx)
}

// Zone reads the zone in which the operator's months begin.
func Zone(ctx context.Context, tx tenant.Tx) (*time.Location, error) {
	var name string
	if err := tx.QueryRow(ctx, `select zone from operator where id = 1`).Scan(&name); err != nil {
		return nil, fmt.Errorf("read the operator's zone: %w", err)
	}
	zone, err := time.LoadLocation(name)
	if err != nil {
		return nil, fmt.Errorf("operator's zone: %w", err)
	}
	return zone, nil
}

// Period is the partition of a row that counts for an instant: the first day
// of its month in the operator's zone.
func Period(at time.Time, zone *time.Location) calendar.Date {
	day := calendar.DateOf(at, zone)
	day.Day = 1
	return day
}

// transferRows walks the transfers of many postings; it is a pgx.CopyFromSource.
type transferRows struct {
	postings []Posting
	zone     *time.Location
	ids      *Sequence
	posting  int
	transfer int
	row      [14]any
}

func newTransferRows(postings []Posting, zone *time.Location) *transferRows {
	return &transferRows{postings: postings, zone: zone, ids: NewSequence(), transfer: -1}
}

// Next goes to the next transfer, over postings that have none.
func (r *transferRows) Next() bool {
	r.transfer++
	for r.posting < len(r.postings) && r.transfer >= len(r.postings[r.posting].Transfers) {
		r.posting, r.transfer = r.posting+1, 0
	}
	return r.posting < len(r.postings)
}

// Values is the present transfer, in the order of transferColumns.
func (r *transferRows) Values() ([]any, error) {
	p := &r.postings[r.posting]
	e, t := &p.Event, &p.Transfers[r.transfer]
	r.row = [14]any{
		Period(e.At, r.zone), [16]byte(r.ids.Next()), e.At,
		string(t.Debit.Kind), optional(t.Debit.ID), string(t.Credit.Kind), optional(t.Credit.ID),
		t.Amount, string(t.Unit), string(e.Kind), [16]byte(e.ID), optional(t.AccountID),
		[16]byte(e.LegalEntity), [16]byte(e.Branch),
	}
	return r.row[:], nil
}

// Err is always nil: the rows are in memory.
func (r *transferRows) Err() error { return nil }

// optional is NULL for no id.
func optional(id uuid.UUID) any {
	if id == uuid.Nil {
		return nil
	}
	return [16]byte(id)
}

var transferColumns = []string{
	"period", "id", "at", "debit", "debit_id", "credit", "credit_id",
	"amount", "unit", "event", "event_id", "account_id", "legal_entity", "branch",
}

const insertTransfer = `
	insert into ledger_transfer (period, id, at, debit, debit_id, credit, credit_id,
	    amount, unit, event, event_id, account_id, legal_entity, branch)
	values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)`

// insertTransfers sends a few rows in one round trip.
func insertTransfers(ctx context.Context, tx tenant.Tx, rows *transferRows) error {
	var batch pgx.Batch
	for rows.Next() {
		values, err := rows.Values()
		if err != nil {
			return err
		}
		batch.Queue(insertTransfer, append([]any(nil), values...)...)
	}
	if err := tx.SendBatch(ctx, &batch).Close(); err != nil {
		return fmt.Errorf("add transfers: %w", err)
	}
	return nil
}

// transferBytes is about what a transfer takes in a COPY.
const transferBytes = 256

// copyOf is postings as rows.
func copyOf(postings []Posting, zone *time.Location, count int) *tenant.Copy {
	rows, ids := tenant.NewCopy("ledger_transfer", transferColumns, count*transferBytes), NewSequence()
	for i := range postings {
		e := &postings[i].Event
		period := Period(e.At, zone)
		for n := range postings[i].Transfers {
			t := &postings[i].Transfers[n]
			rows.Row()
			rows.Date(period)
			rows.UUID(ids.Next())
			rows.Time(e.At)
			rows.Text(string(t.Debit.Kind))
			rows.OptionalUUID(t.Debit.ID)
			rows.Text(string(t.Credit.Kind))
			rows.OptionalUUID(t.Credit.ID)
			rows.Decimal(t.Amount)
			rows.Text(string(t.Unit))
			rows.Text(string(e.Kind))
			rows.UUID(e.ID)
			rows.OptionalUUID(t.AccountID)
			rows.UUID(e.LegalEntity)
			rows.UUID(e.Branch)
		}
	}
	return rows
}
