package bill

import (
	"context"
	"errors"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"tollhouse/billing/tenant"
)

// batch is a chunk on its way into the database.
type batch struct {
	run      Run
	frame    *frame
	settle   Settle
	closings []*closing
	failures []failed
	closed   []*closing // those that were written
}

type failed struct {
	account uuid.UUID
	reason  string
}

func (b *batch) fail(account uuid.UUID, cause error) {
	b.failures = append(b.failures, failed{account, cause.Error()})
}

// write puts the closings down, the failures beside them, and numbers what was
// closed, last of all: straight where nothing is refused, which is nearly
// always, and else part by part until what is refused stands alone.
func (b *batch) write(ctx context.Context, tx tenant.Tx) error {
	done, err := b.straight(ctx, tx)
	if err != nil {
		return err
	}
	if !done {
		if err := b.halve(ctx, tx, b.closings); err != nil {
			return err
		}
		if err := b.end(ctx, tx); err != nil {
			return err
		}
	}
	return b.schedule(ctx, tx)
}

// end notes how far the run is and numbers what was closed.
func (b *batch) end(ctx context.Context, tx tenant.Tx) error {
	if err := b.note(ctx, tx); err != nil {
		return err
	}
	if err := b.forgetQuotes(ctx, tx); err != nil {
		return err
	}
	return b.number(ctx, tx)
}

// straight writes everything under one savepoint. Where the database refuses
// something it says so and leaves nothing written.
func (b *batch) straight(ctx context.Context, tx tenant.Tx) (bool, error) {
	inner := tx
	var err error
	if inner.Tx, err = tx.Begin(ctx); err != nil {
		return false, err
	}
	cause := b.putStraight(ctx, inner)
	if cause == nil {
		return true, inner.Commit(ctx)
	}
	if !refusal(ctx, cause) {
		return false, cause
	}
	b.closed = nil
	for _, c := range flat(b.closings) {
		c.waits, c.issued = false, nil
	}
	return false, inner.Rollback(ctx)
}

// halve writes closings under a savepoint. Where the database refuses them
// they are halved until the one it refuses is alone; that one fails.
func (b *batch) halve(ctx context.Context, tx tenant.Tx, part []*closing) error {
	if len(part) == 0 {
		return nil
	}
	inner := tx
	var err error
	if inner.Tx, err = tx.Begin(ctx); err != nil {
		return err
	}
	cause := b.put(ctx, inner, part)
	if cause == nil {
		b.closed = append(b.closed, part...)
		return inner.Commit(ctx)
	}
	if !refusal(ctx, cause) {
		return cause
	}
	if err := inner.Rollback(ctx); err != nil {
		return err
	}
	if len(part) == 1 {
		b.fail(part[0].ID, cause)
		return nil
	}
	middle := len(part) / 2
	if err := b.halve(ctx, tx, part[:middle]); err != nil {
		return err
	}
	return b.halve(ctx, tx, part[middle:])
}

// refusal says that an error is about the rows and not about the connection,
// the time, or another transaction: those end the chunk, and it is run again.
func refusal(ctx context.Context, err error) bool {
	if ctx.Err() != nil {
		return false
	}
	var pg *pgconn.PgError
	if !errors.As(err, &pg) {
		return !pgconn.SafeToRetry(err) && !errors.Is(err, pgx.ErrTxClosed)
	}
	switch pg.Code[:2] {
	case "22", "23": // data exception, integrity constraint violation
		return true
	}
	return false
}
