package bill

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"tollhouse/billing/agenda"
	"tollhouse/billing/calendar"
	"tollhouse/billing/tenant"
)

// ErrNoRun is returned for a run that does not exist.
var ErrNoRun = errors.New("no such bill run")

// Run closes all cycles that end on one day.
type Run struct {
	ID         uuid.UUID
	CycleEnd   calendar.Date
	State      RunState
	Total      int // accounts that were due when the run began, or all it had once done
	Done       int // closed, with or without a document
	Failed     int // on the list of failures
	StartedAt  time.Time
	FinishedAt *time.Time
	PreparedBy string // an actor; empty: it came by itself
	ApprovedBy string
	ApprovedAt *time.Time
	PausedBy   string
}

// Detail is what an agenda item of kind BillRun carries.
type Detail struct {
	CycleEnd calendar.Date `json:"cycle_end"`
}

// runSpace makes an agenda reference of a day, so that a day is on the agenda once.
var runSpace = uuid.MustParse("6f0c3a52-5a0e-4f0d-8f6b-6d0f4f1f6b1a")

// Schedule puts the runs of cycles that end on these days on the agenda, due
// at the first instant of the day in the operator's zone. A day that is there
// already stays as it is.
func Schedule(ctx context.Context, tx tenant.Tx, zone *time.Location, cycleEnds ...calendar.Date) error {
	for _, day := range cycleEnds {
		err := agenda.Add(ctx, tx, agenda.Item{
			Kind: agenda.BillRun, Ref: uuid.NewSHA1(runSpace, []byte(day.String())),
			DueAt: day.Start(zone).UTC(), Detail: Detail{day},
		})
		if err != nil {
			return fmt.Errorf("schedule bill run of %s: %w", day, err)
		}
	}
	return nil
}

// Start begins the run of a day, or finds the one that has begun. A day to come
// is refused with ErrCycleOpen.
func Start(ctx context.Context, tx tenant.Tx, cycleEnd calendar.Date) (Run, error) {
	if err := startable(ctx, tx, cycleEnd); err != nil {
		return Run{}, err
	}
	_, err := tx.Exec(ctx, `
		insert into bill_run (id, cycle_end, state, total, started_at)
		values ($1, $2, (select case when run_approval then 'prepared' else 'running' end from operator where id = 1), (select count(*) from billing_account where state = 'active' and cycle_end = $2), $3)
		on conflict (cycle_end) do nothing`, uuid.Must(uuid.NewV7()), cycleEnd, tx.At)
	if err != nil {
		return Run{}, fmt.Errorf("start bill run of %s: %w", cycleEnd, err)
	}
	return oneRun(ctx, tx, `select `+runColumns+` from bill_run where cycle_end = $1`, cycleEnd)
}

const runColumns = `id, cycle_end, state, total, done, failed, started_at, finished_at, prepared_by, approved_by, approved_at, paused_by`

// GetRun tells how far a run is.
func GetRun(ctx context.Context, tx tenant.Tx, id uuid.UUID) (Run, error) {
	return oneRun(ctx, tx, `select `+runColumns+` from bill_run where id = $1`, id)
}

// Runs lists the latest runs, newest first.
func Runs(ctx context.Context, tx tenant.Tx, limit int) ([]Run, error) {
	rows, err := tx.Query(ctx, `select `+runColumns+` from bill_run order by cycle_end desc limit $1`, limit)
	if err != nil {
		return nil, fmt.Errorf("list bill runs: %w", err)
	}
	return pgx.CollectRows(rows, pgx.RowToStructByPos[Run])
}

func oneRun(ctx context.Context, tx tenant.Tx, query string, key any) (Run, error) {
	rows, err := tx.Query(ctx, query, key)
	if err != nil {
		return Run{}, fmt.Errorf("read bill run: %w", err)
	}
	run, err := pgx.CollectExactlyOneRow(rows, pgx.RowToStructByPos[Run])
	if errors.Is(err, pgx.ErrNoRows) {
		return Run{}, ErrNoRun
	}
	return run, err
}

// Failure is an account that a run could not close, and why.
type Failure struct {
	AccountID uuid.UUID
	Number    string
	Reason    string
	At        time.Time
}

// Failures lists a run's open failures by account number.
func Failures(ctx context.Context, tx tenant.Tx, run uuid.UUID, limit int) ([]Failure, error) {
	rows, err := tx.Query(ctx, `
		select f.account_id, a.number, f.reason, f.at
		from bill_run_failure f
		join billing_account a on a.id = f.account_id
		where f.run_id = $1 and f.resolved_at is null
		order by a.number
		limit $2`, run, limit)
	if err != nil {
		return nil, fmt.Errorf("list failures: %w", err)
	}
	return pgx.CollectRows(rows, pgx.RowToStructByPos[Failure])
}

// Retry takes a run's failures off its list and the run back to running, for
// when their cause is mended. It says how many accounts will be tried again;
// the caller puts the run on the agenda (Again). One that waits for a second
// person or is paused is refused with ErrRunState: a retry is no way round them.
func Retry(ctx context.Context, tx tenant.Tx, run uuid.UUID) (int, error) {
	if _, err := lockRun(ctx, tx, run, Running, Done); err != nil {
		return 0, err
	}
	var n int
	err := tx.QueryRow(ctx, `
		with freed as (
		    update bill_run_failure set resolved_at = $2
		    where run_id = $1 and resolved_at is null
		    returning account_id
		)
		update bill_run
		   set failed = 0, state = 'running', finished_at = null
		 where id = $1
		returning (select count(*) from freed)`, run, tx.At).Scan(&n)
	if err != nil {
		return 0, fmt.Errorf("retry bill run: %w", err)
	}
	return n, nil
}

// Again puts a run that was retried on the agenda, due now.
func Again(ctx context.Context, tx tenant.Tx, run Run) error {
	return agenda.Again(ctx, tx, agenda.BillRun, uuid.NewSHA1(runSpace, []byte(run.CycleEnd.String())), Detail{run.CycleEnd})
}

// Reschedule lays the runs that wait for a day to that day's first instant in
// another zone.
func Reschedule(ctx context.Context, tx tenant.Tx, zone *time.Location) error {
	rows, err := tx.Query(ctx, `select distinct (detail ->> 'cycle_end')::date from agenda where kind = $1 and state = 'due' and due_at > $2`, agenda.BillRun, tx.At)
	if err != nil {
		return fmt.Errorf("list bill runs to come: %w", err)
	}
	days, err := pgx.CollectRows(rows, pgx.RowTo[calendar.Date])
	if err != nil {
		return fmt.Errorf("list bill runs to come: %w", err)
	}
	for _, day := range days {
		_, err := tx.Exec(ctx, `
			update agenda set state = 'done', done_at = $3
			 where kind = $1 and ref = $2 and state = 'due' and due_at > $3 and due_at <> $4`,
			agenda.BillRun, uuid.NewSHA1(runSpace, []byte(day.String())), tx.At, day.Start(zone))
		if err != nil {
			return fmt.Errorf("take back bill run of %s: %w", day, err)
		}
	}
	return Schedule(ctx, tx, zone, days...)
}
