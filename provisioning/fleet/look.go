package fleet

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"tollhouse/provisioning"
	"tollhouse/tenants"
)

// look does what a site's state asks for, within the lease.
func (r *Reconciler) look(ctx context.Context, c *claim) error {
	// What runs longer than the lease would work beside its successor.
	ctx, cancel := context.WithTimeout(ctx, r.config.Lease)
	defer cancel()
	cloud, known := r.clouds[c.Want.Cloud]
	if !known {
		return failure{reason: fmt.Sprintf("No cloud named %q is set up here: set it up, and the site goes on by itself.", c.Want.Cloud)}
	}
	switch c.State {
	case Requested, Making, Failed:
		return r.make(ctx, c, cloud.Sites)
	case Enrolling:
		return r.awaitHost(ctx, *c, cloud.Sites)
	case Ready:
		return r.keep(ctx, *c, cloud.Sites)
	case Closing:
		return r.close(ctx, *c, cloud.Sites)
	case Clearing, Removing:
		return r.remove(ctx, *c, cloud.Sites)
	default:
		return r.finish(ctx, *c, func(context.Context, tenants.Tx, *Site) error { return nil })
	}
}

// make has the cloud begin what is missing, or asks how far it is.
func (r *Reconciler) make(ctx context.Context, c *claim, sites provisioning.Sites) error {
	if c.State == Making && c.asked {
		obs, err := sites.Observe(ctx, c.ID)
		if err != nil {
			return err
		}
		return r.made(ctx, *c, obs)
	}
	if c.ReadyAt != nil && !c.rebuild {
		obs, err := sites.Observe(ctx, c.ID)
		if err != nil {
			return err
		}
		if obs.Phase == provisioning.SiteAbsent {
			return errGone
		}
	}
	site, err := r.invited(ctx, c)
	if err != nil {
		return err
	}
	// Written down before the cloud is asked: nothing that it may have begun is
	// forgotten.
	err = r.db.Write(ctx, func(ctx context.Context, tx tenants.Tx) error {
		s, err := oneSite(ctx, tx, `select `+siteColumns+` from site where id = $1 and fence = $2 for update`, c.ID.UUID(), c.fence)
		if errors.Is(err, tenants.ErrNotFound) {
			return fmt.Errorf("site %s: %w", c.ID, errLost)
		}
		if err != nil || s.State != c.State || s.Revision != c.Revision {
			return err
		}
		switch s.State {
		case Requested:
			err = r.step(ctx, tx, &s, Making, s.DueAt)
		case Failed: // one more try is nothing to write into its history
			err = move(ctx, tx, &s, Making, "", "", s.DueAt)
		}
		if err != nil {
			return err
		}
		c.State = Making
		_, err = tx.Exec(ctx, `update site set begun = greatest(begun, $2), asked = true, tries = $3, reason = $4, detail = $5 where id = $1`,
			c.ID.UUID(), c.Revision, c.Tries, c.Reason, c.Detail)
		return err
	})
	if err != nil {
		return err
	}
	obs, err := sites.Ensure(ctx, site)
	if err != nil {
		return err
	}
	return r.made(ctx, *c, obs)
}

// errGone keeps an operator's place from being filled with empty disks.
var errGone = failure{reason: "What served is gone from its cloud. It is not made again by itself: its disks would be empty.", held: true}

// made writes how far the cloud is.
func (r *Reconciler) made(ctx context.Context, c claim, obs provisioning.Observed) error {
	return r.finish(ctx, c, func(ctx context.Context, tx tenants.Tx, s *Site) error {
		if err := r.observe(ctx, tx, s, obs); err != nil {
			return err
		}
		if obs.Revision > s.Revision { // one that was adopted: its numbers go on from there
			if _, err := tx.Exec(ctx, `update site set revision = $2, begun = $2 where id = $1`, s.ID.UUID(), obs.Revision); err != nil {
				return err
			}
			s.Revision = obs.Revision
		}
		soon := tx.At.Add(r.config.Watch)
		switch {
		case obs.Phase == provisioning.SiteBroken:
			return r.fail(ctx, tx, s, brokenOf(obs))
		case obs.Phase == provisioning.SiteAbsent:
			return r.fail(ctx, tx, s, failure{reason: "The cloud has begun nothing, or what it made is gone."})
		case obs.Phase == provisioning.SiteLeaving:
			return later(ctx, tx, s, "What stood before is still being deleted.", obs.Detail, soon)
		case obs.Phase == provisioning.SiteStanding && obs.Revision >= s.Revision:
			if _, err := tx.Exec(ctx, `update site set made = $2, rebuild = false, adopted = adopted and not rebuild where id = $1`, s.ID.UUID(), s.Revision); err != nil {
				return err
			}
			return r.step(ctx, tx, s, Enrolling, tx.At)
		case obs.Revision < s.Revision && c.State == Making && c.asked:
			// The cloud is still at an older revision: it is asked again.
			if _, err := tx.Exec(ctx, `update site set asked = false where id = $1`, s.ID.UUID()); err != nil {
				return err
			}
		}
		return later(ctx, tx, s, s.Reason, s.Detail, soon) // on a further try: why the last one failed
	})
}

