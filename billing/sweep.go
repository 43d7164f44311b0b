package billing

import (
	"context"
	"fmt"
	"time"

	"tollhouse/billing/identity/idempotency"
	"tollhouse/billing/tenant"
)

const (
	sweepEvery  = 24 * time.Hour // wall time
	sweepAtOnce = 5_000          // answers in one transaction
)

// sweeper forgets stored answers that are past their time: once a day, a
// tenant and a bounded number of rows a step, so that dispatching goes on.
type sweeper struct {
	host *Host
	next time.Time    // wall time of the next round
	left []tenant.Ref // tenants to come in this one
}

func (s *sweeper) step(ctx context.Context) (err error) {
	now := s.host.config.Now()
	if len(s.left) == 0 {
		if now.Before(s.next) {
			return nil
		}
		s.next = now.Add(sweepEvery)
		s.left, err = s.host.db.All(ctx)
		return err
	}
	ref, swept := s.left[0], 0
	err = s.host.db.Write(ctx, ref, func(ctx context.Context, tx tenant.Tx) (err error) {
		swept, err = idempotency.Sweep(ctx, tx, now, sweepAtOnce)
		return err
	})
	if err != nil || swept < sweepAtOnce {
		s.left = s.left[1:]
	}
	if err != nil {
		return fmt.Errorf("sweep %s: %w", ref.Name, err)
	}
	return nil
}
