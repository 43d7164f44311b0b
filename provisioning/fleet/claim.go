package fleet

import (
	"context"
	"errors"
	"fmt"
	"time"

	"tollhouse/provisioning"
	"tollhouse/tenants"
)

// claim is one look at one site. Its number fences it.
type claim struct {
	Site
	operator tenants.Operator
}

// take claims the site that is due first, for the time of a lease. A site that
// another process looks at is passed over, and so is one whose look died, until
// its lease has run out. site_work gives them in order.
func (r *Reconciler) take(ctx context.Context) (claim, error) {
	var c claim
	err := r.db.Write(ctx, func(ctx context.Context, tx tenants.Tx) (err error) {
		c.Site, err = oneSite(ctx, tx, `
			update site
			   set fence = fence + 1, leased_until = $1
			 where id = (
			       select id
			         from site
			        where state not in ('cleared', 'removed') and due_at <= $2 and (leased_until is null or leased_until <= $2)
			        order by due_at, id
			        limit 1
			          for update skip locked)
			returning `+siteColumns, tx.At.Add(r.config.Lease), tx.At)
		if errors.Is(err, tenants.ErrNotFound) {
			return errNothing
		}
		if err != nil {
			return fmt.Errorf("claim a site: %w", err)
		}
		c.operator, err = tenants.GetOperator(ctx, tx, c.Want.Operator)
		return err
	})
	return c, err
}

// finish writes what a look found and lets the site go. Where staff have
// changed the site meanwhile, what was found is of the former one: it is let go
// and looked at again at once.
func (r *Reconciler) finish(ctx context.Context, c claim, fn func(ctx context.Context, tx tenants.Tx, s *Site) error) error {
	return r.db.Write(ctx, func(ctx context.Context, tx tenants.Tx) error {
		s, err := oneSite(ctx, tx, `select `+siteColumns+` from site where id = $1 and fence = $2 for update`, c.ID.UUID(), c.fence)
		if errors.Is(err, tenants.ErrNotFound) {
			return fmt.Errorf("site %s: %w", c.ID, errLost)
		}
		if err != nil {
			return err
		}
		if s.State == c.State && s.Revision == c.Revision {
			if err := fn(ctx, tx, &s); err != nil {
				return err
			}
		}
		_, err = tx.Exec(ctx, `update site set leased_until = null where id = $1`, c.ID.UUID())
		return err
	})
}

// observe writes how a site looks in its cloud.
func (r *Reconciler) observe(ctx context.Context, tx tenants.Tx, s *Site, obs provisioning.Observed) error {
	if obs.Steps == nil {
		obs.Steps = []provisioning.Step{}
	}
	if obs.Drift == nil {
		obs.Drift = []string{}
	}
	_, err := tx.Exec(ctx, `
		update site set ref = case when $2 = '' then ref else $2 end, address = case when $3 = '' then address else $3 end, steps = $4, drift = $5
		 where id = $1`, s.ID.UUID(), obs.Ref, obs.Address, obs.Steps, obs.Drift)
	if err != nil {
		return fmt.Errorf("write how site %s looks: %w", s.ID, err)
	}
	return nil
}

// later has a site looked at again, with why it waits.
func later(ctx context.Context, tx tenants.Tx, s *Site, reason, detail string, at time.Time) error {
	_, err := tx.Exec(ctx, `update site set reason = $2, detail = $3, due_at = $4 where id = $1`, s.ID.UUID(), reason, detail, at)
	return err
}

// step moves a site on, and notes it in its history.
func (r *Reconciler) step(ctx context.Context, tx tenants.Tx, s *Site, to State, due time.Time) error {
	if err := move(ctx, tx, s, to, "", "", due); err != nil {
		return err
	}
	if err := note(ctx, tx, tenants.System, *s, "state."+string(to), "", nil); err != nil {
		return err
	}
	return tenants.Record(ctx, tx, tenants.System, tenants.Entry{Action: "site." + string(to), Object: s.ID.UUID(),
		Detail: map[string]any{"operator": s.Want.Operator.String(), "revision": s.Revision}})
}

// fail moves a site to failed, or lets one fail again; the pause grows with
// the tries. One that is held waits for a person.
func (r *Reconciler) fail(ctx context.Context, tx tenants.Tx, s *Site, f failure) error {
	tries := s.Tries + 1
	due := tx.At.Add(r.backoff(tries))
	if f.held {
		due = tx.At.AddDate(100, 0, 0)
	}
	// A clearing or a removal that fails stays what it is: it has to end.
	to := Failed
	if !s.State.May(Failed) {
		to = s.State
	}
	f.held = f.held && to == Failed
	_, err := tx.Exec(ctx, `
		update site
		   set state = $2, state_at = case when state = $2 then state_at else $3 end, reason = $4, detail = $5, held = $6, tries = $7, due_at = $8, asked = false
		 where id = $1`, s.ID.UUID(), to, tx.At, f.reason, f.detail, f.held, tries, due)
	if err != nil {
		return fmt.Errorf("write failure of site %s: %w", s.ID, err)
	}
	if s.Tries > 0 && s.Reason == f.reason {
		return nil // one event for a failure, however often it is tried again
	}
	s.State = to
	return note(ctx, tx, tenants.System, *s, "state.failed", f.reason, map[string]any{"detail": f.detail, "held": f.held})
}

// failure is why a site is not what it should be.
type failure struct {
	reason, detail string
	held           bool
}

func (f failure) Error() string { return f.reason }

// failureOf turns an error into what staff read.
func failureOf(err error) failure {
	var f failure
	if errors.As(err, &f) {
		return f
	}
	f.reason = provisioning.ReasonOf(err)
	var fault *provisioning.Fault
	if errors.As(err, &fault) && fault.Err != nil {
		f.detail = fault.Err.Error()
	}
	return f
}

const (
	firstPause = 2 * time.Second
	maxPause   = 5 * time.Minute
)

// backoff is the pause after the n-th failure: 2 s, doubling up to 5 minutes.
func (r *Reconciler) backoff(tries int) time.Duration {
	return min(r.config.Pause<<min(max(tries-1, 0), 16), maxPause)
}

// siteContext is what a site's invitation is sealed in.
func siteContext(id string) string { return "control/site/" + id }
