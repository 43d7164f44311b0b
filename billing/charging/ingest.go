package charging

import (
	"context"
	"errors"
	"fmt"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5/pgconn"

	"tollhouse/billing/money"
	"tollhouse/billing/tenant"
	"tollhouse/billing/usage"
)

// Status is what became of one item.
type Status string

// Statuses of items.
const (
	Accepted  Status = "accepted"  // charged, or kept where nothing is to be charged
	Duplicate Status = "duplicate" // was accepted before, word for word
	Conflict  Status = "conflict"  // its id was accepted before with another body
	Rejected  Status = "rejected"  // by API: it is no record; nothing is kept
	Suspended Status = "suspended" // waits for a person, with its reason
	Ignored   Status = "ignored"   // left out by the mapping's filters
)

// Outcome is the answer for one item.
type Outcome struct {
	Status  Status
	UsageID uuid.UUID      // of what was accepted and stored
	Problem *usage.Problem // why it is no plain Accepted or Duplicate
	Price   money.Decimal  // what it was charged, as the offering writes prices

	Overlaps uuid.UUID // suspended as Overlap: the file that had the line first
}

// Batch is what one source sent: a chunk of a file, or one API request.
type Batch struct {
	Source uuid.UUID
	File   uuid.UUID    // uuid.Nil: by API, where the sender is told and can send again
	Items  []usage.Item // each with a record of its own; they are not changed
}

// raceRetries bounds how often a chunk is run again because another
// transaction took one of its keys meanwhile. The second run sees the keys.
const raceRetries = 3

// Ingest charges a batch once and says, in order, what became of each item.
// It fails as a whole only for what is nobody's fault in the batch: a lost
// connection, a cancelled context, a deadlock.
func (e *Engine) Ingest(ctx context.Context, tx tenant.Tx, batch Batch) ([]Outcome, error) {
	outcomes := make([]Outcome, len(batch.Items))
	return outcomes, e.divide(ctx, tx, run{engine: e, batch: &batch, part: every(len(batch.Items)), outcomes: outcomes})
}

// divide runs a part of a batch within a savepoint. If it cannot be run for
// something it holds, it is halved until the culprit is alone.
func (e *Engine) divide(ctx context.Context, tx tenant.Tx, r run) error {
	err := e.inSavepoint(ctx, tx, &r)
	if err == nil || !blamesContent(err) || tx.Conn().IsClosed() {
		return err
	}
	if len(r.part) == 1 {
		return e.setAside(ctx, tx, r, err)
	}
	left, right := r, r
	middle := len(r.part) / 2
	left.part, right.part = r.part[:middle], r.part[middle:]
	if err := e.divide(ctx, tx, left); err != nil {
		return err
	}
	return e.divide(ctx, tx, right)
}

// setAside holds the one record that cannot be run; without the record, if it
// cannot even be stored.
func (e *Engine) setAside(ctx context.Context, tx tenant.Tx, r run, cause error) error {
	r.fault = &usage.Problem{Code: usage.RatingFailed, Reason: cause.Error(), Want: "a record that can be kept as it is"}
	err := e.inSavepoint(ctx, tx, &r)
	if err != nil && blamesContent(err) {
		r.unreadable = true
		err = e.inSavepoint(ctx, tx, &r)
	}
	return err
}

// inSavepoint leaves nothing behind when it fails, so that others can go on in
// the same transaction.
func (e *Engine) inSavepoint(ctx context.Context, tx tenant.Tx, r *run) error {
	for attempt := 1; ; attempt++ {
		err := e.once(ctx, tx, r)
		if !errors.Is(err, usage.ErrRace) || attempt == raceRetries {
			return err
		}
	}
}

func (e *Engine) once(ctx context.Context, tx tenant.Tx, r *run) error {
	savepoint, err := tx.Begin(ctx)
	if err != nil {
		return fmt.Errorf("begin chunk: %w", err)
	}
	inner := tx
	inner.Tx = savepoint
	if err := safely(func() error { return r.chunk(ctx, inner) }); err != nil {
		if undo := savepoint.Rollback(ctx); undo != nil {
			return errors.Join(err, undo)
		}
		return err
	}
	return savepoint.Commit(ctx)
}

// errPanicked is wrapped by what a panic while charging becomes.
var errPanicked = errors.New("charging panicked")

// safely turns a panic into an error: one record must not stop a tenant's
// usage, and it waits in suspense with what was said.
func safely(fn func() error) (err error) {
	defer func() {
		if cause := recover(); cause != nil {
			err = fmt.Errorf("%w: %v", errPanicked, cause)
		}
	}()
	return fn()
}

// blamesContent says whether an error may come from what a chunk holds: not
// the loss of a connection, a race, a lack of resources or a cancelled context.
func blamesContent(err error) bool {
	if errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) ||
		errors.Is(err, usage.ErrRace) || errors.Is(err, ErrInsufficient) || errors.Is(err, tenant.ErrMoving) {
		return false
	}
	var pg *pgconn.PgError
	if errors.As(err, &pg) {
		class := pg.Code[:min(2, len(pg.Code))]
		return class == "22" || class == "23" // data exceptions, constraints
	}
	var lost *pgconn.ConnectError
	return !errors.As(err, &lost) && !pgconn.SafeToRetry(err) && !pgconn.Timeout(err)
}
