package billing

import (
	"context"
	"errors"
	"fmt"
	"time"

	"tollhouse/billing/agenda"
	"tollhouse/billing/tenant"
)

// Errors of the sandbox clock.
var (
	ErrLiveClock     = errors.New("a live operator follows wall time: only a sandbox's clock can be moved")
	ErrClockGoesBack = errors.New("the clock only goes forward")
)

// Clock is a stack's business time.
func (s *Stack) Clock(ctx context.Context) (at time.Time, err error) {
	err = s.Read(ctx, func(_ context.Context, tx tenant.Tx) error {
		at = tx.At
		return nil
	})
	return at, err
}

// Now is business time, as near as can be told without a transaction.
func (s *Stack) Now(ctx context.Context) (time.Time, error) {
	if !s.Ref.Sandbox {
		return s.host.config.Now().UTC().Truncate(time.Microsecond), nil
	}
	return s.Clock(ctx)
}

// Advance moves a sandbox's business time forward to an instant, stopping at
// everything that falls due on the way until it is worked. progress is told
// each stop and may be nil. It returns early when ctx ends; what was reached
// stays, and a later call goes on from there.
func (s *Stack) Advance(ctx context.Context, to time.Time, progress func(at time.Time)) error {
	if !s.Ref.Sandbox {
		return ErrLiveClock
	}
	to = to.UTC().Truncate(time.Microsecond)
	at, err := s.Clock(ctx)
	if err != nil {
		return err
	}
	if to.Before(at) {
		return fmt.Errorf("%w: it stands at %s", ErrClockGoesBack, at.Format(time.RFC3339))
	}
	for {
		if err := s.settle(ctx); err != nil {
			return err
		}
		reached, err := s.step(ctx, to)
		if err != nil {
			return err
		}
		if progress != nil {
			progress(reached)
		}
		if reached.Equal(to) {
			return s.settle(ctx)
		}
	}
}

// step moves the clock to what falls due next, or to the end.
func (s *Stack) step(ctx context.Context, to time.Time) (reached time.Time, err error) {
	err = s.Write(ctx, func(ctx context.Context, tx tenant.Tx) error {
		reached = to
		next, err := agenda.Next(ctx, tx)
		if err != nil {
			return err
		}
		if !next.IsZero() && next.Before(to) {
			reached = next
		}
		if reached.Before(tx.At) {
			reached = tx.At
		}
		if _, err := tx.Exec(ctx, `update clock set at = $1 where id = 1`, reached); err != nil {
			return err
		}
		tx.At = reached
		if next.IsZero() || next.After(reached) {
			return nil
		}
		return tx.Wake(ctx, reached)
	})
	return reached, err
}

// settlePause is how long settle waits for a lane that a job works already, or
// that has just failed.
const settlePause = 10 * time.Millisecond

// settle works what is due at the present business time until nothing is. It
// does what the lanes' jobs do, without waiting for the queue to come round: an
// item that fails for good is left behind for a person.
func (s *Stack) settle(ctx context.Context) error {
	for round := 0; ; round++ {
		var lanes []agenda.Lane
		err := s.Read(ctx, func(ctx context.Context, tx tenant.Tx) (err error) {
			lanes, err = agenda.DueLanes(ctx, tx)
			return err
		})
		if err != nil || len(lanes) == 0 {
			return err
		}
		if round > 0 {
			time.Sleep(settlePause)
		}
		for _, lane := range lanes {
			if err := s.workOff(ctx, lane); err != nil {
				return err
			}
		}
	}
}

// workOff works a lane until nothing is due in it. A failure is noted on its
// item, which is tried again until it has failed for good.
func (s *Stack) workOff(ctx context.Context, lane agenda.Lane) error {
	for {
		again, err := s.host.Work(ctx, s.Ref.ID, lane)
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if errors.Is(err, tenant.ErrUnreachable) {
			return err
		}
		if err != nil {
			s.host.config.Log.Warn("agenda item failed", "tenant", s.Ref.Name, "lane", lane, "error", err)
			time.Sleep(settlePause)
		} else if !again {
			return nil
		}
	}
}
