package intake

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"tollhouse/billing/tenant"
)

// State is where a batch stands; doc.go draws the moves.
type State string

// The states of a batch.
const (
	Draft      State = "draft"
	Checked    State = "checked"
	Committing State = "committing"
	Committed  State = "committed"
	Undone     State = "undone"
)

var moves = map[State][]State{
	Draft:      {Draft, Checked},
	Checked:    {Draft, Checked, Committing},
	Committing: {Draft, Committed}, // draft: a chunk was refused, everything is taken back
	Committed:  {Undone},
	Undone:     {Draft, Checked},
}

// Batch is files that belong together, and what became of them.
type Batch struct {
	ID            uuid.UUID
	Name          string
	State         State
	PendingOrders bool   // lines that lack facts become orders for the desk
	Expected      Totals // said beforehand; what is not said is not compared
	Totals        Totals // of the last check
	Errors        int    // found by the last check
	Pending       int    // facts that orders will lack
	Accounts      int    // in the batch, once it is committing
	Done          int    // of them, stored so far
	Failure       string // why the last commit was taken back
	CreatedBy     string // an actor
	CreatedAt     time.Time
	CheckedAt     *time.Time
	CommittedAt   *time.Time
	UndoneAt      *time.Time
}

// Clean says whether the batch may be committed.
func (b Batch) Clean() bool { return b.State == Checked && b.Errors == 0 }

// Errors of batches.
var (
	ErrNotFound = errors.New("no such import batch or file")
	// ErrState means that the batch does not allow that now.
	ErrState = errors.New("the batch does not allow that now")
	// ErrFindings means that a batch with errors can't be committed.
	ErrFindings = errors.New("the batch has errors")
	// ErrEmpty means that a batch has no subscribers to commit.
	ErrEmpty = errors.New("the batch has no subscribers")
	// ErrName means a name that is empty, overlong or on several lines.
	ErrName = errors.New("a name of 1 to 100 characters on one line is wanted")
)

func (b *Batch) move(to State) error {
	if !slices.Contains(moves[b.State], to) {
		return fmt.Errorf("%w: it is %s and cannot become %s", ErrState, b.State, to)
	}
	b.State = to
	return nil
}

// edit makes a batch a draft again, for its files or settings to change.
func (b *Batch) edit() error {
	if b.State == Committing {
		return fmt.Errorf("%w: it is %s", ErrState, b.State)
	}
	return b.move(Draft)
}

// NewBatch is a batch to be opened.
type NewBatch struct {
	Name          string
	PendingOrders bool
	Expected      Totals
	By            string // an actor
}

const maxName = 100

func (n NewBatch) check() error {
	if strings.TrimSpace(n.Name) == "" || len([]rune(n.Name)) > maxName || strings.ContainsAny(n.Name, "\r\n\x00") {
		return ErrName
	}
	return nil
}

// Open begins a batch without files.
func (im *Importer) Open(ctx context.Context, tx tenant.Tx, n NewBatch) (Batch, error) {
	if err := n.check(); err != nil {
		return Batch{}, err
	}
	b := Batch{
		ID: uuid.Must(uuid.NewV7()), Name: strings.TrimSpace(n.Name), State: Draft, PendingOrders: n.PendingOrders,
		Expected: n.Expected, Totals: newTotals(), CreatedBy: n.By, CreatedAt: tx.At,
	}
	_, err := tx.Exec(ctx, `
		insert into intake_batch (id, name, state, pending_orders, expected, totals, created_by, created_at)
		values ($1, $2, $3, $4, $5, $6, $7, $8)`, b.ID, b.Name, b.State, b.PendingOrders, b.Expected, b.Totals, b.CreatedBy, b.CreatedAt)
	if err != nil {
		return Batch{}, fmt.Errorf("open import batch: %w", err)
	}
	return b, nil
}

// Change gives a batch that is not committed another name, other totals to
// meet, or another way with lines that lack facts. It has to be checked again.
func (im *Importer) Change(ctx context.Context, tx tenant.Tx, id uuid.UUID, n NewBatch) (Batch, error) {
	if err := n.check(); err != nil {
		return Batch{}, err
	}
	b, err := lock(ctx, tx, id)
	if err != nil {
		return Batch{}, err
	}
	if err := b.edit(); err != nil {
		return Batch{}, err
	}
	b.Name, b.PendingOrders, b.Expected = strings.TrimSpace(n.Name), n.PendingOrders, n.Expected
	return b, b.save(ctx, tx)
}

