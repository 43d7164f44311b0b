package provisioning

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"tollhouse/billing/identity"
	"tollhouse/tenants"
)

// claim is one attempt at one stack. The attempt's number fences it: whoever
// comes back after the lease ran out finds the number moved on and changes
// nothing.
type claim struct {
	Stack
	operator     tenants.Operator
	passwordHash identity.PasswordHash
}

var (
	// errNothing means that no stack waits for work.
	errNothing = errors.New("no stack to work on")
	// errLost means that the lease ran out and another attempt has begun.
	errLost = errors.New("another attempt has taken over")
	// errPlaceTaken means that another stack has the chosen place.
	errPlaceTaken = errors.New("another stack has this place")
)

// take claims the stack that has waited longest, for the time of a lease.
// Rows that another worker is claiming right now are passed over; stack_work
// gives them in order.
func (r *Reconciler) take(ctx context.Context) (claim, error) {
	var c claim
	err := r.db.Write(ctx, func(ctx context.Context, tx tenants.Tx) error {
		rows, err := tx.Query(ctx, `
			update stack
			   set state = $1, reason = '', attempts = attempts + 1, next_try_at = $2
			 where operator_id = (
			       select operator_id
			         from stack
			        where state <> 'ready' and state = any ($3) and next_try_at <= $4 and not own
			        order by next_try_at, operator_id
			        limit 1
			          for update skip locked)
			returning `+stackColumns, Creating, tx.At.Add(r.config.Lease), sources(Creating), tx.At)
		if err != nil {
			return fmt.Errorf("claim a stack: %w", err)
		}
		c.Stack, err = pgx.CollectExactlyOneRow(rows, scanStack)
		if errors.Is(err, pgx.ErrNoRows) {
			return errNothing
		}
		if err != nil {
			return fmt.Errorf("claim a stack: %w", err)
		}
		if c.operator, err = tenants.GetOperator(ctx, tx, c.Operator); err != nil {
			return err
		}
		c.passwordHash, err = tenants.OwnerPasswordHash(ctx, tx, c.Operator)
		return err
	})
	return c, err
}

// settle writes down a place for good, before anything is made there; a host
// database that was closed or filled up meanwhile is errPlaceTaken as well. The
// index stack_place decides between two stacks that chose the same one.
func (r *Reconciler) settle(ctx context.Context, c claim, place Place) error {
	const uniqueViolation = "23505"
	err := r.db.Write(ctx, func(ctx context.Context, tx tenants.Tx) error {
		if err := stillTakes(ctx, tx, c, place.Host); err != nil {
			return err
		}
		return changeOne(ctx, tx, c, `
			update stack set host = $3, slot = $4
			 where operator_id = $1 and attempts = $2 and state = 'creating' and slot = '' and not own`, place.Host, place.Slot.String())
	})
	if pg := (*pgconn.PgError)(nil); errors.As(err, &pg) && pg.Code == uniqueViolation && pg.ConstraintName == "stack_place" {
		return errPlaceTaken
	}
	return err
}

// finish moves a stack to ready.
func (r *Reconciler) finish(ctx context.Context, c claim) error {
	return r.db.Write(ctx, func(ctx context.Context, tx tenants.Tx) error {
		err := changeOne(ctx, tx, c, `
			update stack set state = 'ready', ready_at = $3
			 where operator_id = $1 and attempts = $2 and state = any ($4)`, tx.At, sources(Ready))
		if err != nil {
			return err
		}
		if err := tenants.ForgetOwnerPassword(ctx, tx, c.Operator); err != nil {
			return err
		}
		detail := map[string]any{"host": c.Place.Host, "slot": c.Place.Slot.String(), "attempts": c.Attempts}
		return tenants.Record(ctx, tx, tenants.System, tenants.Entry{Action: "stack.ready", Object: uuid.UUID(c.Operator), Detail: detail})
	})
}

// fail moves a stack to failed, to be tried again after a pause.
func (r *Reconciler) fail(ctx context.Context, c claim, reason string, pause time.Duration) error {
	return r.db.Write(ctx, func(ctx context.Context, tx tenants.Tx) error {
		return changeOne(ctx, tx, c, `
			update stack set state = 'failed', reason = $3, next_try_at = $4
			 where operator_id = $1 and attempts = $2 and state = any ($5)`, reason, tx.At.Add(pause), sources(Failed))
	})
}

// changeOne runs a statement whose first parameters are the claim's stack and
// attempt; it must still be ours.
func changeOne(ctx context.Context, tx tenants.Tx, c claim, statement string, args ...any) error {
	done, err := tx.Exec(ctx, statement, append([]any{c.Operator, c.Attempts}, args...)...)
	if err != nil {
		return fmt.Errorf("move stack of %s: %w", c.operator.Name, err)
	}
	if done.RowsAffected() != 1 {
		return fmt.Errorf("stack of %s: %w", c.operator.Name, errLost)
	}
	return nil
}