func brokenOf(obs provisioning.Observed) failure {
	f := failure{reason: obs.Reason, detail: obs.Detail}
	if f.reason == "" {
		f.reason = "A part of it failed in the cloud."
	}
	return f
}

// invited is the site as the cloud is to make it. A machine that has not
// enrolled gets a new invitation once its former one has ended; what has
// enrolled keeps its data to the letter, else its cloud might make it anew.
// Machines beside the first are invited for each revision: an invitation lets
// in so many and no more.
func (r *Reconciler) invited(ctx context.Context, c *claim) (provisioning.Site, error) {
	site := provisioning.Site{ID: c.ID, Operator: c.Want.Operator, Name: c.operator.Name, Revision: c.Revision, Shape: c.Shape}
	if r.hosts == nil {
		return site, failure{reason: "Enrolment is not set up here, so no machine could ever become ours."}
	}
	if c.adopted && !c.rebuild {
		return site, nil
	}
	over := c.InvitedUntil == nil || c.InvitedUntil.Before(r.db.Now().Add(r.config.Lease))
	var kept provisioning.Invitation
	if c.sealedInvitation != nil && !c.rebuild {
		clear, err := r.seal.Open(siteContext(c.ID.String()), c.sealedInvitation)
		if err != nil {
			return site, fmt.Errorf("open invitation: %w", err)
		}
		if err := json.Unmarshal(clear, &kept); err != nil {
			return site, fmt.Errorf("read invitation: %w", err)
		}
		stays := c.ReadyAt != nil
		if over && !stays {
			seen, err := r.hosts.Seen(ctx, c.ID)
			if err != nil {
				return site, fmt.Errorf("ask whether the host has come: %w", err)
			}
			stays = seen.Enrolled
		}
		if !stays && over {
			kept = provisioning.Invitation{}
		}
		over = over && stays
	}
	site.UserData, site.WorkerData, site.StandbyData = kept.UserData, kept.WorkerData, kept.StandbyData
	if kept.UserData == "" || c.Shape.Beside() > 0 && (over || site.Lacks() || kept.Revision < c.Revision) {
		fresh, err := r.hosts.Invite(ctx, site)
		if err != nil {
			return site, err
		}
		if kept.UserData != "" && !over { // the first machine's own time
			fresh.Until = *c.InvitedUntil
		}
		if err := r.keepInvitation(ctx, *c, fresh); err != nil {
			return site, err
		}
		kept = fresh
	}
	site.UserData, site.WorkerData, site.StandbyData = kept.UserData, kept.WorkerData, kept.StandbyData
	return site, nil
}

func (r *Reconciler) keepInvitation(ctx context.Context, c claim, invitation provisioning.Invitation) error {
	clear, err := json.Marshal(invitation)
	if err != nil {
		return fmt.Errorf("keep invitation: %w", err)
	}
	sealed, err := r.seal.Seal(siteContext(c.ID.String()), clear)
	if err != nil {
		return fmt.Errorf("seal invitation: %w", err)
	}
	return r.db.Write(ctx, func(ctx context.Context, tx tenants.Tx) error {
		done, err := tx.Exec(ctx, `update site set sealed_invitation = $3, invited_until = $4 where id = $1 and fence = $2`,
			c.ID.UUID(), c.fence, sealed, invitation.Until.UTC().Truncate(time.Microsecond))
		if err != nil {
			return fmt.Errorf("keep invitation of site %s: %w", c.ID, err)
		}
		if done.RowsAffected() != 1 {
			return fmt.Errorf("site %s: %w", c.ID, errLost)
		}
		return nil
	})
}