const batchColumns = `id, name, state, pending_orders, expected, totals, findings, pending, total, done, failure,
	created_by, created_at, checked_at, committed_at, undone_at`

// Get reads a batch; ErrNotFound if there is none.
func Get(ctx context.Context, tx tenant.Tx, id uuid.UUID) (Batch, error) {
	return one(ctx, tx, `select `+batchColumns+` from intake_batch where id = $1`, id)
}

func lock(ctx context.Context, tx tenant.Tx, id uuid.UUID) (Batch, error) {
	return one(ctx, tx, `select `+batchColumns+` from intake_batch where id = $1 for update`, id)
}

func one(ctx context.Context, tx tenant.Tx, query string, id uuid.UUID) (Batch, error) {
	rows, err := tx.Query(ctx, query, id)
	if err != nil {
		return Batch{}, fmt.Errorf("read import batch %s: %w", id, err)
	}
	b, err := pgx.CollectExactlyOneRow(rows, pgx.RowToStructByPos[Batch])
	if errors.Is(err, pgx.ErrNoRows) {
		return Batch{}, fmt.Errorf("import batch %s: %w", id, ErrNotFound)
	}
	if err != nil {
		return Batch{}, fmt.Errorf("read import batch %s: %w", id, err)
	}
	return b, nil
}

// maxPage bounds lists of batches and findings.
const maxPage = 200

// List reads batches, newest first: those before an id, or the newest for a
// zero one.
func List(ctx context.Context, tx tenant.Tx, before uuid.UUID, limit int) ([]Batch, error) {
	var last *uuid.UUID
	if before != uuid.Nil {
		last = &before
	}
	rows, err := tx.Query(ctx, `select `+batchColumns+` from intake_batch where $1::uuid is null or id < $1 order by id desc limit $2`,
		last, min(max(limit, 1), maxPage))
	if err != nil {
		return nil, fmt.Errorf("list import batches: %w", err)
	}
	list, err := pgx.CollectRows(rows, pgx.RowToStructByPos[Batch])
	if err != nil {
		return nil, fmt.Errorf("list import batches: %w", err)
	}
	return list, nil
}

// Findings reads what the last check found, in the order of files and lines:
// those after a number, from zero on. At most a thousand are kept; the batch
// counts all.
func Findings(ctx context.Context, tx tenant.Tx, id uuid.UUID, after, limit int) ([]Finding, error) {
	rows, err := tx.Query(ctx, `
		select file, line, field, code, value, want, pending
		  from intake_finding
		 where batch_id = $1 and no > $2
		 order by no
		 limit $3`, id, after, min(max(limit, 1), maxPage))
	if err != nil {
		return nil, fmt.Errorf("list findings: %w", err)
	}
	list, err := pgx.CollectRows(rows, pgx.RowToStructByPos[Finding])
	if err != nil {
		return nil, fmt.Errorf("list findings: %w", err)
	}
	return list, nil
}

// save keeps what may change of a locked batch.
func (b *Batch) save(ctx context.Context, tx tenant.Tx) error {
	_, err := tx.Exec(ctx, `
		update intake_batch
		   set name = $2, state = $3, pending_orders = $4, expected = $5, totals = $6, findings = $7, pending = $8, total = $9, done = $10,
		       failure = $11, checked_at = $12, committed_at = $13, undone_at = $14
		 where id = $1`,
		b.ID, b.Name, b.State, b.PendingOrders, b.Expected, b.Totals, b.Errors, b.Pending, b.Accounts, b.Done,
		b.Failure, b.CheckedAt, b.CommittedAt, b.UndoneAt)
	if err != nil {
		return fmt.Errorf("save import batch %s: %w", b.ID, err)
	}
	return nil
}

func (b *Batch) saveFindings(ctx context.Context, tx tenant.Tx, found *findings) error {
	if _, err := tx.Exec(ctx, `delete from intake_finding where batch_id = $1`, b.ID); err != nil {
		return fmt.Errorf("forget findings: %w", err)
	}
	rows := make([][]any, len(found.kept))
	for i, f := range found.kept {
		rows[i] = []any{b.ID, i + 1, f.File, f.Line, f.Column, string(f.Code), f.Value, f.Want, f.Pending}
	}
	columns := []string{"batch_id", "no", "file", "line", "field", "code", "value", "want", "pending"}
	if _, err := tx.CopyFrom(ctx, pgx.Identifier{"intake_finding"}, columns, pgx.CopyFromRows(rows)); err != nil {
		return fmt.Errorf("keep findings: %w", err)
	}
	return nil
}
