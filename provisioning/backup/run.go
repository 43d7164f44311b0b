package backup

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"tollhouse/billing/tenant"
	"tollhouse/provisioning"
	"tollhouse/tenants"
)

// Kind is what a run does.
type Kind string

// The kinds of runs.
const (
	Full        Kind = "full"
	Incremental Kind = "incremental"
	Drill       Kind = "drill"   // restores all beside the original, checks it, and takes it away
	Restore     Kind = "restore" // brings one operator's data of an instant back, beside the present
)

// Step is a part of a run that somebody watches.
type Step struct {
	Name    string     `json:"name"`
	BeganAt time.Time  `json:"began_at"`
	EndedAt *time.Time `json:"ended_at,omitempty"`
}

// Run is one backup, drill or restore.
type Run struct {
	ID       uuid.UUID
	Server   string
	Kind     Kind
	State    State
	Reason   string
	Label    string
	Operator *tenant.ID // of a restore
	At       *time.Time // as of when; nil: the newest
	Steps    []Step
	Result   map[string]any
	AskedBy  string
	AskedAt  time.Time
	DoneAt   *time.Time
}

// Errors of runs.
var (
	// ErrKind refuses a kind that there is not.
	ErrKind = errors.New("full, incremental, drill or restore is wanted")
	// ErrRuns means that one of the same kind is under way on this server.
	ErrRuns = errors.New("a run of this kind is under way")
	// ErrNoServer means that nobody reports backups of such a server.
	ErrNoServer = errors.New("no such database server")
	// ErrWhose refuses a restore that does not say whose data it wants.
	ErrWhose = errors.New("a restore names its operator, and nothing else does")
	// ErrInstant refuses an instant that can't be restored.
	ErrInstant = errors.New("an instant since the earliest backup, and not in the future, is wanted")
)

// Ask writes a run down; the server's keeper begins it soon.
func Ask(ctx context.Context, tx tenants.Tx, by tenants.Actor, r Run) (Run, error) {
	if !slices.Contains([]Kind{Full, Incremental, Drill, Restore}, r.Kind) {
		return Run{}, ErrKind
	}
	if (r.Kind == Restore) != (r.Operator != nil) || r.At != nil && r.Kind != Restore {
		return Run{}, ErrWhose
	}
	report, err := reportOf(ctx, tx, r.Server)
	if err != nil {
		return Run{}, err
	}
	if r.At != nil && (r.At.After(tx.At) || report.Earliest == nil || r.At.Before(*report.Earliest)) {
		return Run{}, ErrInstant
	}
	if r.Operator != nil {
		if _, err := provisioning.PlacedIn(ctx, tx, *r.Operator); err != nil {
			return Run{}, err
		}
	}
	r.ID, r.State, r.AskedBy, r.AskedAt, r.Steps, r.Result = uuid.Must(uuid.NewV7()), Wanted, by.String(), tx.At, []Step{}, map[string]any{}
	_, err = tx.Exec(ctx, `
		insert into backup_run (id, server, kind, state, operator_id, restore_to, asked_by, asked_at, touched_at)
		values ($1, $2, $3, 'asked', $4, $5, $6, $7, $7)`, r.ID, r.Server, r.Kind, r.Operator, r.At, r.AskedBy, tx.At)
	if pg, is := errors.AsType[*pgconn.PgError](err); is && pg.ConstraintName == "backup_run_one" {
		return Run{}, ErrRuns
	}
	if err != nil {
		return Run{}, fmt.Errorf("ask for a %s: %w", r.Kind, err)
	}
	return r, tenants.Record(ctx, tx, by, tenants.Entry{Action: "backup." + string(r.Kind), Object: r.ID, Detail: map[string]any{"server": r.Server, "operator": r.Operator, "at": r.At}})
}

// Runs reads what was done for a server, newest first.
func Runs(ctx context.Context, tx tenants.Tx, server string, limit int) ([]Run, error) {
	return runs(ctx, tx, `where server = $1 order by asked_at desc, id desc limit $2`, server, limit)
}

// LastRun is the newest run of a kind that is in one of the states; false if none.
func LastRun(ctx context.Context, tx tenants.Tx, server string, kind Kind, states ...State) (Run, bool, error) {
	found, err := runs(ctx, tx, `where server = $1 and kind = $2 and state = any ($3) order by asked_at desc limit 1`, server, kind, states)
	if err != nil || len(found) == 0 {
		return Run{}, false, err
	}
	return found[0], true, nil
}

func runs(ctx context.Context, tx tenants.Tx, which string, args ...any) ([]Run, error) {
	rows, err := tx.Query(ctx, `
		select id, server, kind, state, reason, label, operator_id, restore_to, steps, result, asked_by, asked_at, done_at
		  from backup_run `+which, args...)
	if err != nil {
		return nil, fmt.Errorf("read runs: %w", err)
	}
	found, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (r Run, err error) {
		err = row.Scan(&r.ID, &r.Server, &r.Kind, &r.State, &r.Reason, &r.Label, &r.Operator, &r.At, &r.Steps, &r.Result, &r.AskedBy, &r.AskedAt, &r.DoneAt)
		return r, err
	})
	if err != nil {
		return nil, fmt.Errorf("read runs: %w", err)
	}
	return found, nil
}
