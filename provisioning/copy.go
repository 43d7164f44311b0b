package provisioning

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"tollhouse/billing/sandbox"
	"tollhouse/billing/tenant"
	"tollhouse/tenants"
)

// Copier makes sandbox copies of stacks.
type Copier interface {
	// Asking lists tenants whose stacks want something of us.
	Asking(ctx context.Context, limit int) ([]tenant.ID, error)
	// WantedCopy is the copy that a stack asks for, if it asks for one.
	WantedCopy(ctx context.Context, at Placed) (request uuid.UUID, wanted bool, err error)
	// Heard says that whatever a stack wanted has been written down here.
	Heard(ctx context.Context, id tenant.ID) error

	// NewPlace names a place that nobody has; it is made by Copy.
	NewPlace() (Place, error)
	// Copy fills the wanted place with what a stack holds at one instant, its
	// people unrecognisable and its secrets gone, and only then lets it be
	// found. It may be cut off and called again.
	Copy(ctx context.Context, from Placed, want Wanted, progress Progress) error
	// Report tells the stack that asked how far its copy is.
	Report(ctx context.Context, at Placed, r sandbox.Report) error
}

// Progress is told how far a copy is; an error stops it.
type Progress func(step string, done, total int) error

// copyAttempts is how often a copy is begun before it is given up: the operator
// can ask again.
const copyAttempts = 5

// asksAtOnce bounds how many wishes are fetched in one look.
const asksAtOnce = 20

// fetchWishes writes down what stacks ask for. One that is cut off fetches
// again: a request is written down once.
func (r *Reconciler) fetchWishes(ctx context.Context) error {
	asking, err := r.cloud.Asking(ctx, asksAtOnce)
	if err != nil {
		return err
	}
	for _, id := range asking {
		err = errors.Join(err, r.fetchWish(ctx, id))
	}
	return err
}

func (r *Reconciler) fetchWish(ctx context.Context, id tenant.ID) error {
	at, err := r.visits.placed(ctx, id)
	if err != nil {
		return err
	}
	request, wanted, err := r.cloud.WantedCopy(ctx, at)
	if err != nil {
		return err
	}
	if wanted {
		if err := r.requestCopy(ctx, at, request); err != nil {
			return err
		}
		if err := r.reportAgain(ctx, at, request); err != nil {
			return err
		}
		r.Wake()
	}
	return r.cloud.Heard(ctx, id)
}

// reportAgain tells a stack how its copy ended, where the word was lost: whoever
// asks again would wait for ever.
func (r *Reconciler) reportAgain(ctx context.Context, at Placed, request uuid.UUID) error {
	report := sandbox.Report{ID: request, At: r.db.Now()}
	err := r.db.Read(ctx, func(ctx context.Context, tx tenants.Tx) error {
		return tx.QueryRow(ctx, `select state, reason from sandbox_copy where id = $1`, request).Scan(&report.State, &report.Reason)
	})
	if errors.Is(err, pgx.ErrNoRows) {
		return nil // another request of the same stack is still under way
	}
	if err != nil || report.State != sandbox.Done && report.State != sandbox.Failed {
		return err
	}
	return r.cloud.Report(ctx, at, report)
}

// requestCopy writes down that a stack is to be copied. A copy made before is
// replaced, under its name and id, at the next epoch.
func (r *Reconciler) requestCopy(ctx context.Context, at Placed, request uuid.UUID) error {
	return r.db.Write(ctx, func(ctx context.Context, tx tenants.Tx) error {
		earlier, err := tenants.CopyOf(ctx, tx, at.Operator.ID)
		epoch := int64(firstEpoch)
		switch {
		case errors.Is(err, tenants.ErrNotFound):
			earlier.ID = tenant.NewID()
		case err != nil:
			return err
		default:
			stack, err := Get(ctx, tx, earlier.ID)
			if err != nil {
				return err
			}
			epoch = stack.Epoch + 1
		}
		done, err := tx.Exec(ctx, `
			insert into sandbox_copy (id, source_id, copy_id, state, epoch, next_try_at, requested_at)
			values ($1, $2, $3, 'asked', $4, $5, $5)
			on conflict do nothing`, request, at.Operator.ID, earlier.ID, epoch, tx.At)
		if err != nil || done.RowsAffected() == 0 {
			return err
		}
		return tenants.Record(ctx, tx, tenants.System, tenants.Entry{Action: "sandbox.request", Object: uuid.UUID(at.Operator.ID),
			Detail: map[string]any{"request": request}})
	})
}

