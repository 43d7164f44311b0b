package account_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"tollhouse/billing/account"
	"tollhouse/billing/tenant"
	"tollhouse/infra/postgres/pgtest"
)

func TestStanding_refuses(t *testing.T) {
	t.Parallel()
	until := time.Date(2026, 6, 1, 12, 0, 0, 0, time.UTC)
	suspended := account.Standing{State: account.OperatorSuspended, Since: until.AddDate(0, 0, -14), ServiceUntil: until}
	closed := suspended
	closed.State = account.OperatorClosed
	before, after := until.Add(-time.Microsecond), until
	for name, row := range map[string]struct {
		standing account.Standing
		act      account.Act
		at       time.Time
		refused  bool
	}{
		"active, console":              {account.Standing{State: account.OperatorActive}, account.Manage, before, false},
		"active, service":              {account.Standing{State: account.OperatorActive}, account.Serve, after, false},
		"suspended, console":           {suspended, account.Manage, before, true},
		"suspended, service":           {suspended, account.Serve, before, false},
		"suspended, service has ended": {suspended, account.Serve, after, true},
		"suspended, security for good": {suspended, account.Secure, after, false},
		"closed, console":              {closed, account.Manage, before, true},
		"closed, service":              {closed, account.Serve, before, true},
		"closed, security":             {closed, account.Secure, after, false},
		"nothing known":                {account.Standing{}, account.Manage, before, true},
	} {
		if err := row.standing.Refuses(row.act, row.at); errors.Is(err, account.ErrSuspended) != row.refused {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// What the control plane said last holds, in whatever order it arrives.
func TestSetStanding_lateOnesChangeNothing(t *testing.T) {
	t.Parallel()
	db := pgtest.Tenant(t)
	since := time.Date(2026, 5, 1, 0, 0, 0, 0, time.UTC)
	suspended := account.Standing{State: account.OperatorSuspended, Since: since, ServiceUntil: since.AddDate(0, 0, 14)}
	active := account.Standing{State: account.OperatorActive}
	for _, step := range []struct {
		no      int64
		to      account.Standing
		changed bool
		after   account.Standing
	}{
		{2, active, true, active},
		{1, suspended, false, active},
		{3, suspended, true, suspended},
		{3, active, false, suspended},
		{4, active, true, active},
	} {
		db.Write(t, func(ctx context.Context, tx tenant.Tx) error {
			changed, err := account.SetStanding(ctx, tx, step.no, step.to)
			if err != nil || changed != step.changed {
				t.Errorf("number %d: changed %v, %v", step.no, changed, err)
			}
			return nil
		})
		db.Read(t, func(ctx context.Context, tx tenant.Tx) error {
			got, err := account.GetStanding(ctx, tx)
			if err != nil || got != step.after {
				t.Errorf("after number %d: %+v, %v", step.no, got, err)
			}
			profile, err := account.GetProfile(ctx, tx)
			if err != nil || profile.Standing != got {
				t.Errorf("profile after number %d: %+v, %v", step.no, profile.Standing, err)
			}
			return nil
		})
	}
}
