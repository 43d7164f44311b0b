package bill

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/google/uuid"

	"tollhouse/billing/tenant"
)

// RunState is where a bill run stands.
//
//	                 Approve              all closed or failed
//	prepared ──────────────────▶ running ──────────────────────▶ done
//	                              │   ▲                            │
//	                     PauseRun ▼   │ ResumeRun                  │
//	                             paused         running ◀── Retry ─┘
//
// Without approval a run begins as running.
type RunState string

// The states of a run.
const (
	Prepared RunState = "prepared"
	Running  RunState = "running"
	Paused   RunState = "paused"
	Done     RunState = "done"
)

// Errors of runs' states.
var (
	// ErrRunState means that the run is in a state that does not allow it.
	ErrRunState = errors.New("the bill run is in a state that does not allow this")
	// ErrOwnRun means that whoever prepared a run wants to approve it.
	ErrOwnRun = errors.New("whoever prepared a bill run does not approve it: somebody else's word is needed")
)

// Approve lets a prepared run go on, by somebody else's word than that of whoever
// prepared it, and puts it on the agenda.
func Approve(ctx context.Context, tx tenant.Tx, id uuid.UUID, by string) (Run, error) {
	run, err := lockRun(ctx, tx, id, Prepared)
	if err != nil {
		return Run{}, err
	}
	if run.PreparedBy != "" && run.PreparedBy == by {
		return Run{}, fmt.Errorf("bill run of %s: %w", run.CycleEnd, ErrOwnRun)
	}
	return setRun(ctx, tx, run, `state = 'running', approved_by = $2, approved_at = $3`, by, tx.At)
}

// PauseRun stops a run after the portion under way: what is closed stays closed.
func PauseRun(ctx context.Context, tx tenant.Tx, id uuid.UUID, by string) (Run, error) {
	run, err := lockRun(ctx, tx, id, Running)
	if err != nil {
		return Run{}, err
	}
	return setRun(ctx, tx, run, `state = 'paused', paused_by = $2`, by)
}

// ResumeRun lets a paused run go on where it stopped.
func ResumeRun(ctx context.Context, tx tenant.Tx, id uuid.UUID) (Run, error) {
	run, err := lockRun(ctx, tx, id, Paused)
	if err != nil {
		return Run{}, err
	}
	return setRun(ctx, tx, run, `state = 'running', paused_by = ''`)
}

// lockRun holds a run that is in one of some states; ErrRunState if it is in
// another.
func lockRun(ctx context.Context, tx tenant.Tx, id uuid.UUID, in ...RunState) (Run, error) {
	run, err := oneRun(ctx, tx, `select `+runColumns+` from bill_run where id = $1 for update`, id)
	if err != nil {
		return Run{}, err
	}
	if !slices.Contains(in, run.State) {
		return Run{}, fmt.Errorf("bill run of %s is %s: %w", run.CycleEnd, run.State, ErrRunState)
	}
	return run, nil
}

func setRun(ctx context.Context, tx tenant.Tx, run Run, set string, args ...any) (Run, error) {
	done, err := tx.Exec(ctx, `update bill_run set `+set+` where id = $1`, append([]any{run.ID}, args...)...)
	if err != nil {
		return Run{}, fmt.Errorf("move bill run of %s: %w", run.CycleEnd, err)
	}
	if done.RowsAffected() != 1 {
		return Run{}, ErrNoRun
	}
	run, err = GetRun(ctx, tx, run.ID)
	if err == nil && run.State == Running {
		err = Again(ctx, tx, run)
	}
	return run, err
}
