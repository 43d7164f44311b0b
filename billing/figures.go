package billing

import (
	"context"
	"time"

	"tollhouse/billing/insight"
	"tollhouse/billing/ledger"
	"tollhouse/billing/tenant"
)

// SumUp brings the daily sums of revenue and of the ledger up to now, portion by portion, for at
// most as long as is given. Figures are true without it; it keeps them quick.
// behind says that more is to be summed up: reading then takes longer.
func (s *Stack) SumUp(ctx context.Context, atMost time.Duration) (behind bool, err error) {
	mark, err := s.host.db.Mark(ctx)
	if err != nil {
		return false, err
	}
	// Not waited for: what a long transaction holds back is summed up next time.
	passed, err := s.host.db.HasPassed(ctx, mark)
	if err != nil || !passed {
		return false, err
	}
	for begun := s.host.config.Now(); ; {
		err := s.Write(ctx, func(ctx context.Context, tx tenant.Tx) error {
			if behind, err = insight.Roll(ctx, tx, mark); err != nil || behind {
				return err
			}
			behind, err = ledger.Snap(ctx, tx, mark)
			return err
		})
		if err != nil || !behind || s.host.config.Now().Sub(begun) > atMost {
			return behind, err
		}
	}
}
