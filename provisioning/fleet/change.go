package fleet

import (
	"context"
	"fmt"
	"strings"
	"time"

	"tollhouse/billing/money"
	"tollhouse/provisioning"
	"tollhouse/tenants"
)

// form is what a site is to be next.
type form struct {
	want    Want
	shape   provisioning.Shape
	sized   string
	scaled  int
	monthly money.Amount
}

// reshape writes another form under the next revision and has the site looked
// at. One that is being closed or is over never comes here.
func reshape(ctx context.Context, tx tenants.Tx, s *Site, to form) error {
	state := s.State
	switch s.State {
	case Cleared:
		state = Requested
	case Ready, Enrolling, Failed:
		state = Making
	}
	// Schedules and rules that change nothing today give the cloud nothing to do.
	still := to.shape == s.Shape && s.State == Ready
	if still {
		state = Ready
	}
	done, err := tx.Exec(ctx, `
		update site
		   set want = $2, shape = $3, monthly = $4, currency = $5, revision = revision + 1, sized = $9, scaled = $10,
		       scaled_at = case when scaled = $10 then scaled_at else $7 end,
		       begun = case when $11 then revision + 1 else begun end, made = case when $11 then revision + 1 else made end,
		       state = $6, state_at = case when state = $6 then state_at else $7 end,
		       reason = '', detail = '', held = false, asked = false, tries = 0, due_at = $7
		 where id = $1 and revision = $8`,
		s.ID.UUID(), to.want, to.shape, to.monthly.Decimal(), to.monthly.Currency(), state, tx.At, s.Revision, to.sized, to.scaled, still)
	if err != nil {
		return fmt.Errorf("change site %s: %w", s.ID, err)
	}
	if done.RowsAffected() != 1 {
		return ErrRevision
	}
	s.Want, s.Shape, s.Sized, s.Scaled, s.Monthly, s.Revision, s.State = to.want, to.shape, to.sized, to.scaled, to.monthly, s.Revision+1, state
	return nil
}

// move writes another state. Each caller says what else changes with it; held
// and tries begin anew.
func move(ctx context.Context, tx tenants.Tx, s *Site, to State, reason, detail string, due time.Time) error {
	if s.State != to && !s.State.May(to) {
		return fmt.Errorf("from %s to %s: %w", s.State, to, ErrState)
	}
	done, err := tx.Exec(ctx, `
		update site
		   set state = $2, state_at = case when state = $2 then state_at else $3 end, reason = $4, detail = $5, held = false, asked = false, tries = 0, due_at = $6
		 where id = $1 and state = $7`, s.ID.UUID(), to, tx.At, reason, detail, due, s.State)
	if err != nil {
		return fmt.Errorf("move site %s: %w", s.ID, err)
	}
	if done.RowsAffected() != 1 {
		return fmt.Errorf("site %s: %w", s.ID, ErrState)
	}
	s.State, s.Reason, s.Detail, s.Held, s.Tries, s.DueAt = to, reason, detail, false, 0, due
	return nil
}

// command locks a site, has fn change it, and records who did it.
func (f *Fleet) command(ctx context.Context, tx tenants.Tx, by tenants.Actor, id provisioning.SiteID, kind, text string, fn func(s *Site) error) (Site, error) {
	s, err := lock(ctx, tx, id)
	if err != nil {
		return Site{}, err
	}
	if err := fn(&s); err != nil {
		return Site{}, err
	}
	tx.AfterCommit(f.wake)
	if err := note(ctx, tx, by, s, kind, text, nil); err != nil {
		return Site{}, err
	}
	detail := map[string]any{"operator": s.Want.Operator.String(), "state": string(s.State)}
	if text != "" {
		detail["reason"] = text
	}
	if err := tenants.Record(ctx, tx, by, tenants.Entry{Action: "site." + kind, Object: id.UUID(), Detail: detail}); err != nil {
		return Site{}, err
	}
	return Get(ctx, tx, id)
}

// Resume has a failed site tried again at once. What served and is gone from its
// cloud is made anew only if rebuild says so: its data come from a backup then.
func (f *Fleet) Resume(ctx context.Context, tx tenants.Tx, by tenants.Actor, id provisioning.SiteID, rebuild bool) (Site, error) {
	kind := "resume"
	if rebuild {
		kind = "rebuild"
	}
	return f.command(ctx, tx, by, id, kind, "", func(s *Site) error {
		if s.State != Failed {
			return fmt.Errorf("site is %s: %w", s.State, ErrState)
		}
		if err := move(ctx, tx, s, Making, "", "", tx.At); err != nil {
			return err
		}
		_, err := tx.Exec(ctx, `update site set rebuild = $2 where id = $1`, id.UUID(), rebuild)
		return err
	})
}

