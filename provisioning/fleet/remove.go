package fleet

import (
	"context"
	"fmt"
	"time"

	"tollhouse/provisioning"
	"tollhouse/tenants"
)

// backupEvery is how often a final backup that is not done is asked for again.
const backupEvery = 15 * time.Second

// close waits for the end of the grace, then for a final backup.
func (r *Reconciler) close(ctx context.Context, c claim, sites provisioning.Sites) error {
	now := r.db.Now()
	if now.Before(*c.RemoveAfter) {
		return r.finish(ctx, c, func(ctx context.Context, tx tenants.Tx, s *Site) error {
			return later(ctx, tx, s, "", "", *s.RemoveAfter)
		})
	}
	if c.ReadyAt == nil || c.Waiver != "" || c.FinalBackup != "" {
		return r.finish(ctx, c, func(ctx context.Context, tx tenants.Tx, s *Site) error {
			return r.step(ctx, tx, s, Removing, tx.At)
		})
	}
	backup := provisioning.FinalBackup{Reason: "No final backups are kept here: waive it in writing, or set them up."}
	if r.backups != nil {
		var err error
		site := provisioning.Site{ID: c.ID, Operator: c.Want.Operator, Name: c.operator.Name, Revision: c.Revision, Shape: c.Shape}
		if backup, err = r.backups.Final(ctx, site, *c.RemoveAfter); err != nil {
			backup = provisioning.FinalBackup{Reason: "The final backup failed: " + provisioning.ReasonOf(err)}
			r.log.Error("final backup failed", "site", c.ID.String(), "error", err)
		}
	}
	return r.finish(ctx, c, func(ctx context.Context, tx tenants.Tx, s *Site) error {
		if !backup.Done || backup.Ref == "" {
			return later(ctx, tx, s, "It is not deleted before its final backup is there. "+backup.Reason, "", tx.At.Add(min(backupEvery, 10*r.config.Watch)))
		}
		if _, err := tx.Exec(ctx, `update site set final_backup = $2 where id = $1`, s.ID.UUID(), backup.Ref); err != nil {
			return fmt.Errorf("write final backup of site %s: %w", s.ID, err)
		}
		if err := note(ctx, tx, tenants.System, *s, "backup", backup.Ref, map[string]any{"at": backup.At}); err != nil {
			return err
		}
		return r.step(ctx, tx, s, Removing, tx.At)
	})
}

// standsNowhere notes that the stack which a site carried is gone with it, unless
// another site of its operator stands.
func (r *Reconciler) standsNowhere(ctx context.Context, tx tenants.Tx, s *Site) error {
	var other bool
	err := tx.QueryRow(ctx, `select exists (select from site where operator_id = $1 and id <> $2 and state = 'ready')`, s.Want.Operator, s.ID.UUID()).Scan(&other)
	if err != nil {
		return fmt.Errorf("look for other sites of %s: %w", s.Want.Operator, err)
	}
	if other {
		return nil
	}
	return provisioning.OwnGone(ctx, tx, s.Want.Operator)
}

// remove takes away all that stands, and ends when nothing does.
func (r *Reconciler) remove(ctx context.Context, c claim, sites provisioning.Sites) error {
	if r.hosts != nil {
		if err := r.hosts.Withdraw(ctx, c.ID); err != nil {
			return fmt.Errorf("let nobody of the site in any more: %w", err)
		}
	}
	obs, err := sites.Remove(ctx, c.ID)
	if err != nil {
		return err
	}
	return r.finish(ctx, c, func(ctx context.Context, tx tenants.Tx, s *Site) error {
		if err := r.observe(ctx, tx, s, obs); err != nil {
			return err
		}
		switch {
		case obs.Phase == provisioning.SiteBroken:
			return r.fail(ctx, tx, s, brokenOf(obs))
		case obs.Phase != provisioning.SiteAbsent:
			return later(ctx, tx, s, "", "", tx.At.Add(r.config.Watch))
		}
		_, err := tx.Exec(ctx, `
			update site set sealed_invitation = null, invited_until = null, ref = '', address = '', drift = '[]', seen = '{}' where id = $1`, s.ID.UUID())
		if err != nil {
			return fmt.Errorf("forget what stood of site %s: %w", s.ID, err)
		}
		if err := r.standsNowhere(ctx, tx, s); err != nil {
			return err
		}
		if s.State == Clearing {
			return r.step(ctx, tx, s, Cleared, tx.At)
		}
		// One statement: removed and when are one fact.
		done, err := tx.Exec(ctx, `
			update site set state = 'removed', state_at = $2, removed_at = $2, reason = '', detail = '' where id = $1 and state = 'removing'`, s.ID.UUID(), tx.At)
		if err != nil || done.RowsAffected() != 1 {
			return fmt.Errorf("end site %s: %w", s.ID, err)
		}
		s.State = Removed
		if err := note(ctx, tx, tenants.System, *s, "state.removed", "", nil); err != nil {
			return err
		}
		return tenants.Record(ctx, tx, tenants.System, tenants.Entry{Action: "site.removed", Object: s.ID.UUID(), Detail: map[string]any{
			"operator": s.Want.Operator.String(), "final_backup": s.FinalBackup, "waiver": s.Waiver}})
	})
}