// copying is one attempt at one copy; its number fences it.
type copying struct {
	request  uuid.UUID
	from     Placed
	copyID   tenant.ID
	place    Place
	epoch    int64
	attempts int
}

// copyOne makes one attempt at one copy and says whether there was one.
func (r *Reconciler) copyOne(ctx context.Context) bool {
	c, err := r.takeCopy(ctx)
	if err != nil {
		if !errors.Is(err, errNothing) && ctx.Err() == nil {
			r.log.Error("no copy could be claimed", "error", err)
		}
		return false
	}
	if err := r.copy(ctx, c); err != nil {
		r.copyFailed(ctx, c, err)
	}
	return true
}

func (r *Reconciler) takeCopy(ctx context.Context) (copying, error) {
	var c copying
	err := r.db.Write(ctx, func(ctx context.Context, tx tenants.Tx) error {
		var source uuid.UUID
		var slot string
		err := tx.QueryRow(ctx, `
			update sandbox_copy
			   set state = 'running', attempts = attempts + 1, next_try_at = $1
			 where id = (
			       select id
			         from sandbox_copy
			        where state in ('asked', 'running') and next_try_at <= $2
			        order by next_try_at, id
			        limit 1
			          for update skip locked)
			returning id, source_id, copy_id, host, slot, epoch, attempts`, tx.At.Add(r.config.Lease), tx.At).
			Scan(&c.request, &source, &c.copyID, &c.place.Host, &slot, &c.epoch, &c.attempts)
		if errors.Is(err, pgx.ErrNoRows) {
			return errNothing
		}
		if err != nil {
			return fmt.Errorf("claim a copy: %w", err)
		}
		if slot != "" {
			if c.place.Slot, err = tenant.ParseSlot(slot); err != nil {
				return err
			}
		}
		c.from, err = placed(ctx, tx, tenant.ID(source))
		return err
	})
	return c, err
}

// copy makes the copy. Each step of it moves the lease on, so that a large stack
// takes its time and a dead process is still found out.
func (r *Reconciler) copy(ctx context.Context, c copying) error {
	if c.place.IsZero() {
		if err := r.settleCopy(ctx, &c); err != nil {
			return err
		}
	}
	want := Wanted{Operator: c.from.Operator.SandboxCopy(c.copyID), Epoch: c.epoch, Place: c.place}
	err := r.cloud.Copy(ctx, c.from, want, func(step string, done, total int) error {
		if err := r.extend(ctx, c); err != nil {
			return err
		}
		return r.report(ctx, c, sandbox.Report{State: sandbox.Running, Step: step, Done: done, Total: total})
	})
	if err != nil {
		return err
	}
	if err := r.finishCopy(ctx, c, want.Operator); err != nil {
		return err
	}
	r.log.Info("sandbox copied", "tenant", c.from.Operator.Name, "copy", want.Operator.Name, "slot", c.place.Slot.String(), "attempt", c.attempts)
	return r.report(ctx, c, sandbox.Report{State: sandbox.Done})
}

// report tells the stack that asked.
func (r *Reconciler) report(ctx context.Context, c copying, report sandbox.Report) error {
	report.ID, report.At = c.request, r.db.Now()
	return r.cloud.Report(ctx, c.from, report)
}

// settleCopy writes the place down before anything is made there.
func (r *Reconciler) settleCopy(ctx context.Context, c *copying) error {
	place, err := r.cloud.NewPlace()
	if err != nil {
		return err
	}
	place.Host = c.from.Place.Host // beside its original
	c.place = place
	return r.changeCopy(ctx, *c, `update sandbox_copy set host = $3, slot = $4 where id = $1 and attempts = $2 and state = 'running'`,
		place.Host, place.Slot.String())
}

func (r *Reconciler) extend(ctx context.Context, c copying) error {
	return r.changeCopy(ctx, c, `update sandbox_copy set next_try_at = $3 where id = $1 and attempts = $2 and state = 'running'`,
		r.db.Now().Add(r.config.Lease))
}

func (r *Reconciler) changeCopy(ctx context.Context, c copying, statement string, args ...any) error {
	return r.db.Write(ctx, func(ctx context.Context, tx tenants.Tx) error { return changeCopy(ctx, tx, c, statement, args...) })
}

