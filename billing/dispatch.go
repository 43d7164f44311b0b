package billing

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"

	"tollhouse/billing/agenda"
	"tollhouse/billing/tenant"
)

// dispatchEvery bounds how late due work is seen.
const dispatchEvery = 100 * time.Millisecond

// Dispatch hands due work of all tenants to the queue until ctx ends, and
// forgets what is past its time. Long work that people asked for ends with it.
func (h *Host) Dispatch(ctx context.Context, queue Queue) {
	defer h.StopTasks()
	h.queue = queue
	sweeper := sweeper{host: h}
	tick := time.NewTicker(dispatchEvery)
	defer tick.Stop()
	for {
		if err := h.dispatchOnce(ctx); err != nil && ctx.Err() == nil {
			h.config.Log.Error("dispatch failed", "error", err)
		}
		if err := sweeper.step(ctx); err != nil && ctx.Err() == nil {
			h.config.Log.Error("sweep failed", "error", err)
		}
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

// awakeLimit bounds the tenants looked at in one pass.
const awakeLimit = 200

func (h *Host) dispatchOnce(ctx context.Context) error {
	refs, err := h.db.Awake(ctx, awakeLimit)
	if err != nil {
		return err
	}
	var failures []error
	for _, ref := range refs {
		failures = append(failures, h.dispatchTenant(ctx, ref))
	}
	return errors.Join(failures...)
}

func (h *Host) dispatchTenant(ctx context.Context, ref tenant.Ref) error {
	var lanes []agenda.Lane
	err := h.db.Read(ctx, ref, func(ctx context.Context, tx tenant.Tx) (err error) {
		lanes, err = agenda.DueLanes(ctx, tx)
		return err
	})
	if err != nil {
		return fmt.Errorf("agenda of %s: %w", ref.Name, err)
	}
	if len(lanes) == 0 {
		return h.db.Rest(ctx, ref.ID, func(ctx context.Context) (time.Time, error) { return h.nextWake(ctx, ref) })
	}
	for _, lane := range lanes {
		if err := h.queue.Enqueue(ctx, ref.ID, lane); err != nil {
			return err
		}
	}
	return nil
}

// nextWake is the wall time of a tenant's next work. A sandbox's future has none.
func (h *Host) nextWake(ctx context.Context, ref tenant.Ref) (next time.Time, err error) {
	err = h.db.Read(ctx, ref, func(ctx context.Context, tx tenant.Tx) error {
		next, err = agenda.Next(ctx, tx)
		if err == nil && tx.Sandbox && next.After(tx.At) {
			next = time.Time{}
		}
		return err
	})
	return next, err
}

// laneKey names what one worker at a time may work.
type laneKey struct {
	tenant tenant.ID
	lane   agenda.Lane
}

// Work works the first due item of a tenant's lane, one bounded portion of it.
// again says that more is due. A lane that this process is working already is
// left to whoever does.
func (h *Host) Work(ctx context.Context, id tenant.ID, lane agenda.Lane) (again bool, err error) {
	if _, taken := h.lanes.LoadOrStore(laneKey{id, lane}, true); taken {
		return false, nil
	}
	defer h.lanes.Delete(laneKey{id, lane})
	ref, err := h.db.ByID(ctx, id)
	if errors.Is(err, tenant.ErrUnknown) || errors.Is(err, tenant.ErrMoving) {
		return false, nil // what is due stands in the agenda, which wakes where the tenant is
	}
	if err != nil {
		return false, err
	}
	stack := &Stack{host: h, Ref: ref}
	item, found, err := stack.firstDue(ctx, lane)
	if err != nil || !found {
		return false, err
	}
	more, err := stack.handle(ctx, item)
	if err != nil {
		return false, stack.noteFailure(ctx, item, err)
	}
	if more {
		return true, nil
	}
	err = stack.Write(ctx, func(ctx context.Context, tx tenant.Tx) error { return agenda.Done(ctx, tx, item.ID) })
	return true, err
}

func (s *Stack) firstDue(ctx context.Context, lane agenda.Lane) (item agenda.Item, found bool, err error) {
	err = s.Read(ctx, func(ctx context.Context, tx tenant.Tx) error {
		item, found, err = agenda.First(ctx, tx, lane)
		return err
	})
	return item, found, err
}

func (s *Stack) noteFailure(ctx context.Context, item agenda.Item, cause error) error {
	if ctx.Err() != nil {
		return ctx.Err() // stopped, not failed
	}
	if errors.Is(cause, tenant.ErrMoving) {
		return nil // it is done where the tenant goes
	}
	if errors.Is(cause, tenant.ErrUnreachable) {
		return cause // the database went away: nothing is wrong with the item
	}
	err := s.Write(ctx, func(ctx context.Context, tx tenant.Tx) error {
		failed, err := agenda.Failed(ctx, tx, item.ID, cause)
		if failed {
			s.host.config.Log.Error("agenda item failed for good", "tenant", s.Ref.Name, "kind", item.Kind, "item", item.ID, "error", cause)
		}
		return err
	})
	return errors.Join(fmt.Errorf("%s of %s: %w", item.Kind, s.Ref.Name, cause), err)
}

// itemRef makes the reference of an item that has no row of its own.
func itemRef(parts string) uuid.UUID { return uuid.NewSHA1(uuid.NameSpaceOID, []byte(parts)) }
