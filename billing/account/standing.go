package account

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"tollhouse/billing/tenant"
)

// StandingState is how the operator stands with the house that hosts it.
type StandingState string

// The states of an operator's standing.
const (
	OperatorActive    StandingState = "active"
	OperatorSuspended StandingState = "suspended"
	OperatorClosed    StandingState = "closed"
)

// Standing says what the stack may still do for its operator. It is carried
// here by provisioning; the stack obeys its own row and needs nobody to ask.
type Standing struct {
	State        StandingState
	Since        time.Time // wall time; zero for an active one
	ServiceUntil time.Time // wall time up to which service goes on; zero for an active one
}

// Act is what sort of change somebody wants to make.
type Act string

// The sorts of change.
const (
	// Manage is whatever users, keys and visitors change: sales, settings, money, bill runs.
	Manage Act = "manage"
	// Serve is what subscribers live on: usage taken in, charging, their own payments.
	Serve Act = "serve"
	// Secure is signing in and out, one's own password, factors and sessions.
	Secure Act = "secure"
)

// ErrSuspended refuses a change because of the operator's standing.
var ErrSuspended = errors.New("the operator is suspended: nothing can be changed until it stands well again")

// Refuses returns ErrSuspended if an act is not possible now, which is wall
// time: a suspended operator changes nothing, its subscribers are served until
// ServiceUntil, and everybody may always look to their own security.
func (s Standing) Refuses(act Act, now time.Time) error {
	switch {
	case s.State == OperatorActive, act == Secure:
		return nil
	case act == Serve && s.State == OperatorSuspended && now.Before(s.ServiceUntil):
		return nil
	}
	return ErrSuspended
}

// ReadOnly says whether the console shows and changes nothing.
func (s Standing) ReadOnly() bool { return s.State != OperatorActive }

const selectStanding = `
select standing, standing_since, service_until
  from operator
 where id = 1`

// GetStanding reads the standing alone, for those who need nothing else of the
// profile; ErrNotSetUp if there is no operator.
func GetStanding(ctx context.Context, tx tenant.Tx) (Standing, error) {
	var s Standing
	var since, until *time.Time
	err := tx.QueryRow(ctx, selectStanding).Scan(&s.State, &since, &until)
	if errors.Is(err, pgx.ErrNoRows) {
		return Standing{}, ErrNotSetUp
	}
	if err != nil {
		return Standing{}, fmt.Errorf("read standing: %w", err)
	}
	s.setTimes(since, until)
	return s, nil
}

func (s *Standing) setTimes(since, until *time.Time) {
	if since != nil && until != nil {
		s.Since, s.ServiceUntil = since.UTC(), until.UTC()
	}
}

// SetStanding writes the standing as the control plane's change number no says,
// unless a later one is here already; it says whether it changed anything.
func SetStanding(ctx context.Context, tx tenant.Tx, no int64, s Standing) (bool, error) {
	var since, until *time.Time
	if s.State != OperatorActive {
		since, until = &s.Since, &s.ServiceUntil
	}
	done, err := tx.Exec(ctx, `
		update operator
		   set standing = $1, standing_since = $2, service_until = $3, standing_no = $4
		 where id = 1 and standing_no < $4`, s.State, since, until, no)
	if err != nil {
		return false, fmt.Errorf("write standing: %w", err)
	}
	return done.RowsAffected() == 1, nil
}