// Repair has the cloud asked again for what is wanted, where a site has drifted.
func (f *Fleet) Repair(ctx context.Context, tx tenants.Tx, by tenants.Actor, id provisioning.SiteID) (Site, error) {
	return f.command(ctx, tx, by, id, "repair", "", func(s *Site) error {
		if s.State != Ready {
			return fmt.Errorf("site is %s: %w", s.State, ErrState)
		}
		// A cloud that was asked for this revision already may see nothing to do.
		if _, err := tx.Exec(ctx, `update site set revision = revision + 1 where id = $1`, id.UUID()); err != nil {
			return err
		}
		s.Revision++
		return move(ctx, tx, s, Making, "", "", tx.At)
	})
}

// Clear takes away what stands of a site that never served: a creation that
// failed half-way, say. All is still known, and it can be asked for again.
func (f *Fleet) Clear(ctx context.Context, tx tenants.Tx, by tenants.Actor, id provisioning.SiteID) (Site, error) {
	return f.command(ctx, tx, by, id, "clear", "", func(s *Site) error {
		if s.ReadyAt != nil {
			return fmt.Errorf("it has served: close it instead: %w", ErrState)
		}
		return move(ctx, tx, s, Clearing, "", "", tx.At)
	})
}

// Bounds of the grace before a deletion.
const (
	MaxGraceDays = 365
	maxReason    = 1000
)

func written(field, text string) (string, error) {
	text = strings.TrimSpace(text)
	if len([]rune(text)) < 3 || len([]rune(text)) > maxReason {
		return "", refuse(field, "3 to %d characters", maxReason)
	}
	return text, nil
}

// Close has a site deleted after a grace, within which it goes on serving and
// can be taken back.
func (f *Fleet) Close(ctx context.Context, tx tenants.Tx, by tenants.Actor, id provisioning.SiteID, reason string, graceDays int) (Site, error) {
	reason, err := written("reason", reason)
	if err != nil {
		return Site{}, err
	}
	if graceDays < 0 || graceDays > MaxGraceDays {
		return Site{}, refuse("grace_days", "0 to %d", MaxGraceDays)
	}
	return f.command(ctx, tx, by, id, "close", reason, func(s *Site) error {
		if s.State == Cleared {
			_, err := tx.Exec(ctx, `update site set state = 'removed', state_at = $2, removed_at = $2 where id = $1 and state = 'cleared'`, id.UUID(), tx.At)
			s.State = Removed
			return err
		}
		if s.State == Closing || !s.State.May(Closing) {
			return fmt.Errorf("site is %s: %w", s.State, ErrState)
		}
		after := tx.At.AddDate(0, 0, graceDays)
		if _, err := tx.Exec(ctx, `update site set remove_after = $2 where id = $1`, id.UUID(), after); err != nil {
			return err
		}
		return move(ctx, tx, s, Closing, "", "", tx.At)
	})
}

// Reopen takes a deletion back within the grace.
func (f *Fleet) Reopen(ctx context.Context, tx tenants.Tx, by tenants.Actor, id provisioning.SiteID) (Site, error) {
	return f.command(ctx, tx, by, id, "reopen", "", func(s *Site) error {
		if s.State != Closing {
			return fmt.Errorf("site is %s: %w", s.State, ErrState)
		}
		if err := move(ctx, tx, s, Making, "", "", tx.At); err != nil {
			return err
		}
		_, err := tx.Exec(ctx, `update site set remove_after = null, waived_by = '', waiver = '', final_backup = '' where id = $1`, id.UUID())
		return err
	})
}

// Waive writes down that no final backup of a site is wanted, and why.
func (f *Fleet) Waive(ctx context.Context, tx tenants.Tx, by tenants.Actor, id provisioning.SiteID, reason string) (Site, error) {
	reason, err := written("reason", reason)
	if err != nil {
		return Site{}, err
	}
	return f.command(ctx, tx, by, id, "waive", reason, func(s *Site) error {
		if s.State != Closing {
			return fmt.Errorf("site is %s: %w", s.State, ErrState)
		}
		_, err := tx.Exec(ctx, `update site set waived_by = $2, waiver = $3, due_at = $4 where id = $1 and state = 'closing'`, id.UUID(), by.String(), reason, tx.At)
		return err
	})
}
