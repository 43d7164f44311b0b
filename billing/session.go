package billing

import (
	"context"
	"errors"
	"fmt"

	"tollhouse/billing/agenda"
	"tollhouse/billing/charging"
	"tollhouse/billing/charging/session"
	"tollhouse/billing/tenant"
)

// Network tells the asker of a charging session something, at the address that
// it gave. An address that must not be called is an error.
type Network interface {
	Tell(ctx context.Context, n charging.Notice) error
}

// ErrNoNetwork means that this host cannot call the network.
var ErrNoNetwork = errors.New("no way to the network is set up")

// Step answers one request of a charging session.
func (s *Stack) Step(ctx context.Context, step session.Step) (session.Answer, error) {
	return s.host.online.Step(ctx, s.Ref, step)
}

const sweepSessionsAtOnce = 1_000

func (s *Stack) sweepSessions(ctx context.Context) (again bool, err error) {
	err = s.Write(ctx, func(ctx context.Context, tx tenant.Tx) error {
		again, err = s.host.charging.SweepSessions(ctx, tx, sweepSessionsAtOnce)
		return err
	})
	return again, err
}

// tellSession tells an asker what stands on the agenda. The call is made
// outside any transaction; told twice is no harm, the asker only asks again.
func (s *Stack) tellSession(ctx context.Context, item agenda.Item) error {
	var notice charging.Notice
	err := s.Read(ctx, func(ctx context.Context, tx tenant.Tx) (err error) {
		notice, err = charging.FindNotice(ctx, tx, item.Ref)
		return err
	})
	if errors.Is(err, charging.ErrNoNotice) || err == nil && notice.State != charging.NoticeWaiting {
		return nil
	}
	if err != nil {
		return err
	}
	cause := ErrNoNetwork
	if s.host.config.Network != nil {
		cause = s.host.config.Network.Tell(ctx, notice)
	}
	last := item.Attempts+1 >= agenda.MaxAttempts
	err = s.Write(ctx, func(ctx context.Context, tx tenant.Tx) error {
		return charging.NoticeTried(ctx, tx, notice.ID, cause, last)
	})
	if err != nil || last || cause == nil {
		return err
	}
	return fmt.Errorf("tell the network of session %s: %w", notice.Session, cause)
}
