package fleet

import (
	"context"
	"errors"
	"fmt"

	"github.com/google/uuid"

	"tollhouse/tenants"
)

// upgrade takes all open upgrades one step further. Each is one short
// transaction: what hosts say stands in their sites' rows already.
func (r *Reconciler) upgrade(ctx context.Context) error {
	var open []uuid.UUID
	err := r.db.Read(ctx, func(ctx context.Context, tx tenants.Tx) error {
		rows, err := tx.Query(ctx, `select id from upgrade where state in ('running', 'rolling_back') order by asked_at, id`)
		if err != nil {
			return fmt.Errorf("list open upgrades: %w", err)
		}
		open, err = collectIDs(rows)
		return err
	})
	for _, id := range open {
		err = errors.Join(err, r.db.Write(ctx, func(ctx context.Context, tx tenants.Tx) error {
			u, err := lockUpgrade(ctx, tx, id)
			switch {
			case err != nil:
				return err
			case u.State == UpgradeRunning:
				return r.advance(ctx, tx, &u)
			case u.State == UpgradeRollingBack:
				return r.goBack(ctx, tx, &u)
			}
			return nil
		}))
	}
	return err
}

// advance judges the members of the waves begun and opens the next wave once
// all of them have been well for the soak.
func (r *Reconciler) advance(ctx context.Context, tx tenants.Tx, u *Upgrade) error {
	settled := true
	for i := range u.Members {
		m := &u.Members[i]
		if m.Wave > u.Wave || m.State == MemberLeft {
			continue
		}
		if err := r.judge(ctx, tx, u, m); err != nil {
			return err
		}
		if m.State == MemberFailed {
			r.log.Error("upgrade halted", "upgrade", u.Title, "wave", u.Wave, "site", m.Site.String(), "reason", m.Reason)
			return setUpgrade(ctx, tx, u, UpgradeHalted, fmt.Sprintf("Site %s: %s", m.Site, m.Reason))
		}
		settled = settled && (m.State == MemberDone && tx.At.Sub(*m.DoneAt) >= u.Soak || m.State == MemberLeft)
	}
	if !settled {
		return nil
	}
	for _, m := range u.Members {
		if m.Wave > u.Wave {
			_, err := tx.Exec(ctx, `update upgrade set wave = $2, wave_at = $3 where id = $1`, u.ID, m.Wave, tx.At)
			return err
		}
	}
	return setUpgrade(ctx, tx, u, UpgradeDone, "")
}

// judge takes one member one step further: asks its host, sees that it runs the
// version and is well, or sees that it doesn't.
func (r *Reconciler) judge(ctx context.Context, tx tenants.Tx, u *Upgrade, m *Member) error {
	s, err := lock(ctx, tx, m.Site)
	if err != nil {
		return err
	}
	switch {
	case s.State == Closing || s.State == Removing || s.State.Over():
		return setMember(ctx, tx, u, m, MemberLeft, "")
	case m.State == MemberWaiting:
		if _, err := tx.Exec(ctx, `update site set version_wanted = $2, due_at = least(due_at, $3) where id = $1`, m.Site.UUID(), u.Version, tx.At); err != nil {
			return fmt.Errorf("ask site %s for version: %w", m.Site, err)
		}
		if err := note(ctx, tx, tenants.System, s, "upgrade", u.Title, map[string]any{"upgrade": u.ID, "version": u.Version, "wave": m.Wave}); err != nil {
			return err
		}
		return setMember(ctx, tx, u, m, MemberAsked, "")
	}
	// A host could tell us nothing while no control plane ran.
	heard := s.Seen.At
	if heard.Before(r.began) {
		heard = r.began
	}
	silent := tx.At.Sub(heard) > silentAfter
	well := s.Seen.Version == u.Version && s.Seen.Healthy && !silent && s.State == Ready
	switch {
	case m.State == MemberAsked && well && s.Seen.At.After(*m.AskedAt):
		return setMember(ctx, tx, u, m, MemberDone, "")
	case m.State == MemberAsked && tx.At.Sub(*m.AskedAt) > u.Within:
		return setMember(ctx, tx, u, m, MemberFailed, unwell(s, u, silent))
	case m.State == MemberDone && !well && (!silent || tx.At.Sub(heard) > 2*silentAfter):
		return setMember(ctx, tx, u, m, MemberFailed, unwell(s, u, silent))
	}
	return nil
}

// unwell is why a member's gate is shut.
func unwell(s Site, u *Upgrade, silent bool) string {
	switch {
	case s.State != Ready:
		return fmt.Sprintf("the site is %s: %s", s.State, s.Reason)
	case silent:
		return "its host says nothing any more"
	case s.Seen.Version != u.Version:
		return fmt.Sprintf("its host still runs %.12s", s.Seen.Version)
	case s.Seen.Reason != "":
		return "its host says: " + s.Seen.Reason
	}
	return "its host is not well"
}

// goBack waits until all that were asked run what they ran before.
func (r *Reconciler) goBack(ctx context.Context, tx tenants.Tx, u *Upgrade) error {
	over := true
	for i := range u.Members {
		m := &u.Members[i]
		if m.State != MemberAsked {
			continue
		}
		s, err := lock(ctx, tx, m.Site)
		if err != nil {
			return err
		}
		switch {
		case s.State == Closing || s.State == Removing || s.State.Over():
			err = setMember(ctx, tx, u, m, MemberLeft, "")
		case s.Seen.Healthy && (m.Former == "" || s.Seen.Version == m.Former) && s.Seen.At.After(u.StateAt):
			err = setMember(ctx, tx, u, m, MemberBack, "")
		default:
			over = false
		}
		if err != nil {
			return err
		}
	}
	if over {
		return setUpgrade(ctx, tx, u, UpgradeRolledBack, "")
	}
	return nil
}

func setMember(ctx context.Context, tx tenants.Tx, u *Upgrade, m *Member, to MemberState, reason string) error {
	done, err := tx.Exec(ctx, `
		update upgrade_member
		   set state = $3, reason = $4, asked_at = case when $3 = 'asked' then $5 else asked_at end, done_at = case when $3 = 'done' then $5 else done_at end
		 where upgrade_id = $1 and site_id = $2 and state = $6`, u.ID, m.Site.UUID(), to, reason, tx.At, m.State)
	if err != nil {
		return fmt.Errorf("move site %s in upgrade: %w", m.Site, err)
	}
	if done.RowsAffected() != 1 {
		return fmt.Errorf("site %s in upgrade: %w", m.Site, ErrUpgradeState)
	}
	m.State, m.Reason = to, reason
	at := tx.At
	switch to {
	case MemberAsked:
		m.AskedAt = &at
	case MemberDone:
		m.DoneAt = &at
	}
	return nil
}
