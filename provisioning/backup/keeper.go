package backup

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"tollhouse/provisioning"
	"tollhouse/tenants"
)

// Archive makes the backups of one server and restores from them.
type Archive interface {
	// Server is its name.
	Server() string
	// Backup makes a base backup, of all or of what changed since the last one.
	Backup(ctx context.Context, full bool) (result map[string]any, err error)
	// Report says what there is.
	Report(ctx context.Context) (Report, error)
	// Drill restores the newest there is beside the server, from the archive and
	// the escrowed key alone, checks every stack in it, and takes it away. A
	// check that fails is an error that says which.
	Drill(ctx context.Context, progress func(step string) error) (result map[string]any, err error)
	// Restore brings one operator's data of an instant back beside the present ones.
	Restore(ctx context.Context, r Run, at provisioning.Placed, progress func(step string) error) (result map[string]any, err error)
}

// Keeper has the backups of one server made when they are due.
type Keeper struct {
	db      *tenants.DB
	archive Archive
	every   time.Duration
	log     *slog.Logger
}

// NewKeeper looks every so often what is due.
func NewKeeper(db *tenants.DB, archive Archive, every time.Duration, log *slog.Logger) *Keeper {
	return &Keeper{db: db, archive: archive, every: every, log: log}
}

// Run keeps the backups until ctx ends.
func (k *Keeper) Run(ctx context.Context) {
	tick := time.NewTicker(k.every)
	defer tick.Stop()
	for {
		if err := k.Once(ctx); err != nil && ctx.Err() == nil {
			k.log.Error("backups not looked after", "server", k.archive.Server(), "error", err)
		}
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

// Once reports, and does what is asked for or due: one run at most.
func (k *Keeper) Once(ctx context.Context) error {
	if err := k.report(ctx); err != nil {
		return err
	}
	run, err := k.claim(ctx)
	if errors.Is(err, pgx.ErrNoRows) {
		if err := k.askDue(ctx); err != nil {
			return err
		}
		run, err = k.claim(ctx)
	}
	if errors.Is(err, pgx.ErrNoRows) {
		return nil
	}
	if err != nil {
		return err
	}
	k.work(ctx, run)
	return k.report(ctx)
}

func (k *Keeper) report(ctx context.Context) error {
	report, err := k.archive.Report(ctx)
	if err != nil {
		return fmt.Errorf("report: %w", err)
	}
	report.Server = k.archive.Server()
	return k.db.Write(ctx, func(ctx context.Context, tx tenants.Tx) error {
		if err := Note(ctx, tx, report); err != nil {
			return err
		}
		report, err := reportOf(ctx, tx, report.Server)
		if err != nil {
			return err
		}
		drill, found, err := LastRun(ctx, tx, report.Server, Drill, Done, Failed)
		if err != nil {
			return err
		}
		last := &drill
		if !found {
			last = nil
		}
		return tell(ctx, tx, report, faults(report, last, tx.At))
	})
}

// askDue writes down what is due and has not been asked for.
func (k *Keeper) askDue(ctx context.Context) error {
	return k.db.Write(ctx, func(ctx context.Context, tx tenants.Tx) error {
		report, err := reportOf(ctx, tx, k.archive.Server())
		if err != nil {
			return err
		}
		due := func(kind Kind, last *time.Time, every time.Duration) (bool, error) {
			if last != nil && tx.At.Sub(*last) < every {
				return false, nil
			}
			failed, found, err := LastRun(ctx, tx, report.Server, kind, Failed)
			if err != nil || found && tx.At.Sub(failed.AskedAt) < every/24 {
				return false, err // one that failed is tried again after a pause
			}
			return true, nil
		}
		drill, drilled, err := LastRun(ctx, tx, report.Server, Drill, Done, Failed)
		if err != nil {
			return err
		}
		var lastDrill *time.Time
		if drilled {
			lastDrill = &drill.AskedAt
		}
		for _, one := range []struct {
			kind  Kind
			last  *time.Time
			every time.Duration
		}{{Full, report.LastFull, fullEvery}, {Incremental, report.LastBackup, backupEvery}, {Drill, lastDrill, drillEvery}} {
			is, err := due(one.kind, one.last, one.every)
			if err != nil {
				return err
			}
			if is {
				_, err := Ask(ctx, tx, tenants.System, Run{Server: report.Server, Kind: one.kind})
				if errors.Is(err, ErrRuns) {
					continue
				}
				return err
			}
		}
		return nil
	})
}

// claim takes the oldest run that was asked for; pgx.ErrNoRows if there is
// none. Those that were left behind fail.
func (k *Keeper) claim(ctx context.Context) (run Run, err error) {
	err = k.db.Write(ctx, func(ctx context.Context, tx tenants.Tx) error {
		_, err := tx.Exec(ctx, `
			update backup_run set state = 'failed', reason = 'It was cut off.', done_at = $2
			 where server = $1 and state = 'running' and touched_at < $3`, k.archive.Server(), tx.At, tx.At.Add(-staleAfter))
		if err != nil {
			return err
		}
		var id uuid.UUID
		err = tx.QueryRow(ctx, `
			update backup_run set state = 'running', touched_at = $2
			 where id = (select id from backup_run where server = $1 and state = 'asked' order by asked_at, id limit 1 for update skip locked)
			returning id`, k.archive.Server(), tx.At).Scan(&id)
		if err != nil {
			return err
		}
		found, err := runs(ctx, tx, `where id = $1`, id)
		if err == nil {
			run = found[0]
		}
		return err
	})
	return run, err
}

func (k *Keeper) work(ctx context.Context, run Run) {
	release := k.hold(ctx, run.ID)
	result, err := k.do(ctx, run)
	release()
	if err != nil {
		k.log.Error("backup run failed", "server", run.Server, "kind", string(run.Kind), "error", err)
	} else {
		k.log.Info("backup run done", "server", run.Server, "kind", string(run.Kind))
	}
	last, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
	defer cancel()
	if err := k.finish(last, run, result, err); err != nil {
		k.log.Error("end of a backup run not written down", "server", run.Server, "error", err)
	}
}

func (k *Keeper) do(ctx context.Context, run Run) (map[string]any, error) {
	progress := k.progress(ctx, run)
	switch run.Kind {
	case Full, Incremental:
		if err := progress(string(run.Kind)); err != nil {
			return nil, err
		}
		return k.archive.Backup(ctx, run.Kind == Full)
	case Drill:
		return k.archive.Drill(ctx, progress)
	case Restore:
		var at provisioning.Placed
		err := k.db.Read(ctx, func(ctx context.Context, tx tenants.Tx) (err error) {
			at, err = provisioning.PlacedIn(ctx, tx, *run.Operator)
			return err
		})
		if err != nil {
			return nil, err
		}
		return k.archive.Restore(ctx, run, at, progress)
	}
	return nil, ErrKind
}

// hold touches a run while it is worked on.
func (k *Keeper) hold(ctx context.Context, id uuid.UUID) (release func()) {
	ctx, cancel := context.WithCancel(ctx)
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		tick := time.NewTicker(staleAfter / 6)
		defer tick.Stop()
		for {
			select {
			case <-ctx.Done():
				return
			case <-tick.C:
			}
			err := k.db.Write(ctx, func(ctx context.Context, tx tenants.Tx) error {
				_, err := tx.Exec(ctx, `update backup_run set touched_at = $2 where id = $1 and state = 'running'`, id, tx.At)
				return err
			})
			if err != nil && ctx.Err() == nil {
				k.log.Warn("backup run not touched", "error", err)
			}
		}
	}()
	return func() { cancel(); <-ended }
}

// progress ends the step before and begins another.
func (k *Keeper) progress(ctx context.Context, run Run) func(string) error {
	steps := []Step{}
	return func(name string) error {
		return k.db.Write(ctx, func(ctx context.Context, tx tenants.Tx) error {
			if n := len(steps); n > 0 && steps[n-1].EndedAt == nil {
				steps[n-1].EndedAt = &tx.At
			}
			steps = append(steps, Step{Name: name, BeganAt: tx.At})
			done, err := tx.Exec(ctx, `update backup_run set steps = $2, touched_at = $3 where id = $1 and state = 'running'`, run.ID, steps, tx.At)
			if err == nil && done.RowsAffected() != 1 {
				err = errCutOff
			}
			return err
		})
	}
}

func (k *Keeper) finish(ctx context.Context, run Run, result map[string]any, cause error) error {
	state, why := Done, ""
	if cause != nil {
		state, why = Failed, provisioning.ReasonOf(cause)
	}
	if result == nil {
		result = map[string]any{}
	}
	return k.db.Write(ctx, func(ctx context.Context, tx tenants.Tx) error {
		done, err := tx.Exec(ctx, `
			update backup_run
			   set state = $2, reason = $3, result = $4, done_at = $5, touched_at = $5,
			       steps = coalesce((select jsonb_agg(case when s ? 'ended_at' then s else s || jsonb_build_object('ended_at', $6::text) end) from jsonb_array_elements(steps) s), '[]')
			 where id = $1 and state = 'running'`, run.ID, state, why, result, tx.At, tx.At.Format(time.RFC3339Nano))
		if err != nil {
			return fmt.Errorf("finish run: %w", err)
		}
		if done.RowsAffected() != 1 {
			return errCutOff
		}
		return tenants.Record(ctx, tx, tenants.System, tenants.Entry{Action: "backup." + string(run.Kind) + "." + string(state), Object: run.ID,
			Detail: map[string]any{"server": run.Server, "reason": why}})
	})
}
