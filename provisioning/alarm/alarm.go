package alarm

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"tollhouse/billing/tenant"
	"tollhouse/tenants"
)

// Kind is what sort of thing went wrong.
type Kind string

// Alarm is one thing that went wrong.
type Alarm struct {
	ID             uuid.UUID
	Kind           Kind
	Severity       Severity
	Subject        uuid.UUID // what it is about: a machine, an enrolment, a piece of hardware ...
	Operator       tenant.ID // whose; zero: nobody's
	Detail         map[string]string
	State          State
	Count          int64
	RaisedAt       time.Time
	LastAt         time.Time
	AcknowledgedBy string
	AcknowledgedAt *time.Time
	ClearedAt      *time.Time
}

// Severity is how bad it is.
type Severity string

// The severities, the worst first.
const (
	Critical Severity = "critical" // service is lost, or will be within the hour
	Major    Severity = "major"    // a guarantee is at risk, or somebody tries a door
	Minor    Severity = "minor"    // wants a look in working hours
)

// State is whether somebody has taken it on.
type State string

// The states of an alarm.
const (
	Raised       State = "raised"
	Acknowledged State = "acknowledged"
	Cleared      State = "cleared"
)

// moves is the one table of what may follow what. What is raised again while
// somebody works on it stays with them.
var moves = map[State][]State{
	Raised:       {Acknowledged, Cleared},
	Acknowledged: {Cleared},
}

// May says whether a state may follow.
func (s State) May(to State) bool { return slices.Contains(moves[s], to) }

var (
	// ErrNotFound means that there is no such alarm.
	ErrNotFound = errors.New("no such alarm")
	// ErrState means that the alarm has been taken on, or cleared, already.
	ErrState = errors.New("the alarm is not in a state for that")
	// ErrCondition refuses to close an alarm whose cause is still there: it
	// clears itself when the cause is gone.
	ErrCondition = errors.New("the alarm's cause is still there; it clears itself when that is gone")
)

// Fault is what is raised.
type Fault struct {
	Kind     Kind
	Subject  uuid.UUID
	Operator tenant.ID         // zero: nobody's
	Detail   map[string]string // for people; no secrets
}

// Raise writes down a fault, or counts it where it is known already. A kind
// that is not in the table is a bug.
func Raise(ctx context.Context, tx tenants.Tx, f Fault) error {
	sort, known := sorts[f.Kind]
	if !known {
		return fmt.Errorf("raise %q: %w", f.Kind, errKind)
	}
	var operator *uuid.UUID
	if !f.Operator.IsZero() {
		operator = (*uuid.UUID)(&f.Operator)
	}
	detail, err := json.Marshal(f.Detail)
	if err != nil {
		return fmt.Errorf("raise %s: %w", f.Kind, err)
	}
	if f.Detail == nil {
		detail = []byte("{}")
	}
	// alarm_open decides between two who raise the same at once
	_, err = tx.Exec(ctx, `
		insert into alarm (id, kind, severity, subject, operator_id, detail, raised_at, last_at)
		values ($1, $2, $3, $4, $5, $6, $7, $7)
		on conflict (kind, subject) where state <> 'cleared'
		do update set count = alarm.count + 1, last_at = greatest(alarm.last_at, excluded.last_at), detail = excluded.detail`,
		uuid.Must(uuid.NewV7()), f.Kind, sort.severity, f.Subject, operator, detail, tx.At)
	if err != nil {
		return fmt.Errorf("raise %s: %w", f.Kind, err)
	}
	return nil
}

// errKind is a bug of whoever raises.
var errKind = errors.New("no such kind of alarm")

// Clear ends the alarm of a kind about a subject, if there is one: its cause is
// gone.
func Clear(ctx context.Context, tx tenants.Tx, kind Kind, subject uuid.UUID) error {
	_, err := tx.Exec(ctx, `update alarm set state = 'cleared', cleared_at = $3 where kind = $1 and subject = $2 and state <> 'cleared'`,
		kind, subject, tx.At)
	if err != nil {
		return fmt.Errorf("clear %s: %w", kind, err)
	}
	return nil
}

// Acknowledge says that somebody has taken an alarm on. Whoever does so again
// changes nothing.
func Acknowledge(ctx context.Context, tx tenants.Tx, by tenants.Actor, id uuid.UUID) (Alarm, error) {
	a, err := lock(ctx, tx, id)
	if err != nil || a.State == Acknowledged && a.AcknowledgedBy == by.Email {
		return a, err
	}
	if !a.State.May(Acknowledged) {
		return Alarm{}, fmt.Errorf("acknowledge alarm %s (%s): %w", id, a.State, ErrState)
	}
	a.State, a.AcknowledgedBy, a.AcknowledgedAt = Acknowledged, by.Email, &tx.At
	if err := change(ctx, tx, a); err != nil {
		return Alarm{}, err
	}
	return a, tenants.Record(ctx, tx, by, tenants.Entry{Action: "alarm.acknowledge", Object: a.ID, Detail: map[string]any{"kind": a.Kind}})
}

// Close ends an alarm that does not end by itself. Whoever does so again
// changes nothing.
func Close(ctx context.Context, tx tenants.Tx, by tenants.Actor, id uuid.UUID) (Alarm, error) {
	a, err := lock(ctx, tx, id)
	if err != nil || a.State == Cleared {
		return a, err
	}
	if a.Kind.Condition() {
		return Alarm{}, fmt.Errorf("close alarm %s: %w", id, ErrCondition)
	}
	a.State, a.ClearedAt = Cleared, &tx.At
	if err := change(ctx, tx, a); err != nil {
		return Alarm{}, err
	}
	return a, tenants.Record(ctx, tx, by, tenants.Entry{Action: "alarm.close", Object: a.ID, Detail: map[string]any{"kind": a.Kind}})
}

func change(ctx context.Context, tx tenants.Tx, a Alarm) error {
	done, err := tx.Exec(ctx, `update alarm set state = $2, acknowledged_by = $3, acknowledged_at = $4, cleared_at = $5 where id = $1`,
		a.ID, a.State, a.AcknowledgedBy, a.AcknowledgedAt, a.ClearedAt)
	if err == nil && done.RowsAffected() != 1 {
		err = ErrNotFound
	}
	if err != nil {
		return fmt.Errorf("change alarm %s: %w", a.ID, err)
	}
	return nil
}

func lock(ctx context.Context, tx tenants.Tx, id uuid.UUID) (Alarm, error) {
	return one(ctx, tx, `select `+columns+` from alarm where id = $1 for update`, id)
}

// Get reads an alarm; ErrNotFound if there is none.
func Get(ctx context.Context, tx tenants.Tx, id uuid.UUID) (Alarm, error) {
	return one(ctx, tx, `select `+columns+` from alarm where id = $1`, id)
}

func one(ctx context.Context, tx tenants.Tx, query string, id uuid.UUID) (Alarm, error) {
	rows, err := tx.Query(ctx, query, id)
	if err != nil {
		return Alarm{}, fmt.Errorf("read alarm %s: %w", id, err)
	}
	a, err := pgx.CollectExactlyOneRow(rows, scan)
	if errors.Is(err, pgx.ErrNoRows) {
		err = ErrNotFound
	}
	if err != nil {
		return Alarm{}, fmt.Errorf("alarm %s: %w", id, err)
	}
	return a, nil
}
