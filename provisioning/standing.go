package provisioning

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"tollhouse/billing/tenant"
	"tollhouse/tenants"
)

// Stand writes down, in the caller's transaction, that an operator's standing
// has changed and is to be carried into its stack. Call Wake once it has
// committed.
func (r *Reconciler) Stand(ctx context.Context, tx pgx.Tx, operator tenant.ID, no int64, at time.Time) error {
	_, err := tx.Exec(ctx, `
		update stack set standing_wanted = $2, standing_tries = 0, standing_next_at = $3
		 where operator_id = $1 and standing_wanted < $2`, operator, no, at)
	if err != nil {
		return fmt.Errorf("ask for standing to be carried: %w", err)
	}
	return nil
}

// errand is one attempt to carry a standing.
type errand struct {
	at    Placed
	tries int
}

// carryOne carries one standing and says whether there was one to carry. An
// attempt that dies is made again: carrying the same standing twice, or an
// older one late, changes nothing in the stack.
func (r *Reconciler) carryOne(ctx context.Context) bool {
	e, err := r.takeErrand(ctx)
	if err != nil {
		if !errors.Is(err, errNothing) && ctx.Err() == nil {
			r.log.Error("no standing could be claimed", "error", err)
		}
		return false
	}
	standing := e.at.Operator.Standing
	ctx, cancel := context.WithTimeout(ctx, r.config.Lease)
	defer cancel()
	if err := r.cloud.Stand(ctx, e.at, standing); err != nil {
		r.log.Error("standing not carried", "tenant", e.at.Operator.Name, "number", standing.No, "attempt", e.tries, "error", err)
		r.putOff(ctx, e)
		return true
	}
	if err := r.carried(ctx, e); err != nil {
		r.log.Error("standing carried, but not noted", "tenant", e.at.Operator.Name, "error", err)
		return true
	}
	r.log.Info("standing carried", "tenant", e.at.Operator.Name, "state", string(standing.State), "number", standing.No)
	return true
}

// takeErrand claims the standing that has waited longest, for the time of a
// lease. A stack that is still being made waits until it is ready.
func (r *Reconciler) takeErrand(ctx context.Context) (errand, error) {
	var e errand
	err := r.db.Write(ctx, func(ctx context.Context, tx tenants.Tx) error {
		var id uuid.UUID
		err := tx.QueryRow(ctx, `
			update stack
			   set standing_tries = standing_tries + 1, standing_next_at = $1
			 where operator_id = (
			       select operator_id
			         from stack
			        where standing_next_at <= $2 and state = 'ready' and not own
			        order by standing_next_at, operator_id
			        limit 1
			          for update skip locked)
			returning operator_id, standing_tries`, tx.At.Add(r.config.Lease), tx.At).Scan(&id, &e.tries)
		if errors.Is(err, pgx.ErrNoRows) {
			return errNothing
		}
		if err != nil {
			return fmt.Errorf("claim a standing: %w", err)
		}
		e.at, err = placed(ctx, tx, tenant.ID(id))
		return err
	})
	return e, err
}

// carried notes which change the stack obeys now. If there was another since,
// it stays due.
func (r *Reconciler) carried(ctx context.Context, e errand) error {
	return r.db.Write(ctx, func(ctx context.Context, tx tenants.Tx) error {
		_, err := tx.Exec(ctx, `
			update stack
			   set standing_carried = $2, standing_tries = 0,
			       standing_next_at = case when standing_wanted > $2 then $3::timestamptz end
			 where operator_id = $1 and standing_carried < $2`, e.at.Operator.ID, e.at.Operator.Standing.No, tx.At)
		return err
	})
}

// putOff has a standing tried again after a pause.
func (r *Reconciler) putOff(ctx context.Context, e errand) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), recordTimeout)
	defer cancel()
	err := r.db.Write(ctx, func(ctx context.Context, tx tenants.Tx) error {
		_, err := tx.Exec(ctx, `update stack set standing_next_at = $3 where operator_id = $1 and standing_tries = $2 and standing_next_at is not null`,
			e.at.Operator.ID, e.tries, tx.At.Add(backoff(e.tries)))
		return err
	})
	if err != nil {
		r.log.Error("standing not put off; its lease will run out", "tenant", e.at.Operator.Name, "error", err)
	}
}

// ErrNotReady means that an operator's stack does not stand yet.
var ErrNotReady = errors.New("the stack is not ready yet")

// placed reads where an operator's stack stands; ErrNotReady if it does not,
// ErrOwnMachines if that is on machines which we do not reach into.
func placed(ctx context.Context, tx tenants.Tx, id tenant.ID) (Placed, error) {
	operator, err := tenants.GetOperator(ctx, tx, id)
	if err != nil {
		return Placed{}, err
	}
	stack, err := Get(ctx, tx, id)
	if err != nil {
		return Placed{}, err
	}
	if stack.State != Ready {
		return Placed{}, fmt.Errorf("stack of %s is %s: %w", operator.Name, stack.State, ErrNotReady)
	}
	if stack.Own {
		return Placed{}, Because("The stack of "+operator.Name+" stands on machines of its own, which we do not reach into: it is backed up and taken out there.", ErrOwnMachines)
	}
	return Placed{Operator: operator, Place: stack.Place, Epoch: stack.Epoch}, nil
}
