package fleet

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"

	"tollhouse/provisioning"
	"tollhouse/tenants"
)

// follow has sites take the shape that their schedules and rules give them now.
func (r *Reconciler) follow(ctx context.Context) error {
	if now := r.db.Now(); now.Before(r.followAt) {
		return nil
	} else {
		r.followAt = now.Add(min(r.config.Keep, time.Minute))
	}
	var due []uuid.UUID
	err := r.db.Read(ctx, func(ctx context.Context, tx tenants.Tx) error {
		rows, err := tx.Query(ctx, `
			select id
			  from site
			 where state in ('ready', 'failed') and not held and ready_at is not null and (want ? 'schedules' or want ? 'scaling')
			 order by id`)
		if err != nil {
			return fmt.Errorf("list sites with schedules: %w", err)
		}
		due, err = collectIDs(rows)
		return err
	})
	for _, id := range due {
		err = errors.Join(err, r.followOne(ctx, provisioning.SiteID(id)))
	}
	return err
}

func (r *Reconciler) followOne(ctx context.Context, id provisioning.SiteID) error {
	return r.db.Write(ctx, func(ctx context.Context, tx tenants.Tx) error {
		s, err := lock(ctx, tx, id)
		if err != nil || s.ReadyAt == nil || s.Held || s.State != Ready && s.State != Failed {
			return err
		}
		operator, err := tenants.GetOperator(ctx, tx, s.Want.Operator)
		if err != nil {
			return err
		}
		zone, err := time.LoadLocation(operator.Settings.Zone)
		if err != nil {
			return fmt.Errorf("zone of %s: %w", operator.Name, err)
		}
		offers, err := Offers(ctx, tx)
		if err != nil {
			return err
		}
		sized, scaled, why := s.Want.sizeAt(tx.At, zone), s.Scaled, ""
		kind := "scheduled"
		if s.Want.Scaling != nil && s.State == Ready {
			scaled, why = s.Want.Scaling.decide(s, tx.At)
		}
		if sized == s.Sized {
			if scaled == s.Scaled {
				return nil
			}
			kind = "scaled"
		}
		shape := s.Want.shapeAt(bookOf(offers), tx.At, zone, scaled, s.Shape)
		shape.DataGB = max(shape.DataGB, s.Shape.DataGB)
		if err := reshape(ctx, tx, &s, form{s.Want, shape, sized, scaled, s.Monthly}); err != nil {
			return err
		}
		tx.AfterCommit(r.Wake)
		r.log.Info("site takes another shape", "site", id.String(), "tenant", operator.Name, "because", kind, "size", sized, "scaled", scaled)
		return note(ctx, tx, tenants.System, s, kind, why, map[string]any{"size": sized, "scaled": scaled, "shape": shape})
	})
}

// decide says how many workers the rules want now, and why. One step at a time,
// and never within the cooldown of the last one: a step takes a while to show.
func (s Scaling) decide(site Site, at time.Time) (n int, why string) {
	n = s.clamp(site.Scaled)
	if n != site.Scaled {
		return n, "the bounds were changed"
	}
	if at.Sub(site.Seen.At) > silentAfter {
		return n, "" // an old figure says nothing of now
	}
	if site.ScaledAt != nil && at.Sub(*site.ScaledAt) < time.Duration(s.CooldownMinutes)*time.Minute {
		return n, ""
	}
	calm := true
	for _, rule := range s.Rules {
		value, known := site.Seen.Load[rule.Measure]
		if known && value > rule.Above && n < s.Max {
			return n + 1, fmt.Sprintf("%s is %d, above %d", rule.Measure, value, rule.Above)
		}
		calm = calm && known && value < rule.Below
	}
	if calm && n > s.Min {
		return n - 1, "all figures are below their bounds"
	}
	return n, ""
}
