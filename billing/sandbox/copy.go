package sandbox

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"tollhouse/billing/audit"
	"tollhouse/billing/tenant"
)

// State is how far a copy is.
type State string

// The states of a copy.
const (
	Asked   State = "asked"
	Running State = "running"
	Done    State = "done"
	Failed  State = "failed"
)

// Copy is a copy that somebody asked for.
type Copy struct {
	ID          uuid.UUID
	Name        string // of the copy, in paths and host names
	State       State
	Step        string // what is being copied
	Done, Total int    // tables
	Reason      string // why it failed, or is being tried again
	AskedBy     string // the audit's name
	AskedAt     time.Time
	FinishedAt  *time.Time
}

// Open says whether it is still on its way.
func (c Copy) Open() bool { return c.State == Asked || c.State == Running }

// Errors of copies.
var (
	// ErrNoCopy means that nobody has asked for a copy yet.
	ErrNoCopy = errors.New("no copy was asked for")
	// ErrCopyOfCopy refuses to copy what is a copy itself.
	ErrCopyOfCopy = errors.New("this is a copy itself: copy the original")
)

// Suffix ends the name of every copy.
const Suffix = "-sandbox"

// maxName is how long a tenant's name may be.
const maxName = 40

// NameOf is what the copy of a stack is called.
func NameOf(stack string) string { return stack[:min(len(stack), maxName-len(Suffix))] + Suffix }

// Ask asks the control plane for a copy of this stack, called stack. Asking
// again while one is on its way gives that one.
func Ask(ctx context.Context, tx tenant.Tx, by audit.Caller, stack string) (Copy, error) {
	if IsCopy(stack) {
		return Copy{}, ErrCopyOfCopy
	}
	c := Copy{ID: uuid.Must(uuid.NewV7()), Name: NameOf(stack), State: Asked, AskedBy: by.Actor, AskedAt: by.WallAt.UTC().Truncate(time.Microsecond)}
	done, err := tx.Exec(ctx, `
		insert into sandbox_copy (id, name, state, asked_by, asked_at)
		values ($1, $2, 'asked', $3, $4)
		on conflict do nothing`, c.ID, c.Name, c.AskedBy, c.AskedAt)
	if err != nil {
		return Copy{}, fmt.Errorf("ask for a copy: %w", err)
	}
	if err := tx.AskControl(ctx, c.AskedAt); err != nil {
		return Copy{}, err
	}
	if done.RowsAffected() == 0 {
		return Latest(ctx, tx)
	}
	return c, audit.Record(ctx, tx, audit.Entry{Caller: by, Action: "sandbox.ask", Object: "sandbox_copy", ObjectID: c.ID, Detail: map[string]any{"name": c.Name}})
}

const selectCopy = `
	select id, name, state, step, done, total, reason, asked_by, asked_at, finished_at
	  from sandbox_copy `

// Latest reads the newest copy asked for; ErrNoCopy if there is none.
func Latest(ctx context.Context, tx tenant.Tx) (Copy, error) {
	return one(ctx, tx, selectCopy+`order by id desc limit 1`)
}

// Wanted reads the copy that is on its way; ErrNoCopy if none is.
func Wanted(ctx context.Context, tx tenant.Tx) (Copy, error) {
	return one(ctx, tx, selectCopy+`where state in ('asked', 'running')`)
}

func one(ctx context.Context, tx tenant.Tx, query string) (Copy, error) {
	rows, err := tx.Query(ctx, query)
	if err != nil {
		return Copy{}, fmt.Errorf("read copy: %w", err)
	}
	c, err := pgx.CollectExactlyOneRow(rows, func(row pgx.CollectableRow) (Copy, error) {
		var c Copy
		err := row.Scan(&c.ID, &c.Name, &c.State, &c.Step, &c.Done, &c.Total, &c.Reason, &c.AskedBy, &c.AskedAt, &c.FinishedAt)
		c.AskedAt = c.AskedAt.UTC()
		return c, err
	})
	if errors.Is(err, pgx.ErrNoRows) {
		return Copy{}, ErrNoCopy
	}
	if err != nil {
		return Copy{}, fmt.Errorf("read copy: %w", err)
	}
	return c, nil
}

// Report is how far a copy is, told by whoever makes it.
type Report struct {
	ID          uuid.UUID
	State       State
	Step        string
	Done, Total int
	Reason      string
	At          time.Time // wall time
}

// Tell writes down how far a copy is. One that has ended stays as it is.
func Tell(ctx context.Context, tx tenant.Tx, r Report) error {
	var finished *time.Time
	if r.State == Done || r.State == Failed {
		at := r.At.UTC().Truncate(time.Microsecond)
		finished = &at
	}
	_, err := tx.Exec(ctx, `
		update sandbox_copy
		   set state = $2, step = $3, done = greatest(done, $4), total = greatest(total, $5), reason = $6,
		       began_at = coalesce(began_at, $7), finished_at = $8
		 where id = $1 and state in ('asked', 'running')`, r.ID, r.State, r.Step, r.Done, r.Total, r.Reason, r.At.UTC(), finished)
	if err != nil {
		return fmt.Errorf("tell of copy: %w", err)
	}
	return nil
}

// IsCopy says whether a stack of this name is a copy itself.
func IsCopy(stack string) bool { return strings.HasSuffix(stack, Suffix) }
