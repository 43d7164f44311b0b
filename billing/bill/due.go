package bill

import (
	"context"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"

	"tollhouse/billing/account"
	"tollhouse/billing/calendar"
	"tollhouse/billing/tenant"
)

// ErrCycleOpen is returned for closing cycles that end on a day that has not
// come yet in the operator's zone.
var ErrCycleOpen = errors.New("the cycle is still open")

// ErrNothingEnds is returned for a day on which no cycle ends or ever ended:
// most likely the day is mistyped.
var ErrNothingEnds = errors.New("no cycle ends on that day")

// startable refuses a day to come.
func startable(ctx context.Context, tx tenant.Tx, cycleEnd calendar.Date) error {
	profile, err := account.GetProfile(ctx, tx)
	if err != nil {
		return err
	}
	if cycleEnd.After(profile.LocalDate(tx.At)) {
		return fmt.Errorf("cycles that end on %s: %w", cycleEnd, ErrCycleOpen)
	}
	return nil
}

// StartDue begins, by a person's command, the runs of all days on which cycles
// ended that are not closed yet, or of one day only, and puts those that have
// something to close on the agenda, due now. Accounts on a run's list of
// failures are tried again. A day to come is refused with ErrCycleOpen, one on
// which nothing ends with ErrNothingEnds. Where the operator wants runs
// approved, they stand as prepared by this person.
func StartDue(ctx context.Context, tx tenant.Tx, only calendar.Date, by string) ([]Run, error) {
	days := []calendar.Date{only}
	if only.IsZero() {
		var err error
		if days, err = dueDays(ctx, tx); err != nil {
			return nil, err
		}
	}
	runs := make([]Run, 0, len(days))
	for _, day := range days {
		run, err := Start(ctx, tx, day)
		if err != nil {
			return nil, err
		}
		if run.State == Prepared && run.PreparedBy == "" {
			if run, err = setRun(ctx, tx, run, `prepared_by = $2`, by); err != nil {
				return nil, err
			}
		}
		if run.Total == 0 && run.State == Running {
			return nil, fmt.Errorf("%s: %w", day, ErrNothingEnds)
		}
		if run, err = again(ctx, tx, run); err != nil {
			return nil, err
		}
		runs = append(runs, run)
	}
	return runs, nil
}

// again puts a run that is not done, or has failures to try, on the agenda.
func again(ctx context.Context, tx tenant.Tx, run Run) (Run, error) {
	if run.Failed > 0 {
		if _, err := Retry(ctx, tx, run.ID); err != nil {
			return Run{}, err
		}
	} else if run.State == Done {
		return run, nil
	}
	if err := Again(ctx, tx, run); err != nil {
		return Run{}, err
	}
	return GetRun(ctx, tx, run.ID)
}

// dueDays are the days up to today on which open cycles end.
// billing_account_due is walked up to today.
func dueDays(ctx context.Context, tx tenant.Tx) ([]calendar.Date, error) {
	profile, err := account.GetProfile(ctx, tx)
	if err != nil {
		return nil, err
	}
	rows, err := tx.Query(ctx, `
		select distinct cycle_end from billing_account
		where state = 'active' and cycle_end <= $1
		order by cycle_end`, profile.LocalDate(tx.At))
	if err != nil {
		return nil, fmt.Errorf("days with cycles to close: %w", err)
	}
	return pgx.CollectRows(rows, pgx.RowTo[calendar.Date])
}
