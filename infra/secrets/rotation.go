package secrets

import (
	"context"
	"errors"
	"fmt"
	"time"

	"tollhouse/billing/sealed"
	"tollhouse/billing/tenant"
)

// Rotation replaces tenants' data keys while their stacks run.
//
//	renew ──> seal anew ──> wait ──> seal anew ──> destroy the old key
//
// The wait is until every process has seen the new key and every transaction
// that may have sealed under the old one has ended; the second pass then leaves
// nothing behind. Cut off anywhere, the next run goes on: both keys open.
type Rotation struct {
	Keys *Keyring
	DB   *tenant.DB
	// Reseal has again seal all values of a stack.
	Reseal func(ctx context.Context, db *tenant.DB, ref tenant.Ref, again sealed.Again) (changed int, err error)
	// Done is told after each tenant; may be nil.
	Done func(ref tenant.Ref, resealed int)
}

// settleTimeout bounds the wait for transactions: none may run for longer
// than a minute or two.
const settleTimeout = 5 * time.Minute

// Run rotates the keys of these tenants. One whose values don't all open keeps
// its old key, and does not keep the others from theirs.
func (r Rotation) Run(ctx context.Context, refs []tenant.Ref) error {
	var faults []error
	counts := map[tenant.ID]int{}
	var renewed []tenant.Ref
	for _, ref := range refs {
		err := r.Keys.Renew(ctx, ref.ID)
		if err == nil {
			counts[ref.ID], err = r.Reseal(ctx, r.DB, ref, r.again(ref.ID))
		}
		if err != nil {
			faults = append(faults, fmt.Errorf("rotate key of %s: %w", ref.Name, err))
			continue
		}
		renewed = append(renewed, ref)
	}
	if err := r.settle(ctx); err != nil {
		return errors.Join(append(faults, err)...)
	}
	for _, ref := range renewed {
		more, err := r.finish(ctx, ref)
		if err != nil {
			faults = append(faults, fmt.Errorf("rotate key of %s: %w", ref.Name, err))
			continue
		}
		if r.Done != nil {
			r.Done(ref, counts[ref.ID]+more)
		}
	}
	return errors.Join(faults...)
}

func (r Rotation) finish(ctx context.Context, ref tenant.Ref) (int, error) {
	changed, err := r.Reseal(ctx, r.DB, ref, r.again(ref.ID))
	if err != nil {
		return 0, err
	}
	return changed, r.Keys.Retire(ctx, ref.ID)
}

// settle waits until no process and no transaction seals under an old key.
func (r Rotation) settle(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, settleTimeout)
	defer cancel()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(keysFresh + keysFresh/5):
	}
	mark, err := r.DB.Mark(ctx)
	if err != nil {
		return err
	}
	return r.DB.Await(ctx, mark)
}

// again seals a value under the tenant's newest key, unless it is so already.
func (r Rotation) again(id tenant.ID) sealed.Again {
	return func(name string, value []byte) ([]byte, error) {
		if current, err := r.Keys.isCurrent(id, value); err != nil || current {
			return nil, err
		}
		clear, err := r.Keys.Open(id, name, value)
		if err != nil {
			return nil, err
		}
		return r.Keys.Seal(id, name, clear)
	}
}
