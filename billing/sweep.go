package billing

import (
	"context"
	"fmt"
	"time"

	"tollhouse/billing/event"
	"tollhouse/billing/identity/idempotency"
	"tollhouse/billing/tenant"
)

const (
	sweepEvery  = 24 * time.Hour // wall time
	sweepAtOnce = 5_000          // answers in one transaction
	sumUpAtMost = 200 * time.Millisecond
)

// sweeper forgets stored answers and events that are past their time, and sums up revenue
// for an operator's figures: once a day, a tenant and a bounded amount of work a
// step, so that dispatching goes on.
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
		if swept, err = idempotency.Sweep(ctx, tx, now, sweepAtOnce); err != nil {
			return err
		}
		forgotten, err := event.Forget(ctx, tx, sweepAtOnce)
		swept = max(swept, forgotten)
		return err
	})
	behind := false
	if err == nil {
		behind, err = (&Stack{host: s.host, Ref: ref}).SumUp(ctx, sumUpAtMost)
	}
	if err != nil || swept < sweepAtOnce && !behind {
		s.left = s.left[1:]
	}
	if err != nil {
		return fmt.Errorf("sweep %s: %w", ref.Name, err)
	}
	return nil
}
