package billing

import (
	"context"
	"errors"
	"fmt"
	"time"

	"tollhouse/billing/audit"
	"tollhouse/billing/takings"
	"tollhouse/billing/tenant"
)

const (
	signTakingsEvery = 10 * time.Minute // wall time
	// takingsAtOnce is how many days one transaction signs.
	takingsAtOnce = 400
)

// KeepSigningTakings signs what all stacks collected on days that are over,
// until ctx ends.
func (h *Host) KeepSigningTakings(ctx context.Context) {
	tick := time.NewTicker(signTakingsEvery)
	defer tick.Stop()
	for {
		if err := h.SignTakings(ctx); err != nil && ctx.Err() == nil {
			h.config.Log.Error("signing takings failed", "error", err)
		}
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

// SignTakings signs, for each stack, the days that ended audit.SealMargin ago or
// earlier, once no transaction of that time runs any more.
func (h *Host) SignTakings(ctx context.Context) error {
	refs, err := h.db.All(ctx)
	if err != nil {
		return err
	}
	// A sandbox's clock jumps, so its days end where it stands now. What began
	// before a jump and is written after it counts for the next day.
	clocks := map[tenant.ID]time.Time{}
	for _, ref := range refs {
		if !ref.Sandbox {
			continue
		}
		at, err := (&Stack{host: h, Ref: ref}).Clock(ctx)
		if err != nil {
			h.config.Log.Warn("a sandbox's clock cannot be read", "tenant", ref.Name, "error", err)
			continue
		}
		clocks[ref.ID] = at
	}
	mark, err := h.db.Mark(ctx)
	if err != nil {
		return err
	}
	waiting, cancel := context.WithTimeout(ctx, settleTimeout)
	defer cancel()
	if err := h.db.Await(waiting, mark); err != nil {
		if errors.Is(err, context.DeadlineExceeded) && ctx.Err() == nil {
			h.config.Log.Info("signing takings waits for a long transaction")
			return nil
		}
		return err
	}
	var faults []error
	for _, ref := range refs {
		ended := mark.WallAt.Add(-audit.SealMargin)
		if ref.Sandbox {
			at, read := clocks[ref.ID]
			if !read {
				continue
			}
			ended = at
		}
		if err := h.signTakings(ctx, ref, ended); err != nil {
			faults = append(faults, fmt.Errorf("sign takings of %s: %w", ref.Name, err))
		}
	}
	return errors.Join(faults...)
}

func (h *Host) signTakings(ctx context.Context, ref tenant.Ref, ended time.Time) error {
	for more := true; more; {
		err := h.db.Write(ctx, ref, func(ctx context.Context, tx tenant.Tx) (err error) {
			more, err = takings.SignDays(ctx, tx, h.config.Identity, ended, h.config.Now(), takingsAtOnce)
			return err
		})
		if err != nil {
			return err
		}
	}
	return nil
}