// awaitHost waits for the host of machines that stand.
func (r *Reconciler) awaitHost(ctx context.Context, c claim, sites provisioning.Sites) error {
	if r.hosts == nil {
		return failure{reason: "Enrolment is not set up here, so no machine could ever become ours."}
	}
	seen, err := r.hosts.Seen(ctx, c.ID)
	if err != nil {
		return fmt.Errorf("ask whether the host has come: %w", err)
	}
	obs, err := sites.Observe(ctx, c.ID)
	if err != nil {
		return err
	}
	return r.finish(ctx, c, func(ctx context.Context, tx tenants.Tx, s *Site) error {
		if err := r.observe(ctx, tx, s, obs); err != nil {
			return err
		}
		if err := r.saw(ctx, tx, s, seen); err != nil {
			return err
		}
		fresh := tx.At.Sub(seen.At) <= silentAfter
		switch {
		case obs.Phase == provisioning.SiteBroken:
			return r.fail(ctx, tx, s, brokenOf(obs))
		case seen.Enrolled && seen.Healthy && fresh:
			if _, err := tx.Exec(ctx, `update site set ready_at = coalesce(ready_at, $2) where id = $1`, s.ID.UUID(), tx.At); err != nil {
				return err
			}
			return r.step(ctx, tx, s, Ready, tx.At.Add(r.config.Keep))
		case tx.At.Sub(s.StateAt) > r.config.EnrolIn:
			return r.fail(ctx, tx, s, overdue(seen))
		}
		return later(ctx, tx, s, waitingFor(seen, fresh), "", tx.At.Add(r.config.Watch))
	})
}

func waitingFor(seen provisioning.Seen, fresh bool) string {
	switch {
	case !seen.Enrolled:
		return "Its machines stand; its host has not enrolled yet."
	case !fresh:
		return "Its host has enrolled, and says nothing any more."
	case seen.Reason != "":
		return "Its host says: " + seen.Reason
	}
	return "Its host has enrolled and is setting up."
}

func overdue(seen provisioning.Seen) failure {
	if !seen.Enrolled {
		return failure{reason: "Its machines stand, but its host has not enrolled in time: see the machine's own log (cloud-init)."}
	}
	return failure{reason: "Its host has enrolled, but does not serve its operator in time.", detail: seen.Reason}
}

// saw keeps what a host said last.
func (r *Reconciler) saw(ctx context.Context, tx tenants.Tx, s *Site, seen provisioning.Seen) error {
	_, err := tx.Exec(ctx, `update site set seen = $2 where id = $1`, s.ID.UUID(), seenOf(seen))
	if err != nil {
		return fmt.Errorf("write what the host of site %s said: %w", s.ID, err)
	}
	return nil
}

// keep looks after a site that is ready: how it is in its cloud, and what its
// host says.
func (r *Reconciler) keep(ctx context.Context, c claim, sites provisioning.Sites) error {
	obs, err := sites.Observe(ctx, c.ID)
	if err != nil {
		// A cloud that does not answer takes nothing from what stands in it.
		r.log.Warn("cloud does not say how a site is", "site", c.ID.String(), "error", err)
		return r.finish(ctx, c, func(ctx context.Context, tx tenants.Tx, s *Site) error {
			return later(ctx, tx, s, provisioning.ReasonOf(err), failureOf(err).detail, tx.At.Add(r.config.Keep))
		})
	}
	seen := provisioning.Seen{Reason: "Enrolment is not set up here: nothing is known of its host."}
	if r.hosts != nil {
		if seen, err = r.hosts.Seen(ctx, c.ID); err != nil {
			r.log.Warn("not known how a site's host is", "site", c.ID.String(), "error", err)
			seen = provisioning.Seen{Reason: "Nothing could be learned of its host."}
		}
	}
	return r.finish(ctx, c, func(ctx context.Context, tx tenants.Tx, s *Site) error {
		if err := r.observe(ctx, tx, s, obs); err != nil {
			return err
		}
		if err := r.saw(ctx, tx, s, seen); err != nil {
			return err
		}
		switch obs.Phase {
		case provisioning.SiteAbsent, provisioning.SiteLeaving:
			return r.fail(ctx, tx, s, errGone)
		case provisioning.SiteBroken:
			return r.fail(ctx, tx, s, brokenOf(obs))
		}
		return later(ctx, tx, s, "", "", tx.At.Add(r.config.Keep))
	})
}
