package billing

import (
	"context"
	"errors"
	"fmt"
	"time"

	"tollhouse/billing/audit"
	"tollhouse/billing/tenant"
)

const (
	sealEvery = time.Minute // wall time
	// settleTimeout bounds the wait for transactions that run. Some of a bulk
	// load may take longer: then the next pass seals.
	settleTimeout = 30 * time.Second
	// sealsAPass bounds what one stack gets in one pass, so that a long history
	// does not keep the others waiting.
	sealsAPass = 200
)

// KeepSealing seals audit and ledger of all stacks every minute until ctx ends.
func (h *Host) KeepSealing(ctx context.Context) {
	tick := time.NewTicker(sealEvery)
	defer tick.Stop()
	for {
		if err := h.Seal(ctx); err != nil && ctx.Err() == nil {
			h.config.Log.Error("sealing failed", "error", err)
		}
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

// Seal adds to the chain of each stack what is complete: rows that were written
// audit.SealMargin ago or earlier, once no transaction of that time runs any more.
func (h *Host) Seal(ctx context.Context) error {
	return h.sealUpTo(ctx, audit.SealMargin)
}

func (h *Host) sealUpTo(ctx context.Context, margin time.Duration) error {
	mark, err := h.db.Mark(ctx)
	if err != nil {
		return err
	}
	waiting, cancel := context.WithTimeout(ctx, settleTimeout)
	defer cancel()
	if err := h.db.Await(waiting, mark); err != nil {
		if errors.Is(err, context.DeadlineExceeded) && ctx.Err() == nil {
			h.config.Log.Info("sealing waits for a long transaction")
			return nil
		}
		return err
	}
	refs, err := h.db.All(ctx)
	if err != nil {
		return err
	}
	var faults []error
	for _, ref := range refs {
		if err := h.sealStack(ctx, ref, mark.WallAt.Add(-margin)); err != nil {
			faults = append(faults, fmt.Errorf("seal %s: %w", ref.Name, err))
		}
	}
	return errors.Join(faults...)
}

func (h *Host) sealStack(ctx context.Context, ref tenant.Ref, upto time.Time) error {
	for range sealsAPass {
		sealed := false
		err := h.db.Write(ctx, ref, func(ctx context.Context, tx tenant.Tx) (err error) {
			sealed, err = audit.SealNext(ctx, tx, upto, h.config.Now(), audit.SealRows)
			return err
		})
		if err != nil || !sealed {
			return err
		}
	}
	return nil
}

// VerifyAudit computes the stack's chain again from all its rows and compares
// it with the anchors that are known here. It takes as long as there are rows,
// a bounded step at a time; progress, if not nil, is told after each.
func (s *Stack) VerifyAudit(ctx context.Context, progress func(audit.Verification)) (v audit.Verification, err error) {
	var anchors []audit.Anchor
	if s.host.config.Anchors != nil {
		if anchors, err = s.host.config.Anchors(ctx, s.Ref.ID); err != nil {
			return v, err
		}
	}
	for !v.Done {
		err := s.Read(ctx, func(ctx context.Context, tx tenant.Tx) (err error) {
			v, err = audit.Verify(ctx, tx, v, anchors, s.host.config.Now(), audit.VerifySeals)
			return err
		})
		if err != nil {
			return v, fmt.Errorf("verify audit of %s: %w", s.Ref.Name, err)
		}
		if progress != nil {
			progress(v)
		}
	}
	return v, nil
}