func changeCopy(ctx context.Context, tx tenants.Tx, c copying, statement string, args ...any) error {
	done, err := tx.Exec(ctx, statement, append([]any{c.request, c.attempts}, args...)...)
	if err != nil {
		return fmt.Errorf("move copy of %s: %w", c.from.Operator.Name, err)
	}
	if done.RowsAffected() != 1 {
		return fmt.Errorf("copy of %s: %w", c.from.Operator.Name, errLost)
	}
	return nil
}

// finishCopy puts the copy into the registry, or moves the one that is there to
// its new place.
func (r *Reconciler) finishCopy(ctx context.Context, c copying, operator tenants.Operator) error {
	return r.db.Write(ctx, func(ctx context.Context, tx tenants.Tx) error {
		if err := changeCopy(ctx, tx, c, `update sandbox_copy set state = 'done', finished_at = $3 where id = $1 and attempts = $2 and state = 'running'`, tx.At); err != nil {
			return err
		}
		if err := tenants.KeepCopy(ctx, tx, operator); err != nil {
			return err
		}
		_, err := tx.Exec(ctx, `
			insert into stack (operator_id, state, epoch, host, slot, next_try_at, requested_at, ready_at)
			values ($1, 'ready', $2, $3, $4, $5, $5, $5)
			on conflict (operator_id) do update
			   set epoch = excluded.epoch, host = excluded.host, slot = excluded.slot, ready_at = excluded.ready_at`,
			operator.ID, c.epoch, c.place.Host, c.place.Slot.String(), tx.At)
		if err != nil {
			return fmt.Errorf("write down copy %s: %w", operator.Name, err)
		}
		return tenants.Record(ctx, tx, tenants.System, tenants.Entry{Action: "sandbox.copied", Object: uuid.UUID(c.from.Operator.ID),
			Detail: map[string]any{"request": c.request, "copy": operator.Name, "slot": c.place.Slot.String(), "epoch": c.epoch}})
	})
}

// copyFailed has a copy tried again after a pause, or gives it up.
func (r *Reconciler) copyFailed(ctx context.Context, c copying, cause error) {
	if errors.Is(cause, errLost) {
		r.log.Warn("copy overtaken", "tenant", c.from.Operator.Name, "attempt", c.attempts)
		return
	}
	stopped := ctx.Err() != nil
	pause, givenUp := backoff(c.attempts), c.attempts >= copyAttempts && !stopped
	if stopped {
		pause = 0
	}
	r.log.Error("copy failed", "tenant", c.from.Operator.Name, "attempt", c.attempts, "given_up", givenUp, "error", cause)
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), recordTimeout)
	defer cancel()
	report := sandbox.Report{State: sandbox.Running, Step: "retry", Reason: reason(cause)}
	statement, args := `update sandbox_copy set next_try_at = $3, reason = $4 where id = $1 and attempts = $2 and state = 'running'`,
		[]any{r.db.Now().Add(pause), reason(cause)}
	if givenUp {
		report.State = sandbox.Failed
		statement = `update sandbox_copy set state = 'failed', finished_at = $3, reason = $4 where id = $1 and attempts = $2 and state = 'running'`
		args[0] = r.db.Now()
	}
	if err := r.changeCopy(ctx, c, statement, args...); err != nil {
		r.log.Error("failure of a copy not recorded", "tenant", c.from.Operator.Name, "error", err)
		return
	}
	if err := r.report(ctx, c, report); err != nil {
		r.log.Error("failure of a copy not told", "tenant", c.from.Operator.Name, "error", err)
	}
}

// LastCopy is the newest copy of an operator's stack, for staff.
type LastCopy struct {
	State       sandbox.State
	Reason      string
	RequestedAt time.Time
	FinishedAt  *time.Time
}

// CopyFor reads the newest request for a copy; false if there was none.
func CopyFor(ctx context.Context, tx tenants.Tx, source tenant.ID) (c LastCopy, found bool, err error) {
	err = tx.QueryRow(ctx, `
		select state, reason, requested_at, finished_at
		  from sandbox_copy
		 where source_id = $1
		 order by requested_at desc
		 limit 1`, source).Scan(&c.State, &c.Reason, &c.RequestedAt, &c.FinishedAt)
	if errors.Is(err, pgx.ErrNoRows) {
		return LastCopy{}, false, nil
	}
	if err != nil {
		return LastCopy{}, false, fmt.Errorf("read copy of %s: %w", source, err)
	}
	c.RequestedAt = c.RequestedAt.UTC()
	return c, true, nil
}
